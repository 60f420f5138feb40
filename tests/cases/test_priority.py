"""The place in the queue: which flags come first, and that every number can be followed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.cases.context import HEADINGS, TEMPLATES, TOPICS, Context
from tsbot.cases.priority import MOST, SHIPPED, Priority, load_table, prioritise, shipped_table, with_risk
from tsbot.detect.finding import DETECTED, PHYSICAL, Coverage, Finding, Kind
from tsbot.errors import SettingsError
from tsbot.text.passage import Field

DOCS = Path(__file__).parents[2] / "docs" / "priority.md"
TALK = Context(namespace=1)


def finding(kind: Kind = Kind.VIOLENCE, scores: str = "110", p: float = 0.8, coverage: Coverage = Coverage.SCORED) -> Finding:
    """A finding with three grades."""
    s, plausibility, imminence = map(int, scores)
    return Finding({kind: p}, (kind,), specificity=s, plausibility=plausibility, imminence=imminence, coverage=coverage)


def priority(kind: Kind = Kind.VIOLENCE, scores: str = "110", context: Context = TALK, **more: Any) -> Priority:
    return prioritise(finding(kind, scores, **more), kind, context)


def names(found: Priority) -> set[str]:
    return {reason.name for reason in found.reasons}


CONTEXTS = st.builds(
    Context,
    namespace=st.sampled_from([None, 0, 1, 3, 4]),
    field=st.sampled_from(list(Field)),
    section=st.sampled_from(["", *HEADINGS]),
    markup=st.sampled_from(["", "template", *TEMPLATES]),
    quoted=st.booleans(),
    administrative=st.booleans(),
    topics=st.lists(st.sampled_from(TOPICS), max_size=2, unique=True).map(tuple),
    temporary=st.sampled_from([None, True, False]),
    account_days=st.none() | st.floats(0, 9999),
    edit_count=st.none() | st.integers(0, 10**6),
    earlier_author=st.integers(0, 50),
    earlier_page=st.integers(0, 50),
    repeated=st.integers(0, 10**6),
    by_hand=st.booleans(),
    revert_risk=st.none() | st.floats(0, 1),
)
KINDS = st.sampled_from(DETECTED)
SCORES = st.text("0123", min_size=3, max_size=3)
PROBABILITIES = st.floats(0, 1)
COVERAGES = st.sampled_from(list(Coverage))


@given(KINDS, SCORES, CONTEXTS, PROBABILITIES, COVERAGES)
def test_a_priority_is_the_sum_of_its_reasons(kind: Kind, scores: str, context: Context, p: float, coverage: Coverage) -> None:
    found = priority(kind, scores, context, p=p, coverage=coverage)
    assert found.value == sum(reason.points for reason in found.reasons)
    assert len(names(found)) == len(found.reasons)
    assert all(reason.words and "{" not in reason.words for reason in found.reasons)


@given(KINDS, SCORES, CONTEXTS, KINDS, SCORES, CONTEXTS)
def test_near_threats_to_life_come_first_whatever_surrounds_them(
    kind: Kind, scores: str, context: Context, other: Kind, others: str, around: Context
) -> None:
    first = kind in PHYSICAL and scores[2] in "23"
    second = other in PHYSICAL and others[2] in "23"
    if first and not second:
        assert priority(kind, scores, context).value > priority(other, others, around).value


@given(KINDS, SCORES, CONTEXTS)
def test_nothing_vanishes(kind: Kind, scores: str, context: Context) -> None:
    found = priority(kind, scores, context, p=0.0)
    bounds = shipped_table().bounds
    assert (bounds.visible_emergency if kind in PHYSICAL or kind is Kind.MINORS else bounds.visible) <= found.value <= MOST


@given(KINDS, SCORES, CONTEXTS, st.integers(0, 2))
def test_a_higher_grade_never_lowers(kind: Kind, scores: str, context: Context, which: int) -> None:
    higher = scores[:which] + str(min(3, int(scores[which]) + 1)) + scores[which + 1 :]
    assert priority(kind, higher, context).value >= priority(kind, scores, context).value


@given(KINDS, SCORES, CONTEXTS, st.none() | st.floats(0, 1))
def test_an_outside_score_that_comes_later_gives_what_it_would_have_given_at_once(
    kind: Kind, scores: str, context: Context, risk: float | None
) -> None:
    stored = priority(kind, scores, context)
    later = with_risk(kind, int(scores[2]), stored.reasons, risk)
    assert later.value == priority(kind, scores, replace(context, revert_risk=risk)).value


@pytest.mark.parametrize(
    ("context", "name", "sign"),
    [
        (Context(namespace=0), "article_prose", -1),
        (Context(section="plot"), "plot", -1),
        (Context(section="lyrics"), "lyrics", -1),
        (Context(markup="lyrics"), "lyrics", -1),
        (Context(quoted=True), "quotation", -1),
        (Context(markup="quote"), "quotation", -1),
        (Context(markup="template"), "template", -1),
        (Context(markup="warning"), "warning", -1),
        (Context(administrative=True, field=Field.COMMENT), "block_message", -1),
        (Context(namespace=3), "user_talk", 1),
        (Context(topics=("school",)), "school", 1),
        (Context(topics=("worship",)), "worship", 1),
        (Context(temporary=True), "new_account", -1),
        (Context(account_days=1.0), "new_account", -1),
        (Context(edit_count=3), "new_account", -1),
        (Context(edit_count=5000, account_days=900.0), "established_account", 1),
        (Context(earlier_author=1), "earlier_author", 1),
        (Context(earlier_page=1), "earlier_page", 1),
        (Context(repeated=1), "repeated", -1),
        (Context(by_hand=True), "by_hand", 1),
        (Context(revert_risk=0.99), "high_revert_risk", 1),
        (Context(revert_risk=0.01), "low_revert_risk", -1),
    ],
)
def test_each_context_has_its_reason(context: Context, name: str, sign: int) -> None:
    plain, moved = priority(context=Context()), priority(context=context)
    assert names(moved) - names(plain) == {name}
    assert (moved.value - plain.value) * sign > 0


@pytest.mark.parametrize(
    "context",
    [
        Context(),
        Context(namespace=0, field=Field.SUMMARY),
        Context(edit_count=5000),
        Context(account_days=900.0),
        Context(edit_count=100, account_days=30.0),
        Context(revert_risk=0.5),
        Context(temporary=False),
    ],
)
def test_what_is_unknown_or_ordinary_moves_nothing(context: Context) -> None:
    assert priority(context=context) == priority(context=Context())


def test_what_is_counted_has_an_end() -> None:
    reasons = {reason.name: reason for reason in priority(context=Context(repeated=1000, earlier_author=1000)).reasons}
    assert (reasons["repeated"].points, reasons["earlier_author"].points) == (-16, 8)
    assert "1000" in reasons["repeated"].words


def test_a_language_judged_by_phrases_is_not_ranked_lower_for_it() -> None:
    assert priority(coverage=Coverage.WEAK).value > priority().value
    assert priority(coverage=Coverage.UNSCORED).value > priority().value


def test_a_page_is_about_one_thing() -> None:
    assert names(priority(context=Context(topics=("university", "worship")))) & {*TOPICS} == {"university"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("legal = 8", "", "kinds.legal is missing"),
        ("legal = 8", "legal = 8\nnone = 1", "kinds.none is no kind of a flag"),
        ("[reasons.plot]", "[reasons.plott]", "reasons.plot"),
        ("[reasons.plot]\npoints = -8", "[reasons.plot]\npoints = -800", "-100"),
        ('words = "under a heading for a plot or a story"', 'words = " "', "reasons.plot.words is empty"),
        ("first = 80", "first = 10", "must ascend"),
        ("specificity = 4", "specifity = 4", "specifity|specificity"),
        ("[bounds]", "[bounds", "priority.toml"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "priority.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        load_table(file)


def test_every_number_is_documented() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([+-]?\d+)", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    table = shipped_table()
    expected = {name: f"{row.points:+d}" for name, row in table.reasons.items()}
    expected |= {str(kind): f"{points:+d}" for kind, points in table.kinds.items()}
    expected |= {name: f"{getattr(table.scores, name):+d}" for name in table.scores.__struct_fields__}
    expected |= {name: f"{getattr(table.bounds, name)}" for name in table.bounds.__struct_fields__}
    assert rows == expected
