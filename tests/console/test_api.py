"""The JSON API: what a token may do, and what nobody gets to see by it."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.console.access import Act
from tsbot.console.security import RateLimit
from tsbot.detect.finding import Kind

API = "/api/v1"
NOWHERE = "00000000-0000-4000-8000-000000000000"


def test_the_queue_has_the_cases_of_ones_own_wikis(house: Any) -> None:
    here, there = house.case(), house.case(wiki="dewiki")
    assert [case["id"] for case in house.program().get(f"{API}/cases").json()["cases"]] == [here]
    assert [case["id"] for case in house.program("elsewhere").get(f"{API}/cases").json()["cases"]] == [there]
    assert {case["id"] for case in house.program("steward").get(f"{API}/cases").json()["cases"]} == {here, there}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"new", "taken"}),
        ({"kind": "self_harm"}, set()),
        ({"kind": "violence"}, {"new", "taken"}),
        ({"state": "closed"}, {"closed"}),
        ({"state": ["closed", "triage"]}, {"closed", "taken"}),
        ({"mine": "true"}, {"taken"}),
        ({"wiki": "enwiki"}, {"new", "taken"}),
    ],
    ids=str,
)
def test_the_queue_is_filtered(house: Any, query: dict[str, Any], found: set[str]) -> None:
    program = house.program()
    ids = {name: house.case() for name in ("new", "taken", "closed")}
    program.post(f"{API}/cases/{ids['taken']}/claim", json={})
    house.set(ids["closed"], state="closed", closed=house.now, outcome="handled")
    names = {identity: name for name, identity in ids.items()}
    assert {names[case["id"]] for case in program.get(f"{API}/cases", params=query).json()["cases"]} == found


def test_what_does_not_fit_is_counted(house: Any) -> None:
    for _ in range(3):
        house.case()
    answer = house.program().get(f"{API}/cases", params={"limit": 2}).json()
    assert (len(answer["cases"]), answer["more"]) == (2, 1)


def test_a_case_has_neither_text_nor_names(house: Any) -> None:
    flag = house.flag(user="Vandal of Example")
    program = house.program()
    program.post(f"{API}/cases/{flag.case_id}/notes", json={"text": "Asked the wiki by mail."})
    answer = program.get(f"{API}/cases/{flag.case_id}")
    told = answer.json()
    assert told["flags"][0]["subject"] == flag.subject
    assert told["notes"] == 1
    for secret in ("made-up", "Vandal", "Page ", "Asked", program.person.name):
        assert secret not in answer.text


def test_somebody_works_on_a_case(house: Any) -> None:
    case, program = house.case(), house.program()
    claimed = program.post(f"{API}/cases/{case}/claim", json={}).json()
    assert (claimed["case"]["lease"], claimed["lease_until"]) == (program.person.pseudonym, house.now + 600)
    assert program.post(f"{API}/cases/{case}/notes", json={"text": "x"}).status_code == 201
    version = program.get(f"{API}/cases/{case}").json()["case"]["version"]
    closed = program.post(f"{API}/cases/{case}/close", json={"outcome": "handled", "seen": version})
    assert (closed.status_code, closed.json()["case"]["outcome"]) == (200, "handled")
    assert {actor for actor, act in house.acts(case) if act in ("case.claimed", "case.noted", "case.closed")} == {program.person.pseudonym}


def test_two_people_at_one_case(house: Any) -> None:
    case, ann, ben = house.case(), house.program(), house.program()
    ann.post(f"{API}/cases/{case}/claim", json={})
    taken = ben.post(f"{API}/cases/{case}/claim", json={})
    assert (taken.status_code, taken.json()["error"]) == (409, "CaseTaken")
    assert ben.post(f"{API}/cases/{case}/release").status_code == 409
    assert ben.post(f"{API}/cases/{case}/claim", json={"take_over": True}).status_code == 200
    assert ann.post(f"{API}/cases/{case}/notes", json={"text": "x"}).status_code == 409
    assert ben.post(f"{API}/cases/{case}/release").json()["case"]["lease"] is None


def test_an_old_version_is_refused(house: Any) -> None:
    case, program = house.case(), house.program()
    program.post(f"{API}/cases/{case}/claim", json={})
    stale = program.post(f"{API}/cases/{case}/close", json={"outcome": "handled", "seen": 0})
    assert (stale.status_code, stale.json()["error"]) == (409, "CaseChanged")
    assert program.get(f"{API}/cases/{case}").json()["case"]["state"] != "closed"


def test_a_second_person_is_needed_where_policy_wants_one(house: Any) -> None:
    case, ann, ben = house.case(), house.program(), house.program()
    house.set(case, priority=90)
    version = ann.post(f"{API}/cases/{case}/claim", json={}).json()["case"]["version"]
    asked = ann.post(f"{API}/cases/{case}/close", json={"outcome": "dismissed", "seen": version})
    assert (asked.status_code, asked.json()["error"]) == (409, "ApprovalNeeded")
    assert ann.get(f"{API}/cases/{case}").json()["waits_for_second_person"] == ["dismiss_high"]
    assert ben.post(f"{API}/cases/{case}/close", json={"outcome": "dismissed", "seen": version}).status_code == 200


def test_what_is_not_ones_own_looks_like_what_does_not_exist(house: Any) -> None:
    """Another wiki's case, one in which the asker is the author, the target, or was under an older name: all are as if not there."""
    ann = house.program(name="Ann")
    house.groups[ann.person.subject] = house.groups[ann.person.subject].__class__(
        {"enwiki": frozenset({"suppress"})}, at=house.now, name="Ann Renamed"
    )
    hidden = [
        NOWHERE,
        house.case(wiki="dewiki"),
        house.case(user="Ann"),
        house.case(user="Ann Renamed"),
        house.case(title="User talk:Ann", namespace=3),
    ]
    answers = set()
    for case in hidden:
        answers.add(ann.get(f"{API}/cases/{case}").text)
        answers.add(ann.post(f"{API}/cases/{case}/claim", json={}).text)
        answers.add(ann.post(f"{API}/cases/{case}/notes", json={"text": "x"}).text)
        answers.add(ann.post(f"{API}/cases/{case}/close", json={"outcome": "handled", "seen": 0}).text)
        answers.add(ann.post(f"{API}/cases/{case}/release").text)
    assert len(answers) == 1
    assert ann.get(f"{API}/cases").json() == {"cases": [], "more": 0}
    assert {actor for case in hidden[2:] for actor, _ in house.acts(case)} == {"tsbot"}


