"""``tsbot dead``: what could not be handled, and driving it through again."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_each_dead_letter_has_a_reason(patrolled: Any) -> None:
    letters = patrolled.run("dead", "list", "--json").lines
    assert {letter["reason"]: letter["event"] for letter in letters}.keys() == {"unknown_wiki", "not_json"}
    (strange,) = patrolled.run("dead", "list", "--json", "--reason", "unknown_wiki").lines
    assert (strange["event"], strange["wiki"]) == ("event-9", "strangewiki")
    shown = patrolled.run("dead", "list").out
    assert "not_json: 1, unknown_wiki: 1" in shown or "unknown_wiki: 1, not_json: 1" in shown
    assert patrolled.run("dead", "list", "--json", "--reason", "nothing_such").out == ""


def test_the_list_shows_nothing_of_the_events(patrolled: Any) -> None:
    for words in ((), ("--json",)):
        shown = patrolled.run("dead", "list", *words).out
        assert "Editor 9" not in shown
        assert "opening hours" not in shown


def test_the_id_of_an_event_is_text_and_steers_no_terminal(office: Any, make: Any) -> None:
    ids = ["[/red]", ":smile:", "a\x1b[2Jb", "a\u202eb"]
    strange = {"wiki": "strangewiki", "server_url": "https://wiki.example.org"}
    office.patrol("--stream", office.record(*(make.change(n, meta={"id": name}, **strange) for n, name in enumerate(ids))))
    shown = office.run("dead", "list").out
    assert "[/red]" in shown
    assert ":smile:" in shown
    assert not set("\x1b\u202e") & set(shown)


def test_none(office: Any) -> None:
    assert office.run("dead", "list").out == "No dead letters.\n"
    result = office.run("dead", "redrive", "--no-fetch", "--json")
    assert (result.code, result.lines) == (1, [{"driven": 0, "failed_again": 0}])


def test_redrive_after_the_fault_was_mended(patrolled: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSBOT_WIKI__DOMAINS", '["wiki.example.org", "wikipedia.org"]')
    result = patrolled.run("dead", "redrive", "--reason", "unknown_wiki", "--no-fetch", "--json")
    assert (result.code, result.lines) == (0, [{"driven": 1, "failed_again": 0}])
    assert [letter["reason"] for letter in patrolled.run("dead", "list", "--json").lines] == ["not_json"]
    patrolled.patrol("--stream", patrolled.record(make.change(1)), "--summary", "after.json")
    books = json.loads((patrolled.folder / "after.json").read_text())
    assert (books["received"], books["failed"], books["cleared"]) == (make.books["received"], 1, make.books["cleared"] + 1)


def test_redrive_while_the_fault_is_still_there(patrolled: Any) -> None:
    result = patrolled.run("dead", "redrive", "--no-fetch")
    assert (result.code, result.out) == (3, "2 dead letters driven through again, 2 failed again.\n")
    assert len(patrolled.run("dead", "list", "--json").lines) == 2
