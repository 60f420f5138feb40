"""The outbox: messages to private recipients, from the moment a flag is stored until they are sent.

::

    new ──(prepared)──► held ──(a person releases)──► queued ──► sent ──(it bounced)──► dead
      └──(prepared; released by rule or already)───────►┘  └──► dead ──(a person retries)──► new, queued

A letter that has not left is *withdrawn* where people decided that its recipient is not the one for it.
A *thread* is the letters of one case to one recipient. Its letters leave in the order in which they were released; a released
letter waits while one released before it is still queued. All functions work inside the caller's transaction, and each change of
state names the state that it starts from, so that a repeated or late call changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, exists, func, insert, or_, select, update

from tsbot.store import tables as t


class ReportState(StrEnum):
    """Where a message stands."""

    NEW = "new"
    HELD = "held"
    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class Purpose(StrEnum):
    """What a message is for."""

    LETTER = "letter"
    """Tells people who act on threats about a case."""
    PAGE = "page"
    """Wakes somebody of the team; carries ids only."""
    REMINDER = "reminder"
    """A letter once more: to a second address because nobody answered, or to the same one because a person wished so."""
    CLOSED = "closed"
    """Tells those who had a letter that the case is closed; ids and the outcome only."""
    ANSWER = "answer"
    """To a person who reported something (:mod:`tsbot.reception`); its text and the address are sealed elsewhere."""


LONGEST_WAIT = 3600.0
"""Seconds that a message is put off at most. What is due later than that was put off by a clock that was wrong."""
LETTERS = (Purpose.LETTER, Purpose.REMINDER)
"""What goes to people who act on threats, and makes up threads."""
UNSENT = (ReportState.NEW, ReportState.HELD)
"""States in which a letter may still be written anew."""
PURGED = "purged"
"""``last_error`` of a message whose text was destroyed before it left. Nothing is wrong with it, and it cannot be tried again."""


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the outbox. Times are seconds since the epoch."""

    id: str
    case_id: str
    flag_id: str
    """Empty for an answer."""
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
    """Under which it left: ``plain``, ``prefer``, ``require`` or ``links_only`` (:class:`tsbot.report.policy.Policy`)."""
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


def of_case(connection: Connection, case_id: str) -> list[Report]:
    """All messages about a case, oldest first."""
    return _reports(connection, select(t.report).where(t.report.c.case_id == case_id).order_by(t.report.c.created, t.report.c.id))


def letter_about(connection: Connection, subject: str, recipient: str) -> Report | None:
    """The letter about an edit to a recipient, if there is one that was not withdrawn."""
    query = select(t.report).where(t.report.c.subject == subject, t.report.c.recipient == recipient, _is(Purpose.LETTER))
    query = query.where(t.report.c.state != ReportState.WITHDRAWN.value)
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
        _is(*LETTERS),
        t.report.c.state == ReportState.SENT.value,
        t.report.c.id != report.id,
    )
    return connection.scalar(query.order_by(t.report.c.sent, t.report.c.released, t.report.c.created).limit(1))


def thread_external_id(connection: Connection, report: Report) -> str:
    """The number that the other side gave the thread of ``report``; empty if it gave none yet."""
    query = select(t.report.c.external_id).where(
        t.report.c.case_id == report.case_id,
        t.report.c.recipient == report.recipient,
        t.report.c.channel == report.channel,
        _is(Purpose.LETTER),
        t.report.c.external_id != "",
    )
    return connection.scalar(query.order_by(t.report.c.sent, t.report.c.created, t.report.c.id).limit(1)) or ""


def fresh(connection: Connection, now: float, limit: int) -> list[Report]:
    """Letters that are still to be written: first those that leave by themselves, then oldest first."""
    query = select(t.report).where(t.report.c.state == ReportState.NEW.value, _is_due(now))
    return _reports(connection, query.order_by(t.report.c.auto.desc(), t.report.c.created, t.report.c.id).limit(limit))


