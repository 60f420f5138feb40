"""Filing a page: ids only, for somebody who is to be told now of what waits."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from tsbot.cases.filing import case_key
from tsbot.errors import KeyFileError
from tsbot.report.message import message_domain
from tsbot.report.notices import PageNote
from tsbot.report.prepare import body_context
from tsbot.report.routing import Destination
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store.crypto import MasterKey, seal
from tsbot.store.outbox import Purpose, Report, ReportState


@dataclass(frozen=True, slots=True)
class About:
    """What a page is about."""

    case_id: str
    kind: str
    subject: str
    flag_id: str = ""
    drill: bool = False


def file_page(
    connection: Connection,
    key: MasterKey,
    settings: Settings,
    identity: str,
    about: About,
    destination: Destination,
    note: PageNote,
    now: float,
) -> bool:
    """Put a page into the outbox; False if it is there already. The note stands in it sealed, with the key of the case if there is one."""
    if outbox.get(connection, identity) is not None:
        return False
    data_key = key_of(connection, key, about.case_id)
    outbox.insert_report(
        connection,
        Report(
            id=identity,
            case_id=about.case_id,
            flag_id=about.flag_id,
            subject=about.subject,
            kind=about.kind,
            purpose=Purpose.PAGE,
            recipient=destination.recipient,
            channel=destination.channel,
            state=ReportState.QUEUED,
            auto=True,
            created=now,
            due=now,
            message_id=f"<{identity}@{message_domain(settings.report.reporter_contact)}>",
            released=now,
            body=seal(data_key, msgspec.json.encode(note), body_context(identity)) if data_key else None,
            drill=about.drill,
        ),
    )
    return True


def key_of(connection: Connection, key: MasterKey, case_id: str) -> bytes | None:
    """The key of a case; None where it is destroyed or cannot be unwrapped, which must keep nobody asleep."""
    try:
        return case_key(connection, key, case_id)
    except KeyFileError:
        return None
