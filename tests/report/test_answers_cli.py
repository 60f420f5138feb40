"""``tsbot reports ack``, ``resend``, ``receive`` and ``list --overdue``, and ``tsbot drill``, as an operator or a mail server uses them."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
import typer
from typer.testing import CliRunner

from tsbot.cli import answers, drill, reports
from tsbot.cli.common import operator
from tsbot.detect.finding import Kind
from tsbot.report.codes import code, reply_address
from tsbot.settings import ReleaseRule, ReportSettings
from tsbot.store.crypto import PREFIX
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
Run = Callable[..., Any]
REPORT = ReportSettings(
    reporter_contact="reporter@example.org", ack_address="reports@example.org", release={kind.value: ReleaseRule() for kind in Kind}
)


@pytest.fixture
def run(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``tsbot ...`` on the desk's database."""
    key = desk.folder / "master.key"
    key.write_text(f"{PREFIX}{'MDAw' * 10}MDA=\n")  # the desk's key: 32 times "0"
    key.chmod(0o600)
    config = tmp_path / "tsbot.toml"
    config.write_text(
        f'data_dir = "{desk.folder}"\n[report]\nreporter_contact = "reporter@example.org"\nack_address = "reports@example.org"\n'
    )
    monkeypatch.setenv("TSBOT_CONFIG", str(config))
    app = typer.Typer()
    app.callback()(lambda: None)
    for module in (reports, answers, drill):
        module.register(app)

    def invoke(*words: str, **more: Any) -> Any:
        try:
            return CliRunner().invoke(app, list(words), catch_exceptions=False, **more)
        finally:
            structlog.reset_defaults()

    return invoke


def sent(desk: Desk, **more: Any) -> str:
    settings = desk.settings(report=REPORT)
    (identity,) = desk.file(desk.flag(**more), settings)
    desk.deliverer(settings).run_once()
    assert desk.row(identity).state is ReportState.SENT
    return str(identity)


def answer(desk: Desk, identity: str) -> bytes:
    to = reply_address("reports@example.org", code(desk.database.key, identity, desk.row(identity).recipient))
    return f"From: x@example.org\nTo: {to}\n\nok\n".encode()


# -- ack --------------------------------------------------------------------------------------------------------------------


