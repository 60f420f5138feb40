"""Dates: one account begins where another ends; both are never, or always, awake at once; first edits close together.

* *succession*: days between the end of the one and the beginning of the other. Puppets of eight cases that were read follow one another
  within about three days.
* *sessions*: how often edits of the two lie within two minutes of each other on different pages, which one pair of hands seldom does
  (evidence against), and whether their sessions take turns.
* *creation*: first edits within an hour or a day.
* *together*: the same page on the same day or in the same fortnight; the same wiki in the same month.

Being far apart in time is no evidence against: people come back. Fails on: a busy page, where many begin and end; clocks that are wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import chain

import numpy as np

from tsbot.trace.gallery import Gallery, ReadEdit
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, said

DAY = 86400.0
_NEAR = 120.0
_SESSION = 1800.0
_SCALES = np.array([0.04, 1.0, 3.0, 14.0, 60.0]) * DAY


class Dates:
    """Succession, sessions, creation."""

    kind = "dates"
    features = ("succession", "turns", "apart", "creation", "together", "wikis")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        self._times = [np.array([one.time for one in edits]) for edits in gallery.read]
        self._places = [np.array([hash_page(one.subjects) for one in edits]) for edits in gallery.read]
        self._same_days = Vectors([_page_days(edits) for edits in gallery.read])
        self._same_weeks = Vectors([_wiki_weeks(edits) for edits in gallery.read])
        self._first = np.array([times[0] if len(times) else np.nan for times in self._times])
        self._last = np.array([times[-1] if len(times) else np.nan for times in self._times])

    def compare(self, rows: Sequence[int]) -> Floats:
        """Closeness 0 to 1 of end and beginning, share of turns, minus simultaneous edits, closeness of first edits."""
        some = list(rows)
        gap = np.maximum(self._first[some][:, None] - self._last[None, :], self._first[None, :] - self._last[some][:, None])
        succession = _closeness(np.maximum(gap, 0.0))
        creation = _closeness(np.abs(self._first[some][:, None] - self._first[None, :]))
        turns, apart = np.zeros_like(gap), np.zeros_like(gap)
        together = self._same_days.cosine(some)
        for position, row in enumerate(some):
            near = np.flatnonzero((self._first - DAY <= self._last[row]) & (self._last + DAY >= self._first[row]))
            for other in near:
                if other != row:
                    turns[position, other], apart[position, other] = self._together(row, int(other))
        return np.stack([succession, turns, -np.log1p(apart), creation, together, self._same_weeks.cosine(some)])

    def _together(self, first: int, second: int) -> tuple[float, float]:
        times = np.concatenate([self._times[first], self._times[second]])
        who = np.concatenate([np.zeros(len(self._times[first])), np.ones(len(self._times[second]))])
        places = np.concatenate([self._places[first], self._places[second]])
        order = np.argsort(times, kind="stable")
        times, who, places = times[order], who[order], places[order]
        pauses, changes = np.diff(times), who[1:] != who[:-1]
        sittings = changes & (pauses < DAY)
        apart = float((changes & (pauses < _NEAR) & (places[1:] != places[:-1])).sum())
        return float(np.log1p((sittings & (pauses < _SESSION)).sum())), apart

    def words(self, first: int, second: int) -> Told:
        """When both were active, and how often nearly at once."""
        gap = max(self._first[first] - self._last[second], self._first[second] - self._last[first])
        if gap > 0:
            return said("gap", f"{gap / DAY:.1f}")
        _, apart = self._together(first, second)
        return said("together", int(apart))


def _page_days(edits: Sequence[ReadEdit]) -> Counter[Hashable]:
    """Pages with the day, counted again with the fortnight: the same page at nearly the same time."""
    days = ((page, one.time / DAY) for one in edits for page in one.subjects)
    keys = (
        ((page, "day", int(day)), (page, "fortnight", int(day / 14)), (page, "fortnight", int(day / 14 + 0.5) + 0.5)) for page, day in days
    )
    return Counter(chain.from_iterable(keys))


def _wiki_weeks(edits: Sequence[ReadEdit]) -> Counter[Hashable]:
    """Wikis with the month and the half month beside it."""
    months = ((one.edit.wiki, one.time / DAY / 30) for one in edits)
    return Counter(key for wiki, month in months for key in ((wiki, int(month)), (wiki, int(month + 0.5) + 0.5)))


def hash_page(subjects: Sequence[str]) -> int:
    """A number for the pages of an edit, the same in one process."""
    return hash(tuple(subjects))


def _closeness(gaps: Floats) -> Floats:
    """1 for at once, falling by a fifth with each scale passed (an hour, a day, three, two weeks, two months), smoothly."""
    result = np.zeros_like(gaps)
    for scale in _SCALES:
        result += 1 / (1 + gaps / scale)
    return result / len(_SCALES)
