"""What people do to cases in the console: with the version they saw, with a way back, and never past each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tsbot.cases.case import CaseState
from tsbot.console.access import Groups
from tsbot.console.pages.acts import ACTS
from tsbot.console.pages.case import REVEALS
from tsbot.detect.finding import Kind

House = Any


def flash(answer: Any) -> dict[str, str]:
    """Where an act leads and what it tells there."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["location"])
    return {"path": parts.path} | {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_claim_note_and_decide(house: House) -> None:
    case = house.case(Kind.LEGAL)
    reader = house.sign_in()
    assert flash(reader.act(case, "claim")) == {"path": f"/cases/{case}", "did": "claimed", "of": case}
    assert house[case].lease_by == reader.actor
    reader.act(case, "note", text="looked at it")
    assert flash(reader.act(case, "close", outcome="handled")) == {"path": "/next", "did": "closed", "of": case}
    assert (house[case].state, house[case].outcome) == (CaseState.CLOSED, "handled")
    assert {"case.claimed", "case.noted", "case.closed"} <= set(house.acts(case))


def test_the_version_that_was_seen_counts(house: House) -> None:
    case = house.case(Kind.LEGAL)
    ann, bob = house.sign_in("Ann"), house.sign_in("Bob")
    old = house[case].version
    ann.act(case, "mark", tlp="red")
    answer = bob.act(case, "close", outcome="handled", version=old)
    assert answer.status_code == 409
    assert f"case.marked by {ann.actor}" in answer.text
    assert "--seen" not in answer.text
    assert house[case].state is not CaseState.CLOSED


def test_the_back_button_after_deciding(house: House) -> None:
    case = house.case(Kind.LEGAL)
    reader = house.sign_in()
    form = {"version": house[case].version, "outcome": "handled"}
    reader.send(f"/cases/{case}/close", **form)
    again = reader.send(f"/cases/{case}/close", **form)
    assert (again.status_code, "Somebody has acted" in again.text) == (409, True)
    assert house.acts(case).count("case.closed") == 1


def test_somebody_elses_case(house: House) -> None:
    case = house.case(Kind.LEGAL)
    ann, bob = house.sign_in("Ann"), house.sign_in("Bob")
    ann.act(case, "claim")
    refused = bob.act(case, "note", text="my <words>")
    assert (refused.status_code, ann.actor in refused.text, "my &lt;words&gt;" in refused.text) == (409, True, True)
    assert flash(bob.act(case, "claim", take_over="1"))["did"] == "taken_over"
    assert "case.taken_over" in house.acts(case)
    assert ann.act(case, "heartbeat").status_code == 409
    assert bob.act(case, "heartbeat").json() == {"left": 600.0}


def test_an_expired_lease_stops_nobody(house: House) -> None:
    case = house.case(Kind.LEGAL)
    ann, bob = house.sign_in("Ann"), house.sign_in("Bob")
    ann.act(case, "claim")
    house.now += 601
    assert ann.act(case, "heartbeat").status_code == 409
    assert flash(bob.act(case, "claim"))["did"] == "claimed"


def test_hand_over_without_a_reason(house: House) -> None:
    case, other = house.case(scores=(3, 3, 3)), house.case(Kind.LEGAL)
    reader = house.sign_in()
    reader.act(case, "claim")
    assert flash(reader.act(case, "skip"))["path"] == "/next"
    assert house[case].lease_by is None
    assert reader.get("/next").headers["location"].startswith(f"/cases/{other}")


def test_a_decision_can_be_undone_for_some_seconds(house: House) -> None:
    case = house.case(Kind.LEGAL)
    reader = house.sign_in()
    reader.act(case, "close", outcome="blocked")
    assert house.rows(f"select what from annotation where case_id = '{case}'") == [("blocked",)]
    house.now += 8
    assert flash(reader.act(case, "undo", what="close"))["did"] == "undone"
    assert (house[case].state, house[case].outcome, house[case].lease_by) == (CaseState.OPEN, None, reader.actor)
    assert house.rows(f"select what from annotation where case_id = '{case}'") == []
    assert "case.undone" in house.acts(case)


@pytest.mark.parametrize("trouble", ["late", "somebody else's", "acted on since", "twice"])
def test_what_cannot_be_undone_any_more(house: House, trouble: str) -> None:
    case = house.case(Kind.LEGAL)
    ann, bob = house.sign_in("Ann"), house.sign_in("Bob")
    ann.act(case, "close", outcome="handled")
    if trouble == "late":
        house.now += 60
    elif trouble == "acted on since":
        bob.act(case, "reopen")
        bob.act(case, "close", outcome="dismissed")
        ann = ann if house[case].state is CaseState.CLOSED else bob
    elif trouble == "twice":
        ann.act(case, "undo", what="close")
    before = house[case].version
    answer = (bob if trouble == "somebody else's" else ann).act(case, "undo", what="close")
    assert (answer.status_code, "too late" in answer.text, house[case].version) == (409, True, before)


def test_a_released_letter_can_be_held_again_while_it_has_not_left(house: House) -> None:
    flag = house.flag()
    (letter, *_) = house.letters(flag)
    reader = house.sign_in()
    assert flash(reader.act(flag.case_id, "send", report=letter))["did"] == "letter"
    house.now += 5
    assert flash(reader.act(flag.case_id, "undo", what="letter", about=letter))["did"] == "undone"
    assert house.rows(f"select released, released_by from report where id = '{letter}'") == [(None, None)]
    assert "report.recalled" in house.acts(letter)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verdict": "right"}, ("right", "legal", 1)),
        ({"verdict": "false_alarm"}, ("false_alarm", "none", 0)),
        ({"verdict": "wrong_kind", "kind": "doxing"}, ("wrong_kind", "doxing", 1)),
        ({"verdict": "wrong_score", "specificity": "3"}, ("wrong_score", "legal", 3)),
        ({"verdict": "wrong_kind", "kind": "legal"}, None), ({"verdict": "wrong_score"}, None), ({"verdict": "x"}, None),
        ({"verdict": "wrong_kind", "kind": "x"}, None), ({}, None),
    ],
)  # fmt: skip
def test_labels(house: House, fields: dict[str, str], said: tuple[str, str, int] | None) -> None:
    flag = house.flag(Kind.LEGAL)
    reader = house.sign_in()
    answer = reader.act(flag.case_id, "label", flag=flag.id, **fields)
    assert answer.status_code == (303 if said else 400)
    assert house.rows("select verdict, kind, specificity from label") == ([said] if said else [])
    if said:
        assert flash(reader.act(flag.case_id, "undo", what="label", about=flag.id))["did"] == "undone"
        assert house.rows("select * from label") == []


