"""``tsbot reports``, as an operator uses it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from sqlalchemy import update
from typer.testing import CliRunner

from tsbot.cli import reports
from tsbot.cli.common import operator
from tsbot.errors import InputError
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.crypto import PREFIX
from tsbot.store.outbox import ReportState

Desk = Any
Run = Callable[..., Any]


@pytest.fixture
def run(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``tsbot reports ...`` on the desk's database."""
    key = desk.folder / "master.key"
    key.write_text(f"{PREFIX}{'MDAw' * 10}MDA=\n")  # the desk's key: 32 times "0"
    key.chmod(0o600)
    config = tmp_path / "tsbot.toml"
    config.write_text(f'data_dir = "{desk.folder}"\n[report]\nreporter_contact = "reporter@example.org"\nreporter_name = "Patrol desk"\n')
    monkeypatch.setenv("TSBOT_CONFIG", str(config))
    app = typer.Typer()
    app.callback()(lambda: None)
    reports.register(app)

    def invoke(*words: str) -> Any:
        try:
            return CliRunner().invoke(app, ["reports", *words], catch_exceptions=False)
        finally:
            structlog.reset_defaults()

    return invoke


def filed(desk: Desk, *, write: bool = True, **more: Any) -> str:
    (identity,) = desk.file(desk.flag(**more))
    if write:
        desk.deliverer().run_once()
    return str(identity)


