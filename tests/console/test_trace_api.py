"""Traces by the API: asked with a token for it, fetched by id while they grow, for whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tsbot.console.access import Act
from tsbot.console.tracing.jobs import KEPT_SECONDS, Jobs
from tsbot.trace.answer import of_json

API = "/api/v1"
QUESTION = {"account": "Plain Facts 1", "why": "request on Meta, 3 August"}


@pytest.fixture
def steward(house: Any, make_jobs: Callable[..., Jobs]) -> Any:
    house.console.traces = make_jobs(lambda: house.now)
    return house.program("steward")


def test_a_question_and_its_answer(steward: Any, house: Any) -> None:
    sent = steward.post(f"{API}/trace", json=QUESTION)
    assert (sent.status_code, sent.json()["state"] in ("waiting", "running")) == (202, True)
    found = steward.get(f"{API}/trace/{sent.json()['id']}", params={"wait": 30}).json()
    assert (found["state"], found["trouble"]) == ("done", "")
    assert {"accounts", "contributions", "page histories"} <= {step["what"] for step in found["steps"]}
    trace = of_json(found["trace"])
    assert {link.account for link in trace.links if link.tier == "very strong"} == {"Plain Facts 0", "Plain Facts 2", "Plain Facts 3"}
    assert house.acts(trace.id) == [(steward.person.pseudonym, "trace.asked")]


def test_it_needs_the_scope_and_the_right(house: Any, steward: Any) -> None:
    other = house.program("steward", scopes=(Act.SEE_QUEUE,))
    assert other.post(f"{API}/trace", json=QUESTION).status_code == 403
    assert house.program("oversighter").post(f"{API}/trace", json=QUESTION).status_code == 403
    assert house.program("checkuser").post(f"{API}/trace", json=QUESTION).status_code == 202


def test_an_answer_is_its_askers(house: Any, steward: Any) -> None:
    identity = steward.post(f"{API}/trace", json=QUESTION).json()["id"]
    assert house.program("steward").get(f"{API}/trace/{identity}").status_code == 403
    assert steward.get(f"{API}/trace/{identity}", params={"wait": 30}).status_code == 200
    house.now += KEPT_SECONDS + 1
    assert steward.get(f"{API}/trace/{identity}").status_code == 403


@pytest.mark.parametrize(
    "body",
    [{"account": "a|b", "why": "case"}, {"account": "Example"}, {"account": "Example", "why": "  a  "}, QUESTION | {"against": ["<"]},
     QUESTION | {"wikis": ["not a wiki"]}, QUESTION | {"more": 1}],
    ids=str,
)  # fmt: skip
def test_what_is_no_question(steward: Any, body: dict[str, Any]) -> None:
    assert steward.post(f"{API}/trace", json=body).status_code == 422


def test_what_goes_wrong_is_told_with_the_answer(steward: Any) -> None:
    sent = steward.post(f"{API}/trace", json=QUESTION | {"wikis": ["nosuchwiki"]})
    found = steward.get(f"{API}/trace/{sent.json()['id']}", params={"wait": 30}).json()
    assert found["state"] == "failed"
    assert "No wiki is known" in found["trouble"]


def test_flags_are_for_those_who_may_see_cases(steward: Any, house: Any) -> None:
    flag = house.flag(user="Plain Facts 1")
    seen = {}
    for role in ("steward", "checkuser"):
        program = house.program(role)
        identity = program.post(f"{API}/trace", json=QUESTION).json()["id"]
        trace = program.get(f"{API}/trace/{identity}", params={"wait": 30}).json()["trace"]
        seen[role] = [(place["flags"], place["cases"]) for place in trace["where"] if place["wiki"] == "enwiki"]
    assert seen == {"steward": [(1, [flag.case_id])], "checkuser": [(0, [])]}


def test_without_wikis_to_ask(house: Any) -> None:
    assert house.program("steward").post(f"{API}/trace", json=QUESTION).status_code == 503
