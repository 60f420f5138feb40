"""``tsbot flags label`` and ``tsbot labels export``: what reviewers say, and the data that comes of it."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import pytest

KEYS = ["text", "threat", "kind", "specificity", "plausibility", "imminence", "language", "verdict"]
SUBJECT = "enwiki:rev:100002"


def exported(office: Any, *words: str) -> list[dict[str, Any]]:
    result = office.run("labels", "export", "--output", "labels.jsonl", *words)
    assert result.code == 0, result.err
    file = office.folder / "labels.jsonl"
    assert file.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def label(office: Any, *words: str) -> Any:
    return office.run("flags", "label", SUBJECT, *words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("right",), {"threat": 1, "kind": "violence"}),
        (("wrong_kind", "--kind", "self_harm"), {"threat": 1, "kind": "self_harm"}),
        (("wrong_kind", "--kind", "legal", "--plausibility", "0"), {"threat": 0, "kind": "legal", "plausibility": 0}),
        (("wrong_score", "--specificity", "0", "--imminence", "1"), {"kind": "violence", "specificity": 0, "imminence": 1}),
        (("false_alarm",), {"threat": 0, "kind": "none", "specificity": 0, "plausibility": 0, "imminence": 0}),
    ],
)
def test_a_label_becomes_an_example(patrolled: Any, make: Any, words: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert label(patrolled, *words).code == 0
    (flag,) = patrolled.run("flags", "show", SUBJECT, "--json").lines
    (line,) = exported(patrolled)
    assert list(line) == KEYS
    said = {"text": make.threat, "language": "en", "verdict": words[0]}
    said |= {name: flag[name] for name in ("specificity", "plausibility", "imminence")}
    assert {name: line[name] for name in said | expected} == said | expected
    assert flag["kind"] == "violence"  # what the detector said stays


def test_without_text_there_are_ids(patrolled: Any, make: Any) -> None:
    label(patrolled, "right")
    (line,) = exported(patrolled, "--without-text")
    assert list(line) == ["flag", "subject", *KEYS[1:]]
    assert line["subject"] == SUBJECT
    assert "hurt" not in (patrolled.folder / "labels.jsonl").read_text()


def test_the_last_word_counts_and_all_are_shown(patrolled: Any) -> None:
    label(patrolled, "false_alarm")
    label(patrolled, "right")
    assert [line["verdict"] for line in exported(patrolled)] == ["right"]
    (shown,) = patrolled.run("flags", "show", SUBJECT, "--json").lines
    assert [(one["verdict"], one["by"]) for one in shown["labels"]] == [("false_alarm", getpass.getuser()), ("right", getpass.getuser())]
    assert "label: false_alarm, none, specificity 0" in patrolled.run("flags", "show", SUBJECT).out


def test_nothing_labelled_is_an_empty_file(patrolled: Any) -> None:
    assert exported(patrolled) == []


@pytest.mark.parametrize(
    "words",
    [
        ("right", "--kind", "legal"),
        ("right", "--imminence", "1"),
        ("wrong_kind",),
        ("wrong_kind", "--kind", "violence"),
        ("wrong_kind", "--kind", "none"),
        ("wrong_score",),
        ("wrong_score", "--imminence", "4"),
        ("wrong_score", "--kind", "legal", "--imminence", "1"),
        ("false_alarm", "--specificity", "0"),
        ("rubbish",),
    ],
)
def test_an_unclear_word_is_refused(patrolled: Any, words: tuple[str, ...]) -> None:
    assert label(patrolled, *words).code == 2
    assert patrolled.sql("select count(*) from label") == [(0,)]


def test_no_such_flag(patrolled: Any) -> None:
    assert patrolled.run("flags", "label", "ffffffff", "right").code == 1


def test_what_concerns_minors_is_never_written(patrolled: Any) -> None:
    label(patrolled, "wrong_kind", "--kind", "minors")
    assert exported(patrolled) == exported(patrolled, "--without-text") == []
    label(patrolled, "right")
    assert len(exported(patrolled)) == 1
    patrolled.sql("update flag set kind = 'minors'")
    result = patrolled.run("labels", "export", "--output", "labels.jsonl")
    assert "1 concern minors" in result.out
    assert Path("labels.jsonl").read_text() == ""


def test_a_text_with_two_flags_is_one_example_of_what_was_confirmed(office: Any, make: Any) -> None:
    text = f"{make.threat}, and her private phone number is 030 1234567"
    office.patrol("--stream", office.record(make.change(2, comment=text)))
    kinds = {line["kind"]: line["id"] for line in office.run("flags", "list", "--json").lines}
    assert {"violence", "doxing"} <= set(kinds)
    office.run("flags", "label", kinds["violence"], "false_alarm")
    office.run("flags", "label", kinds["doxing"], "right")
    assert office.run("flags", "label", SUBJECT, "right").code == 2
    assert [(line["kind"], line["threat"]) for line in exported(office)] == [("doxing", 0)]


def test_a_destroyed_text_cannot_be_written(patrolled: Any) -> None:
    label(patrolled, "right")
    patrolled.sql("update case_file set data_key = null")
    assert exported(patrolled) == []
    assert len(exported(patrolled, "--without-text")) == 1


def test_a_file_that_cannot_be_written_and_one_that_is_replaced(patrolled: Any) -> None:
    label(patrolled, "right")
    result = patrolled.run("labels", "export", "--output", "nowhere/labels.jsonl")
    assert (result.code, "cannot be written" in result.err) == (2, True)
    Path("labels.jsonl").write_text("old")
    assert len(exported(patrolled)) == 1
    assert [path.name for path in patrolled.folder.iterdir() if path.name.startswith(".")] == []
