"""Which state follows which, who may bring it about, and what that leaves on the case."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsbot.cases import lifecycle
from tsbot.cases.case import CaseState
from tsbot.cases.closing import load_closing, shipped_closing
from tsbot.cases.handling import load_handling, shipped_handling
from tsbot.cases.lifecycle import load_transitions, shipped_transitions
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import CaseChangedError, CaseError, InputError, SettingsError, TransitionError
from tsbot.store import audit
from tsbot.text.passage import Field

Book = Any
ROOT = Path(__file__).parents[2]
STATES = tuple(CaseState)
ARROW = re.compile(r"^\s+(\w+) --> (\w+) : (.+)$", re.MULTILINE)


def at(book: Book, state: CaseState, kind: Kind = Kind.DOXING) -> str:
    """A case of a kind in a state."""
    case_id: str = book.case(kind)
    closed = {"closed": book.now, "outcome": "handled", "due": None} if state is CaseState.CLOSED else {}
    book.set(case_id, state=state.value, **closed)
    return case_id


def move(book: Book, case_id: str, to: CaseState, by: str = "ann", **more: Any) -> Any:
    with book.write() as connection:
        return lifecycle.move(connection, case_id, to, by=by, now=book.now, outcome="handled" if to is CaseState.CLOSED else None, **more)


@pytest.mark.parametrize("start", STATES)
def test_every_way_is_open_to_whom_the_table_says_and_no_other_is(book: Book, start: CaseState) -> None:
    for to, by, kind in itertools.product(STATES, ("ann", "tsbot"), (Kind.VIOLENCE, Kind.DOXING)):
        case_id = at(book, start, kind)
        before = book[case_id]
        way = shipped_transitions().get((start, to))
        person = by == "ann"
        if way is None or ("person" if person else "system") not in way.by or (way.not_emergency and kind in PHYSICAL and not person):
            with pytest.raises(TransitionError, match=case_id[:8]):
                move(book, case_id, to, by)
            assert book[case_id] == before
            continue
        after = move(book, case_id, to, by)
        assert (after.state, after.version, book.acts(case_id)[-1]) == (to, before.version + 1, way.act)
        assert (after.closed is not None, after.outcome is not None, after.due is None) == (to is CaseState.CLOSED,) * 3


def test_the_drawing_in_the_docs_is_the_table() -> None:
    drawn = ARROW.findall((ROOT / "docs" / "cases.md").read_text(encoding="utf-8"))
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {(way.start.value, way.to.value, way.why) for way in shipped_transitions().values()}


def test_the_docs_tell_every_outcome_in_the_words_of_the_table() -> None:
    page = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    for name, ending in shipped_closing().outcomes.items():
        assert f"| `{name}` | {ending.words} |" in page


def test_the_emergency_kinds_and_only_those_wait_for_an_acknowledgement() -> None:
    assert {kind for kind in shipped_handling().kinds if shipped_handling().emergency(kind)} == PHYSICAL | {Kind.MINORS}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["move", "advance", "noticed", "settle", "flag", "hide", "show", "claim", "note", "close", "reopen"]),
        st.sampled_from(STATES),
        st.sampled_from(["ann", "bob", "tsbot"]),
        st.floats(-2000, 2000),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, kind=st.sampled_from([Kind.VIOLENCE, Kind.SELF_HARM, Kind.DOXING]))
def test_whatever_is_done_in_whatever_order_a_case_stays_whole(book: Book, steps: list[Any], kind: Kind) -> None:
    """Also when the clock jumps to and fro."""
    author = f"Author {next(book.numbers)}"
    flags = [book.flag(kind, by=author)]
    case_id = flags[0].case_id
    for what, state, by, jump in steps:
        before = book[case_id]
        book.now += jump
        try:
            step(book, case_id, what, state, by, flags, kind, author)
        except (CaseError, InputError):
            assert book[case_id].state is before.state
        after = book[case_id]
        assert after.version >= before.version
        assert (after.state is CaseState.CLOSED) == (after.closed is not None) == (after.outcome is not None) == (after.due is None)
        assert after.state is not CaseState.CLOSED or after.lease_by is None
        assert after.state is before.state or after.version > before.version
        for name in ("triaged", "reported", "acknowledged", "hidden"):
            assert getattr(before, name) is None or getattr(after, name) == getattr(before, name), "the first time is kept"
        closed = after.state is CaseState.CLOSED and before.state is not CaseState.CLOSED
        closer = "select actor from audit where object = '{}' and act = 'case.closed' order by number desc limit 1"
        if closed and kind in PHYSICAL and book.rows(closer.format(case_id)) == [("stream",)]:
            assert after.acknowledged is not None, "hidden is not handled"
        assert after.priority == max(priority for (priority,) in book.rows(f"select priority from flag where case_id = '{case_id}'"))
    with book.database.read() as connection:
        assert audit.verify(connection) is None


def step(book: Book, case_id: str, what: str, state: CaseState, by: str, flags: list[Any], kind: Kind, author: str) -> None:
    if what == "flag":
        flags.append(book.flag(kind, by=author))
    elif what in ("hide", "show"):
        book.happens(flags[-1], **({"text_visible": False} if what == "hide" else {}))
    elif what in ("claim", "note", "close", "reopen"):
        arguments = {"note": ["looked at it"], "close": ["handled"]}.get(what, [])
        more = {"seen": book[case_id].version} if what in ("close", "reopen") else {}
        book.do(by, what, case_id, *arguments, **more)
    else:
        with book.write() as connection:
            if what == "move":
                lifecycle.move(connection, case_id, state, by=by, now=book.now, outcome="handled")
            elif what == "advance":
                lifecycle.advance(connection, case_id, state, by=by, now=book.now)
            elif what == "noticed":
                lifecycle.noticed(connection, case_id, book.now, by)
            else:
                lifecycle.settle(connection, case_id, book.now)


# -- what the stream closes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.DOXING, Kind.ATTACK_NAME, Kind.LEGAL, Kind.HARASSMENT])
def test_what_the_wiki_hid_is_closed_by_the_stream(book: Book, kind: Kind) -> None:
    flag = book.flag(kind)
    book.now += 60
    book.hide(flag)
    case = book[flag.case_id]
    assert (case.state, case.outcome, case.hidden, case.closed) == (CaseState.CLOSED, "hidden", book.now, book.now)
    assert book.became(case.id) == [("hidden", "stream")]
    assert case.triaged is None, "no person did anything"


@pytest.mark.parametrize("kind", sorted(PHYSICAL | {Kind.MINORS}))
def test_hidden_is_not_handled_where_somebody_may_be_in_danger(book: Book, kind: Kind) -> None:
    flag = book.flag(kind)
    book.hide(flag)
    assert (book[flag.case_id].state, book[flag.case_id].hidden) == (CaseState.NEW, book.now)
    assert book.became(flag.case_id) == [("hidden", "stream")]


@pytest.mark.parametrize("order", ["hidden first", "answered first"])
def test_hidden_and_acknowledged_is_handled_in_whichever_order(book: Book, order: str) -> None:
    flag = book.flag()
    things = [lambda: book.hide(flag), lambda: advance(book, flag.case_id, CaseState.ACKNOWLEDGED)]
    for thing in things if order == "hidden first" else things[::-1]:
        assert book[flag.case_id].state is not CaseState.CLOSED
        thing()
    assert (book[flag.case_id].state, book[flag.case_id].outcome) == (CaseState.CLOSED, "hidden")


def advance(book: Book, case_id: str, to: CaseState) -> Any:
    with book.write() as connection:
        return lifecycle.advance(connection, case_id, to, by="tsbot", now=book.now)


def test_one_of_two_hidden_closes_nothing(book: Book) -> None:
    first, second = book.flag(Kind.DOXING, by="Example"), book.flag(Kind.DOXING, by="Example")
    book.hide(first)
    assert book[first.case_id].state is CaseState.NEW
    book.hide(second)
    assert book[first.case_id].state is CaseState.CLOSED


def test_what_is_shown_again_is_not_hidden(book: Book) -> None:
    first, second = book.flag(Kind.DOXING, by="Example"), book.flag(Kind.DOXING, by="Example")
    book.hide(first)
    book.now += 1
    book.happens(first)
    book.now += 1
    book.hide(second)
    assert book[first.case_id].state is CaseState.NEW
    book.now += 1
    book.hide(first)
    assert book[first.case_id].state is CaseState.CLOSED


def test_a_summary_is_not_hidden_by_hiding_the_text(book: Book) -> None:
    flag = book.flag(Kind.DOXING, field=Field.SUMMARY)
    book.hide(flag)
    assert (book[flag.case_id].state, book[flag.case_id].hidden, book.became(flag.case_id)) == (
        CaseState.NEW, None, [("partly_hidden", "stream")]
    )  # fmt: skip
    book.now += 1
    book.happens(flag, comment_visible=False)
    assert book[flag.case_id].state is CaseState.CLOSED


# -- what it leaves ----------------------------------------------------------------------------------------------------------


def test_advance_goes_as_far_as_needed_and_never_back(book: Book) -> None:
    case_id = book.case()
    assert advance(book, case_id, CaseState.REPORTED).state is CaseState.REPORTED
    acknowledged = advance(book, case_id, CaseState.ACKNOWLEDGED)
    book.now += 60
    assert advance(book, case_id, CaseState.REPORTED) == acknowledged
    assert book.acts(case_id) == ["case.opened", "case.reported", "case.acknowledged"]


def test_the_first_human_act_is_noted_once(book: Book) -> None:
    case_id = book.case()
    with book.write() as connection:
        lifecycle.noticed(connection, case_id, book.now, "ann")
        lifecycle.noticed(connection, case_id, book.now + 60, "bob")
    assert (book[case_id].state, book[case_id].triaged, book.acts(case_id)) == (CaseState.TRIAGE, book.now, ["case.opened", "case.triaged"])


def test_what_is_due_depends_on_kind_priority_and_state(book: Book) -> None:
    minutes = {}
    none, all_three = (0, 0, 0), (3, 3, 3)
    for name, kind, scores in (("near", Kind.VIOLENCE, all_three), ("emergency", Kind.VIOLENCE, none), ("legal", Kind.LEGAL, none)):
        case = book[book.case(kind, scores=scores)]
        assert case.due is not None
        minutes[name] = (case.due - book.now) / 60
    assert minutes["near"] < minutes["emergency"] < minutes["legal"]


def test_a_graver_flag_makes_the_case_graver_and_due_sooner(book: Book) -> None:
    case = book[book.case(Kind.LEGAL, by="Example", scores=(0, 0, 0))]
    graver = book.flag(Kind.SELF_HARM, by="Example", scores=(3, 3, 3))
    after = book[case.id]
    assert graver.case_id == case.id
    assert (after.kind, after.priority, after.tlp) == (Kind.SELF_HARM, graver.priority, "red")
    assert after.due < case.due


def test_closing_needs_an_outcome_that_there_is(book: Book) -> None:
    case_id = book.case()
    with book.write() as connection, pytest.raises(InputError, match="handled"):
        lifecycle.move(connection, case_id, CaseState.CLOSED, by="ann", now=book.now, outcome="solved")


def test_an_old_version_is_told_what_changed(book: Book) -> None:
    case_id = book.case(by="Example")
    seen = book[case_id].version
    book.do("bob", "claim", case_id)
    book.flag(by="Example")
    book.flag(by="Example")
    with pytest.raises(CaseChangedError) as told:
        move(book, case_id, CaseState.OPEN, version=seen)
    assert "case.triaged by bob at " in str(told.value)
    assert "case.flagged by tsbot at " in str(told.value)
    assert "(2 times)" in str(told.value)
    assert f"--seen {book[case_id].version}" in str(told.value)
    assert "Example" not in str(told.value)
    with pytest.raises(CaseChangedError, match="no version 99 yet"):
        move(book, case_id, CaseState.OPEN, version=99)


def test_there_is_no_such_case(book: Book) -> None:
    for name in ("ffff", "'; drop table case_file; --", "%", "\x00", "a" * 5000, "\ud800"):
        with book.write() as connection, pytest.raises(InputError, match="no case"):
            lifecycle.read_case(connection, name)


# -- tables ------------------------------------------------------------------------------------------------------------------

TRANSITIONS, HANDLING, CLOSING = (lifecycle.SHIPPED.with_name(f"{name}.toml") for name in ("transitions", "handling", "closing"))


@pytest.mark.parametrize(
    ("load", "file", "old", "new", "named"),
    [
        (load_transitions, TRANSITIONS, 'to = "triage"', 'to = "limbo"', "limbo"),
        (load_transitions, TRANSITIONS, 'to = "triage"', 'to = "new"', "leads nowhere"),
        (load_transitions, TRANSITIONS, 'to = "triage"', 'to = "open"', "twice"),
        (load_transitions, TRANSITIONS, 'act = "case.triaged"', 'act = "triaged"', "new to triage"),
        (load_transitions, TRANSITIONS, 'why = "somebody looks at it"', 'why = " "', "new to triage"),
        (load_transitions, TRANSITIONS, 'from = "acknowledged"', 'from = "closed"', "closed"),
        (load_handling, HANDLING, "[kinds.legal]", "[kinds.illegal]", "illegal"),
        (load_handling, HANDLING, "[kinds.legal]", "[kinds.none]", "kinds.legal is missing"),
        (load_handling, HANDLING, "emergency = true", "emergency = false", "life or limb"),
        (load_handling, HANDLING, 'tlp = "red"', 'tlp = "purple"', "purple"),
        (load_handling, HANDLING, 'lane = "self_harm"', 'lane = "self harm"', "kinds.self_harm.lane"),
        (load_handling, HANDLING, "new = 15, ", "", "due row 2 has no minutes for new"),
        (load_handling, HANDLING, "[[due]]\nminutes", "[[due]]\npriority = 3\nminutes", "fit every case"),
        (load_closing, CLOSING, 'title = ["page_deleted"]', "", "covers.title is missing"),
        (load_closing, CLOSING, 'title = ["page_deleted"]', 'title = ["gone"]', "gone"),
        (load_closing, CLOSING, "[outcomes.merged]", "[outcomes.joined]", "merged is missing"),
        (load_closing, CLOSING, 'words = "the software was wrong"', 'words = ""', "false_positive"),
        (load_closing, CLOSING, "[covers]", "[covers", "closing.toml"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, load: Any, file: Path, old: str, new: str, named: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / file.name
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=named) as error:
        load(changed)
    assert file.name in str(error.value)