def test_list_says_nothing_of_what_reports_say(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    result = run("list", "--json")
    (line,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (line["id"], line["state"], line["recipient"]) == (identity, "held", "emergency@wikimedia.org")
    assert "body" not in line
    shown = run("list")
    assert (shown.exit_code, identity[:8] in shown.stdout, "Example" in shown.stdout) == (0, True, False)


def test_list_by_state(desk: Desk, run: Run) -> None:
    filed(desk)
    assert run("list", "--state", "dead").stdout == "No dead reports.\n"
    assert len(run("list", "--state", "held", "--json").stdout.splitlines()) == 1
    assert run("list", "--state", "lost").exit_code == 2


def test_show_and_show_text(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    plain = run("show", identity[:8])
    assert "state:         held" in plain.stdout
    assert "Reported user: Example" not in plain.stdout
    assert "Reported user: Example" in run("show", identity, "--text").stdout
    assert json.loads(run("show", identity, "--text", "--json").stdout)["text"].startswith("Reporting user:")


@pytest.mark.parametrize("write", [True, False])
def test_preview_is_the_message_as_it_would_be_sent(desk: Desk, run: Run, write: bool) -> None:
    identity = filed(desk, write=write)
    shown = run("preview", identity).stdout
    assert "To: emergency@wikimedia.org\n" in shown
    assert "Subject: [TS] report 0c5e1a2b\n" in shown
    assert f"Message-ID: <{identity}@example.org>\n" in shown
    assert "\n\nReporting user: Patrol desk\nReported user: Example\n" in shown
    assert all(text.startswith("X-Tsbot-State: held") for text in desk.spooled().values())


def test_preview_in_another_language(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    shown = run("preview", identity, "--language", "de").stdout
    assert "Subject: [TS] Meldung 0c5e1a2b\n" in shown
    assert "\n\nGemeldet von: Patrol desk\nGemeldetes Benutzerkonto: Example\n" in shown
    assert "(reporting-user: Patrol desk)" in run("preview", identity, "--language", "qqx").stdout
    assert "Reporting user" in run("preview", identity).stdout


def test_preview_in_a_language_without_letters(desk: Desk, run: Run) -> None:
    with pytest.raises(InputError, match="no letters in 'fi'"):
        run("preview", filed(desk), "--language", "fi")


def test_preview_as_a_recipient_of_links_only_reads_it(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    shown = run("preview", identity, "--policy", "links_only").stdout
    assert "links and the category only" in shown
    assert "Example" not in shown
    with desk.database.write() as connection:
        connection.execute(update(t.report).values(policy="links_only"))
    assert "Example" not in run("preview", identity).stdout
    assert "Reported user: Example" in run("preview", identity, "--policy", "plain").stdout


def test_preview_of_an_exercise(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    shown = json.loads(run("preview", identity, "--exercise", "--json").stdout)
    assert shown["headers"]["Subject"] == "[TS] EXERCISE: report 0c5e1a2b"
    assert shown["text"].startswith("EXERCISE: ")
    with desk.database.write() as connection:
        connection.execute(update(t.report).values(drill=True))
    assert "Subject: [TS] EXERCISE: report 0c5e1a2b\n" in run("preview", identity).stdout


def test_preview_tells_how_it_would_leave(desk: Desk, run: Run, tmp_path: Path) -> None:
    identity = filed(desk)
    assert run("preview", identity).stderr.splitlines()[-1] == "Leaves in clear (plain), by spool"
    with (tmp_path / "tsbot.toml").open("a", encoding="utf-8") as config:
        config.write('[report.keys."emergency@wikimedia.org"]\npolicy = "links_only"\n')
    limited = run("preview", identity)
    assert limited.stderr.splitlines()[-1] == "Leaves links only (links_only), by spool"
    assert "Reported user" not in limited.stdout
    assert "This letter carries links only." in limited.stdout


def test_release_notes_who(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    result = run("release", identity[:8])
    assert (result.exit_code, result.stdout) == (0, f"{identity} released\n")
    assert desk.row(identity).released_by == operator()
    desk.clock.now = time.time()
    assert desk.deliverer().run_once() == 1
    again = run("release", identity)
    assert (again.exit_code, again.stderr) == (1, f"{identity} is not waiting for release (sent)\n")


def test_reading_and_releasing_are_logged_with_who_did_it(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    for words, event in ((("show", identity, "--text"), "report.revealed"), (("release", identity), "report.released")):
        line = json.loads(run(*words).stderr)
        assert (line["event"], line["id"], line["by"]) == (event, identity, operator())
    assert run("show", identity).stderr == ""


def test_release_of_several_releases_those_that_wait(desk: Desk, run: Run) -> None:
    first, second = filed(desk, rev_id=1), filed(desk, rev_id=2)
    run("release", first)
    assert run("release", first, second).exit_code == 1
    assert desk.row(second).state is ReportState.QUEUED


def test_retry(desk: Desk, run: Run) -> None:
    identity = filed(desk)
    assert run("retry", identity).exit_code == 1
    desk.release(identity)
    with desk.database.write() as connection:
        outbox.mark_dead(connection, identity, "DeliveryRefusedError: smtp: 550 at RCPT")
    assert run("retry", "--all").exit_code == 0
    assert desk.row(identity).state is ReportState.QUEUED
    assert run("retry").exit_code == 2


def test_a_bounce_makes_its_report_a_dead_one(desk: Desk, run: Run, tmp_path: Path) -> None:
    identity = filed(desk)
    desk.release(identity)
    desk.deliverer().run_once()
    (envelope,) = [line for line in desk.spooled()[identity].splitlines() if line.startswith("X-Tsbot-Envelope: ")]
    head = "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
    file = tmp_path / "bounce.eml"
    for wrong in ("", head, f"{head}Original-Envelope-Id: {identity}.{'0' * 16}\n\nAction: failed\n--b--\n"):
        file.write_text(wrong)
        assert run("bounce", str(file)).exit_code == 1
    file.write_text(f"{head}Original-Envelope-Id: {envelope.split()[1]}\n\nAction: failed\nStatus: 5.1.1\n\n--b--\n")
    done = run("bounce", str(file), "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"id": identity, "done": True})
    assert json.loads(done.stderr)["reason"] == "bounced 5.1.1"
    assert run("list", "--state", "dead").stdout.count(identity[:8]) == 1


@pytest.mark.parametrize("command", ["show", "preview", "release", "retry"])
def test_no_such_report(run: Run, command: str) -> None:
    result = run(command, "ffffffff")
    assert (result.exit_code, "No report ffffffff" in result.stderr) == (1, True)


def test_an_ambiguous_beginning_is_refused(desk: Desk, run: Run) -> None:
    for number in range(1, 18):
        filed(desk, rev_id=number, write=False, case=f"0c5e1a2b-0000-4000-8000-0000000000{number:02}")
    result = run("release", "")
    assert (result.exit_code, "give more of the id" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", ["list", "show", "preview", "release", "retry", "bounce"])
def test_help_has_an_example(run: Run, command: str) -> None:
    assert f"tsbot reports {command}" in run(command, "--help").stdout
