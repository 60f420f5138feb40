"""What has to be asked of wikis to verify something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tsbot.settings import Settings
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.footprint import GlobalAccount
from tsbot.wiki.footprint_reader import FootprintReader
from tsbot.wiki.history import Histories, PageRef
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.patient import Patient


class Pages(Histories, Protocol):
    """A wiki's past, and finding pages on it. Every method raises as those of :class:`Histories`."""

    def prefixed(self, prefix: str, namespace: int, most: int) -> list[PageRef]:
        """Pages of a namespace whose titles, without the namespace, begin so."""

    def containing(self, phrase: str, most: int) -> list[PageRef]:
        """Pages on which the wiki's own search finds a phrase."""


OpenWiki = Callable[[str, str], Pages]
"""Of a wiki (database name, address of its server), what reads it."""
AskCentral = Callable[[str], GlobalAccount | None]
"""An account on all wikis; None where there is no CentralAuth. Raises ``WikiError``."""


@dataclass(frozen=True)
class Farm:
    """All wikis together."""

    open: OpenWiki
    central: AskCentral
    central_wiki: str
    """Where locks and global blocks are logged."""


def farm_of(settings: Settings, api: Api, budget: Budget, sleep: Callable[[float], object]) -> Farm:
    """The wikis of the settings; touches none of them yet."""
    central_wiki = settings.console.central_wiki

    def open_wiki(wiki: str, server_url: str) -> Pages:
        return ApiHistories(api, wiki, budget, sleep, server_url=server_url, concurrency=settings.wiki.concurrency)

    def central(name: str) -> GlobalAccount | None:
        return FootprintReader(Patient(api, central_wiki, budget, sleep)).central(name)

    return Farm(open_wiki, central, central_wiki)
