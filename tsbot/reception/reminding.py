"""Reminding the team that people wait longer for news than they were told: once a day, sooner where a report reads as danger to life."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection

from tsbot.cases.case import read_case
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import DAY, Hearing
from tsbot.report.escalation import Reason
from tsbot.report.notices import PageNote
from tsbot.report.oncall import call
from tsbot.report.paging import About, file_page
from tsbot.report.routing import Destination
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database

SPACE = uuid.UUID("7a0c7d0e-26c5-5d61-8a80-0d2f5b6f1c44")
URGENT_EVERY = 6 * 3600.0
MOST = 100
"""References that one reminder may name."""
SYSTEM = "tsbot"


def remind(database: Database, settings: Settings, now: float) -> int:
    """File what is to be told now; how many messages. Raises ``StoreError``."""
    with database.read() as connection:
        late = hearings.waiting(connection, now, MOST)
        to_tell = destinations(settings, now, late)
        if all(outbox.get(connection, identity_of(one, late, now)) is not None for one in to_tell):
            return 0
    with database.write() as connection:
        return sum(_file(connection, database.key, settings, one, late, now) for one in to_tell)


def destinations(settings: Settings, now: float, late: Sequence[Hearing]) -> tuple[Destination, ...]:
    """Who is reminded: ``reception.remind``, and whoever is on call and awake; nobody where nobody waits."""
    if not late:
        return ()
    mail = "smtp" if settings.mail.host else "spool"
    desk = tuple(Destination(address, mail) for address in settings.reception.remind)
    return tuple(dict.fromkeys((*desk, *call(settings, now, urgent=_urgent(late)).destinations)))


def identity_of(destination: Destination, late: Sequence[Hearing], now: float) -> str:
    """Id of a reminder: the same for all that somebody is reminded of in the same day, or part of a day."""
    urgent = _urgent(late)
    slot = int(now // (URGENT_EVERY if urgent else DAY))
    return str(uuid.uuid5(SPACE, f"{destination.recipient}|{urgent}|{slot}"))


def _urgent(late: Sequence[Hearing]) -> bool:
    return any(one.urgent for one in late)


def _file(connection: Connection, key: MasterKey, settings: Settings, destination: Destination, late: Sequence[Hearing], now: float) -> int:
    first = sorted(late, key=lambda one: (not one.urgent, one.check_in or 0.0))
    case = read_case(connection, first[0].case_id)
    note = PageNote(reason=Reason.WAITING, reports=tuple(one.reference for one in first))
    about = About(case.id, case.kind.value, "check-ins")
    if not file_page(connection, key, settings, identity_of(destination, late, now), about, destination, note, now):
        return 0
    audit.record(connection, SYSTEM, "hearing.reminded", case.id, now, {"waiting": len(late)})
    return 1
