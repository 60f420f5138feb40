"""How long a case is kept is not for those to decide who are author or target in it, and a hold has an end that is not far."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tsbot.cli import common

DAY = 86400


def day(days: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))


@pytest.fixture
def case_id(patrolled: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The one case of the patrol; who acts is its author."""
    monkeypatch.setattr(common, "operator", lambda: "ann")
    patrolled.configure('[people]\nann = ["Editor 2"]\n')
    ((found,),) = patrolled.sql("SELECT id FROM case_file")
    return str(found)


@pytest.mark.parametrize(
    "words",
    [("purge", "--case", "CASE"), ("hold", "set", "CASE", "--until", day(30)), ("hold", "lift", "CASE")],
    ids=["purge", "set", "lift"],
)
def test_a_party_neither_purges_nor_holds(patrolled: Any, case_id: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    patrolled.sql("UPDATE case_file SET hold_until = ?", time.time() + DAY if "lift" in words else None)
    command = [case_id if word == "CASE" else word for word in words]
    refused = patrolled.run(*command)
    assert (refused.code, "You are a party" in refused.err) == (1, True)
    assert patrolled.sql("SELECT count(*) FROM approval") == [(0,)]
    monkeypatch.setattr(common, "operator", lambda: "bob")
    assert "needs a second person" in patrolled.run(*command).err
    assert patrolled.sql("SELECT asked_by FROM approval") == [("bob",)]


@pytest.mark.parametrize(("days", "asked"), [(30, 1), (5000, 0)])
def test_cases_hold_has_the_limit_of_the_retention_too(
    patrolled: Any, case_id: str, monkeypatch: pytest.MonkeyPatch, days: int, asked: int
) -> None:
    monkeypatch.setattr(common, "operator", lambda: "bob")
    assert patrolled.run("cases", "claim", case_id).code == 0
    refused = patrolled.run("cases", "hold", case_id, "--until", day(days))
    assert ("A legal hold ends at most" in refused.err) is not bool(asked)
    assert patrolled.sql("SELECT count(*) FROM approval") == [(asked,)]


def test_cases_hold_keeps_nothing_of_a_purged_case(patrolled: Any, case_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "operator", lambda: "bob")
    assert patrolled.run("cases", "claim", case_id).code == 0
    patrolled.sql("UPDATE case_file SET purged = 1")
    refused = patrolled.run("cases", "hold", case_id, "--until", day(30))
    assert (refused.code, "nothing left to keep" in refused.err) == (2, True)