def test_marks_are_opaque_and_for_those_who_may(house: Any) -> None:
    flag, other = house.flag(), house.flag(wiki="dewiki")
    revision = int(flag.subject.split(":")[2])
    own = house.flag(user="Ann")
    closed = house.flag()
    house.set(closed.case_id, state="closed", closed=house.now, outcome="handled")
    ids = [str(int(one.subject.split(":")[2])) for one in (flag, other, own, closed)]
    query = {"wiki": "enwiki", "revids": "|".join([*ids, "999999"])}
    answer = house.program(name="Ann").get(f"{API}/marks", params=query)
    assert answer.json() == {"wiki": "enwiki", "marks": [{"revid": revision, "case": flag.case_id}]}
    for role in ("nobody", "elsewhere", "sysop", "checkuser", "admin", "auditor"):
        asked = house.stranger()
        if role in ("elsewhere", "checkuser"):
            asked = house.program(role)
        assert asked.get(f"{API}/marks", params=query).status_code in (401, 403), role


def test_hidden_is_told_and_changes_nothing_by_itself(house: Any) -> None:
    flag, program = house.flag(), house.program()
    revision = int(flag.subject.split(":")[2])
    told = program.post(f"{API}/hidden", json={"wiki": "enwiki", "revids": [revision, 5]})
    assert told.json() == {"revisions": 1}
    assert (program.person.pseudonym, "case.told_hidden") in house.acts(flag.case_id)
    assert program.get(f"{API}/cases/{flag.case_id}").json()["case"]["state"] == "new"