def test_ack_notes_who_and_what(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    result = run("reports", "ack", identity[:8], "--result", "passed_on", "--by", "emergency")
    assert (result.exit_code, result.stdout) == (0, f"{identity} acknowledged\n")
    row = desk.row(identity)
    assert (row.acknowledged_by, row.result, row.step_due) == ("emergency", "passed_on", None)
    assert run("reports", "ack", identity, "--result", "passed_on").stdout == f"{identity} was acknowledged before\n"
    assert json.loads(run("reports", "list", "--json").stdout)["acknowledged_by"] == "emergency"


def test_ack_without_a_role_notes_the_operator(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    assert json.loads(run("reports", "ack", identity, "--json").stdout) == {"id": identity, "done": True}
    assert desk.row(identity).acknowledged_by == operator()


def test_what_has_not_left_cannot_be_acknowledged(desk: Desk, run: Run) -> None:
    (held,) = desk.file(desk.flag())
    desk.deliverer().run_once()
    result = run("reports", "ack", held)
    assert (result.exit_code, "has not left (held)" in result.stdout) == (1, True)
    assert desk.row(held).acknowledged is None


def test_a_result_that_there_is_none_of_is_refused(run: Run) -> None:
    assert run("reports", "ack", "3f2a91c0", "--result", "champagne").exit_code == 2


# -- resend -----------------------------------------------------------------------------------------------------------------


def test_resend_of_a_sent_letter_is_another_message_of_its_thread(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    assert run("reports", "resend", identity).stdout == f"{identity} queued once more\n"
    (again,) = (row for row in desk.rows() if row.purpose is Purpose.REMINDER)
    assert (again.state, again.released_by, again.recipient) == (ReportState.QUEUED, operator(), desk.row(identity).recipient)


def test_resend_of_a_dead_letter_is_the_same_message(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    from tsbot.store import outbox

    with desk.database.write() as connection:
        outbox.mark_bounced(connection, identity, "bounced: 5.1.1")
    assert run("reports", "resend", identity).exit_code == 0
    assert [(row.id, row.state) for row in desk.rows()] == [(identity, ReportState.QUEUED)]


def test_resend_of_a_held_letter_is_refused(desk: Desk, run: Run) -> None:
    (held,) = desk.file(desk.flag())
    desk.deliverer().run_once()
    result = run("reports", "resend", held)
    assert (result.exit_code, result.stderr) == (1, f"{held} cannot be sent once more (held)\n")


# -- receive ----------------------------------------------------------------------------------------------------------------


def test_receive_from_standard_input(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    result = run("reports", "receive", input=answer(desk, identity))
    assert (result.exit_code, result.stdout) == (0, f"{identity} acknowledged\n")
    assert desk.row(identity).acknowledged_by == "emergency"


def test_a_forged_answer_is_refused(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    forged = answer(desk, identity).replace(f"ack-{identity[:8]}".encode(), f"ack-{identity[:8]}".encode()[:-1] + b"z")
    result = run("reports", "receive", "--json", input=forged)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["taken"] == "refused"
    assert json.loads(result.stderr)["event"] == "report.acknowledgement_refused"
    assert desk.row(identity).acknowledged is None


@pytest.mark.parametrize("message", [b"", b"To: x@example.org\n\nhello", b"\xff" * 100])
def test_a_mail_server_gets_no_words_and_no_reason_to_bounce(run: Run, message: bytes) -> None:
    result = run("reports", "receive", "--mta", input=message)
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_mail_server_is_told_to_try_again_while_the_key_is_not_there(desk: Desk, run: Run) -> None:
    identity = sent(desk)
    mail = answer(desk, identity)
    (desk.folder / "master.key").write_text("damaged")
    assert run("reports", "receive", "--mta", input=mail).exit_code == 75


def test_receive_from_a_maildir(desk: Desk, run: Run, tmp_path: Path) -> None:
    identity = sent(desk)
    box = mailbox.Maildir(tmp_path / "box")
    box.add(answer(desk, identity))
    box.add(b"To: x@example.org\n\nhello")
    result = run("reports", "receive", "--maildir", str(tmp_path / "box"))
    assert result.exit_code == 3
    assert desk.row(identity).acknowledged is not None
    assert list((tmp_path / "box" / "new").iterdir()) == []
    assert run("reports", "receive", "--maildir", str(tmp_path / "box")).stdout == "No messages.\n"


def test_receive_from_an_mbox(desk: Desk, run: Run, tmp_path: Path) -> None:
    identity = sent(desk)
    box = mailbox.mbox(tmp_path / "box")
    box.add(answer(desk, identity))
    box.close()
    assert run("reports", "receive", "--mbox", str(tmp_path / "box")).exit_code == 0
    assert run("reports", "receive", "--mbox", str(tmp_path / "box")).stdout == f"{identity} known\n"


@pytest.mark.parametrize("words", [("--maildir", "nowhere"), ("--mbox", "nowhere"), ("--mbox", "a", "--maildir", "b")])
def test_a_mailbox_that_there_is_none_of_is_said(run: Run, words: tuple[str, ...]) -> None:
    from tsbot.errors import InputError

    with pytest.raises(InputError):
        run("reports", "receive", *words)


# -- overdue, drill ---------------------------------------------------------------------------------------------------------


def test_what_waits_too_long_is_listed_apart(desk: Desk, run: Run) -> None:
    identity = sent(desk)  # long ago, by the clock of this machine
    assert [json.loads(line)["id"] for line in run("reports", "list", "--overdue", "--json").stdout.splitlines()] == [identity]
    run("reports", "ack", identity)
    assert run("reports", "list", "--overdue").stdout == "No reports.\n"


def test_drill_tells_how_long_each_leg_took(run: Run) -> None:
    result = run("drill", "--kind", "self_harm", "--json")
    assert result.exit_code == 0
    done = json.loads(result.stdout)
    assert (done["complete"], [leg["name"] for leg in done["legs"]][-1]) == (True, "purged")
    assert "handed over" in run("drill").stdout


def test_drill_exits_with_1_where_nobody_answers(run: Run) -> None:
    assert run("drill", "--wait", "0.1").exit_code == 1


@pytest.mark.parametrize("command", ["reports ack", "reports resend", "reports receive", "drill"])
def test_help_has_an_example(run: Run, command: str) -> None:
    assert f"Example: tsbot {command}" in run(*command.split(), "--help").stdout
