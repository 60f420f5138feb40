"""``tsbot trace NAME`` and what follows from it, where no wiki is needed; tests/trace and tests/live have the rest."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Example Account", "--why", " "), "Say why you ask"),
        (("Example|Account", "--why", "case 12"), "No account of MediaWiki"),
        (("10.0.0.0/8", "--why", "case 12"), "wider than /16"),
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
