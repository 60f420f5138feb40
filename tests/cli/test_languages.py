"""``tsbot languages``, as a translator uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def translated(office: Any, **files: str) -> Path:
    """Own messages: ``fi='{"yes": "kyllä"}'``."""
    folder: Path = office.data / "letters" / "i18n"
    folder.mkdir(parents=True)
    for code, content in files.items():
        (folder / f"{code}.json").write_text(content, encoding="utf-8")
    office.configure('[report]\ntemplates = "letters"\n')
    return folder


def test_the_languages_of_the_package_are_complete(office: Any) -> None:
    result = office.run("languages", "--json")
    rows = {row["language"]: row for row in result.lines}
    assert (result.code, {row["messages"] for row in rows.values()}) == (0, {rows["en"]["messages"]})
    assert {"en", "de", "fr", "es", "pt", "ru", "ja", "zh-hans", "ar"} <= set(rows)
    assert (rows["ar"]["name"], rows["ar"]["direction"], rows["ar"]["missing"]) == ("العربية", "rtl", [])
    shown = office.run("languages").out
    assert "Deutsch" in shown
    assert "self_harm" in shown


def test_a_language_that_was_begun_is_listed_with_what_it_lacks(office: Any) -> None:
    translated(office, fi='{"yes": "kyllä"}')
    result = office.run("languages", "--json")
    (row,) = [row for row in result.lines if row["language"] == "fi"]
    assert (result.code, row["messages"], "no" in row["missing"], "yes" in row["missing"]) == (3, 1, True, False)
    assert "fi: not-known" in office.run("languages", "--missing").out


def test_a_mistake_is_named(office: Any) -> None:
    translated(office, fi='{"case": "Tapaus"}')
    result = office.run("languages")
    assert (result.code, result.err) == (2, "tsbot: fi.json: case: $1 is missing.\n")


def test_every_letter_is_written_to_be_read(office: Any) -> None:
    translated(office, fi=json.dumps({"case": "Tapaus: $1"}))
    office.run("languages", "--specimens", "specimens")
    letter = (office.folder / "specimens" / "fi" / "self_harm.txt").read_text(encoding="utf-8")
    assert "Tapaus: 0c5e1a2b-0000-4000-8000-000000000001\n" in letter
    assert (office.folder / "specimens" / "de" / "emergency.exercise.txt").read_text(encoding="utf-8").startswith("ÜBUNG")


@pytest.mark.parametrize("command", [("patrol", "--no-fetch", "--stream", "events.jsonl"), ("languages",)])
def test_letters_that_cannot_be_written_stop_a_start(office: Any, command: tuple[str, ...]) -> None:
    office.record()
    (office.data / "letters").mkdir(parents=True)
    (office.data / "letters" / "legal.txt.j2").write_text("{{ letter.adress }}", encoding="utf-8")
    office.configure('[report]\ntemplates = "letters"\n')
    result = office.run(*command)
    assert result.code == 2
    assert "legal in en" in result.err
