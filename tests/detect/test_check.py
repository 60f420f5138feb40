"""The check of a language, and the table in docs/languages.md."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tsbot.cli.app import app
from tsbot.detect.check import check_language, languages
from tsbot.detect.detector import Cascade
from tsbot.errors import PackError

DOCS = Path(__file__).parents[2] / "docs" / "languages.md"


def rooms(folder: Path, sentences: str) -> Path:
    """A folder with the German pack and a file of German sentences."""
    (folder / "packs").mkdir()
    (folder / "sentences").mkdir()
    pack = resources.files("tsbot.detect").joinpath("packs").joinpath("de.toml").read_bytes()
    (folder / "packs" / "de.toml").write_bytes(pack)
    (folder / "sentences" / "de.txt").write_text(sentences, encoding="utf-8")
    return folder


def test_what_is_missing_is_told(detector: Cascade, tmp_path: Path) -> None:
    lines = "# reviewed: A. Reader\nviolence intent 1 p1 i1 - | Ich bringe dich um\nok talk | Danke für die Quelle"
    found = check_language("de", detector, rooms(tmp_path, lines))
    assert (found.threats, found.harmless, found.reviewed) == (1, 1, "A. Reader")
    assert found.troubles == ("1 threats, at least 60 are wanted", "1 harmless sentences, at least 120 are wanted")
    assert found.patterns > len(found.unused) > 0


def test_a_line_that_cannot_be_read_is_named(detector: Cascade, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"de\.txt, line 2"):
        check_language("de", detector, rooms(tmp_path, "ok talk | Gut\nnonsense"))


def test_every_language_has_enough_sentences_and_is_judged_well(detector: Cascade) -> None:
    """Not a measurement: a floor under which something is broken."""
    for code in languages():
        found = check_language(code, detector)
        assert found.troubles == (), code
        assert found.auroc > 0.75, code
        assert found.found > 0.5, code
        assert found.false < 0.5, code


def test_the_command_says_what_is_wrong() -> None:
    runner = CliRunner()
    good = runner.invoke(app, ["lexicon", "check", "nl", "--markdown"])
    assert good.exit_code == 0
    assert "| nl Nederlands |" in good.output
    assert "No pack for xx" in str(runner.invoke(app, ["lexicon", "check", "xx"]).exception)


def test_the_table_in_the_docs_counts_what_is_there(detector: Cascade) -> None:
    rows = re.findall(r"^\| (\w\w) .*? \| \d+ \| (\d+) \| (\d+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    found = [check_language(code, detector) for code in languages()]
    assert rows == [(one.language, str(one.threats), str(one.harmless)) for one in found]
