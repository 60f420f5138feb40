"""Letting a held letter go, by whoever may; and getting it back while it has not left."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import update

from tsbot.cases.acts import Desk
from tsbot.cases.approvals import asking
from tsbot.report import misuse
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import UNSENT, ReportState


class Released(StrEnum):
    """What came of it."""

    YES = "yes"
    NO = "no"
    """It does not wait for release (any more)."""
    ASTRAY = "astray"
    """People gave its flag another kind: it was withdrawn, and filed for those who are told of that one."""


def release(database: Database, settings: Settings, who: Desk, report_id: str, now: float, *, hold: float = 0.0) -> Released:
    """Release one letter. ``hold``: seconds for which it is not sent yet, so that it can be got back (:func:`recall`).

    Raises ``CaseError`` that says what speaks against it; a request for a second person is kept.
    """
    with asking(database) as connection:
        current = outbox.get(connection, report_id)
        if current is None or current.state not in UNSENT or current.released is not None:
            return Released.NO
        if misuse.put_right(connection, current, settings, now):
            return Released.ASTRAY
        who.check_release(connection, current, now)
        if not outbox.release(connection, current.id, who.by, now):
            return Released.NO
        if hold:
            queued = t.report.c.id == current.id, t.report.c.state == ReportState.QUEUED.value
            connection.execute(update(t.report).where(*queued).values(due=now + hold))
        who.note_release(connection, current, now)
        return Released.YES


def recall(database: Database, who: Desk, report_id: str, now: float) -> bool:
    """Hold a letter again that one has released oneself, if no attempt was made to send it; whether that was so."""
    c = t.report.c
    with database.write() as connection:
        unsent = c.id == report_id, c.released_by == who.by[:64], c.attempts == 0
        queued = update(t.report).where(*unsent, c.state == ReportState.QUEUED.value, c.due > now)
        done = connection.execute(queued.values(state=ReportState.HELD.value, released=None, released_by=None, due=now))
        if not done.rowcount:
            # Not written yet: whoever writes it would queue it.
            fresh = update(t.report).where(*unsent, c.state == ReportState.NEW.value, c.released.is_not(None))
            done = connection.execute(fresh.values(released=None, released_by=None))
        if done.rowcount:
            audit.record(connection, who.by, "report.recalled", report_id, now)
        return bool(done.rowcount)
