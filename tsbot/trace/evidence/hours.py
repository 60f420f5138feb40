"""Time of day and of the week, and the author's own clock where a source tells it.

Measures Bayes factors of one habit over the 24 hours (UTC, each session counted once and spread over the hours beside it), weekday against
weekend, and offsets of the clock. Wikis publish UTC only, so there the last is silent.
Fails on: accounts with few sessions, people of one time zone and occupation, a change of time zone or of daylight saving time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tsbot.i18n.voice import Phrase
from tsbot.trace.activity import offset_hours
from tsbot.trace.categories import Habit, bounded, prior, same_habit
from tsbot.trace.gallery import Gallery, ReadEdit
from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told, said

_SPREAD = ((0, 0.5), (1, 0.2), (-1, 0.2), (2, 0.05), (-2, 0.05))


class Hours:
    """Hours, weekdays, clock."""

    kind = "hours"
    features = ("day", "week", "clock")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        sittings = [_sessions(edits) for edits in gallery.read]
        self._hours = _hours(sittings)
        self._bounded = bounded(self._hours, 15.0)
        self._alpha = prior(self._hours, 12.0)
        self._week = Habit([_weekdays(edits) for edits in gallery.read], 6.0)
        self._clocks = len({offset_hours(one.edit) for edits in gallery.read for one in edits})
        self._offsets = bounded(np.stack([_offsets(some) for some in sittings]), 5.0)
        self._clock = prior(self._offsets, 2.0)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Log Bayes factors."""
        day = same_habit(self._bounded, rows, self._alpha)
        # A clock that is the same for all (on wikis: UTC) tells nothing but how much there is of each.
        clock = same_habit(self._offsets, rows, self._clock) if self._clocks > 1 else np.full_like(day, np.nan)
        return np.stack([day, self._week.compare(rows), clock])

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


def _offsets(sessions: Sequence[ReadEdit]) -> Floats:
    """Sessions for each offset from -12 to +14 hours; an hour beside it counts too, for daylight saving time."""
    counts = np.zeros(29)
    for position, number in Counter(round(offset_hours(one.edit)) + 13 for one in sessions).items():
        for shift, weight in ((0, 0.6), (1, 0.2), (-1, 0.2)):
            if 0 <= position + shift < len(counts):
                counts[position + shift] += weight * number
    return counts


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
