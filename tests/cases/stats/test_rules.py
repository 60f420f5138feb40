"""Whether a rule was right: who says so, and how sure that is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.cases.annotations import What
from tsbot.cases.stats.rows import CaseRow, FlagRow
from tsbot.cases.stats.rules import RuleBook, Truth, rules_of, truth, wilson

CASE = CaseRow("c", "enwiki", "violence", "new", "patrol", opened=100.0)
FLAG = FlagRow("f", "c", "violence", "en", "scored", "word-1", "text", "patrol", event_time=90.0, priority=50)


@pytest.mark.parametrize(
    ("verdict", "of_case", "of_flag", "outcome", "expected"),
    [
        (None, set(), set(), "", Truth.UNKNOWN),
        ("right", {What.FALSE_POSITIVE}, set(), "", Truth.RIGHT),  # who labelled the flag knows it best
        ("false_alarm", {What.PASSED_ON}, {"hidden"}, "", Truth.FALSE_ALARM),
        ("wrong_kind", set(), set(), "", Truth.WRONG_KIND),
        ("wrong_score", set(), set(), "", Truth.RIGHT),
        ("unheard of", set(), set(), "", Truth.UNKNOWN),
        (None, {What.FALSE_POSITIVE}, {"hidden"}, "", Truth.FALSE_ALARM),
        (None, set(), set(), "false_positive", Truth.FALSE_ALARM),
        (None, {What.PASSED_ON}, set(), "", Truth.RIGHT),
        (None, set(), {"hidden"}, "", Truth.RIGHT),
        (None, {What.HIDDEN}, set(), "", Truth.UNKNOWN),  # another flag of the case was hidden
        (None, {What.NO_ACTION}, {"blocked", "page_deleted"}, "no_action", Truth.UNKNOWN),  # not actionable is not false
    ],
)
def test_who_is_believed(verdict: str | None, of_case: set[str], of_flag: set[str], outcome: str, expected: Truth) -> None:
    flag = replace(FLAG, verdict=verdict, became=frozenset(of_flag))
    found, labelled = truth(flag, replace(CASE, became=frozenset(of_case), outcome=outcome))
    assert (found, labelled) == (expected, verdict is not None)


def test_a_flag_stands_for_each_of_its_rules_once() -> None:
    flag = replace(FLAG, reasons=("kind.violence", "probability", "near", "near", "raised"), evidence=("when", "violence", "when"))
    assert [*rules_of(flag)] == ["kind.violence", "field.text", "coverage.scored", "reason.near", "evidence.violence", "evidence.when"]


def test_versions_of_the_detector_are_kept_apart() -> None:
    book = RuleBook()
    for detector, verdict in (("a", "right"), ("a", "false_alarm"), ("b", "right"), ("b", None)):
        book.note(replace(FLAG, detector=detector, verdict=verdict), CASE)
    of_kind = [rule for rule in book.rules() if rule.rule == "kind.violence"]
    found = {rule.detector: (rule.right, rule.false_alarm, rule.unknown, rule.precision) for rule in of_kind}
    assert found == {"a": (1, 1, 0, 0.5), "b": (1, 0, 1, 1.0)}


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (5, 10, 0.237, 0.763), (81, 263, 0.255, 0.366), (1, 1, 0.207, 1.0)],
)
def test_the_interval_of_wilson(hits: int, of: int, low: float, high: float) -> None:
    # 81 of 263 is the example of Newcombe 1998, table I (method 3): 0.2553 to 0.3662.
    assert tuple(round(bound, 3) for bound in wilson(hits, of)) == (low, high)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_share(trial: tuple[int, int]) -> None:
    hits, of = trial
    low, high = wilson(hits, of)
    assert 0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1
