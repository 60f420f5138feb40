"""The outbox: messages to private recipients, from the moment a flag is stored until they are sent.

::

    new ──(prepared)──► held ──(a person releases)──► queued ──► sent
      └──(prepared; released by rule or already)───────►┘  └──► dead

A *thread* is the letters of one case to one recipient. Its letters leave in the order in which they were released; a released
letter waits while one released before it is still queued. All functions work inside the caller's transaction, and each change of
state names the state that it starts from, so that a repeated or late call changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, insert, or_, select, update

from tsbot.store import tables as t


class ReportState(StrEnum):
    """Where a message stands."""

    NEW = "new"
    HELD = "held"
    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"


class Purpose(StrEnum):
    """What a message is for."""

    LETTER = "letter"
    """Tells people who act on threats about a case."""
    PAGE = "page"
    """Wakes somebody of the team; carries ids only."""


LONGEST_WAIT = 3600.0
"""Seconds that a message is put off at most. What is due later than that was put off by a clock that was wrong."""
UNSENT = (ReportState.NEW, ReportState.HELD)
"""States in which a letter may still be written anew."""


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the outbox. Times are seconds since the epoch."""

    id: str
    case_id: str
    flag_id: str
    subject: str
    kind: str
    purpose: Purpose
    recipient: str
    channel: str
    state: ReportState
    auto: bool
    created: float
    due: float
    message_id: str
    released: float | None = None
    released_by: str | None = None
    sent: float | None = None
    attempts: int = 0
    last_error: str = ""
    body: bytes | None = None
    policy: str = "plain"
    external_id: str = ""
    acknowledged: float | None = None
    acknowledged_by: str | None = None
    result: str = ""
    step: int = 0
    step_due: float | None = None
    drill: bool = False


def insert_report(connection: Connection, report: Report) -> None:
    """Add a message."""
    connection.execute(insert(t.report).values(**_values(asdict(report))))


def get(connection: Connection, identity: str) -> Report | None:
    """One message; None if there is no such id."""
    row = connection.execute(select(t.report).where(t.report.c.id == identity)).mappings().first()
    return _report(row) if row else None


def find(connection: Connection, prefix: str) -> list[Report]:
    """Messages whose id begins with ``prefix``, at most 20."""
    query = select(t.report).where(t.report.c.id.startswith(prefix, autoescape=True))
    return _reports(connection, query.order_by(t.report.c.id).limit(20))


def listing(connection: Connection, state: ReportState | None = None, limit: int = 1000) -> list[Report]:
    """Messages, newest first; of one state or of all."""
    query = select(t.report).order_by(t.report.c.created.desc(), t.report.c.id).limit(limit)
    return _reports(connection, query.where(t.report.c.state == state.value) if state else query)


def letter_about(connection: Connection, subject: str, recipient: str) -> Report | None:
    """The letter about an edit to a recipient, if there is one."""
    query = select(t.report).where(t.report.c.subject == subject, t.report.c.recipient == recipient, _is(Purpose.LETTER))
    row = connection.execute(query.order_by(t.report.c.created).limit(1)).mappings().first()
    return _report(row) if row else None


def thread(connection: Connection, case_id: str, recipient: str, purpose: Purpose = Purpose.LETTER) -> tuple[int, float]:
    """How many messages a thread has, and when its newest was made (0 for none)."""
    query = select(func.count(), func.max(t.report.c.created)).where(
        t.report.c.case_id == case_id, t.report.c.recipient == recipient, _is(purpose)
    )
    number, newest = connection.execute(query).one()
    return number, newest or 0.0


def thread_start(connection: Connection, report: Report) -> str | None:
    """Message-ID of the first letter sent in the thread of ``report``; None if it is the first itself."""
    query = select(t.report.c.message_id).where(
        t.report.c.case_id == report.case_id,
        t.report.c.recipient == report.recipient,
        _is(Purpose.LETTER),
        t.report.c.state == ReportState.SENT.value,
        t.report.c.id != report.id,
    )
    return connection.scalar(query.order_by(t.report.c.sent, t.report.c.released, t.report.c.created).limit(1))


def fresh(connection: Connection, now: float, limit: int) -> list[Report]:
    """Letters that are still to be written: first those that leave by themselves, then oldest first."""
    query = select(t.report).where(t.report.c.state == ReportState.NEW.value, _is_due(now))
    return _reports(connection, query.order_by(t.report.c.auto.desc(), t.report.c.created, t.report.c.id).limit(limit))


