"""``tsbot hide suggest`` where no wiki is needed: what is asked for, and what is refused. tests/live has the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tsbot.cli.hide import MOST_TEXT


def test_a_revision_that_nobody_flagged_needs_a_text(office: Any) -> None:
    result = office.run("hide", "suggest", "enwiki", "123")
    assert (result.code, "Which text?" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("enwiki", "123", "--field", "comment"), "has no comment"),
        (("enwiki", "123", "--field", "user", "--text", "file.txt"), "not by both"),
        (("enwiki", "123", "--text", "latin1.txt"), "not UTF-8"),
        (("enwiki", "123", "--text", "long.txt"), "longer than"),
        (("enwiki", "123", "--flag", "ffffffff"), "names no flag"),
        (("enwiki",), "Name a revision"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_used(office: Any, words: tuple[str, ...], said: str) -> None:
    (office.folder / "file.txt").write_text("some words")
    (office.folder / "latin1.txt").write_bytes(b"M\xfchle")
    (office.folder / "long.txt").write_bytes(b"x" * (MOST_TEXT + 1))
    result = office.run("hide", "suggest", *words)
    assert (result.code, said in result.err) == (2, True), result.err


@pytest.mark.parametrize("words", [("enwiki", "nonsense"), ("enwiki", "-1"), ("enwiki", "1", "--kind", "rage")])
def test_wrong_options(office: Any, words: tuple[str, ...]) -> None:
    assert office.run("hide", "suggest", *words).code == 2


def test_a_file_that_is_not_there(office: Any) -> None:
    assert office.run("hide", "suggest", "enwiki", "1", "--text", Path("nothing.txt")).code == 4


def test_a_wiki_that_nobody_knows(office: Any) -> None:
    (office.folder / "file.txt").write_text("some words")
    result = office.run("hide", "suggest", "strangewiki", "1", "--text", "file.txt")
    assert (result.code, "strangewiki" in result.err) == (1, True)


def test_a_flag_about_another_revision(patrolled: Any) -> None:
    (line,) = patrolled.run("flags", "list", "--json").lines
    result = patrolled.run("hide", "suggest", "enwiki", "999", "--flag", line["id"][:8])
    assert (result.code, "enwiki:rev:100002" in result.err) == (2, True)


def test_no_plan_is_followed_yet(patrolled: Any) -> None:
    result = patrolled.run("hide", "list", "--all")
    assert (result.code, "No plan is followed" in result.out) == (1, True)


def test_the_plans_that_are_followed(patrolled: Any) -> None:
    ((case,),) = patrolled.sql("select case_id from flag")
    columns = "subject, case_id, wiki, state, since, trouble, serial"
    values = ("enwiki:rev:100002", case, "enwiki", "waiting", 1e9, "WikiUnavailableError", 1)
    patrolled.sql(f"insert into hide_following ({columns}) values (?, ?, ?, ?, ?, ?, ?)", *values)
    (line,) = patrolled.run("hide", "list", "--json").lines[0]
    assert (line["subject"], line["state"], line["trouble"], line["seconds_to_hide"]) == (
        "enwiki:rev:100002", "waiting", "WikiUnavailableError", None,
    )  # fmt: skip
    table = patrolled.run("hide", "list").out
    assert ("enwiki:rev:100002" in table, case[:8] in table, "0 of 0" in table) == (True, True, True)
