"""Telling those who had a letter about a case that it is closed: ids and the outcome, in their thread, nothing asked."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection

from tsbot.cases.case import CaseState, read_case
from tsbot.errors import CaseError
from tsbot.report.message import message_domain
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store.outbox import Purpose, Report, ReportState

SPACE = uuid.UUID("6f1f0a52-3c0b-5d1d-8d55-0f4e2b7a9c10")


def tell_closed(connection: Connection, settings: Settings, case_id: str, *, by: str, now: float) -> list[str]:
    """Put a note for each recipient of a letter that left into the outbox, once for each closing; ids of those. Raises ``CaseError``."""
    case = read_case(connection, case_id)
    if case.state is not CaseState.CLOSED or case.closed is None:
        raise CaseError(f"Case {case.id[:8]} is not closed.")
    told: dict[str, Report] = {}
    for letter in outbox.of_case(connection, case.id):
        if letter.purpose is Purpose.LETTER and letter.sent is not None and letter.recipient not in told:
            told[letter.recipient] = letter
    done = []
    for letter in told.values():
        identity = str(uuid.uuid5(SPACE, f"{letter.id}|{case.closed}"))
        if outbox.get(connection, identity) is not None:
            continue
        outbox.insert_report(
            connection,
            Report(
                id=identity,
                case_id=case.id,
                flag_id=letter.flag_id,
                subject=letter.subject,
                kind=letter.kind,
                purpose=Purpose.CLOSED,
                recipient=letter.recipient,
                channel=letter.channel,
                state=ReportState.QUEUED,
                auto=False,
                created=now,
                due=now,
                released=now,
                released_by=by,
                message_id=f"<{identity}@{message_domain(settings.report.reporter_contact)}>",
                drill=letter.drill,
            ),
        )
        audit.record(connection, by, "report.closing_told", identity, now, {"case": case.id})
        done.append(identity)
    return done
