"""Summary habits: which share of summaries is empty, only a heading, own words, or written by which tool or button.

Measures the Bayes factor that both draw from one distribution (tsbot.trace.categories), which a few edits cannot move far.
Fails on: newcomers, of whom most leave summaries empty (so that this says little); tools that a wiki gives to everybody.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tsbot.trace.categories import Habit
from tsbot.trace.gallery import Gallery, ReadEdit
from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told, most, said

STRENGTH = 4.0


class Summaries:
    """Habits of edit summaries, and kinds of pages."""

    kind = "summaries"
    features = ("habits",)
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        self._habit = Habit([[_habit(one) for one in edits] for edits in gallery.read], STRENGTH)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Log Bayes factor of one habit."""
        return np.stack([self._habit.compare(rows)])

    def words(self, first: int, second: int) -> Told:
        """The most frequent habits of both."""
        return said("habits", most(self._habit.most(first)), most(self._habit.most(second)))


def _habit(one: ReadEdit) -> str:
    reading = one.reading
    with_words = " with words" if reading.words and reading.habit not in ("words", "empty", "section") else ""
    heading = " under a heading" if reading.section and reading.habit == "words" else ""
    return f"{reading.habit}{with_words}{heading}"
