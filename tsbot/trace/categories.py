"""Whether two accounts spread over the same categories: a Bayes factor that knows how little a few edits say.

Under "the same", the counts of both come from one distribution, under "another" from two; both are drawn from a Dirichlet
distribution around what everybody does (the Dirichlet-multinomial, or Pólya, distribution). With few edits the factor stays near 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tsbot.trace.gamma import log_gamma
from tsbot.trace.sparse import Floats

_FLOOR = 0.002
"""Share that a category has at least in what everybody does, so that no category is impossible."""


class Habit:
    """Categories that accounts use, and the comparison of any two."""

    def __init__(self, uses: Sequence[Sequence[str]], strength: float, most: float = 30.0) -> None:
        """``strength`` is the weight of what everybody does, in uses; an account's uses count as ``most`` at most."""
        counters = [Counter(some) for some in uses]
        self.names = sorted(set().union(*counters)) if counters else []
        column = {name: number for number, name in enumerate(self.names)}
        self.counts = np.zeros((len(counters), max(1, len(self.names))))
        for row, counter in enumerate(counters):
            for name, count in counter.items():
                self.counts[row, column[name]] = count
        self._alpha = prior(self.counts, strength)
        self._bounded = bounded(self.counts, most)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Log Bayes factors of some accounts against all."""
        return same_habit(self._bounded, rows, self._alpha)

    def most(self, row: int) -> tuple[int, str] | None:
        """The most frequent category of an account with its share in per cent; None for an account without any."""
        total = self.counts[row].sum()
        if not total:
            return None
        first = int(self.counts[row].argmax())
        return round(100 * self.counts[row, first] / total), self.names[first]


def bounded(counts: Floats, most: float) -> Floats:
    """Counts scaled down to a sum of ``most``: what one does repeatedly is not as many independent observations."""
    sums = counts.sum(axis=1, keepdims=True)
    scaled: Floats = counts * np.minimum(1.0, most / np.maximum(sums, 1e-9))
    return scaled


def prior(counts: Floats, strength: float) -> Floats:
    """Dirichlet parameters around the mean habit of all accounts; ``strength`` is their sum."""
    sums = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sums, 1e-9)
    mean = shares.mean(axis=0) + _FLOOR
    alpha: Floats = strength * mean / mean.sum()
    return alpha


def same_habit(counts: Floats, rows: Sequence[int], alpha: Floats) -> Floats:
    """Log Bayes factors (natural logarithm) of "one habit" for some accounts against all: shape (rows, accounts).

    ``counts`` has shape (accounts, categories); entries need not be whole numbers.
    """
    total, sums = alpha.sum(), counts.sum(axis=1)
    start = log_gamma(alpha)
    own = (log_gamma(alpha + counts) - start).sum(axis=1)
    whole = log_gamma(total + sums) - log_gamma(total)
    single = own - whole
    result = np.empty((len(rows), len(counts)))
    for position, row in enumerate(rows):
        # Only in the categories that this account has does the sum of both differ from the other's own counts.
        used = np.flatnonzero(counts[row])
        more = log_gamma(alpha[used] + counts[:, used] + counts[row, used]) - log_gamma(alpha[used] + counts[:, used])
        together = own + more.sum(axis=1) - (log_gamma(total + sums + sums[row]) - log_gamma(total))
        result[position] = together - single - single[row]
    return result
