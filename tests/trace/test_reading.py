"""What is read from an edit: cases in readings.txt."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import SettingsError
from tsbot.trace.activity import Edit
from tsbot.trace.gallery import is_talk, owner, subject
from tsbot.trace.reading import load_patterns, read_edit

LINES = Path(__file__).with_name("readings.txt").read_text(encoding="utf-8").splitlines()
CASES = [line.rsplit(" |", 4) for line in LINES if not line.startswith("#")]


def edit(summary: str, added: str = "") -> Edit:
    return Edit("enwiki", datetime(2026, 1, 1, tzinfo=UTC), ("Old Mill",), summary, added)


@pytest.mark.parametrize(("summary", "habit", "section", "words", "undone"), CASES, ids=[case[0][:20] for case in CASES])
def test_summaries(summary: str, habit: str, section: str, words: str, undone: str) -> None:
    reading = read_edit(edit(summary))
    assert (reading.habit, reading.section, reading.reverted) == (habit.strip(), section.strip(), undone.strip())
    if habit.strip() != "undo":
        assert reading.words == words.strip()


def test_what_a_text_points_at() -> None:
    reading = read_edit(edit("see T123456 and [[Old Mill]]", "[https://www.example.org/a b] [[User:Ferry]]"))
    assert (reading.users, set(reading.targets)) == (("Ferry",), {"old mill", "example.org", "task 123456"})


@pytest.mark.parametrize(
    ("title", "space", "rest", "talk", "user"),
    [
        ("Old Mill", "", "Old Mill", False, ""),
        ("Talk:Old Mill", "", "Old Mill", True, ""),
        ("User talk:Ferry/Drafts", "user", "Ferry/Drafts", True, "Ferry"),
        ("Star Trek: the film", "", "Star Trek: the film", False, ""),
        ("Dune: Part Two", "", "Dune: Part Two", False, ""),
    ],
)
def test_titles(title: str, space: str, rest: str, talk: bool, user: str) -> None:
    assert (subject(title), is_talk(title), owner(title)) == ((space, rest), talk, user)


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_is_read(summary: str, added: str) -> None:
    reading = read_edit(edit(summary, added))
    assert reading.habit


@pytest.mark.parametrize(
    ("content", "why"),
    [("[[automatic]]\nname='x'\npattern='('\n", "entry 1"), ("a = 1", "patterns"), ("[[automatic]]\nname=1\n", "str")],
)
def test_a_list_that_is_wrong_is_named(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "patterns.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"patterns\.toml") as told:
        load_patterns(path)
    assert why in str(told.value)
