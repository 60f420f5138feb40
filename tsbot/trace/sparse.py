"""Sparse vectors of many accounts, compared through an inverted index: one term's accounts are looked at, not all accounts.

Weights follow the vector-space model (Salton and Buckley 1988): a term that few accounts have says much, one that all have nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tsbot.trace.gamma import log_gamma

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Vectors:
    """One sparse vector per account, and for every term the accounts that have it."""

    def __init__(self, counts: Sequence[Mapping[Hashable, float]]) -> None:
        vocabulary: defaultdict[Hashable, int] = defaultdict()
        vocabulary.default_factory = vocabulary.__len__  # a term that is new takes the next number
        terms = [vocabulary[term] for mapping in counts for term in mapping]
        self.size = len(counts)
        self.vocabulary: Mapping[Hashable, int] = dict(vocabulary)
        self._rows = np.repeat(np.arange(self.size), [len(mapping) for mapping in counts]) if counts else np.zeros(0, np.int64)
        self._terms = np.array(terms, dtype=np.int64)
        self._values = np.fromiter(chain.from_iterable(mapping.values() for mapping in counts), np.float64, len(terms))
        self.frequency: Indices = np.bincount(self._terms, minlength=len(vocabulary)) if terms else np.zeros(0, np.int64)
        """In how many accounts each term occurs."""
        self._starts = np.searchsorted(self._rows, np.arange(self.size + 1))
        order = np.argsort(self._terms, kind="stable")
        self._posting_rows = self._rows[order]
        self._order = order
        self._posting_starts = np.concatenate([[0], np.cumsum(self.frequency)]).astype(np.int64)

    def idf(self, smoothing: float = 0.5) -> Floats:
        """Natural logarithm of how rare each term is: accounts / accounts that have it."""
        idf: Floats = np.log((self.size + 1) / (self.frequency + smoothing))
        return np.maximum(idf, 0.0)

    def weighted(self, weights: Floats, *, logarithmic: bool = True, unit: bool = True) -> Floats:
        """Values times the weight of their term, of length one per account if ``unit``; in the order of this object's entries."""
        values = 1.0 + np.log(self._values) if logarithmic else self._values
        values = values * weights[self._terms] if len(self._terms) else values
        if unit:
            norms = np.sqrt(np.bincount(self._rows, values**2, minlength=self.size))
            values = values / np.maximum(norms, 1e-12)[self._rows] if len(values) else values
        return values

    def totals(self, values: Floats) -> Floats:
        """Sum of an account's entries."""
        sums = np.zeros(self.size)
        np.add.at(sums, self._rows, values)
        return sums

    def dot(self, rows: Iterable[int], left: Floats, right: Floats) -> Floats:
        """Products of some accounts (entries ``left``) with all accounts (entries ``right``): shape (rows, accounts)."""
        rows = list(rows)
        result = np.zeros((len(rows), self.size))
        by_posting = right[self._order]
        for position, row in enumerate(rows):
            start, end = self._starts[row], self._starts[row + 1]
            if start == end:
                continue
            terms, weights = self._terms[start:end], left[start:end]
            starts, counts = self._posting_starts[terms], self.frequency[terms]
            entries = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
            products = by_posting[entries] * np.repeat(weights, counts)
            result[position] = np.bincount(self._posting_rows[entries], products, minlength=self.size)
        return result

    def cosine(self, rows: Iterable[int], least: int = 1) -> Floats:
        """Cosines of some accounts with all; terms that fewer than ``least`` accounts have do not count, not even for the length."""
        values = self.weighted(self.idf() * (self.frequency >= least))
        return self.dot(rows, values, values)

    def factors(self, rows: Sequence[int], strength: float, most: float) -> Floats:
        """Log Bayes factors that two accounts draw from one distribution over all terms, for some accounts against all.

        The Dirichlet-multinomial of ``tsbot.trace.categories``, where there are too many categories for a table of them. What one does
        repeatedly counts once less each time; ``strength`` is the weight of what everybody does, ``most`` that of one account.
        """
        some = list(rows)
        sums = self.totals(self._values)
        values = self._values * np.minimum(1.0, most / np.maximum(sums, 1e-9))[self._rows]
        sums = np.minimum(sums, most)
        mean = np.bincount(self._terms, values / np.maximum(sums, 1e-9)[self._rows], minlength=len(self.vocabulary))
        alpha = strength * np.maximum(mean / max(mean.sum(), 1e-9), 1e-7)
        before, after = alpha[self._terms], alpha[self._terms] + values
        own = log_gamma(before) - log_gamma(after)  # entry by entry: nothing of it depends on the other account
        by_posting, own_by_posting = after[self._order], own[self._order]
        whole = log_gamma(strength + sums)
        result = np.zeros((len(some), self.size))
        for position, row in enumerate(some):
            start, end = self._starts[row], self._starts[row + 1]
            terms, added = self._terms[start:end], values[start:end]
            starts, counts = self._posting_starts[terms], self.frequency[terms]
            entries = np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())
            both = log_gamma(by_posting[entries] + np.repeat(added, counts)) + own_by_posting[entries]
            both += np.repeat(own[start:end] - log_gamma(alpha[terms]), counts) if end > start else 0.0
            shared = np.bincount(self._posting_rows[entries], both, minlength=self.size)
            # The factor is what shared terms add, less what two texts of these lengths would have in common by chance.
            lengths = log_gamma(strength + sums[row] + sums) + log_gamma(np.array([strength])) - whole[row] - whole
            result[position] = shared - lengths
        return result

    def terms(self, row: int) -> dict[int, float]:
        """Term numbers and raw values of one account."""
        start, end = self._starts[row], self._starts[row + 1]
        return dict(zip(self._terms[start:end].tolist(), self._values[start:end].tolist(), strict=True))
