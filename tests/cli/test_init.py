"""``tsbot init``: what an operator's first minutes make, and what they never change."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tsbot.settings import load

FULL = (
    *("--contact", "you@example.org", "--wikis", "dewiki, frwiki", "--account", "ExampleBot", "--client", "approved-bot"),
    *("--reporter-name", 'The "desk"', "--reporter-contact", "desk@example.org", "--recipient", "team@example.org"),
    *("--mail-host", "mail.example.org", "--mail-port", "465", "--mail-user", "desk", "--page", "on-call@example.org", "--metrics", ""),
)


def test_with_the_defaults_it_is_ready(office: Any) -> None:
    done = office.run("init", "--yes", "--json")
    assert done.code == 0, done.err
    (told,) = done.lines
    assert {one["state"] for one in told["findings"]} == {"ok", "warning"}
    assert stat.S_IMODE((office.folder / "tsbot.toml").stat().st_mode) == 0o600
    assert (office.data / "master.key").exists()
    assert office.sql("SELECT count(*) FROM case_file") == [(0,)]
    assert office.run("flags", "list").out == "No flags.\n"


def test_what_is_answered_stands_in_the_file(office: Any) -> None:
    done = office.run("init", "--yes", *FULL)
    assert done.code == 0, done.err
    settings = load(office.folder / "tsbot.toml", {})
    assert settings.wiki.contact == "you@example.org"
    assert settings.admission.only_wikis == ("dewiki", "frwiki")
    assert (settings.wiki.account, settings.wiki.client) == ("ExampleBot", "approved-bot")
    assert (settings.report.reporter_name, settings.report.reporter_contact) == ('The "desk"', "desk@example.org")
    assert settings.report.channel == "smtp"
    assert [one.to for one in settings.report.recipients["default"]] == ["team@example.org"]
    assert (settings.mail.host, settings.mail.port, settings.mail.user, settings.mail.password) == ("mail.example.org", 465, "desk", "")
    assert settings.page.mail == ("on-call@example.org",)
    assert settings.metrics.listen == ""
    assert "Master key" in done.out


def test_nothing_that_is_there_is_changed(office: Any) -> None:
    assert office.run("init", "--yes").code == 0
    before = {path: path.read_bytes() for path in (office.folder / "tsbot.toml", office.data / "master.key")}
    again = office.run("init", "--yes", "--contact", "other@example.org")
    assert (again.code, "is there already; nothing was changed" in again.err) == (2, True)
    (office.folder / "tsbot.toml").unlink()
    assert office.run("init", "--yes").code == 0  # with the key and the database that are there
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--contact", "nobody"), "--contact: This is no mail address"),
        (("--contact", "a@example.org\n[mail]"), "cannot be printed"),
        (("--mail-host", "mail.example.org"), "--mail-host needs --recipient"),
        (("--client", "admin", "--account", "Bot"), "--client: One of"),
        (("--recipient", "a@example.org", "--mail-host", "m.example.org", "--mail-port", "0"), "--mail-port: A port"),
        (("--metrics", "0.0.0.0:9100"), "metrics.public"),
    ],
)
def test_answers_that_cannot_be_used(office: Any, words: tuple[str, ...], said: str) -> None:
    done = office.run("init", "--yes", *words)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (office.folder / "tsbot.toml").exists()
    assert list(office.folder.glob(".tsbot.toml*")) == []


def test_with_nobody_there_to_ask(office: Any) -> None:
    done = office.process("init")
    assert (done.code, "Give --yes" in done.err) == (2, True)


def test_a_person_is_asked_and_told_why(office: Any, tmp_path: Path) -> None:
    """On a terminal; a wrong answer is asked for again."""
    master, slave = pty.openpty()
    environment = os.environ | {"PYWIKIBOT_NO_USER_CONFIG": "2", "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tsbot", "init"], cwd=office.folder, stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    os.write(master, b"\nnobody\nyou@example.org\n\n\n\ndesk@example.org\n\n\n")
    shown = b""
    while True:
        try:
            some = os.read(master, 4096)
        except OSError:  # the terminal is gone
            break
        shown += some
        if not some:
            break
    os.close(master)
    assert process.wait(60) == 0, shown.decode()
    text = shown.decode()
    assert "Wikimedia's policy asks for it" in text
    assert "This is no mail address" in text
    assert "Mail server" not in text  # nothing that makes no sense without a recipient
    settings = load(office.folder / "tsbot.toml", {})
    assert (settings.wiki.contact, settings.report.reporter_contact) == ("you@example.org", "desk@example.org")
    assert json.loads(office.run("doctor", "--offline", "--json").out.splitlines()[0])["state"] == "ok"
