"""What became of cases: said by people and by the stream, once each, and in the audit log."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert

from tsbot.cases import annotations
from tsbot.cases.annotations import Annotation, What
from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database

CASE, OTHER, REPORT = "0c5e1a2b-0000-4000-8000-000000000001", "0c5e1a2b-0000-4000-8000-000000000002", "a" * 36
NOW = 1_790_000_000.0


@pytest.fixture
def cases(database: Database) -> Database:
    """Two cases."""
    with database.write() as connection:
        for identity in (CASE, OTHER):
            row = {"wiki": "enwiki", "kind": "violence", "state": "new", "opened": NOW, "updated": NOW}
            connection.execute(insert(t.case).values(id=identity, **row))
    return database


def test_what_became_of_a_case_and_of_its_reports_is_told_oldest_first(cases: Database) -> None:
    with cases.write() as connection:
        assert annotations.add(connection, CASE, What.NO_ACTION, by="anna", now=NOW + 9, report_id=REPORT)
        assert annotations.add(connection, CASE, "hidden", by="stream", now=NOW + 5, time=NOW - 60)
        assert annotations.add(connection, OTHER, "blocked", by="stream", now=NOW)
        assert annotations.of_case(connection, CASE) == [
            Annotation(CASE, None, "hidden", "stream", NOW - 60),
            Annotation(CASE, REPORT, "no_action", "anna", NOW + 9),
        ]
        assert [list(found) for found in (annotations.of_cases(connection, [OTHER, CASE]), annotations.of_cases(connection, []))] == [
            [CASE, OTHER],
            [],
        ]


def test_the_first_word_stays(cases: Database) -> None:
    with cases.write() as connection:
        assert annotations.add(connection, CASE, "hidden", by="stream", now=NOW)
        assert not annotations.add(connection, CASE, "hidden", by="stream", now=NOW + 60)
        assert annotations.add(connection, CASE, "hidden", by="anna", now=NOW, report_id=REPORT)  # of another thing
        assert [one.time for one in annotations.of_case(connection, CASE)] == [NOW, NOW]


def test_what_is_no_outcome_is_refused(cases: Database) -> None:
    with cases.write() as connection:
        with pytest.raises(InputError, match="forgotten is nothing that can become of a case: acknowledged, passed_on"):
            annotations.add(connection, CASE, "forgotten", by="anna", now=NOW)
        assert annotations.of_case(connection, CASE) == []
        assert audit.head(connection).number == 0


def test_each_is_an_act_in_the_audit_log(cases: Database) -> None:
    with cases.write() as connection:
        annotations.add(connection, CASE, "hidden", by="stream", now=NOW + 5, time=NOW)
        annotations.add(connection, CASE, "passed_on", by="anna", now=NOW + 7, report_id=REPORT)
        annotations.add(connection, CASE, "passed_on", by="anna", now=NOW + 8, report_id=REPORT)
        acts = [(entry.actor, entry.act, entry.object, entry.time, json.loads(entry.details)) for entry in audit.entries(connection)]
        assert audit.verify(connection) is None
    assert acts == [
        ("tsbot", "case.annotated", CASE, NOW + 5, {"what": "hidden", "report": None, "happened": NOW}),
        ("anna", "case.annotated", CASE, NOW + 7, {"what": "passed_on", "report": REPORT, "happened": NOW + 7}),
    ]
