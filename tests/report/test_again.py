"""Who may send a report once more, acknowledge it or read it: the rules of a release hold on every way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from sqlalchemy import select, update
from typer.testing import CliRunner

from tsbot.cases.filing import account_index
from tsbot.cli import answers, reports
from tsbot.cli.common import operator
from tsbot.detect.finding import Kind
from tsbot.errors import PartyError
from tsbot.report.bounce import envelope_id
from tsbot.report.reminders import resend
from tsbot.settings import ReleaseRule, ReportSettings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.crypto import PREFIX
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
Run = Callable[..., Any]
REPORT = ReportSettings(reporter_contact="reporter@example.org", release={kind.value: ReleaseRule() for kind in Kind})


@pytest.fixture
def run(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``tsbot reports ...`` on the desk's database, with more settings."""
    key = desk.folder / "master.key"
    key.write_text(f"{PREFIX}{'MDAw' * 10}MDA=\n")  # the desk's key: 32 times "0"
    key.chmod(0o600)
    config = tmp_path / "tsbot.toml"
    monkeypatch.setenv("TSBOT_CONFIG", str(config))
    app = typer.Typer()
    app.callback()(lambda: None)
    for module in (reports, answers):
        module.register(app)

    def invoke(*words: str, more: str = "", **given: Any) -> Any:
        config.write_text(f'data_dir = "{desk.folder}"\n{more}\n[report]\nreporter_contact = "reporter@example.org"\n')
        try:
            return CliRunner().invoke(app, ["reports", *words], catch_exceptions=False, **given)
        finally:
            structlog.reset_defaults()

    return invoke


def sent(desk: Desk) -> str:
    settings = desk.settings(report=REPORT)
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert desk.row(identity).state is ReportState.SENT
    return str(identity)


def dead(desk: Desk) -> str:
    identity = sent(desk)
    with desk.database.write() as connection:
        assert outbox.mark_bounced(connection, identity, "bounced: 5.1.1")
    return identity


def party(desk: Desk) -> str:
    """Settings by which who runs the command is the author of the flagged edit."""
    with desk.database.write() as connection:
        connection.execute(update(t.flag).values(account_index=account_index(desk.database.key, "Example")))
    return f'people = {{ "{operator()}" = ["Example"] }}'


@pytest.mark.parametrize(("act", "prepare"), [("resend", sent), ("resend", dead), ("retry", dead), ("ack", sent)])
def test_a_party_may_not(desk: Desk, run: Run, act: str, prepare: Callable[[Desk], str]) -> None:
    identity = prepare(desk)
    before = desk.rows()
    result = run(act, identity, more=party(desk))
    assert (result.exit_code, "You are a party to case" in result.output) == (1, True)
    assert desk.rows() == before
    assert run(act, identity).exit_code == 0


@pytest.mark.parametrize(("act", "prepare"), [("resend", sent), ("resend", dead), ("retry", dead)])
def test_nothing_of_a_dismissed_case_is_sent_once_more(desk: Desk, run: Run, act: str, prepare: Callable[[Desk], str]) -> None:
    identity = prepare(desk)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(state="closed", outcome="false_positive"))
    result = run(act, identity)
    assert (result.exit_code, "is closed as false_positive" in result.output) == (1, True)
    assert [row.id for row in desk.rows()] == [identity]
    assert desk.row(identity).state is not ReportState.QUEUED


def test_where_a_release_takes_two_people_sending_once_more_does_too(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    identity, two = sent(desk), 'cases = { two_person = ["send_report"] }'
    result = run("resend", identity, more=two)
    assert (result.exit_code, "needs a second person" in result.output) == (1, True)
    assert len(desk.rows()) == 1
    monkeypatch.setattr(answers, "acting", lambda _store: "somebody else")
    assert run("resend", identity, more=two).exit_code == 0
    (again,) = (row for row in desk.rows() if row.purpose is Purpose.REMINDER)
    assert again.released_by == "somebody else"


def test_reading_a_letter_that_goes_out_once_more_is_written_down_and_not_for_parties(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    with desk.database.write() as connection:
        again = resend(connection, desk.database.key, desk.row(identity), desk.settings(), by="anna", now=desk.clock())
    assert again is not None
    assert "Reported user: Example" in run("show", again, "--text").stdout
    with desk.database.read() as connection:
        assert [(entry.actor, entry.act) for entry in audit.entries(connection, obj=again)] == [(operator(), "report.revealed")]
    with pytest.raises(PartyError):
        run("show", again, "--text", more=party(desk))


def test_the_preview_of_a_letter_that_goes_out_once_more_says_so(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    with desk.database.write() as connection:
        again = resend(connection, desk.database.key, desk.row(identity), desk.settings(), by="anna", now=desk.clock())
    shown = run("preview", again)
    assert "is sent once more, in case it did not arrive" in shown.stdout
    assert "Leaves in clear" in shown.stderr


def test_a_bounce_wakes_on_call_at_once(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    status = f"Original-Envelope-Id: {envelope_id(desk.database.key, identity)}\n\nAction: failed\nStatus: 5.2.2\n"
    raw = (
        'Content-Type: multipart/report; boundary="b"\n\n--b\nContent-Type: text/plain\n\nfailed\n'
        f"--b\nContent-Type: message/delivery-status\n\n{status}\n--b--\n"
    )
    result = run("bounce", more='page = { mail = ["duty@example.org"] }', input=raw)
    assert (result.exit_code, desk.row(identity).state) == (0, ReportState.DEAD)
    with desk.database.read() as connection:
        pages = connection.scalars(select(t.report.c.recipient).where(t.report.c.purpose == "page")).all()
    assert pages == ["duty@example.org"]
