"""The first appearance of a phrase on a page, and where it went: by looking at few of many revisions.

A phrase that is there now came in once. Between a revision without it and a later one with it there is an edit that brought it; that one
is sought by looking at :data:`PROBES` revisions at once, evenly spread, and going on before the first that has it. If it was taken out and
came back in between, an earlier appearance may be missed where no probe fell on it; the answer says how densely it looked.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from tsbot.errors import InputError
from tsbot.wiki.history import Histories, PageRef, Revision

PROBES = 20
"""Texts asked for at once; three rounds of them are enough for 9,000 revisions."""
MOST_REVISIONS = 5_000
SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a phrase came from, and where it went on its page."""

    page: PageRef
    first: Revision
    """The edit that brought it."""
    before: int
    """Revision before it, without it; 0 if it came with the page's first known revision."""
    last: int
    """The newest revision that has it."""
    gone: Revision | None
    """The edit that took it out; None if it is there still."""
    complete: bool
    """False where the page has more revisions than were read."""
    looked_at: int
    """Revisions whose texts were read."""


def find(wiki: Histories, rev_id: int, phrase: str) -> Origin:
    """Where a phrase that stands in a revision came from. Raises ``InputError``, and as :class:`Histories`."""
    wanted = folded(phrase)
    if len(wanted) < SHORTEST:
        raise InputError(f"A phrase has at least {SHORTEST} letters.")
    places = wiki.revisions([rev_id])
    if not places:
        raise InputError("There is no such revision, or it is deleted.")
    page = places[0][0]
    history = wiki.history(page.page_id, MOST_REVISIONS)
    revisions = history.revisions if history is not None else ()
    at = next((number for number, one in enumerate(revisions) if one.rev_id == rev_id), None)
    if history is None or at is None:
        raise InputError(f"The revision is older than the newest {MOST_REVISIONS:,} of its page.")
    search = _Search(wiki, revisions, wanted)
    # The first probes go along with what must be known in any case: that saves two requests.
    if not search.has([at, len(revisions) - 1, *_spread(-1, at)])[at]:
        raise InputError("The phrase does not stand in this revision, or its text is hidden.")
    first = search.first(at)
    last = search.last(at)
    gone = revisions[last + 1] if last + 1 < len(revisions) else None
    before = revisions[first - 1].rev_id if first else 0
    return Origin(history.page, revisions[first], before, revisions[last].rev_id, gone, history.complete, len(search.known))


def folded(text: str) -> str:
    """A text as it is compared: without capitals, and with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Search:
    """Looks at texts, each once."""

    def __init__(self, wiki: Histories, revisions: tuple[Revision, ...], wanted: str) -> None:
        self._wiki, self._revisions, self._wanted = wiki, revisions, wanted
        self.known: dict[int, bool] = {}

    def has(self, places: list[int]) -> dict[int, bool]:
        """Whether revisions at some places have the phrase; a hidden text has not."""
        ids = {self._revisions[place].rev_id: place for place in places if place not in self.known}
        if ids:
            found = dict.fromkeys(ids.values(), False)
            for rev_id, text in self._wiki.texts(list(ids)):
                if rev_id in ids:
                    found[ids[rev_id]] = text is not None and self._wanted in folded(text)
            self.known |= found
        return {place: self.known[place] for place in places}

    def first(self, at: int) -> int:
        """The first place with it, as far as probes tell; ``at`` has it."""
        low, high = -1, at  # nothing before the beginning, something at ``high``
        while high - low > 1:
            probes = _spread(low, high)
            found = self.has(probes)
            high = min((place for place in probes if found[place]), default=high)
            low = max((place for place in probes if place < high), default=low)
        return high

    def last(self, at: int) -> int:
        """The last place with it, as far as probes tell."""
        end = len(self._revisions)
        if self.has([end - 1])[end - 1]:
            return end - 1
        low, high = at, end - 1  # something at ``low``, nothing at ``high``
        while high - low > 1:
            probes = _spread(low, high)
            found = self.has(probes)
            low = max((place for place in probes if found[place]), default=low)
            high = min((place for place in probes if place > low), default=high)
        return low


def _spread(low: int, high: int) -> list[int]:
    """Places between two, evenly spread, at most :data:`PROBES`."""
    between = high - low - 1
    if between <= PROBES:
        return list(range(low + 1, high))
    return sorted({low + 1 + (number * (between - 1)) // (PROBES - 1) for number in range(PROBES)})
