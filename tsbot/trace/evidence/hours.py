"""Time of day and of the week, and the author's own clock where a source tells it.

Measures Bayes factors of one habit over the 24 hours (UTC, each session counted once and spread over the hours beside it), weekday against
weekend, and offsets of the clock, as told and less the hour of summer time. An offset of zero is taken for no answer, since software that
does not know its user's clock writes it. Wikis publish UTC only, so there the clock is silent.
Fails on: accounts with few sessions, people of one time zone and occupation, who moves, summer time south of the equator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsbot.i18n.voice import Phrase
from tsbot.trace.activity import offset_hours
from tsbot.trace.categories import Habit, bounded, prior, same_habit
from tsbot.trace.gallery import Gallery, ReadEdit
from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told, said

_APRIL, _OCTOBER = 4, 10
_SPREAD = ((0, 0.3), (1, 0.2), (-1, 0.2), (2, 0.1), (-2, 0.1), (3, 0.05), (-3, 0.05))


class Hours:
    """Hours, weekdays, clock."""

    kind = "hours"
    features = ("day", "week", "clock", "season")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        sittings = [_sessions(edits) for edits in gallery.read]
        self._hours = _hours(sittings)
        self._bounded = bounded(self._hours, 30.0)
        self._alpha = prior(self._hours, 6.0)
        self._week = Habit([_weekdays(edits) for edits in gallery.read], 6.0)
        clocks = [[(offset_hours(one.edit), one.edit.timestamp.month) for one in some] for some in sittings]
        told = [[(offset, month) for offset, month in some if offset] for some in clocks]
        self._silent = np.array([not some for some in told])
        self._clock = Habit([[f"{offset:+.2f}" for offset, _ in some] for some in told], 2.0, 5.0)
        self._season = Habit([[f"{offset - (_APRIL <= month <= _OCTOBER):+.2f}" for offset, month in some] for some in told], 2.0, 5.0)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Log Bayes factors."""
        day = same_habit(self._bounded, rows, self._alpha)
        # UTC is what software writes that does not know its user's clock (on wikis: always), so it tells nothing.
        silent = self._silent[list(rows)][:, None] | self._silent[None, :]
        clock, season = (np.where(silent, np.nan, habit.compare(rows)) for habit in (self._clock, self._season))
        return np.stack([day, self._week.compare(rows), clock, season])

    def words(self, first: int, second: int) -> Told:
        """The hours in which both are mostly active."""
        return said("hours", _span(self._hours[first]), _span(self._hours[second]))


def _sessions(edits: Sequence[ReadEdit]) -> list[ReadEdit]:
    """One edit for each account, day and hour: edits of one sitting are one observation."""
    seen: dict[int, ReadEdit] = {}
    for one in edits:
        seen.setdefault(int(one.time // 3600), one)
    return list(seen.values())


def _hours(sittings: Sequence[Sequence[ReadEdit]]) -> Floats:
    """Sessions of every account in each hour, spread: shape (accounts, 24)."""
    hours = np.stack([np.bincount([int(one.time % 86400 // 3600) for one in some], minlength=24) for some in sittings])
    counts: Floats = np.sum([weight * np.roll(hours, shift, axis=1) for shift, weight in _SPREAD], axis=0)
    return counts


def _weekdays(edits: Sequence[ReadEdit]) -> list[str]:
    # 1970-01-01 was a Thursday.
    days = {int(one.time // 86400) for one in edits}
    return ["weekend" if (day + 3) % 7 >= 5 else "weekday" for day in days]


def _span(counts: Floats) -> Phrase:
    """The shortest span of hours with most of the activity."""
    if not counts.sum():
        return said("never")
    until = np.concatenate([[0.0], np.cumsum(np.concatenate([counts, counts]))])
    for length in range(1, 25):
        sums = np.round(until[length : length + 24] - until[:24], 6)
        if sums.max() >= 0.8 * counts.sum():
            start = int(sums.argmax())
            return said("span", f"{start:02}", f"{(start + length) % 24:02}")
    return said("all-day")
