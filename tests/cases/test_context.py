"""What event and page tell around a flagged passage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tsbot.cases.context import DAY, PLACES, Context, context_of, load_places, shipped_places
from tsbot.detect.finding import Evidence, Kind
from tsbot.errors import SettingsError
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage
from tsbot.text.passages import added_passages

WORD = "walrus"
CASES = Path(__file__).with_name("places.txt")


def event(**fields: Any) -> Event:
    """An edit."""
    known: dict[str, Any] = {"id": "1", "stream": "mediawiki.page_change.v1", "kind": EventKind.EDIT, "wiki": "enwiki", "time": 1000 * DAY}
    known["user"] = "Example"
    return Event(**(known | fields))


def seen(wikitext: str, **fields: Any) -> Context:
    """The context of the word in an edit that wrote the whole page."""
    for passage in added_passages(None, wikitext, max_chars=100_000).passages:
        start = passage.text.find(WORD)
        if start >= 0:
            evidence = [Evidence(0, 1, "target"), Evidence(start, start + len(WORD), "violence")]
            return context_of(event(**fields), passage, evidence, Kind.VIOLENCE, wikitext)
    raise AssertionError("the word was lost")


def places() -> list[tuple[str, str, str]]:
    found = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            what, text = line.split("|", 1)
            part, expected = what.split()
            found.append((part, expected, text.strip()))
    return found


@pytest.mark.parametrize(("part", "expected", "text"), places())
def test_words_of_many_languages(part: str, expected: str, text: str) -> None:
    words = shipped_places()
    if part == "topic":
        assert words.topics_of(text)[:1] == (() if expected == "-" else (expected,))
    elif part == "heading":
        assert words.section([text]) == expected.removeprefix("-")
    else:
        assert words.template([text]) == expected


@pytest.mark.parametrize(
    ("wikitext", "fields", "expected"),
    [
        ("the walrus comes", {"namespace": 0}, {"namespace": 0, "section": "", "markup": "", "quoted": False}),
        ("A film.\n\n== Plot ==\n\nThe walrus comes.", {"namespace": 0}, {"section": "plot"}),
        ("== Plot ==\n=== First act ===\nThe walrus comes.", {"namespace": 0}, {"section": "plot"}),
        ("== Plot ==\nOther.\n== Reception ==\nThe walrus comes.", {"namespace": 0}, {"section": ""}),
        ("== Plot ==\nThe walrus comes.", {"namespace": 1}, {"section": ""}),
        ("== Final warning ==\nThe walrus comes.", {"namespace": 3}, {"section": "warning"}),
        ("A line.\n<poem>\nthe walrus comes\n</poem>", {"namespace": 0}, {"markup": "lyrics"}),
        ("{{Quote|the walrus comes|Somebody}}", {"namespace": 1}, {"markup": "quote"}),
        ("{{uw-vandalism4|reason=the walrus comes here}}", {"namespace": 3}, {"markup": "warning"}),
        ("{{Infobox|note=the walrus comes here}}", {"namespace": 0}, {"markup": "template"}),
        ("<blockquote>the walrus comes</blockquote>", {"namespace": 1}, {"quoted": True}),
        ("He wrote “the walrus comes” to me.", {"namespace": 1}, {"quoted": True}),
        ("“Good day.” The walrus comes. “Really.”", {"namespace": 1}, {"quoted": False}),
        ("a walrus", {"namespace": 1, "title": "Talk:Example School"}, {"topics": ("school",)}),
        ("a walrus", {"namespace": 3, "title": "User talk:School of hard knocks"}, {"topics": ()}),
        ("a walrus", {"user": "192.0.2.7"}, {"temporary": True}),
        ("a walrus", {"user": "2001:db8::1", "user_is_temp": False}, {"temporary": True}),
        ("a walrus", {"user": "~2026-1", "user_is_temp": True}, {"temporary": True}),
        ("a walrus", {"user": "Example"}, {"temporary": None}),
        ("a walrus", {"user": None}, {"temporary": None}),
        ("a walrus", {"user_registered": 990 * DAY, "user_edit_count": 7}, {"account_days": 10.0, "edit_count": 7}),
        ("a walrus", {"user_registered": 1001 * DAY}, {"account_days": 0.0}),
        ("a walrus", {"stream": "hand"}, {"by_hand": True}),
    ],
)
def test_what_is_told(wikitext: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    context = seen(wikitext, **fields)
    assert {name: getattr(context, name) for name in expected} == expected


def test_the_comment_of_a_block_may_quote() -> None:
    passage = Passage(Field.COMMENT, "said that the walrus comes")
    entry = {"kind": EventKind.LOG, "log_id": 5, "user": "Admin"}
    assert context_of(event(**entry, log_type="block"), passage, (), Kind.VIOLENCE).administrative
    assert not context_of(event(**entry, log_type="upload"), passage, (), Kind.VIOLENCE).administrative


def test_a_user_name_is_never_a_quotation() -> None:
    passage = Passage(Field.USER, '"the walrus comes"')
    assert not context_of(event(), passage, (), Kind.ATTACK_NAME).quoted
    assert context_of(event(), Passage(Field.SUMMARY, '"the walrus comes"'), (), Kind.VIOLENCE).quoted


def test_evidence_that_reaches_beyond_the_passage_does_no_harm() -> None:
    passage = Passage(Field.TEXT, "walrus", 3)
    for start, end in ((-5, 99), (50, 60), (4, 2)):
        assert context_of(event(), passage, [Evidence(start, end, "violence")], Kind.VIOLENCE, "== a walrus") == context_of(
            event(), passage, (), Kind.VIOLENCE, "== a walrus"
        )


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[headings]\n", "[headings]\nstrange = ['x']\n", r"\[headings\] must have just the lists"),
        ('"plot*"', '"pl*ot"', r"headings.plot: 'pl\*ot' is no word"),
        ('"plot*"', '"*"', r"headings.plot: '\*' is no word"),
        ('"plot*"', "5", "str"),
        ("[headings]", "[headings", "places.toml"),
    ],
)
def test_wrong_words_are_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = PLACES.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "places.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=named):
        load_places(file)
