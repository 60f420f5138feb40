"""Margins of the n-gram model: how much each window of a text looks like a threat.

A lengthy comment may hold one bad sentence, so windows are scored: every sentence, every two neighbouring sentences, and the
whole text; the highest margin is the text's. Windows are sums of sentences, so they cost nothing extra.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.ngrams import scale

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of the texts of a batch: sentences ``first[i]`` to ``last[i]`` (exclusive) of text ``owner[i]``."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    owner: NDArray[np.int64]


def windows_of(owners: NDArray[np.int64]) -> Windows:
    """Every sentence, every pair of neighbours, every whole text, given the owner of each sentence (ascending)."""
    count = len(owners)
    every = np.arange(count, dtype=np.int64)
    pairs = every[:-1][owners[1:] == owners[:-1]]
    heads = np.flatnonzero(np.concatenate(([True], owners[1:] != owners[:-1]))) if count else every
    tails = np.append(heads[1:], count)[: len(heads)]
    return Windows(
        np.concatenate((every, pairs, heads)),
        np.concatenate((every + 1, pairs + 2, tails)),
        np.concatenate((owners, owners[pairs], owners[heads])),
    )


def margins(windows: Windows, totals: Numbers, numbers: NDArray[np.int64], intercept: float) -> Numbers:
    """Margin of each window: per group the scaled sum of weights (:func:`tsbot.detect.ngrams.scale`), plus the intercept.

    ``totals`` and ``numbers`` are those of :func:`tsbot.detect.ngrams.sums`. Sums over windows are taken with
    ``reduceat`` per window size, not by differences of running sums, so that a text's margin does not depend on its batch.
    """
    result = np.full(len(windows.first), intercept)
    single = windows.last - windows.first == 1
    pair = windows.last - windows.first == 2
    long = ~(single | pair)
    for group in range(totals.shape[1]):
        sums = np.empty(len(windows.first))
        counts = np.empty(len(windows.first))
        for source, target in ((totals[:, group], sums), (numbers[:, group].astype(np.float64), counts)):
            target[single] = source[windows.first[single]]
            target[pair] = source[windows.first[pair]] + source[windows.first[pair] + 1]
            if long.any():
                bounds = np.stack((windows.first[long], windows.last[long]), axis=1).ravel()
                target[long] = np.add.reduceat(np.append(source, 0.0), bounds)[::2]
        result += sums * scale(counts, group)
    return result


def best_windows(windows: Windows, values: Numbers, texts: int) -> tuple[Numbers, NDArray[np.int64]]:
    """Highest margin of each text and the index of its window; minus infinity and -1 for a text without words."""
    best = np.full(texts, -np.inf)
    np.maximum.at(best, windows.owner, values)
    where = np.full(texts, -1, dtype=np.int64)
    hits = np.flatnonzero(values == best[windows.owner])[::-1]  # of equal windows the first, hence the smallest, wins
    where[windows.owner[hits]] = hits
    return best, where

