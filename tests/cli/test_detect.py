"""``tsbot detect``: lines in, findings out."""

from __future__ import annotations

import json
from typing import Any

import pytest


def test_lines_in_and_findings_out(office: Any, make: Any) -> None:
    rows = [
        {"id": "a", "text": "\U0001f600 " + make.threat, "source": "mine"},
        {"id": "b", "text": "The museum opens at nine and the tram stops in front of it."},
    ]
    (office.folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = office.run("detect", "--input", "texts.jsonl", "--output", "findings.jsonl")
    assert (result.code, result.out) == (0, "")
    threat, mild = (json.loads(line) for line in (office.folder / "findings.jsonl").read_text().splitlines())
    assert (threat["id"], threat["source"], threat["kind"]) == ("a", "mine", "violence")
    assert (mild["id"], mild["kind"]) == ("b", "none")
    assert 0 <= mild["threat"] < 0.5 < threat["threat"] <= 1
    for name in ("specificity", "plausibility", "imminence"):
        assert threat[name] in range(4)
    assert threat["language"] == "en"
    spans = [threat["text"][span["start"] : span["end"]] for span in threat["evidence"]]
    assert any(span.endswith("hurt you") for span in spans)


def test_from_standard_input_to_standard_output(office: Any) -> None:
    result = office.process("detect", stdin=b'{"id": 1, "text": "See you on Friday."}\nrubbish\n')
    first, second = result.lines
    assert (result.code, first["id"], second["line"]) == (3, 1, 2)
    assert "1 line could not be judged" in result.err


@pytest.mark.parametrize("words", ["{} [/b]", "[red]{}[/]", "{} \x1b[2J", "\u202e{}", "caf\udce9 {}"])
def test_a_text_for_the_eye_is_text_and_steers_no_terminal(office: Any, make: Any, words: str) -> None:
    result = office.process("detect", words.format(make.threat))
    assert result.code == 0
    assert "violence" in result.out
    for character in "\x1b\u202e":
        assert character not in result.out


def test_a_terminal_that_knows_few_letters(office: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    result = office.process("detect", make.threat + " \u0451")
    assert (result.code, "violence" in result.out) == (0, True)


@pytest.mark.parametrize("words", [("--input", "nowhere.jsonl"), ("--input", "texts.jsonl", "--output", "nowhere/findings.jsonl")])
def test_files_that_cannot_be_used(office: Any, words: tuple[str, ...]) -> None:
    (office.folder / "texts.jsonl").write_text("")
    result = office.run("detect", *words)
    assert (result.code, "nowhere" in result.err) == (2, True)