def due(
    connection: Connection, now: float, limit: int, *, stopped: Collection[str] = (), locked: bool = False
) -> list[Report]:
    """Messages that may be sent now: pages first, then letters in the order of their release.

    Those of cases that are closed with one of the outcomes ``stopped`` wait; they go on if the case is opened again.
    With ``locked``, those that another transaction is about to claim are left out, and others are kept from these.
    """
    mine, other = t.report.c, t.report.alias("other").c
    before = or_(
        other.released < mine.released,
        and_(other.released == mine.released, or_(other.created < mine.created, and_(other.created == mine.created, other.id < mine.id))),
    )
    waits = exists().where(
        other.case_id == mine.case_id,
        other.recipient == mine.recipient,
        other.purpose.in_([purpose.value for purpose in LETTERS]),
        other.state == ReportState.QUEUED.value,
        before,
    )
    closed = exists().where(t.case.c.id == mine.case_id, t.case.c.state == "closed", t.case.c.outcome.in_(sorted(stopped)))
    query = select(t.report).where(mine.state == ReportState.QUEUED.value, _is_due(now), ~closed, or_(_is(Purpose.PAGE), ~waits))
    pages_first = case((_is(Purpose.PAGE), 0), else_=1)
    query = query.order_by(pages_first, mine.released, mine.created, mine.id).limit(limit)
    return _reports(connection, query.with_for_update(skip_locked=True) if locked else query)


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


def begin(connection: Connection, identity: str, until: float | None = None) -> bool:
    """Count an attempt before it is made; False if the message is not queued any more.

    ``until`` keeps other machines from it meanwhile: whoever dies over it leaves it to the others then.
    """
    more = {} if until is None else {"due": until}
    return _change(connection, identity, (ReportState.QUEUED,), {"attempts": t.report.c.attempts + 1} | more)


def mark_sent(
    connection: Connection, identity: str, now: float, *, policy: str = "plain", external_id: str = "", trouble: str = ""
) -> bool:
    """The message was handed over, under a policy; ``external_id`` is the other side's number, ``trouble`` why less left than was to."""
    values = {"state": ReportState.SENT.value, "sent": now, "last_error": trouble[:255], "policy": policy, "external_id": external_id[:64]}
    return _change(connection, identity, (ReportState.QUEUED,), values)


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


def mark_bounced(connection: Connection, identity: str, error: str) -> bool:
    """What was handed over came back; a person must look. False if it was not sent, or is acknowledged."""
    values = {"state": ReportState.DEAD.value, "last_error": error[:255]}
    return _change(connection, identity, (ReportState.SENT,), values, t.report.c.acknowledged.is_(None))


def withdraw(connection: Connection, identity: str, reason: str) -> bool:
    """The letter does not go where it was filed for; False if it has left already."""
    states = (ReportState.NEW, ReportState.HELD, ReportState.QUEUED, ReportState.DEAD)
    values = {"state": ReportState.WITHDRAWN.value, "last_error": reason[:255], "step_due": None}
    return _change(connection, identity, states, values, t.report.c.sent.is_(None))


def stepped(connection: Connection, seen: Report, step: int, step_due: float | None) -> bool:
    """Note an escalation; False if somebody else did meanwhile, or the letter moved on."""
    same = (t.report.c.step == seen.step, t.report.c.step_due == seen.step_due, t.report.c.acknowledged.is_(None))
    return _change(connection, seen.id, (seen.state,), {"step": step, "step_due": step_due}, *same)


def overdue(connection: Connection, now: float, limit: int, *, ahead: Mapping[str, float], furthest: float) -> list[Report]:
    """Letters whose next step is due, longest first.

    The timers of a closed case stand still; they go on where it is opened again.
    A step further ahead than ``furthest`` seconds, or than ``ahead`` has for a kind, was set by a clock that was wrong, and comes, too.
    """
    mine = t.report.c
    wrong = [and_(mine.kind == kind, mine.step_due > now + seconds) for kind, seconds in ahead.items()]
    due_now = or_(mine.step_due <= now, mine.step_due > now + furthest, *wrong)
    query = select(t.report).where(mine.step_due.is_not(None), due_now, _is_open())
    return _reports(connection, query.order_by(mine.step_due, mine.id).limit(limit))


def escalated(connection: Connection, now: float, limit: int) -> list[Report]:
    """Letters that wait too long: somebody was told, or is to be told now. Longest first."""
    c = t.report.c
    waits = select(t.report).where(c.step_due.is_not(None), _is(*LETTERS), or_(c.step > 0, c.step_due <= now), _is_open())
    return _reports(connection, waits.order_by(c.created, c.id).limit(limit))


