"""``tsbot`` itself: exit codes, plain words for wrong use, pipes that close, and commands that need nothing."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tsbot import __version__
from tsbot.settings_reference import describe


def test_version(office: Any) -> None:
    result = office.process("--version")
    assert (result.code, result.out) == (0, f"tsbot {__version__}\n")


def test_without_a_command_it_shows_what_there_is(office: Any) -> None:
    result = office.run()
    for command in ("patrol", "detect", "flags", "flag", "reports", "dead", "doctor", "demo", "settings"):
        assert f" {command} " in result.out


@pytest.mark.parametrize("words", [("nonsense",), ("patrol", "--nonsense"), ("flags", "nonsense"), ("patrol", "--idle-exit", "soon")])
def test_a_wrong_command_line(office: Any, words: tuple[str, ...]) -> None:
    result = office.run(*words)
    assert (result.code, result.out) == (2, "")
    assert words[1 if len(words) > 1 else 0] in result.err
    assert list(office.folder.iterdir()) == []


COMMANDS = [
    ("patrol", "--stream", "events.jsonl", "--no-fetch"),
    ("flags", "list"),
    ("flags", "show", "x"),
    ("flag", "https://en.wikipedia.org/w/index.php?diff=1"),
    ("reports", "list"),
    ("reports", "show", "x"),
    ("reports", "preview", "x"),
    ("reports", "release", "x"),
    ("reports", "retry", "x"),
    ("dead", "list"),
    ("dead", "redrive"),
    ("doctor", "--offline"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_refuses_a_wrong_setting_by_name(office: Any, words: tuple[str, ...]) -> None:
    office.configure("[mail]\nhots = 'mail.example.org'\n")
    office.record()
    result = office.run(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("tsbot: Setting refused in tsbot.toml")
    assert "hots" in result.err
    assert not office.data.exists()


def test_a_settings_file_by_name(office: Any) -> None:
    office.configure('data_dir = "elsewhere"\n').rename(office.folder / "other.toml")
    assert office.run("flags", "list", "--config", "other.toml").code == 0
    assert (office.folder / "elsewhere" / "tsbot.sqlite").is_file()
    missing = office.run("flags", "list", "--config", "nowhere.toml")
    assert (missing.code, "nowhere.toml does not exist" in missing.err) == (2, True)


def test_settings_are_described(office: Any) -> None:
    keys = [row[0] for row in describe()]
    (listed,) = [office.run("settings", "--json").out]
    page = office.run("settings").out
    for key in keys:
        assert f'"{key}"' in listed
        assert key.rpartition(".")[2] in page


@pytest.mark.parametrize(
    "words", [("settings",), ("flags", "list", "--json"), ("flags", "list"), ("doctor", "--offline"), ("--help",)], ids=" ".join
)
def test_a_reader_that_goes_away_is_no_error(patrolled: Any, words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = patrolled.start(*words, stdout=writer)
        _, err = process.communicate(timeout=60)
    finally:
        os.close(writer)
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err
    assert b"BrokenPipe" not in err


@pytest.mark.parametrize("words", [("settings",), ("flags", "list"), ("detect", "--input", "texts.jsonl")], ids=" ".join)
def test_output_that_finds_no_room_is_said_in_a_line(patrolled: Any, words: tuple[str, ...]) -> None:
    (patrolled.folder / "texts.jsonl").write_text('{"id": 1, "text": "Thank you for the references."}\n')
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        process = patrolled.start(*words, stdout=full)
        _, err = process.communicate(timeout=60)
    finally:
        os.close(full)
    assert (process.returncode, err) == (4, b"tsbot: No space left on device\n")


def test_a_data_folder_that_cannot_be_made(office: Any) -> None:
    office.configure('data_dir = "events.jsonl/below-a-file"\n')
    office.record()
    for words in (("flags", "list"), ("patrol", "--stream", "events.jsonl", "--no-fetch")):
        result = office.run(*words)
        assert (result.code, result.out) == (2, "")
        assert result.err.splitlines()[-1].startswith("tsbot: ")
