"""Letters that come back, and mails that only say so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.finding import Kind
from tsbot.report.bounce import Bounce, envelope_id, note_bounce, read_bounce
from tsbot.settings import Recipient, ReleaseRule, ReportSettings
from tsbot.store import audit
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import ReportState

Desk = Any
KEY = MasterKey(b"0" * 32)
REPORT = "6a0c0f2e-0000-5000-8000-000000000001"
ENVELOPE = envelope_id(KEY, REPORT)


def notification(
    envelope: str = f"Original-Envelope-Id: {ENVELOPE}", action: str = "failed", returned: str = "", status: str = "5.1.1"
) -> bytes:
    """As Postfix writes them."""
    return f"""From: MAILER-DAEMON@mx.example.org
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
{envelope}

Final-Recipient: rfc822; desk@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Subject: [TS] report 0c5e1a2b
{returned}

--b--
""".encode()


def test_what_a_bounce_says() -> None:
    assert read_bounce(notification()) == Bounce(ENVELOPE, "failed", "5.1.1")
    assert read_bounce(notification(action="delayed", status="4.4.1")) == Bounce(ENVELOPE, "delayed", "4.4.1")


def test_a_server_that_knows_no_envelope_ids_returns_the_letter_s_head() -> None:
    assert read_bounce(notification("X: 1", returned=f"X-Tsbot-Envelope: {ENVELOPE}")) == Bounce(ENVELOPE, "failed", "5.1.1")
    whole = notification("X: 1", returned=f"x-tsbot-envelope: {ENVELOPE}").replace(b"text/rfc822-headers", b"message/rfc822")
    assert read_bounce(whole) == Bounce(ENVELOPE, "failed", "5.1.1")


def test_a_head_that_was_folded_on_its_way() -> None:
    folded = notification("X: 1", returned=f"X-Tsbot-Envelope:\n {ENVELOPE}")
    assert read_bounce(folded) == Bounce(ENVELOPE, "failed", "5.1.1")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Subject: Re: [TS] report\n\nThank you, we are on it.\n",
        notification("X: 1"),
        notification("Original-Envelope-Id: something-else"),
        b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 10_000,
        b"Content-Type: message/delivery-status\n\n\x00\xff\xfe",
    ],
)
def test_mails_that_say_nothing_of_a_letter(data: bytes) -> None:
    assert read_bounce(data) is None


@settings(deadline=None, max_examples=50)
@given(start=st.integers(0, 900), junk=st.binary(max_size=40))
def test_no_mail_is_too_broken_to_be_read(start: int, junk: bytes) -> None:
    data = notification()
    read_bounce(data[:start] + junk + data[start + len(junk) :])


@pytest.fixture
def sent(desk: Desk) -> str:
    """A report that was sent, and its mail."""
    report = ReportSettings(
        reporter_contact="reporter@example.org",
        recipients={"default": (Recipient(to="desk@example.org"),)},
        release={kind.value: ReleaseRule() for kind in Kind},
    )
    (identity,) = desk.file(desk.flag(), desk.settings(report=report))
    desk.deliverer(desk.settings(report=report)).run_once()
    return str(identity)


def note(desk: Desk, data: bytes) -> Any:
    bounce = read_bounce(data)
    assert bounce is not None
    with desk.database.write() as connection:
        return note_bounce(connection, desk.database.key, bounce, desk.clock())


def test_a_letter_that_came_back_is_dead_and_can_be_tried_again(desk: Desk, sent: str) -> None:
    (header,) = [line for line in desk.spooled()[sent].splitlines() if line.startswith("X-Tsbot-Envelope")]
    assert header == f"X-Tsbot-Envelope: {envelope_id(desk.database.key, sent)}"
    row = note(desk, notification("X: 1", returned=header))
    assert (row.id, row.state, row.last_error) == (sent, ReportState.DEAD, "bounced 5.1.1")
    with desk.database.read() as connection:
        assert [entry.act for entry in audit.entries(connection, obj=sent)] == ["report.sent", "report.bounced"]
    assert note(desk, notification("X: 1", returned=header)) is None


def test_a_delay_changes_nothing(desk: Desk, sent: str) -> None:
    envelope = f"Original-Envelope-Id: {envelope_id(desk.database.key, sent)}"
    assert note(desk, notification(envelope, action="delayed")) is None
    assert desk.row(sent).state is ReportState.SENT


@pytest.mark.parametrize("forged", ["0" * 16, envelope_id(MasterKey(b"1" * 32), REPORT).rpartition(".")[2]])
def test_a_forged_bounce_is_not_believed(desk: Desk, sent: str, forged: str) -> None:
    assert note(desk, notification(f"Original-Envelope-Id: {sent}.{forged}")) is None
    mark = envelope_id(desk.database.key, REPORT).rpartition(".")[2]
    assert note(desk, notification(f"Original-Envelope-Id: {sent}.{mark}")) is None
    assert desk.row(sent).state is ReportState.SENT