def acknowledge(connection: Connection, report: Report, by: str, now: float, result: str) -> list[str]:
    """Note that the recipient has the thread of ``report``: the letter, and what was sent in its thread before; ids of those changed.

    A later word replaces the result of that letter only.
    """
    thread_of = select(t.report.c.id).where(
        t.report.c.case_id == report.case_id,
        t.report.c.recipient == report.recipient,
        _is(*LETTERS),
        t.report.c.state == ReportState.SENT.value,
        t.report.c.acknowledged.is_(None),
    )
    found = sorted({*connection.scalars(thread_of).all(), report.id})
    values: dict[str, Any] = {"acknowledged": now, "acknowledged_by": by[:64], "step_due": None}
    states = (ReportState.SENT, ReportState.DEAD)
    fresh_ = t.report.c.acknowledged.is_(None)
    changed = [identity for identity in found if _change(connection, identity, states, values, fresh_)]
    if result and _change(connection, report.id, states, {"result": result[:16]}, t.report.c.result != result[:16]):
        changed.append(report.id)
    return list(dict.fromkeys(changed))


def release(connection: Connection, identity: str, by: str, now: float) -> bool:
    """A person lets a letter go; False if there is none that waits for that."""
    values = {"released": now, "released_by": by[:64]}
    held = _change(connection, identity, (ReportState.HELD,), values | {"state": ReportState.QUEUED.value, "due": now})
    # A letter that is not written yet is queued by whoever writes it.
    return held or _change(connection, identity, (ReportState.NEW,), values, t.report.c.released.is_(None))


def retry(connection: Connection, identity: str, now: float) -> bool:
    """Give a dead message its attempts again; False if it is not dead."""
    row = get(connection, identity)
    if row is None or row.state is not ReportState.DEAD or row.last_error == PURGED:
        return False
    ready = row.released is not None and (row.body is not None or row.purpose is Purpose.PAGE)
    state = ReportState.QUEUED if ready else ReportState.NEW
    return _change(connection, identity, (ReportState.DEAD,), {"state": state.value, "due": now, "attempts": 0, "last_error": ""})


def sealed_since(connection: Connection, channel: str, since: float) -> list[tuple[Report, float]]:
    """Written messages of a channel whose case was sealed after ``since``, and when that was."""
    query = select(t.report, t.case.c.sealed.label("case_sealed")).join(t.case, t.case.c.id == t.report.c.case_id)
    query = query.where(t.case.c.sealed > since, t.report.c.channel == channel, t.report.c.body.is_not(None))
    return [(_report(row), row["case_sealed"]) for row in connection.execute(query.order_by(t.case.c.sealed)).mappings()]


def purge(connection: Connection, case_id: str) -> tuple[int, int]:
    """Empty the messages of a case; those that have not left are dead. How many had not left, and how many there are."""
    mine = t.report.c.case_id == case_id
    waiting = t.report.c.state.in_([state.value for state in (ReportState.NEW, ReportState.HELD, ReportState.QUEUED)])
    dead = {"state": ReportState.DEAD.value, "last_error": PURGED}
    stopped = connection.execute(update(t.report).where(mine, waiting).values(**dead)).rowcount
    return stopped, connection.execute(update(t.report).where(mine).values(body=None, step_due=None)).rowcount


def counts(connection: Connection) -> dict[ReportState, int]:
    """How many messages are in each state; all states are named."""
    rows = connection.execute(select(t.report.c.state, func.count()).group_by(t.report.c.state))
    return dict.fromkeys(ReportState, 0) | {ReportState(state): number for state, number in rows}


def _is_due(now: float) -> ColumnElement[bool]:
    return or_(t.report.c.due <= now, t.report.c.due > now + LONGEST_WAIT)


def _is_open() -> ColumnElement[bool]:
    """Whether the case of a message is open."""
    return exists().where(t.case.c.id == t.report.c.case_id, t.case.c.state != "closed")


def _is(*purposes: Purpose) -> ColumnElement[bool]:
    return t.report.c.purpose.in_([purpose.value for purpose in purposes])


def _change(
    connection: Connection, identity: str, states: Sequence[ReportState], values: Mapping[str, Any], *more: ColumnElement[bool]
) -> bool:
    where = (t.report.c.id == identity, t.report.c.state.in_([state.value for state in states]), *more)
    return connection.execute(update(t.report).where(*where).values(**values)).rowcount > 0


def _reports(connection: Connection, query: Any) -> list[Report]:
    return [_report(row) for row in connection.execute(query).mappings()]


def _report(row: RowMapping) -> Report:
    known = {name: row[name] for name in Report.__dataclass_fields__}
    own = {"flag_id": row["flag_id"] or "", "purpose": Purpose(row["purpose"]), "state": ReportState(row["state"])}
    return Report(**{**known, **own})


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in row.items()}
    return plain | {"flag_id": plain["flag_id"] or None}