def test_a_hide_plan(house: Any) -> None:
    flag, program = house.flag(), house.program()
    where = f"{API}/cases/{flag.case_id}/hide"
    assert program.get(where).status_code == 503, "this console makes none"
    house.console.hide_plan = lambda wiki, revision: {"wiki": wiki, "revision": revision, "count": 3}
    wiki, _, revision = flag.subject.split(":")
    assert program.get(where).json() == [{"wiki": wiki, "revision": int(revision), "count": 3}]
    assert (program.person.pseudonym, "case.hide_planned") in house.acts(flag.case_id)
    assert house.program("team").get(where).status_code == 403


def test_statistics_are_of_ones_own_wikis(house: Any) -> None:
    house.case()
    house.case(kind=Kind.SELF_HARM, wiki="dewiki")
    ann = house.program()
    assert ann.get(f"{API}/statistics").status_code == 403
    assert ann.get(f"{API}/statistics", params={"wiki": "dewiki"}).status_code == 403
    mine = ann.get(f"{API}/statistics", params={"wiki": "enwiki"}).json()
    assert (mine["cases"], mine["counts"]["kind"]) == (1, {"violence": 1})
    assert house.program("steward").get(f"{API}/statistics").json()["cases"] == 2
    assert ann.get(f"{API}/statistics", params={"wiki": "enwiki", "since": house.now + 1}).json()["cases"] == 0


HEADERS = (None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "bearer tsbot_x", "Token x", "Bearer " + "x" * 9000)


@pytest.mark.parametrize("header", HEADERS)
def test_without_a_token_there_is_nothing(house: Any, header: str | None) -> None:
    client = house.stranger()
    answer = client.get(f"{API}/cases", headers={} if header is None else {"authorization": header})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "set-cookie" not in answer.headers


def test_a_session_is_no_token(house: Any) -> None:
    case, browser = house.case(), house.client()
    assert browser.get(f"{API}/cases").status_code == 401
    assert browser.post(f"{API}/cases/{case}/claim", json={}, headers={"x-csrf-token": browser.csrf}).status_code == 401


def test_a_token_is_no_session(house: Any) -> None:
    program = house.program()
    assert program.get("/").status_code == 303
    assert program.get("/tokens").status_code == 303
    assert program.post("/tokens", data={"csrf": "", "label": "x", "scope": "handle", "days": "1"}).status_code == 303


def test_a_token_does_only_what_it_is_for(house: Any) -> None:
    case = house.case()
    reader = house.program(scopes=(Act.SEE_QUEUE,))
    assert reader.get(f"{API}/cases").status_code == 200
    assert reader.get(f"{API}/cases/{case}").status_code == 403
    assert reader.post(f"{API}/cases/{case}/claim", json={}).status_code == 403
    assert reader.post(f"{API}/hidden", json={"wiki": "enwiki", "revids": [1]}).status_code == 403


def test_acts_ask_the_wiki_anew(house: Any) -> None:
    case, program = house.case(), house.program()
    program.get(f"{API}/cases")
    program.get(f"{API}/cases")
    assert len(house.asked) == 1
    program.post(f"{API}/cases/{case}/claim", json={})
    assert len(house.asked) == 2
    house.become(program.person.subject, "sysop")
    assert program.post(f"{API}/cases/{case}/notes", json={"text": "x"}).status_code == 403


def test_requests_are_counted(house: Any) -> None:
    house.console.limit = RateLimit(3, 60.0, lambda: house.now)
    program = house.program()
    answers = [program.get(f"{API}/cases") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["retry-after"]) >= 20


def test_the_description_is_for_those_who_are_signed_in(house: Any) -> None:
    where = f"{API}/openapi.json"
    assert house.stranger().get(where).status_code == 401
    assert house.client("sysop").get(where).status_code == 403
    assert house.client().get(where).status_code == 200
    told = house.program().get(where).json()
    assert told["openapi"].startswith("3.")
    assert told["security"] == [{"token": []}]
    assert "/cases/{case_id}/close" in told["paths"]
    assert told["servers"] == [{"url": API}]


