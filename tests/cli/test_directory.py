"""``tsbot directory``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tsbot.cli.app import app

RUN = CliRunner()


def test_check_lists_what_nobody_confirmed_and_says_so_by_its_exit_code() -> None:
    done = RUN.invoke(app, ["directory", "check", "--json"])
    found = json.loads(done.output)
    assert done.exit_code == 3
    assert found["countries"] >= 40
    assert "eg: crisis" in found["unconfirmed"]


def test_find_shows_places_near_and_everywhere() -> None:
    done = RUN.invoke(app, ["directory", "find", "--language", "ar", "--country", "EG", "--json"])
    found = json.loads(done.output)
    assert found["emergency"] == ["123"]
    assert {one["near"] for one in found["help"]} == {True, False}
    assert all(one["source"].startswith("https://") for one in found["help"])


def test_find_refuses_what_is_no_country() -> None:
    assert RUN.invoke(app, ["directory", "find", "--country", "Egypt"]).exit_code != 0


def test_files_of_the_setting_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "eg.toml").write_text("country = ")
    config = tmp_path / "tsbot.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n[reception]\ndirectory = "own"\n')
    done = RUN.invoke(app, ["directory", "check", "--config", str(config)])
    assert "eg.toml" in str(done.exception)
