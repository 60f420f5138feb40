"""Reading cases for people: the queue, and everything about one case. Ids, states and times; texts only where they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, case, func, select

from tsbot.cases import approvals, leases
from tsbot.cases.browse import outcomes_of
from tsbot.cases.case import COLUMNS, Case, CaseState, to_case
from tsbot.cases.handling import shipped_handling
from tsbot.cases.notes import Note, notes_of
from tsbot.cases.priority import Reason
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

FLAGS_SHOWN = 50
"""Flags of a case that are told one by one, gravest first; a flood has thousands."""
HISTORY_SHOWN = 100


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as the queue shows it: neither text nor names of strangers."""

    id: str
    lane: str
    kind: str
    wiki: str
    state: str
    outcome: str | None
    priority: int
    due: float | None
    overdue: bool
    lease: str | None
    """Who works on it now."""
    flags: int
    held: int
    """Letters that wait for release."""
    tlp: str
    opened: float
    version: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What a list shows, and how much there is beyond it."""

    lines: tuple[CaseLine, ...]
    more: int
    overdue: int
    """Of all that the list is about, not only of what it shows."""


@dataclass(frozen=True, slots=True)
class FlagEntry:
    """A flag of a case."""

    id: str
    subject: str
    kind: str
    field: str
    priority: int
    reasons: tuple[Reason, ...]
    outcomes: tuple[str, ...]
    event_time: float


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A message about a case."""

    id: str
    purpose: str
    recipient: str
    state: str
    sent: float | None
    acknowledged: float | None


@dataclass(frozen=True, slots=True)
class Record:
    """Everything about one case that may be read without opening anything sealed."""

    case: Case
    line: CaseLine
    advice: tuple[str, ...]
    flags: tuple[FlagEntry, ...]
    reports: tuple[ReportEntry, ...]
    notes: tuple[Note, ...]
    annotations: tuple[tuple[str, str, float], ...]
    """What, by whom, when."""
    approvals: tuple[approvals.Approval, ...]
    history: tuple[audit.Entry, ...]
    merged: tuple[str, ...]
    """Cases that were merged into it."""


def queue(
    connection: Connection,
    now: float,
    *,
    states: Sequence[CaseState] = (),
    kind: str | None = None,
    wiki: str | None = None,
    wikis: Collection[str] | None = None,
    lane: str | None = None,
    mine: str | None = None,
    limit: int = 50,
) -> Queue:
    """Cases in the order in which to work on them: by priority, then by what is due first, then the older. Without ``states``: not closed.

    Nothing is left out for its priority: what does not fit into ``limit`` is counted. ``wikis`` are all on which somebody may see cases;
    None is no such limit.
    """
    c = t.case.c
    where: list[ColumnElement[bool]] = [c.state.in_([state.value for state in states])] if states else [c.state != CaseState.CLOSED.value]
    if kind:
        where.append(c.kind == kind)
    if wiki:
        where.append(c.wiki == wiki)
    if wikis is not None:
        where.append(c.wiki.in_(sorted(wikis)))
    if lane:
        where.append(c.kind.in_([name.value for name, one in shipped_handling().kinds.items() if one.lane == lane]))
    if mine:
        where += [c.lease_by == mine[:64], c.lease_until > now, c.lease_until <= now + leases.LEASE_SECONDS]
    due = _due(now)
    order = (c.priority.desc(), case((due.is_(None), 1), else_=0), due, c.opened, c.id)
    rows = connection.execute(select(*COLUMNS).where(*where).order_by(*order).limit(limit)).mappings().all()
    number = connection.scalar(select(func.count()).select_from(t.case).where(*where)) or 0
    overdue = connection.scalar(select(func.count()).select_from(t.case).where(*where, due < now)) or 0
    return Queue(tuple(lines(connection, [to_case(row) for row in rows], now)), number - len(rows), overdue)


