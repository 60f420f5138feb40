"""How often wikis may be asked."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.settings import WikiSettings
from tsbot.wiki.budget import Budget, rate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("client", "requests_per_minute", "expected"),
    [
        ("anonymous", 0, 7.5),
        ("unauthed-bot", 0, 150.0),
        ("authed-user", 0, 150.0),
        ("established-user", 0, 1500.0),
        ("approved-bot", 0, None),
        ("approved-bot", 300, 300.0),
        ("anonymous", 3, 3.0),
    ],
)
def test_rate_is_what_is_configured_or_three_quarters_of_the_allowance(
    client: str, requests_per_minute: int, expected: float | None
) -> None:
    assert rate(WikiSettings(client=client, requests_per_minute=requests_per_minute)) == expected  # type: ignore[arg-type]


def test_a_spent_budget_refills_with_time() -> None:
    clock = Clock()
    budget = Budget(60, clock)
    while budget.try_take():
        pass
    assert budget.remaining == 0
    assert budget.wait_time() == pytest.approx(1.0)
    clock.now += budget.wait_time()
    assert budget.try_take()
    assert not budget.try_take()


def test_a_request_that_could_not_wait_is_paid_for_later() -> None:
    clock = Clock()
    budget = Budget(60, clock)
    while budget.try_take():
        pass
    budget.spend()
    assert budget.wait_time() == pytest.approx(2.0)


def test_what_was_taken_and_not_used_can_be_given_back() -> None:
    budget = Budget(60, Clock())
    before = budget.remaining
    assert budget.try_take()
    budget.give_back()
    assert budget.remaining == before


def test_without_limit_only_a_penalty_stops_requests() -> None:
    clock = Clock()
    budget = Budget(None, clock)
    assert all(budget.try_take() for _ in range(10_000))
    assert budget.remaining is None
    budget.penalise(30)
    budget.penalise(5)  # does not shorten the pause
    assert not budget.try_take()
    assert (budget.remaining, budget.wait_time()) == (0, 30.0)
    clock.now += 30
    assert budget.try_take()


@settings(deadline=None, max_examples=50)
@given(per_minute=st.sampled_from([3.0, 7.5, 60.0, 150.0]), steps=st.lists(st.floats(0, 20), max_size=20))
def test_no_minute_exceeds_the_allowance_of_which_the_rate_is_three_quarters(per_minute: float, steps: list[float]) -> None:
    clock = Clock()
    budget = Budget(per_minute, clock)
    taken: list[float] = []
    for step in steps:
        clock.now += step
        while budget.try_take():
            taken.append(clock.now)
    allowance = per_minute / 0.75
    for start in taken:
        assert sum(start <= moment < start + 60 for moment in taken) <= allowance


def test_many_threads_take_exactly_what_there_is() -> None:
    budget = Budget(6000, Clock())
    there = budget.remaining
    taken: list[bool] = []

    def take() -> None:
        taken.extend(budget.try_take() for _ in range(400))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == there
