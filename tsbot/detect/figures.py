"""Figures of merit, as plain functions of labels and scores.

Scores may tie: a tie between a threat and a harmless text counts half, and what ties at a cut is all above it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the interval in which it lies by the bootstrap; not a number where it cannot be computed."""

    value: float
    low: float
    high: float


def auroc(labels: Labels, scores: Scores) -> float:
    """Probability that a threat scores above a harmless text (Mann-Whitney U with mid-ranks; Hanley and McNeil 1982)."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    above = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = float(above[places][labels].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives) if len(values) else float("nan")


def average_precision(labels: Labels, scores: Scores) -> float:
    """Area under the precision-recall curve as a step function over distinct scores (Manning et al. 2008, 8.4)."""
    total = int(labels.sum())
    if not total:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked, sorted_scores = labels[order], scores[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_scores)), len(sorted_scores) - 1)
    hits = np.cumsum(ranked)[ends]
    precision = hits / (ends + 1)
    gained = np.diff(np.concatenate(([0], hits)))
    return float((precision * gained).sum() / total)


def threshold_at_recall(threats: Scores, recall: float) -> float:
    """The highest score at which at least so many of the threats are found."""
    if not len(threats):
        return float("nan")
    wanted = int(np.ceil(recall * len(threats) - 1e-9))
    return float(np.sort(threats)[::-1][max(wanted, 1) - 1])


def false_positive_rate(harmless: Scores, threats: Scores, recall: float) -> float:
    """Share of harmless texts that score as high as the threats that must be found for a recall."""
    if not len(harmless) or not len(threats):
        return float("nan")
    return float((harmless >= threshold_at_recall(threats, recall)).mean())


def quadratic_kappa(truth: Sequence[int], judged: Sequence[int], grades: int = 4) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); 1 where all agree on one grade."""
    table = np.zeros((grades, grades))
    np.add.at(table, (np.asarray(truth, dtype=int), np.asarray(judged, dtype=int)), 1)
    steps = np.arange(grades)
    weights = (steps[:, None] - steps[None, :]) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1)
    disagreement = float((weights * expected).sum())
    return 1.0 if disagreement == 0 else 1 - float((weights * table).sum()) / disagreement


def calibration_error(labels: Labels, probabilities: Scores, bins: int = 15) -> float:
    """Expected calibration error over bins of equal mass (Naeini et al. 2015; equal mass as in Nixon et al. 2019)."""
    return float(sum(share * abs(told - there) for share, told, there in reliability(labels, probabilities, bins)))


def reliability(labels: Labels, probabilities: Scores, bins: int = 15) -> list[tuple[float, float, float]]:
    """Per bin of equal mass: its share of the texts, the mean probability, the share of threats."""
    order = np.argsort(probabilities, kind="stable")
    return [
        (len(some) / len(labels), float(probabilities[some].mean()), float(labels[some].mean()))
        for some in np.array_split(order, bins)
        if len(some)
    ]


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float], groups: Sequence[NDArray[np.int64]], rounds: int = 300, seed: int = 1
) -> Interval:
    """The figure with its 95 % interval by the percentile bootstrap (Efron 1979).

    ``figure`` takes indices of texts; ``groups`` (threats and harmless texts, say) are drawn from separately, so that their
    sizes stay.
    """
    rng = np.random.default_rng(seed)
    whole = np.concatenate(list(groups)) if groups else np.empty(0, dtype=np.int64)
    drawn = [
        figure(np.concatenate([group[rng.integers(0, len(group), len(group))] for group in groups if len(group)])) for _ in range(rounds)
    ]
    good = [value for value in drawn if not np.isnan(value)]
    low, high = np.quantile(good, (0.025, 0.975)) if good else (float("nan"),) * 2
    return Interval(figure(whole), float(low), float(high))
