"""``tsbot trace NAME`` and what follows from it, where no wiki is needed; tests/trace and tests/live have the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Example Account", "--why", " "), "Say why you ask"),
        (("Example|Account", "--why", "case 12"), "No account of MediaWiki"),
        (("10.0.0.0/8", "--why", "case 12"), "wider than /16"),
        (("Example Account", "--why", "case 12", "--language", "xx"), "not told in 'xx'"),
        (("Example Account", "--why", "case 12", "--wiki", "strangewiki"), "No wiki is known"),
        (("request", "Example|Account", "--why", "case 12"), "No account of MediaWiki"),
        (("watch", "A|B", "--why", "case 12"), "No account of MediaWiki"),
        (("dispute", "Example Account", "Example Account", "--why", "the same"), "two accounts"),
        (("dispute", "A", "B", "--why", "none", "--take-back"), "not disputed"),
        (("unwatch", "1234abcd"), "0 watches of yours"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used(office: Any, words: tuple[str, ...], said: str) -> None:
    result = office.run("trace", *words)
    assert (result.code, said in result.err) == (2, True), result.err


@pytest.mark.parametrize("words", [("Example Account",), ("account", "Example Account"), ("request", "Example Account")])
def test_nobody_asks_without_saying_why(office: Any, words: tuple[str, ...]) -> None:
    result = office.run("trace", *words)
    assert (result.code, "--why" in result.err) == (2, True)


def test_words_of_the_command_stay_words(office: Any) -> None:
    assert "--activity" in office.run("trace", "rank").err
    assert "Usage: tsbot trace account" in office.run("trace", "Example Account", "--help").out
    assert "Usage: tsbot trace [OPTIONS]" in office.run("trace", "--help").out


def test_a_dispute_from_beginning_to_end(office: Any) -> None:
    assert office.run("trace", "dispute", "User:example_Account", "Other Account", "--why", "met both").code == 0
    (line,) = office.run("trace", "disputes", "--json").lines
    assert (line["first"], line["second"], line["why"]) == ("Example Account", "Other Account", "met both")
    assert "Other Account" in office.run("trace", "disputes").out
    assert office.run("trace", "dispute", "Other Account", "Example Account", "--why", "no").code == 2
    assert office.run("trace", "dispute", "Other Account", "Example Account", "--why", "mistaken", "--take-back").code == 0
    assert office.run("trace", "disputes", "--json").lines == []
    log = office.run("audit", "list", "--json").out
    assert "trace.disputed" in log
    assert "Example Account" not in log


def test_what_was_disputed_is_a_label_of_the_next_fit(office: Any) -> None:
    """From the steward's word to the weights; who disputed and why stays in the store."""
    for pair in (("Mill 1", "Mill 2"), ("Person 0 a", "Mill 1"), ("Person 1 a", "Person 1 b"), ("Far Away", "Gone")):
        assert office.run("trace", "dispute", *pair, "--why", "met both").code == 0
    assert "4 pairs" in office.run("trace", "disputes", "--labels", "apart.jsonl").out
    written = office.folder / "apart.jsonl"
    assert written.stat().st_mode & 0o077 == 0
    assert [sorted(json.loads(line)) for line in written.read_text().splitlines()] == [["first", "second"]] * 4
    assert "trace.disputes_exported" in office.run("audit", "list", "--json").out
    rows, labels = [], []
    for person in range(12):
        for side in "ab":
            name = f"Person {person} {side}"
            labels.append({"account": name, "person": str(person)})
            rows += [_edit(name, f"Page {person} {day % 3}", person + day) for day in range(5)]
    rows += [_edit(name, f"Mill {day % 2}", day) for name in ("Mill 1", "Mill 2") for day in range(5)]
    for name, some in (("activity.jsonl", rows), ("labels.jsonl", labels)):
        (office.folder / name).write_text("".join(json.dumps(row) + "\n" for row in some))
    words = ("trace", "fit", "--activity", "activity.jsonl", "--labels", "labels.jsonl", "--disputed", "apart.jsonl", "-o", "weights.json")
    result = office.run(*words)
    assert result.code == 0, result.err
    # One of the four contradicts the labels, one is of accounts without activity.
    assert "2 of 4 disputed links" in result.err
    assert "Mill" not in (office.folder / "weights.json").read_text()


def _edit(name: str, page: str, hour: int) -> dict[str, str]:
    return {"wiki": "enwiki", "account": name, "timestamp": f"2026-01-{1 + hour % 28:02}T{hour % 24:02}:00:00Z", "page": page}


def test_a_watch_from_beginning_to_end(office: Any) -> None:
    assert office.run("trace", "watch", "Example Account", "Other Account", "--why", "case 12").code == 0
    (line,) = office.run("trace", "watches", "--json").lines
    assert (line["accounts"], line["news"]) == (["Example Account", "Other Account"], 0)
    assert "case 12" in office.run("trace", "watches").out
    assert office.run("trace", "news").code == 1
    assert office.run("trace", "unwatch", line["id"][:8]).code == 0
    assert office.run("trace", "watches").out == ""


def test_a_watch_without_an_index_says_so(office: Any) -> None:
    (office.folder / "tsbot.toml").write_text("[trace]\nindex = false\n")
    assert "index is off" in office.run("trace", "watch", "Example Account", "--why", "case 12").err
