"""Where and when two accounts met on a wiki: pages in common, first contact, who reverted whom, and what the logs say of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tsbot.errors import InputError
from tsbot.text.titles import canonical_name, page_owner
from tsbot.wiki.history import Histories, LogEntry, PageRef, Revision

DAY = 86400.0
SINCE_DAYS = 365
MOST_EDITS, MOST_PAGES, MOST_REVISIONS, MOST_LOG = 1_000, 10, 500, 20


@dataclass(frozen=True, slots=True)
class Page:
    """A page on which both edited."""

    title: str
    edits: tuple[int, int]
    """Of the first account and of the second."""
    closest: float
    """Seconds between two of their edits at the least."""
    first: str
    """Which of them came first."""
    last: float
    """Time of the newest edit of either."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One wrote on the other's user page or talk page."""

    by: str
    title: str
    rev_id: int
    time: float


@dataclass(frozen=True, slots=True)
class Revert:
    """An edit that put the text back to what it was before the other's edits."""

    by: str
    of: str
    title: str
    rev_id: int
    time: float


@dataclass(frozen=True, slots=True)
class Meeting:
    """All dealings of two accounts, newest first."""

    accounts: tuple[str, str]
    pages: tuple[Page, ...]
    contacts: tuple[Contact, ...]
    """The last is the first contact."""
    reverts: tuple[Revert, ...]
    logs: tuple[tuple[str, LogEntry], ...]
    """Blocks and the like of either, with whose they are."""
    complete: bool
    """False where one of them has more edits than were read."""


def meet(wiki: Histories, first: str, second: str, now: float, *, days: float = SINCE_DAYS) -> Meeting:
    """The dealings of two accounts in the last ``days``. Raises ``InputError``, and as :class:`Histories`."""
    accounts = (canonical_name(first), canonical_name(second))
    if not all(accounts) or accounts[0] == accounts[1]:
        raise InputError("Name two accounts.")
    since = now - days * DAY
    edits = [wiki.contributions(name, 0, since, MOST_EDITS) for name in accounts]
    contacts = [
        Contact(name, page.title, revision.rev_id, revision.time)
        for name, other, found in zip(accounts, reversed(accounts), edits, strict=True)
        for page, revision in found
        if page_owner(page.title, page.namespace) == other
    ]
    pages = _common(accounts, edits)
    reverts: list[Revert] = []
    ids = {page.title: page.page_id for found in edits for page, _ in found}
    for page in pages[:MOST_PAGES]:
        history = wiki.history(ids[page.title], MOST_REVISIONS)
        if history is not None:
            reverts += _reverts(accounts, page.title, history.revisions, since)
    logs = [(name, entry) for name in accounts for entry in wiki.log_of_title(f"User:{name}", MOST_LOG)]
    return Meeting(
        accounts,
        tuple(pages),
        tuple(sorted(contacts, key=lambda one: -one.time)),
        tuple(sorted(reverts, key=lambda one: -one.time)),
        tuple(sorted(logs, key=lambda one: -one[1].time)),
        all(len(found) < MOST_EDITS for found in edits),
    )


def _common(accounts: tuple[str, str], edits: Sequence[Sequence[tuple[PageRef, Revision]]]) -> list[Page]:
    times: tuple[dict[str, list[float]], dict[str, list[float]]] = (defaultdict(list), defaultdict(list))
    for number, found in enumerate(edits):
        for page, revision in found:
            times[number][page.title].append(revision.time)
    pages = []
    for title in times[0].keys() & times[1].keys():
        one, two = sorted(times[0][title]), sorted(times[1][title])
        closest = min(abs(first - second) for first in one for second in two)
        who = accounts[0] if one[0] <= two[0] else accounts[1]
        pages.append(Page(title, (len(one), len(two)), closest, who, max(one[-1], two[-1])))
    return sorted(pages, key=lambda page: (page.closest, -page.last))


def _reverts(accounts: tuple[str, str], title: str, revisions: Sequence[Revision], since: float) -> list[Revert]:
    """Edits of one that bring back an earlier text, with an edit of the other in between (identity reverts, by SHA-1)."""
    found = []
    seen: dict[str, int] = {}
    for number, one in enumerate(revisions):
        earlier = seen.get(one.sha1 or "")
        if one.sha1 and earlier is not None and one.user in accounts and one.time >= since:
            other = accounts[1] if one.user == accounts[0] else accounts[0]
            if any(between.user == other for between in revisions[earlier + 1 : number]):
                found.append(Revert(one.user, other, title, one.rev_id, one.time))
        if one.sha1:
            seen[one.sha1] = number
    return found