def test_a_second_person_where_the_rules_want_one(house: House) -> None:
    case = house.case(Kind.LEGAL)
    house.set(case, priority=90)
    ann, bob = house.sign_in("Ann"), house.sign_in("Bob")
    assert flash(ann.act(case, "close", outcome="dismissed"))["did"] == "asked"
    assert house[case].state is not CaseState.CLOSED
    page = bob.get(f"/cases/{case}").text
    assert f"{ann.actor} asks for a second person" in page
    assert "approve" not in ann.get(f"/cases/{case}").text
    assert ann.act(case, "approve", object=case).status_code == 400
    assert flash(bob.act(case, "approve", object=case))["did"] == "approved"
    assert flash(ann.act(case, "close", outcome="dismissed"))["did"] == "closed"


def test_forms_that_were_not_given_to_this_session(house: House) -> None:
    case = house.case(Kind.LEGAL)
    reader, other = house.sign_in(), house.sign_in("Other")
    for token in ("", "x", other.session.csrf):
        for act in (*ACTS, *REVEALS):
            assert reader.send(f"/cases/{case}/{act}", _csrf=token).status_code == 403, act
    assert house.acts(case) == ["case.opened"]


def test_every_act_needs_its_right_now(house: House) -> None:
    case = house.case(Kind.LEGAL)
    house.groups["central:Reader"] = Groups({"enwiki": frozenset(("sysop",))})
    for act in (*ACTS, *REVEALS):
        reader = house.sign_in()  # who has lost rights is signed out
        if act not in ("heartbeat", "skip"):
            assert reader.act(case, act, outcome="handled", flag="x", text="x").status_code == 403, act
    assert house.acts(case) == ["case.opened"]


@pytest.mark.parametrize("case_id", ["x", "%00", "0" * 36, "'", "a" * 300, "%F0%9F%98%80"])
def test_addresses_of_nothing(house: House, case_id: str) -> None:
    reader = house.sign_in()
    assert reader.get(f"/cases/{case_id}").status_code in (403, 404)
    assert reader.send(f"/cases/{case_id}/claim").status_code in (403, 404, 405)
