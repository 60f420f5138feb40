"""Figures of merit of rankings and likelihood ratios: ranks with ties in the middle, costs, intervals over persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsbot.trace.sparse import Floats

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over queries with its 95 % interval."""

    value: float
    low: float
    high: float


def middle_rank(scores: Floats, relevant: Flags) -> float:
    """Rank of the best relevant account; of ties, the middle one. Not a number without a relevant one."""
    if not relevant.any():
        return float("nan")
    best = scores[relevant].max()
    others = scores[~relevant]
    return float(1 + (others > best).sum() + (others == best).sum() / 2)


def recall_within(scores: Floats, relevant: Flags, most: int) -> float:
    """Share of relevant accounts among the first ``most``; of ties, the middle rank counts."""
    ranks = [1 + (scores > value).sum() + ((scores == value).sum() - 1) / 2 for value in scores[relevant]]
    return float(np.mean([rank <= most for rank in ranks]))


def cost(log_lr: Floats, same: Flags, weights: Floats | None = None) -> float:
    """Cllr (Brummer and du Preez 2006), bits: 0 is perfect, 1 is what saying nothing costs."""
    weights = np.ones(len(log_lr)) if weights is None else weights
    missed = np.average(np.logaddexp(0.0, -log_lr[same]), weights=weights[same])
    accused = np.average(np.logaddexp(0.0, log_lr[~same]), weights=weights[~same])
    return float((missed + accused) / 2 / np.log(2))


def by_person(values: Sequence[float], persons: Sequence[str], rounds: int = 1000, seed: int = 1) -> Interval:
    """Mean over queries, with an interval from drawing persons (not queries, which are not independent) anew."""
    groups: dict[str, list[float]] = {}
    for value, person in zip(values, persons, strict=True):
        if not np.isnan(value):
            groups.setdefault(person, []).append(value)
    sums = np.array([sum(some) for some in groups.values()])
    counts = np.array([len(some) for some in groups.values()])
    if not len(counts):
        return Interval(float("nan"), float("nan"), float("nan"))
    drawn = np.random.default_rng(seed).integers(0, len(counts), (rounds, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))
