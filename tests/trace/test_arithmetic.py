"""Sparse vectors, Bayes factors, ranks and costs against their definitions, counted out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.trace.categories import Habit, bounded, prior, same_habit
from tsbot.trace.figures import by_person, cost, middle_rank, recall_within
from tsbot.trace.gamma import log_gamma
from tsbot.trace.sparse import Vectors

counters = st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9).map(float), max_size=4), min_size=1, max_size=8)


@given(counters)
def test_cosines_are_those_of_dense_vectors(some: list[dict[str, float]]) -> None:
    vectors = Vectors(some)  # type: ignore[arg-type]
    dense = np.array([[counter.get(term, 0.0) for term in "abcdef"] for counter in some])
    dense = np.where(dense > 0, 1 + np.log(np.maximum(dense, 1e-9)), 0.0)
    frequency = (dense > 0).sum(axis=0)
    dense *= np.maximum(np.log((len(some) + 1) / (frequency + 0.5)), 0.0)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    assert vectors.cosine(range(len(some))) == pytest.approx(dense @ dense.T, abs=1e-9)


def test_terms_of_too_few_accounts_do_not_count_for_cosines() -> None:
    vectors = Vectors([{"shared": 1.0, "alone": 9.0}, {"shared": 1.0}, {"other": 1.0}])
    assert vectors.cosine([0], least=2)[0] == pytest.approx([1, 1, 0])
    assert vectors.cosine([0])[0][1] < 0.9


@given(counters)
def test_factors_of_many_terms_are_those_of_the_polya_distribution(some: list[dict[str, float]]) -> None:
    strength, most = 20.0, 12.0
    dense = np.array([[counter.get(term, 0.0) for term in "abcdef"] for counter in some])
    sums = dense.sum(axis=1, keepdims=True)
    mean = (dense / np.maximum(sums, 1e-9)).sum(axis=0)
    alpha = strength * np.maximum(mean / max(mean.sum(), 1e-9), 1e-7)
    alpha = np.where(dense.any(axis=0), alpha, 1e-300)  # what nobody has is no term
    kept = dense * np.minimum(1.0, most / np.maximum(sums, 1e-9))

    def evidence(row: np.ndarray) -> float:
        total = math.lgamma(strength) - math.lgamma(strength + row.sum())
        return total + sum(math.lgamma(a + n) - math.lgamma(a) for a, n in zip(alpha, row, strict=True) if n)

    expected = [[evidence(one + other) - evidence(one) - evidence(other) for other in kept] for one in kept]
    found = Vectors(some).factors(range(len(some)), strength, most)  # type: ignore[arg-type]
    assert found == pytest.approx(np.array(expected), abs=1e-6)


@given(st.floats(1e-3, 1e5))
def test_log_gamma(x: float) -> None:
    assert float(log_gamma(np.array([x]))[0]) == pytest.approx(math.lgamma(x), abs=1e-7, rel=1e-9)


@given(st.lists(st.lists(st.integers(0, 6).map(float), min_size=3, max_size=3), min_size=2, max_size=6))
def test_bayes_factors_are_those_of_the_polya_distribution(rows: list[list[float]]) -> None:
    counts = np.array(rows)
    alpha = prior(counts, 5.0)

    def evidence(row: np.ndarray) -> float:
        total = math.lgamma(alpha.sum()) - math.lgamma(alpha.sum() + row.sum())
        return total + sum(math.lgamma(a + n) - math.lgamma(a) for a, n in zip(alpha, row, strict=True))

    expected = [[evidence(one + other) - evidence(one) - evidence(other) for other in counts] for one in counts]
    assert same_habit(counts, range(len(counts)), alpha) == pytest.approx(np.array(expected), abs=1e-6)


def test_habits_speak_for_and_against_and_not_without_edits() -> None:
    habit = Habit([["night"] * 9, ["night"] * 8, ["day"] * 9, [], *([["night", "day"]] * 20)], 4.0)
    same, other, nothing = habit.compare([0])[0][1:4]
    assert same > 1
    assert other < -1
    assert nothing == pytest.approx(0)
    assert habit.most(0) == (100, "night")
    assert bounded(np.array([[8.0, 2.0]]), 5.0).tolist() == [[4.0, 1.0]]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=12))
def test_ties_take_the_middle_rank(some: list[tuple[int, bool]]) -> None:
    scores, relevant = np.array([float(score) for score, _ in some]), np.array([flag for _, flag in some])
    rank = middle_rank(scores, relevant)
    if not relevant.any():
        assert math.isnan(rank)
        return
    others = scores[~relevant]
    best = scores[relevant].max()
    assert rank == (1 + (others > best).sum() + 1 + (others >= best).sum()) / 2
    assert 0 <= recall_within(scores, relevant, 3) <= 1


def test_cost() -> None:
    same = np.array([True, False])
    assert cost(np.zeros(2), same) == pytest.approx(1)
    assert cost(np.array([30.0, -30.0]), same) == pytest.approx(0, abs=1e-9)
    assert cost(np.array([-5.0, 5.0]), same) > 5


def test_an_interval_draws_persons() -> None:
    one = by_person([1.0, 0.0] * 30, [f"p{number}" for number in range(60)])
    few = by_person([1.0, 0.0] * 30, ["p1", "p2"] * 30)
    assert one.value == few.value == 0.5
    assert (few.low, few.high) == (0.0, 1.0)
    assert 0.3 < one.low < 0.5 < one.high < 0.7
