"""Forms of hand-over on what the store knows: flagged edits and names are private."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import insert

from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.trace.answer import Candidate, Subject, Trace
from tsbot.trace.forms import Form, hand_over, private_of
from tsbot.trace.handover import Private
from tsbot.trace.records import our_flags

TRACE = Trace(
    "trace:1",
    1.78e9,
    Subject("Plain Facts 1", "account", asked_as="Old Facts"),
    candidates=(Candidate(1, "Plain Facts 2", 9.0, "strong", "w", 0.1), Candidate(2, "Plain Facts 3", 9.0, "strong", "w", 0.1)),
)


def flag(database: Database, name: str, subject: str, field: str, source: str = "patrol") -> None:
    row: dict[str, Any] = {
        "id": subject, "subject": subject, "kind": "violence", "case_id": "c", "wiki": subject.partition(":")[0], "field": field,
        "probability": 0.9, "specificity": 1, "plausibility": 1, "imminence": 1, "language": "en", "coverage": "scored", "detector": "d",
        "source": source, "event_time": 1.0, "created": 1.0, "body": b"", "account_index": database.key.index("account", name),
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(t.flag).values(**row))


@pytest.fixture
def flagged(database: Database) -> Database:
    case = {"id": "c", "wiki": "enwiki", "kind": "violence", "state": "triage", "opened": 1.0, "updated": 1.0}
    with database.write() as connection:
        connection.execute(insert(t.case).values(**case))
    flag(database, "Old Facts", "enwiki:rev:77", "text")
    flag(database, "Plain Facts 2", "dewiki:log:5", "user")
    flag(database, "Plain Facts 3", "dewiki:rev:9", "user", "drill")
    return database


def test_what_was_flagged_is_private(flagged: Database) -> None:
    assert private_of(flagged, TRACE) == Private(frozenset({("enwiki", 77)}), frozenset({"Plain Facts 2"}))


def test_flags_and_cases_are_told_by_wiki_under_all_names(flagged: Database) -> None:
    with flagged.read() as connection:
        found = our_flags(connection, flagged.key, ["Plain Facts 1", "Old Facts", "Plain Facts 3"])
    assert {wiki: (one.flags, one.cases) for wiki, one in found.items()} == {"enwiki": (1, ("c",))}  # no drills


@pytest.mark.parametrize("form", list(Form))
def test_every_form_can_be_made(flagged: Database, form: Form) -> None:
    made = hand_over(TRACE, form, private_of(flagged, TRACE))
    assert "Plain Facts 3" in made.text
    assert "Plain Facts 2" not in made.text
    if form in (Form.JSON, Form.STIX):
        assert json.loads(made.text)