def due(connection: Connection, now: float, limit: int) -> list[Report]:
    """Messages that may be sent now: pages first, then letters in the order of their release."""
    mine, other = t.report.c, t.report.alias("other").c
    before = or_(
        other.released < mine.released,
        and_(other.released == mine.released, or_(other.created < mine.created, and_(other.created == mine.created, other.id < mine.id))),
    )
    waits = exists().where(
        other.case_id == mine.case_id,
        other.recipient == mine.recipient,
        other.purpose == Purpose.LETTER.value,
        other.state == ReportState.QUEUED.value,
        before,
    )
    query = select(t.report).where(mine.state == ReportState.QUEUED.value, _is_due(now), or_(_is(Purpose.PAGE), ~waits))
    return _reports(connection, query.order_by(mine.purpose.desc(), mine.released, mine.created, mine.id).limit(limit))


def rewrite(connection: Connection, identity: str, *, auto: bool) -> None:
    """Have an unsent letter prepared again, because its edit was flagged once more; ``auto`` if that releases it."""
    values: dict[str, Any] = {"state": ReportState.NEW.value, "body": None}
    if auto:
        values["auto"] = True
    _change(connection, identity, UNSENT, values)


def prepared(connection: Connection, report: Report, body: bytes, now: float) -> ReportState | None:
    """Store a letter's sealed content; the state it is in now, or None if it was not waiting to be prepared."""
    row = get(connection, report.id)
    if row is None:
        return None
    released = row.released if row.released is not None else now if row.auto else None
    state = ReportState.HELD if released is None else ReportState.QUEUED
    values = {"state": state.value, "body": body, "released": released, "due": now, "attempts": 0, "last_error": ""}
    return state if _change(connection, report.id, (ReportState.NEW,), values) else None


def begin(connection: Connection, identity: str) -> bool:
    """Count an attempt before it is made; False if the message is not queued any more."""
    return _change(connection, identity, (ReportState.QUEUED,), {"attempts": t.report.c.attempts + 1})


def mark_sent(connection: Connection, identity: str, now: float) -> bool:
    """The message was handed over."""
    return _change(connection, identity, (ReportState.QUEUED,), {"state": ReportState.SENT.value, "sent": now, "last_error": ""})


def mark_unwritten(connection: Connection, identity: str, due_at: float, error: str) -> bool:
    """A letter could not be written now; to be tried again at ``due_at``."""
    values = {"due": due_at, "last_error": error[:255], "attempts": t.report.c.attempts + 1}
    return _change(connection, identity, (ReportState.NEW,), values)


def mark_deferred(connection: Connection, identity: str, due_at: float, error: str) -> bool:
    """Not delivered now; to be tried again at ``due_at``."""
    return _change(connection, identity, (ReportState.QUEUED,), {"due": due_at, "last_error": error[:255]})


def mark_dead(connection: Connection, identity: str, error: str) -> bool:
    """Never deliverable this way; a person must look."""
    states = (ReportState.NEW, ReportState.QUEUED)
    return _change(connection, identity, states, {"state": ReportState.DEAD.value, "last_error": error[:255]})


def release(connection: Connection, identity: str, by: str, now: float) -> bool:
    """A person lets a letter go; False if there is none that waits for that."""
    values = {"released": now, "released_by": by[:64]}
    held = _change(connection, identity, (ReportState.HELD,), values | {"state": ReportState.QUEUED.value, "due": now})
    # A letter that is not written yet is queued by whoever writes it.
    return held or _change(connection, identity, (ReportState.NEW,), values, t.report.c.released.is_(None))


def retry(connection: Connection, identity: str, now: float) -> bool:
    """Give a dead message its attempts again; False if it is not dead."""
    row = get(connection, identity)
    if row is None or row.state is not ReportState.DEAD:
        return False
    ready = row.released is not None and (row.body is not None or row.purpose is Purpose.PAGE)
    state = ReportState.QUEUED if ready else ReportState.NEW
    return _change(connection, identity, (ReportState.DEAD,), {"state": state.value, "due": now, "attempts": 0, "last_error": ""})


def counts(connection: Connection) -> dict[ReportState, int]:
    """How many messages are in each state; all states are named."""
    rows = connection.execute(select(t.report.c.state, func.count()).group_by(t.report.c.state))
    return dict.fromkeys(ReportState, 0) | {ReportState(state): number for state, number in rows}


def _is_due(now: float) -> ColumnElement[bool]:
    return or_(t.report.c.due <= now, t.report.c.due > now + LONGEST_WAIT)


def _is(purpose: Purpose) -> ColumnElement[bool]:
    return t.report.c.purpose == purpose.value


def _change(
    connection: Connection, identity: str, states: Sequence[ReportState], values: Mapping[str, Any], *more: ColumnElement[bool]
) -> bool:
    where = (t.report.c.id == identity, t.report.c.state.in_([state.value for state in states]), *more)
    return connection.execute(update(t.report).where(*where).values(**values)).rowcount > 0


def _reports(connection: Connection, query: Any) -> list[Report]:
    return [_report(row) for row in connection.execute(query).mappings()]


def _report(row: RowMapping) -> Report:
    return Report(**{**row, "purpose": Purpose(row["purpose"]), "state": ReportState(row["state"])})


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in row.items()}
