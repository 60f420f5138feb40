"""The plan of what to hide, where the part of tsbot that makes plans is installed and a wiki can be asked."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tsbot.cases.flag import Flag
from tsbot.console.console import AskHistories
from tsbot.errors import TsbotError


@dataclass(frozen=True, slots=True)
class HidePlan:
    """A plan as the page shows it; what the text shows in it is left out."""

    lines: tuple[str, ...]
    links: tuple[tuple[str, int], ...]
    """Addresses of Special:RevisionDelete, each with how many revisions it is about."""
    trouble: str = ""
    """Why there is none."""


def available() -> bool:
    """Whether plans can be made at all."""
    return _part("asked") is not None


def plan(flags: Sequence[Flag], histories: AskHistories | None) -> HidePlan:
    """What to hide for the flags on one subject. Never raises for a wiki that does not answer: the page says so."""
    asked, suggest, view = (_part(name) for name in ("asked", "suggest", "view"))
    if asked is None or suggest is None or view is None or histories is None or not flags:
        return HidePlan((), (), "off")
    content = flags[0].content
    try:
        made = suggest.suggest(asked.from_flags(flags), histories(flags[0].wiki, content.server_url if content else ""))
        told = view.plain(made)
    except TsbotError as error:
        return HidePlan((), (), str(error))
    links = [link for page in told["pages"] for link in page["links"]] + list(told["log_links"])
    return HidePlan(
        tuple(line for line in view.lines(made) if "://" not in line), tuple((link["url"], len(link["ids"])) for link in links)
    )


def _part(name: str) -> Any | None:
    try:
        return importlib.import_module(f"tsbot.hide.{name}")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("tsbot.hide"):
            return None
        raise
