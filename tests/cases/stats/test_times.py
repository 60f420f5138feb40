"""Durations with what still waits."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.cases.stats.times import Waits, curve, quantile, summary

seconds = st.lists(st.integers(0, 50).map(float), max_size=30)


def test_the_product_limit_estimate_of_a_textbook() -> None:
    # Kaplan and Meier 1958, section 2: deaths at 0.8, 3.1, 5.4, 9.2; losses at 1.0, 2.7, 7.0, 12.1.
    points = curve([0.8, 3.1, 5.4, 9.2], [1.0, 2.7, 7.0, 12.1])
    assert [time for time, _ in points] == [0.8, 3.1, 5.4, 9.2]
    assert [1 - share for _, share in points] == pytest.approx([7 / 8, 7 / 10, 21 / 40, 21 / 80])


@given(seconds.filter(len))
def test_when_nothing_waits_it_is_the_plain_share(done: list[float]) -> None:
    for time, share in curve(done, []):
        assert math.isclose(share, sum(one <= time for one in done) / len(done))
    told = summary(Waits(done=done))
    assert told.median == statistics.median_low(done)


@given(seconds, seconds)
def test_a_share_only_grows_and_what_waits_only_makes_it_smaller(done: list[float], waiting: list[float]) -> None:
    points = curve(done, waiting)
    assert [time for time, _ in points] == sorted(set(done))
    values = [0.0, *(share for _, share in points), 1.0]
    assert all(before <= after + 1e-12 for before, after in itertools.pairwise(values))
    for (_, with_waiting), (_, without) in zip(points, curve(done, []), strict=True):
        assert with_waiting <= without + 1e-12


@pytest.mark.parametrize(
    ("done", "waiting", "median"),
    [([], [], None), ([], [5.0], None), ([5.0], [], 5.0), ([5.0], [9.0], 5.0), ([5.0], [9.0, 9.0], None), ([5.0], [4.0, 4.0], 5.0)],
)
def test_a_median_is_told_only_once_half_are_done(done: list[float], waiting: list[float], median: float | None) -> None:
    assert quantile(curve(done, waiting), 0.5) == median


def test_what_was_closed_without_it_does_not_wait() -> None:
    waits = Waits()
    waits.add(10.0, 15.0, None, now=100.0)
    waits.add(10.0, None, 20.0, now=100.0)
    waits.add(10.0, None, None, now=100.0)
    assert (waits.done, waits.waiting, waits.never) == ([5.0], [90.0], 1)
