"""Acts that need a second person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tsbot.cases import approvals
from tsbot.cases.case import CaseState
from tsbot.detect.finding import Kind
from tsbot.errors import ApprovalNeededError, CaseChangedError, CaseTakenError, InputError, SettingsError
from tsbot.settings import CaseSettings

Book = Any
HIGH = (3, 3, 3)
HOUR = 3600.0


def close(book: Book, who: str, case_id: str, outcome: str = "dismissed") -> Any:
    return book.do(who, "close", case_id, outcome, seen=book[case_id].version)


def approve(book: Book, who: str, obj: str) -> list[str]:
    with book.write() as connection:
        return [one.act for one in approvals.approve(connection, obj, who, book.now)]


def test_to_dismiss_a_high_priority_takes_two(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    with pytest.raises(ApprovalNeededError, match="second person"):
        close(book, "ann", case_id)
    assert book[case_id].state is CaseState.NEW
    with pytest.raises(ApprovalNeededError, match="still waits"):
        close(book, "ann", case_id)
    assert close(book, "bob", case_id, "false_positive").outcome == "false_positive"
    assert book.acts(case_id) == ["case.opened", "approval.asked", "approval.given", "approval.used", "case.closed"]


@pytest.mark.parametrize(("kind", "scores", "outcome"), [(Kind.VIOLENCE, HIGH, "handled"), (Kind.LEGAL, (0, 0, 0), "dismissed")])
def test_one_is_enough_for_other_outcomes_and_low_priorities(book: Book, kind: Kind, scores: tuple[int, int, int], outcome: str) -> None:
    assert close(book, "ann", book.case(kind, scores=scores), outcome).state is CaseState.CLOSED


def test_approved_first_and_done_by_whoever_asked(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    with pytest.raises(ApprovalNeededError):
        close(book, "ann", case_id)
    with pytest.raises(InputError, match="asked for it yourself"):
        approve(book, "ann", case_id)
    assert approve(book, "bob", case_id) == ["dismiss_high"]
    assert book[case_id].state is CaseState.NEW
    assert close(book, "ann", case_id).state is CaseState.CLOSED
    with pytest.raises(InputError, match="Nothing about"):
        approve(book, "bob", case_id)


def test_an_approval_is_used_once(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    for who in ("ann", "bob"):
        try:
            close(book, who, case_id)
        except ApprovalNeededError:
            assert who == "ann"
    book.do("ann", "reopen", case_id, seen=book[case_id].version)
    with pytest.raises(ApprovalNeededError, match="asked for now"):
        close(book, "bob", case_id)


def test_a_request_ends_by_time_and_by_a_new_flag(book: Book) -> None:
    case_id = book.case(scores=HIGH, by="Example")
    with pytest.raises(ApprovalNeededError):
        close(book, "ann", case_id)
    book.now += 25 * HOUR
    with pytest.raises(ApprovalNeededError, match="asked for now"):
        close(book, "bob", case_id)
    approve(book, "ann", case_id)
    book.now -= 10 * HOUR
    book.flag(by="Example")
    with pytest.raises(ApprovalNeededError, match="asked for now"):
        close(book, "bob", case_id)
    assert "approval.void" in book.acts(case_id)


def test_a_request_of_a_clock_that_was_ahead_is_void(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    book.now += 1000 * HOUR
    with pytest.raises(ApprovalNeededError):
        close(book, "ann", case_id)
    book.now -= 1000 * HOUR
    with pytest.raises(ApprovalNeededError, match="asked for now"):
        close(book, "bob", case_id)


def test_the_lease_of_whoever_asks_keeps_no_second_person_out(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    book.do("ann", "claim", case_id)
    with pytest.raises(CaseTakenError):
        close(book, "bob", case_id)
    with pytest.raises(ApprovalNeededError):
        close(book, "ann", case_id)
    assert close(book, "bob", case_id).state is CaseState.CLOSED


def test_an_old_version_is_refused_before_anybody_is_asked(book: Book) -> None:
    case_id = book.case(scores=HIGH, by="Example")
    book.do("ann", "claim", case_id)
    book.flag(by="Example")
    with pytest.raises(CaseChangedError):
        book.do("ann", "close", case_id, "dismissed")
    assert "approval.asked" not in book.acts(case_id)


def test_an_emergency_kind_is_taken_off_by_two(book: Book) -> None:
    case_id = book.case()
    book.do("ann", "claim", case_id)
    assert book.do("ann", "mark", case_id, kind=Kind.MASS_VIOLENCE).kind is Kind.MASS_VIOLENCE
    with pytest.raises(ApprovalNeededError):
        book.do("ann", "mark", case_id, kind=Kind.HARASSMENT)
    assert book.do("bob", "mark", case_id, kind=Kind.HARASSMENT, seen=book[case_id].version).kind is Kind.HARASSMENT


def test_a_legal_hold_needs_two_and_an_end(book: Book) -> None:
    case_id = book.case()
    version = book[case_id].version
    with pytest.raises(InputError, match="future"):
        book.do("ann", "hold", case_id, book.now - 1, seen=version)
    with pytest.raises(ApprovalNeededError):
        book.do("ann", "hold", case_id, book.now + HOUR, seen=version)
    assert book.do("bob", "hold", case_id, book.now + HOUR, seen=version).hold_until == book.now + HOUR
    with pytest.raises(ApprovalNeededError):
        book.do("ann", "hold", case_id, None, seen=version + 1)
    assert book.do("bob", "hold", case_id, None, seen=version + 1).hold_until is None
    assert [act for act in book.acts(case_id) if act.startswith("case.")] == ["case.opened", "case.held", "case.unheld"]


def test_what_needs_two_is_a_setting(book: Book) -> None:
    case_id = book.case(scores=HIGH)
    book.two_person = ()
    assert close(book, "ann", case_id).state is CaseState.CLOSED
    with pytest.raises(SettingsError, match="cases.two_person: there is no act sleep"):
        approvals.rules(["sleep"])


def test_the_setting_holds_what_the_table_says_unless_it_is_set() -> None:
    assert frozenset(CaseSettings().two_person) == approvals.shipped_rules().required


def test_the_docs_tell_every_act() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cases.md").read_text(encoding="utf-8")
    for name, act in approvals.shipped_rules().acts.items():
        assert f"| `{name}` | {'yes' if act.by_default else 'no'} | {act.words}" in page


def test_an_act_that_there_is_not(book: Book) -> None:
    with book.write() as connection, pytest.raises(InputError, match="no act sleep"):
        approvals.need(connection, "sleep", "x", "ann", book.now)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [("by_default = true", "by_default = 3", "by_default"), ("hours = 24", "hours = 0", "hours"), ("[acts.disclose]", '[acts."give away"]', "give away")],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    changed = tmp_path / "approvals.toml"
    changed.write_text(approvals.SHIPPED.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        approvals.load_acts(changed)
