"""Who acts on the command line: the holder of a personal token of the console, else the user of the process."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from typing import Any

import pytest

from tsbot.console import sessions, tokens
from tsbot.console.access import Act
from tsbot.settings import Settings
from tsbot.store.opening import open_store


@pytest.fixture
def token(patrolled: Any) -> tuple[str, str]:
    """A token and its owner's pseudonym."""
    store = open_store(Settings(data_dir=str(patrolled.data)))
    now = time.time()
    with store.write() as connection:
        cookie = sessions.sign_in(connection, store.key, "7", "Ann", now)
        found = sessions.find(connection, store.key, cookie, now)
        assert found is not None
        made = tokens.make(connection, found.person, "command line", [Act.HANDLE], 30, now)
    store.close()
    return made, found.person.pseudonym


def actors(office: Any, act: str) -> list[str]:
    return [row[0] for row in office.sql("SELECT actor FROM audit WHERE act = ? ORDER BY number", act)]


def case_of(office: Any) -> str:
    return str(office.sql("SELECT id FROM case_file")[0][0])


def test_the_user_of_the_process_whatever_the_environment_says(patrolled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert patrolled.run("cases", "claim", case_of(patrolled)).code == 0
    assert actors(patrolled, "case.claimed") == [pwd.getpwuid(os.getuid()).pw_name]


def test_the_holder_of_a_token_acts_by_pseudonym(patrolled: Any, token: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, pseudonym = token
    monkeypatch.setenv("TSBOT_TOKEN", made)
    case = case_of(patrolled)
    report = str(patrolled.sql("SELECT id FROM report")[0][0])
    flag = str(patrolled.sql("SELECT id FROM flag")[0][0])
    for words in (
        ("cases", "claim", case),
        ("cases", "note", case, "a mild note"),
        ("flags", "show", flag),
        ("flags", "label", flag, "right"),
        ("reports", "release", report),
    ):
        assert patrolled.run(*words).code == 0
    for act in ("case.claimed", "case.noted", "flag.revealed", "flag.labelled", "report.released"):
        assert actors(patrolled, act) == [pseudonym], act
    assert "Ann" not in str(patrolled.sql("SELECT * FROM audit"))


def test_a_party_does_not_hide_behind_a_token(patrolled: Any, token: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = token
    store = open_store(Settings(data_dir=str(patrolled.data)))
    with store.write() as connection:
        sessions.sign_in(connection, store.key, "7", "Editor 2", 1e9)  # renamed to what the flagged author is called
    store.close()
    monkeypatch.setenv("TSBOT_TOKEN", made)
    refused = patrolled.run("cases", "claim", case_of(patrolled))
    assert (refused.code, "party" in refused.err) == (1, True)


@pytest.mark.parametrize("wrong", ["x", "tsbot_" + "A" * 43, "é"])
def test_a_token_that_is_not_valid_is_refused(patrolled: Any, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("TSBOT_TOKEN", wrong)
    refused = patrolled.run("cases", "claim", case_of(patrolled))
    assert (refused.code, "TSBOT_TOKEN" in refused.err) == (2, True)
    assert wrong not in refused.err
    assert actors(patrolled, "case.claimed") == []


def test_looking_needs_no_token(patrolled: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TSBOT_TOKEN", "x")
    assert patrolled.run("reports", "list").code == 0