def record(connection: Connection, key: MasterKey, found: Case, now: float, *, reveal: bool = False) -> Record:
    """Everything about a case; the texts of its notes only with ``reveal``."""
    (line,) = lines(connection, [found], now)
    c = t.report.c
    columns = (c.id, c.purpose, c.recipient, c.state, c.sent, c.acknowledged)
    reports = connection.execute(select(*columns).where(c.case_id == found.id).order_by(c.created, c.id)).all()
    annotated = select(t.annotation.c.what, t.annotation.c.by, t.annotation.c.time).where(t.annotation.c.case_id == found.id)
    merged = select(t.case.c.id).where(t.case.c.merged_into == found.id).order_by(t.case.c.opened)
    objects = [found.id, *(row.id for row in reports)]
    return Record(
        case=found,
        line=line,
        advice=shipped_handling().kinds[found.kind].advice,
        flags=tuple(_flags(connection, found.id)),
        reports=tuple(ReportEntry(*row) for row in reports),
        notes=tuple(notes_of(connection, key, found.id, reveal=reveal)),
        annotations=tuple((what, by, time) for what, by, time in connection.execute(annotated.order_by(t.annotation.c.time))),
        approvals=tuple(one for obj in objects for one in approvals.pending(connection, obj, now)),
        history=tuple(_history(connection, objects)),
        merged=tuple(connection.scalars(merged)),
    )


def _due(now: float) -> Any:
    """When something is due; at once, where a clock that was wrong put it further off than anything is."""
    return case((t.case.c.due > now + shipped_handling().longest, now), else_=t.case.c.due)


def lines(connection: Connection, cases: Sequence[Case], now: float) -> list[CaseLine]:
    """Cases as the queue shows them, in their order."""
    ids = [one.id for one in cases]
    flags = _counts(connection, ids, t.flag.c.case_id)
    held = _counts(connection, ids, t.report.c.case_id, t.report.c.state == "held", t.report.c.purpose == "letter")
    handling = shipped_handling()
    return [
        CaseLine(
            id=one.id,
            lane=handling.kinds[one.kind].lane,
            kind=one.kind.value,
            wiki=one.wiki,
            state=one.state.value,
            outcome=one.outcome,
            priority=one.priority,
            due=one.due if one.due is None or one.due <= now + handling.longest else now,
            overdue=one.due is not None and (one.due < now or one.due > now + handling.longest),
            lease=leases.holder(one, now),
            flags=flags.get(one.id, 0),
            held=held.get(one.id, 0),
            tlp=one.tlp,
            opened=one.opened,
            version=one.version,
        )
        for one in cases
    ]


def _counts(connection: Connection, ids: Sequence[str], column: Any, *where: Any) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(ids), 500):
        query = select(column, func.count()).where(column.in_(ids[start : start + 500]), *where).group_by(column)
        found |= {row[0]: row[1] for row in connection.execute(query)}
    return found


def _flags(connection: Connection, case_id: str) -> list[FlagEntry]:
    c = t.flag.c
    columns = (c.id, c.subject, c.kind, c.field, c.priority, c.reasons, c.event_time)
    query = select(*columns).where(c.case_id == case_id).order_by(c.priority.desc(), c.event_time, c.id)
    found = connection.execute(query.limit(FLAGS_SHOWN)).all()
    became = outcomes_of(connection, [row.id for row in found])
    decode = msgspec.json.Decoder(tuple[Reason, ...]).decode
    entries = []
    for row in found:
        outcomes = tuple(became.get(row.id, ()))
        entries.append(FlagEntry(row.id, row.subject, row.kind, row.field, row.priority, decode(row.reasons), outcomes, row.event_time))
    return entries


def _history(connection: Connection, objects: Sequence[str]) -> list[audit.Entry]:
    """The newest entries of the log about a case and its messages, oldest first."""
    query = select(t.audit).where(t.audit.c.object.in_(objects[:500])).order_by(t.audit.c.number.desc()).limit(HISTORY_SHOWN)
    return [audit.Entry(**row) for row in connection.execute(query).mappings()][::-1]
