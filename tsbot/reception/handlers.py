"""Which accounts belong to those who work on cases, and whether a report names one: then it is not for its owner."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, select

from tsbot.reception.said import Said
from tsbot.settings import Settings
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.text.titles import canonical_name

SHORTEST = 3
"""Letters of a name that is sought in texts; shorter ones are words of some language."""


def accounts(connection: Connection, key: MasterKey, settings: Settings) -> tuple[str, ...]:
    """User names of all who work on cases: those of the settings, and of everybody who has signed in to the console."""
    named = {canonical_name(name) for names in settings.people.values() for name in names}
    for row in connection.execute(select(t.person.c.id, t.person.c.name)):
        named.add(canonical_name(key.unseal_queue(row.name, f"person|name|{row.id}").decode("utf-8", "replace")))
    return tuple(sorted(named - {""}))


def named_in(said: Said, names: Iterable[str]) -> tuple[str, ...]:
    """Those of some accounts that a report names, wherever it does, as accused or in the text. Its own sender is none of them."""
    told = {canonical_name(said.accused), canonical_name(said.target)}
    text = _plain("\n".join((said.text, said.links, said.hope)))
    own = canonical_name(said.account)
    found = []
    for name in names:
        if name == own:
            continue
        if name in told or (len(name) >= SHORTEST and re.search(rf"(?<!\w){re.escape(_plain(name))}(?!\w)", text)):
            found.append(name)
    return tuple(found)


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").replace("%20", " ").casefold().split())
