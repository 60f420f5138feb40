"""Opposition: one undoes the other, says so, or warns the other: who quarrels with an account is mostly somebody else.

Measures how often a summary of one names the other as undone, and edits of the other's talk page: evidence against. Fails on: staged
quarrels, which exist; it never rules a link out. Left out where user names are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tsbot.trace.gallery import Gallery, is_talk, owner
from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told, both, said


class Opposition:
    """Reverts of and messages to one another."""

    kind = "opposition"
    features = ("undone", "addressed")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        position = {account.name: row for row, account in enumerate(gallery.accounts)}
        self._size = gallery.size
        self._undone: list[Counter[Hashable]] = []
        self._addressed: list[Counter[Hashable]] = []
        for row, edits in enumerate(gallery.read):
            undone: Counter[Hashable] = Counter()
            addressed: Counter[Hashable] = Counter()
            for one in edits:
                undone[position.get(one.reading.reverted, -1)] += 1
                for title in one.edit.pages:
                    if is_talk(title):
                        addressed[position.get(owner(title), -1)] += 1
            for counter in (undone, addressed):
                counter.pop(-1, None)
                counter.pop(row, None)
            self._undone.append(undone)
            self._addressed.append(addressed)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Minus the logarithm of 1 + the number of times, in either direction."""
        return np.stack([-np.log1p(_both(counters, rows, self._size)) for counters in (self._undone, self._addressed)])

    def words(self, first: int, second: int) -> Told:
        """How often."""
        undone = self._undone[first][second] + self._undone[second][first]
        addressed = self._addressed[first][second] + self._addressed[second][first]
        return both([said(key, times) for key, times in (("undone", undone), ("addressed", addressed)) if times])


def _both(counters: Sequence[Counter[Hashable]], rows: Sequence[int], size: int) -> Floats:
    result = np.zeros((len(rows), size))
    columns = {row: position for position, row in enumerate(rows)}
    for row, counter in enumerate(counters):
        for other, count in counter.items():
            if row in columns:
                result[columns[row], other] += count  # type: ignore[index]
            if other in columns:
                result[columns[other], row] += count
    return result