ORIGIN, STRANGE = "https://en.wikipedia.org", "https://en.wikipedia.org.example.org"


@pytest.mark.parametrize(("origin", "allowed"), [(ORIGIN, True), (STRANGE, False), ("http://en.wikipedia.org", False), ("null", False)])
def test_pages_of_configured_wikis_may_call_it(house: Any, origin: str, allowed: bool) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    before = house.stranger().options(f"{API}/hidden", headers=asked)
    assert (before.status_code == 200) == allowed
    answer = house.program().get(f"{API}/cases", headers={"origin": origin})
    for one in (before, answer):
        assert one.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert "access-control-allow-credentials" not in one.headers
    refused = house.stranger().get(f"{API}/cases", headers={"origin": origin})
    assert (refused.headers.get("access-control-allow-origin") is not None) == allowed, "so that the gadget can tell why"


def test_pages_of_no_wiki_may_call_the_console_itself(house: Any) -> None:
    for path in ("/", "/tokens", "/sign-in"):
        assert "access-control-allow-origin" not in house.client().get(path, headers={"origin": ORIGIN}).headers


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/hidden", b"{", 400),
        ("/hidden", b"", 422),
        ("/hidden", b"[]", 422),
        ("/hidden", b'{"wiki": "enwiki", "revids": [0]}', 422),
        ("/hidden", b'{"wiki": "enwiki", "revids": [true]}', 422),
        ("/hidden", b'{"wiki": "enwiki", "revids": ["1"]}', 422),
        ("/hidden", b'{"wiki": "enwiki", "revids": [1e999]}', 422),
        ("/hidden", b'{"wiki": "enwiki", "revids": [99999999999999999999]}', 422),
        ("/hidden", b'{"wiki": "en\\u0000wiki", "revids": [1]}', 422),
        ("/hidden", b'{"wiki": "\\ud800", "revids": [1]}', 422),
        ("/hidden", b"[" * 50_000, 400),
        ("/hidden", b"\xff\xfe", 400),
        ("/cases/x/claim", b"{}", 422),
        (f"/cases/{NOWHERE}/claim", b'{"take_over": "yes"}', 422),
        (f"/cases/{NOWHERE}/claim", b'{"surprise": 1}', 422),
        (f"/cases/{NOWHERE}/notes", b'{"text": ""}', 422),
        (f"/cases/{NOWHERE}/notes", b'{"text": "\\ud800"}', 422),
        ("/nothing", b"{}", 404),
        ("/cases", b"{}", 405),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_used_is_refused_in_json(house: Any, path: str, content: bytes, status: int) -> None:
    answer = house.program().post(f"{API}{path}", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "message"}


def test_an_error_does_not_repeat_what_was_sent(house: Any) -> None:
    answer = house.program().post(f"{API}/hidden", json={"wiki": "A MADE-UP SECRET", "revids": ["ANOTHER SECRET"]})
    assert "SECRET" not in answer.text


def test_a_note_in_odd_letters(house: Any) -> None:
    case, program = house.case(), house.program()
    assert program.post(f"{API}/cases/{case}/notes", json={"text": "a \x00 \u202e \U0001f600 b"}).status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/hidden", "/tokens", "/sign-out"])
def test_what_is_too_long_is_not_read(house: Any, path: str) -> None:
    answer = house.client().post(path, content=b"x" * 300_000)
    assert answer.status_code == 413
    assert "content-security-policy" in answer.headers
    assert house.client().post(path, content=iter([b"x"] * 10)).status_code == 411


def test_answers_are_kept_nowhere(house: Any) -> None:
    for answer in (house.program().get(f"{API}/cases"), house.stranger().get(f"{API}/cases"), house.stranger().get(f"{API}/x")):
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
