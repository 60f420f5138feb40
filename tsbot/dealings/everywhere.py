"""Two accounts on all wikis where both have edits, and what was done against an account: blocks of each wiki, locks and global blocks."""

from __future__ import annotations

from dataclasses import dataclass

from tsbot.dealings.asking import Farm
from tsbot.dealings.meeting import SINCE_DAYS, Meeting, meet
from tsbot.errors import InputError, WikiError
from tsbot.text.titles import canonical_name
from tsbot.wiki.footprint import Attached, GlobalAccount
from tsbot.wiki.history import LogEntry

MOST_WIKIS, MOST_LOG = 20, 50
LOCAL_LOGS = frozenset(("block",))
GLOBAL_LOGS = frozenset(("globalauth", "gblblock", "globalrights"))
Home = tuple[str, str]
"""Database name of a wiki, and the address of its server; the latter may be empty."""


@dataclass(frozen=True, slots=True)
class OnWiki:
    """The dealings of two accounts on one wiki; ``met`` is None where it did not answer."""

    wiki: str
    met: Meeting | None


@dataclass(frozen=True, slots=True)
class Everywhere:
    """The dealings of two accounts, wiki by wiki: those first on which both did much."""

    accounts: tuple[str, str]
    wikis: tuple[OnWiki, ...]
    more: int
    """Wikis on which both have edits and that were not asked, since there are too many."""


@dataclass(frozen=True, slots=True)
class Sanction:
    """An entry of a log against an account."""

    wiki: str
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class Sanctions:
    """What was done against an account, and taken back, newest first."""

    account: str
    locked: bool | None
    """Whether it is locked everywhere now; None where no wiki tells."""
    entries: tuple[Sanction, ...]
    silent: tuple[str, ...]
    """Wikis that did not answer."""
    more: int
    """Wikis on which it has edits and that were not asked."""


def meet_everywhere(farm: Farm, home: Home, first: str, second: str, now: float, *, days: float = SINCE_DAYS) -> Everywhere:
    """The dealings of two accounts on ``home`` and on all wikis where both have edits.

    Raises ``InputError``, and ``WikiError`` where ``home`` does not answer.
    """
    names = (canonical_name(first), canonical_name(second))
    if not all(names) or names[0] == names[1]:
        raise InputError("Name two accounts.")
    found = [OnWiki(home[0], meet(farm.open(*home), *names, now, days=days))]
    one, two = (_attached(_central(farm, name)[0]) for name in names)
    common = sorted(one.keys() & two.keys() - {home[0]}, key=lambda wiki: (-min(one[wiki].edits, two[wiki].edits), wiki))
    for wiki in common[: MOST_WIKIS - 1]:
        try:
            found.append(OnWiki(wiki, meet(farm.open(wiki, one[wiki].url), *names, now, days=days)))
        except WikiError:
            found.append(OnWiki(wiki, None))
    return Everywhere(names, tuple(found), max(0, len(common) - MOST_WIKIS + 1))


def sanctions(farm: Farm, home: Home, name: str) -> Sanctions:
    """Blocks of an account on ``home`` and on wikis where it has edits, and its locks and global blocks. Raises ``InputError``."""
    account = canonical_name(name)
    if not account:
        raise InputError("Name an account.")
    everywhere, answered = _central(farm, account)
    attached = _attached(everywhere)
    others = sorted(attached.keys() - {home[0]}, key=lambda wiki: (-attached[wiki].edits, wiki))
    entries: list[Sanction] = []
    silent = [] if answered else [farm.central_wiki]
    asked = [home, *((wiki, attached[wiki].url) for wiki in others[: MOST_WIKIS - 1])]
    for place in asked:
        try:
            entries += _of(farm, place, (f"User:{account}",), LOCAL_LOGS)
        except WikiError:
            silent.append(place[0])
    if everywhere is not None:
        try:
            entries += _of(farm, (farm.central_wiki, ""), (f"User:{account}@global", f"User:{account}"), GLOBAL_LOGS)
        except WikiError:
            silent.append(farm.central_wiki)
    newest = sorted(entries, key=lambda one: -one.entry.time)
    locked = everywhere.locked if everywhere is not None else None
    return Sanctions(account, locked, tuple(newest), tuple(dict.fromkeys(silent)), max(0, len(others) - MOST_WIKIS + 1))


def _central(farm: Farm, name: str) -> tuple[GlobalAccount | None, bool]:
    """An account on all wikis, and whether the central wiki answered."""
    try:
        return farm.central(name), True
    except WikiError:
        return None, False


def _of(farm: Farm, place: Home, titles: tuple[str, ...], logs: frozenset[str]) -> list[Sanction]:
    wiki = farm.open(*place)
    return [Sanction(place[0], one) for title in titles for one in wiki.log_of_title(title, MOST_LOG) if one.log_type in logs]


def _attached(account: GlobalAccount | None) -> dict[str, Attached]:
    """Wikis on which an account has edits."""
    return {one.wiki: one for one in account.attached if one.edits} if account is not None and account.exists else {}
