"""Sparse vectors of many accounts, compared through an inverted index: one term's accounts are looked at, not all accounts.

Weights follow the vector-space model (Salton and Buckley 1988): a term that few accounts have says much, one that all have nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tsbot.trace.gamma import log_gamma

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
MEETINGS = 16_384
"""Terms of two accounts that meet, at a time: what fits into a processor's cache."""
_LEAST_SHARE = 1e-7
"""Share that a term has at least in what everybody does."""


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

    def _meetings(self, rows: Indices) -> Iterator[tuple[int, int, Indices, Indices, Indices]]:
        """Where some accounts have a term that others have, a bounded number of accounts at a time.

        Gives the first and last (exclusive) of the rows, and for every meeting its place in a flat table of these rows and all accounts,
        the entry of the row's account, and the position of the other's entry among the postings.
        """
        starts, ends = self._starts[rows], self._starts[rows + 1]
        totals = np.concatenate([[0], np.cumsum(self.frequency[self._terms])])
        work = np.cumsum(totals[ends] - totals[starts])
        first = 0
        while first < len(rows):
            before = work[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(work, before + MEETINGS, side="right")))
            lengths = ends[first:last] - starts[first:last]
            entries = np.repeat(starts[first:last] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
            counts = self.frequency[self._terms[entries]]
            theirs = np.repeat(self._posting_starts[self._terms[entries]] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            place = np.repeat(np.repeat(np.arange(last - first), lengths), counts) * self.size + self._posting_rows[theirs]
            yield first, last, place, np.repeat(entries, counts), theirs
            first = last

    def cosine(self, rows: Iterable[int], least: int = 1) -> Floats:
        """Cosines of some accounts with all; terms that fewer than ``least`` accounts have do not count, not even for the length."""
        values = self.weighted(self.idf() * (self.frequency >= least))
        return self.dot(rows, values, values)

    def factors(self, rows: Sequence[int], strength: float, most: float) -> Floats:
        """Log Bayes factors that two accounts draw from one distribution over all terms, for some accounts against all.

        The Dirichlet-multinomial of ``tsbot.trace.categories``, where there are too many categories for a table of them. What one does
        repeatedly counts once less each time; ``strength`` is the weight of what everybody does, ``most`` that of one account.
        """
        some = np.array(rows, dtype=np.int64)
        sums = self.totals(self._values)
        values = self._values * np.minimum(1.0, most / np.maximum(sums, 1e-9))[self._rows]
        sums = np.minimum(sums, most)
        mean = np.bincount(self._terms, values / np.maximum(sums, 1e-9)[self._rows], minlength=len(self.vocabulary))
        alpha = strength * np.maximum(mean / max(mean.sum(), 1e-9), _LEAST_SHARE)
        start, after = log_gamma(alpha)[self._terms], alpha[self._terms] + values
        own = start - log_gamma(after)  # of every entry: nothing of it depends on the other account
        whole = log_gamma(strength + sums)
        # What two of these lengths have in common by chance.
        result = whole[some][:, None] + whole[None, :] - log_gamma(strength + sums[some][:, None] + sums[None, :])
        result -= log_gamma(np.array([strength]))
        for first, last, place, mine, other in self._meetings(some):
            theirs = self._order[other]
            shared = log_gamma(after[theirs] + values[mine]) + own[theirs] + own[mine] - start[mine]
            result[first:last] += np.bincount(place, shared, minlength=(last - first) * self.size).reshape(last - first, self.size)
        return result

    def terms(self, row: int) -> dict[int, float]:
        """Term numbers and raw values of one account."""
        start, end = self._starts[row], self._starts[row + 1]
        return dict(zip(self._terms[start:end].tolist(), self._values[start:end].tolist(), strict=True))
