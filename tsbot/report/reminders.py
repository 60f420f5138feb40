"""Letters that go out once more: to a second address because nobody answered, or to the same one because a person wished so."""

from __future__ import annotations

import uuid

import msgspec
from sqlalchemy import Connection

from tsbot.cases.filing import case_key
from tsbot.cases.flag import NAMESPACE
from tsbot.detect.finding import Kind
from tsbot.report import deadlines
from tsbot.report.escalation import first_due
from tsbot.report.filing import TICK
from tsbot.report.letter import Letter
from tsbot.report.message import message_domain
from tsbot.report.notices import Repeated
from tsbot.report.prepare import body_context
from tsbot.report.routing import Destination
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store.crypto import MasterKey, seal, unseal
from tsbot.store.outbox import Purpose, Report, ReportState


def reminder_id(report: Report, destination: Destination) -> str:
    """The id of a letter to a second address: the same in every run."""
    return str(uuid.uuid5(NAMESPACE, f"reminder|{report.id}|{destination.recipient}"))


def remind(connection: Connection, key: MasterKey, report: Report, destination: Destination, settings: Settings, now: float) -> str | None:
    """File a sent letter once more for a second address, without quotations; its id.

    None where there is nothing left to send, because the case's key was destroyed. Filing it again changes nothing.
    """
    identity = reminder_id(report, destination)
    if outbox.get(connection, identity) is not None:
        return identity
    return _again(connection, key, report, destination, settings, now=now, identity=identity, by=report.released_by, second=True)


def resend(connection: Connection, key: MasterKey, report: Report, settings: Settings, *, by: str, now: float) -> str | None:
    """File a sent letter once more for its recipient, as a further letter of its thread; its id.

    None where there is nothing left to send.
    """
    number = 1
    while outbox.get(connection, identity := str(uuid.uuid5(NAMESPACE, f"resend|{report.id}|{number}"))) is not None:
        number += 1
    destination = Destination(report.recipient, report.channel)
    return _again(connection, key, report, destination, settings, now=now, identity=identity, by=by, second=False)


def reminder_of(connection: Connection, key: MasterKey, report: Report) -> str | None:
    """Id of the letter that a reminder repeats; None for other messages, and where it cannot be told any more."""
    letter = _letter(connection, key, report) if report.purpose is Purpose.REMINDER else None
    return letter.repeats.of if letter is not None and letter.repeats is not None else None


def _again(
    connection: Connection,
    key: MasterKey,
    report: Report,
    destination: Destination,
    settings: Settings,
    *,
    now: float,
    identity: str,
    by: str | None,
    second: bool,
) -> str | None:
    letter = _letter(connection, key, report)
    data_key = case_key(connection, key, report.case_id)
    if letter is None or data_key is None:
        return None
    sent = now if report.sent is None else report.sent
    repeats = Repeated(of=report.id, to=report.recipient, sent=sent, message_id=report.message_id, second=second)
    # Who may read quotations is settled for the recipient that the letter was written for.
    changed = msgspec.structs.replace(letter, report_id=identity, repeats=repeats, excerpts=() if second else letter.excerpts)
    _, newest = outbox.thread(connection, report.case_id, destination.recipient, Purpose.REMINDER)
    outbox.insert_report(
        connection,
        Report(
            id=identity,
            case_id=report.case_id,
            flag_id=report.flag_id,
            subject=report.subject,
            kind=report.kind,
            purpose=Purpose.REMINDER,
            recipient=destination.recipient,
            channel=destination.channel,
            state=ReportState.QUEUED,
            auto=report.auto,
            created=max(now, newest + TICK) if newest <= now + 1 else now,
            due=now,
            message_id=f"<{identity}@{message_domain(settings.report.reporter_contact)}>",
            released=now,
            released_by=by,
            body=seal(data_key, msgspec.json.encode(changed), body_context(identity)),
            step_due=first_due(ReportState.QUEUED, Kind(report.kind), deadlines.deadlines_of(settings.report.deadlines), now),
            drill=report.drill,
        ),
    )
    return identity


def _letter(connection: Connection, key: MasterKey, report: Report) -> Letter | None:
    data_key = case_key(connection, key, report.case_id)
    if data_key is None or report.body is None:
        return None
    return msgspec.json.decode(unseal(data_key, report.body, body_context(report.id)), type=Letter)
