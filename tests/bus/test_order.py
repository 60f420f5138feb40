"""Texts of one page are judged in the order of its edits, whatever order a wiki answers in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tsbot.bus.order import PageOrder
from tsbot.wiki.fetcher import FetchResult
from tsbot.wiki.queue import FetchItem
from tsbot.wiki.types import RevisionRef


def result(name: str) -> FetchResult:
    return FetchResult(FetchItem(RevisionRef("enwiki", 1, 0, ""), 0.0, name))


def names(results: list[FetchResult]) -> list[str]:
    return [str(one.item.token) for one in results]


@given(st.permutations([f"{page}{number}" for page in "ab" for number in range(5)]), st.integers(1, 4))
def test_any_order_of_answers_becomes_the_order_of_each_page(answers: list[str], at_once: int) -> None:
    order = PageOrder(patience=60.0)
    for number in range(5):
        for page in "ab":
            order.expect(f"{page}{number}", page)
    released: list[str] = []
    for start in range(0, len(answers), at_once):
        released += names(order.sort([result(name) for name in answers[start : start + at_once]], 0.0))
    assert sorted(released) == sorted(answers)
    assert order.held == 0
    for page in "ab":
        assert [name for name in released if name[0] == page] == [f"{page}{number}" for number in range(5)]


def test_pages_do_not_wait_for_each_other() -> None:
    order = PageOrder(patience=60.0)
    order.expect("a1", "a")
    order.expect("b1", "b")
    assert names(order.sort([result("b1")], 0.0)) == ["b1"]


def test_a_text_waits_for_an_earlier_one_but_not_for_ever() -> None:
    order = PageOrder(patience=30.0)
    for name in ("a1", "a2", "a3"):
        order.expect(name, "a")
    assert order.sort([result("a2")], 0.0) == []
    assert order.sort([], 29.0) == []
    assert names(order.sort([], 30.0)) == ["a2"]
    assert names(order.sort([result("a1")], 31.0)) == ["a1"]
    assert names(order.sort([result("a3")], 32.0)) == ["a3"]


def test_nothing_waits_for_an_edit_that_another_worker_has_by_now() -> None:
    order = PageOrder(patience=60.0)
    order.expect("a1", "a")
    order.expect("a2", "a")
    order.forget("a1")
    assert names(order.sort([result("a2")], 0.0)) == ["a2"]


def test_what_was_never_expected_does_not_wait() -> None:
    assert names(PageOrder(patience=60.0).sort([result("x")], 0.0)) == ["x"]
