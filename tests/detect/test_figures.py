"""Figures of merit against their definitions, counted out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.detect.figures import (
    auroc,
    average_precision,
    bootstrap,
    calibration_error,
    false_positive_rate,
    quadratic_kappa,
    threshold_at_recall,
)

scored = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30)
rows = scored.filter(lambda some: {True, False} <= {label for label, _ in some})


def arrays(some: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([label for label, _ in some]), np.array([score for _, score in some], dtype=float)


@given(rows)
def test_auroc_counts_pairs(some: list[tuple[bool, int]]) -> None:
    pairs = [(a, b) for label, a in some if label for other, b in some if not other]
    expected = sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs)
    assert auroc(*arrays(some)) == pytest.approx(expected)


@given(rows)
def test_average_precision_goes_down_the_cuts(some: list[tuple[bool, int]]) -> None:
    labels, scores = arrays(some)
    expected, before = 0.0, 0.0
    for cut in sorted(set(scores), reverse=True):
        above = scores >= cut
        recall = labels[above].sum() / labels.sum()
        expected += (recall - before) * labels[above].mean()
        before = recall
    assert average_precision(labels, scores) == pytest.approx(expected)


@given(rows, st.sampled_from([0.5, 0.8, 0.9, 0.95, 1.0]))
def test_the_threshold_finds_enough_and_no_higher_one_does(some: list[tuple[bool, int]], recall: float) -> None:
    labels, scores = arrays(some)
    threats = scores[labels]
    cut = threshold_at_recall(threats, recall)
    assert (threats >= cut).mean() >= recall - 1e-9
    assert all((threats >= higher).mean() < recall for higher in set(threats) if higher > cut)
    assert false_positive_rate(scores[~labels], threats, recall) == (scores[~labels] >= cut).mean()


def test_kappa() -> None:
    assert quadratic_kappa([0, 1, 2, 3], [0, 1, 2, 3]) == 1
    assert quadratic_kappa([0, 0, 3, 3], [3, 3, 0, 0]) == -1
    assert quadratic_kappa([1, 1], [1, 1]) == 1
    # Counted by hand: observed 1+0+1+0 = 2, expected (1*1*1 + ...)/4 = 2.
    assert quadratic_kappa([0, 0, 1, 1], [1, 0, 0, 1]) == 0


def test_calibration_error_is_the_mean_distance() -> None:
    labels = np.array([False] * 8 + [True] * 2)
    assert calibration_error(labels, np.full(10, 0.2), bins=1) == pytest.approx(0)
    assert calibration_error(labels, np.full(10, 0.5), bins=1) == pytest.approx(0.3)


def test_the_interval_holds_the_value_and_does_not_change() -> None:
    labels, scores = np.array([True] * 20 + [False] * 40), np.arange(60, dtype=float)[::-1] % 37
    groups = [np.flatnonzero(labels), np.flatnonzero(~labels)]
    first, second = (bootstrap(lambda some: auroc(labels[some], scores[some]), groups, 100) for _ in range(2))
    assert first == second
    assert first.low < first.value < first.high


def test_what_cannot_be_computed_is_not_a_number() -> None:
    nothing = np.empty(0)
    assert math.isnan(auroc(np.array([True]), np.array([1.0])))
    assert math.isnan(average_precision(np.array([False]), np.array([1.0])))
    assert math.isnan(false_positive_rate(nothing, np.array([1.0]), 0.9))
