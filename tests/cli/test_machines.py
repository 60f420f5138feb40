"""``tsbot listen``, ``tsbot work`` and ``tsbot deliver``: together they do what ``tsbot patrol`` does alone."""

from __future__ import annotations

import json
from typing import Any

from tsbot.reload import Reloader

SIMPLE = ("received", "duplicates", "cleared", "flagged", "outcome", "failed")


def share(office: Any) -> None:
    """Listen to the recording, and work it off."""
    listened = office.run("listen", "--stream", office.record(), "--no-ask-wikis")
    assert listened.code == 0, listened.err
    worked = office.run("work", "--no-fetch", "--idle-exit", "2")
    assert worked.code == 0, worked.err


def test_the_books_are_those_of_a_patrol(office: Any, make: Any) -> None:
    share(office)
    books = dict(office.sql("SELECT name, value FROM counter"))
    skipped = {name.removeprefix("skipped."): value for name, value in books.items() if name.startswith("skipped.")}
    assert {name: books.get(name, 0) for name in SIMPLE} == {name: make.books[name] for name in SIMPLE}
    assert skipped == make.books["skipped"]
    assert office.sql("SELECT count(*) FROM pending") == [(0,)]


def test_what_was_found_is_filed_and_delivered(office: Any) -> None:
    share(office)
    (flag,) = office.run("flags", "list", "--json").lines
    assert (flag["subject"], flag["field"]) == ("enwiki:rev:100002", "summary")
    (letter,) = office.sql("SELECT id FROM report WHERE purpose = 'letter'")[:1]
    assert office.run("reports", "release", letter[0]).code == 0
    sent = office.run("deliver", "--once", "--no-ask-wikis")
    assert (sent.code, "handed over" in sent.err) == (0, True)
    assert office.sql(f"SELECT state FROM report WHERE id = '{letter[0]}'") == [("sent",)]
    assert list((office.data / "spool").glob("*.eml"))


def test_listening_again_to_the_same_counts_nothing_twice(office: Any, make: Any) -> None:
    share(office)
    assert office.run("listen", "--stream", office.record(name="again.jsonl"), "--no-ask-wikis").code == 0
    assert dict(office.sql("SELECT name, value FROM counter"))["received"] == make.books["received"]


def test_the_doctor_names_the_roles_that_nobody_has(office: Any) -> None:
    share(office)
    office.sql("INSERT INTO worker (name, role, started, seen, skew) VALUES ('work-1', 'work', 1, unixepoch('now'), 0)")
    result = office.run("doctor", "--offline", "--json")
    found = {line["check"]: line["state"] for line in map(json.loads, result.out.splitlines())}
    assert result.code == 1
    assert (found["machines.work"], found["machines.listen"], found["machines.deliver"]) == ("ok", "problem", "problem")


def test_a_broker_that_cannot_be_is_a_wrong_setting(office: Any) -> None:
    office.configure('[bus]\nengine = "kafka"\n')
    result = office.run("work")
    assert result.code == 2
    assert "broker.example.org:9092" in result.err


def test_each_of_them_reads_data_files_anew_when_it_is_asked(office: Any) -> None:
    roles: list[str] = []
    real = Reloader.prepare

    def prepare(self: Reloader) -> None:
        roles.append(self.role)
        real(self)

    office.patch.setattr(Reloader, "prepare", prepare)
    share(office)
    assert office.run("deliver", "--once", "--no-ask-wikis").code == 0
    assert roles == ["listen", "work", "deliver"]
