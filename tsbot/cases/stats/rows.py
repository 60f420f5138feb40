"""What the statistics are counted from: cases and flags without text and names, read from the database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from tsbot.cases.annotations import HIDING
from tsbot.cases.filing import case_key
from tsbot.cases.flag import FlagContent
from tsbot.cases.priority import Reason
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, unseal

DRILL = "drill"
CHUNK = 2000
"""Rows held at once while flags are counted; a flood is ten thousand flags of one case."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cases are counted: those opened from ``since`` on and before ``until`` (seconds since the epoch), of one wiki or of all."""

    since: float | None = None
    until: float | None = None
    wiki: str | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case. Times in seconds since the epoch, None where it has not happened."""

    id: str
    wiki: str
    kind: str
    state: str
    source: str
    opened: float
    triaged: float | None = None
    """First act of a person."""
    reported: float | None = None
    """First letter handed over."""
    acknowledged: float | None = None
    hidden: float | None = None
    """When readers could see nothing of it any more, as far as a plan tells; without one, the first outcome that hides what was flagged."""
    closed: float | None = None
    outcome: str = ""
    """That it was closed with."""
    merged: bool = False
    """Another case has its flags now."""
    drill: bool = False
    became: frozenset[str] = frozenset()
    """What annotations say of it."""
    heard: float | None = None
    """When the first person reported it on the public page or by mail."""
    spoken: str = ""
    """The language that this person is answered in."""


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One flag."""

    id: str
    case_id: str
    kind: str
    language: str
    coverage: str
    detector: str
    field: str
    source: str
    event_time: float
    priority: int
    reasons: tuple[str, ...] = ()
    """Names of the reasons of its priority."""
    evidence: tuple[str, ...] = ()
    """Labels of what the judgement rests on; empty unless they were asked for."""
    verdict: str | None = None
    """The last word of a reviewer."""
    became: frozenset[str] = frozenset()
    """What the wiki did about it."""


def read_cases(connection: Connection, scope: Scope) -> list[CaseRow]:
    """The cases in a scope, drills and merged ones included."""
    c = t.case.c
    reports, hidden, became = _reports(connection, scope), _hidden(connection, scope), _annotations(connection, scope)
    planned, heard = _all_hidden(connection, scope), _heard(connection, scope)
    columns = (c.id, c.wiki, c.kind, c.state, c.source, c.opened, c.triaged, c.reported, c.acknowledged, c.hidden, c.closed, c.outcome)
    found = []
    for row in connection.execute(_within(select(*columns, c.merged_into), scope).order_by(c.opened, c.id)):
        report = reports.get(row.id, _Reports())
        found.append(
            CaseRow(
                id=row.id,
                wiki=row.wiki,
                kind=row.kind,
                state=row.state,
                source=row.source,
                opened=row.opened,
                triaged=_first(row.triaged, report.released),
                reported=_first(row.reported, report.sent),
                acknowledged=_first(row.acknowledged, report.acknowledged),
                hidden=planned[row.id] if row.id in planned else _first(row.hidden, hidden.get(row.id)),
                closed=row.closed,
                outcome=row.outcome or "",
                merged=row.merged_into is not None,
                drill=row.source == DRILL or report.drill,
                became=frozenset(became.get(row.id, ())),
                heard=heard[row.id][0] if row.id in heard else None,
                spoken=heard[row.id][1] if row.id in heard else "",
            )
        )
    return found


def read_flags(connection: Connection, scope: Scope, evidence_with: MasterKey | None = None) -> Iterator[FlagRow]:
    """The flags of the cases in a scope, one after the other; nothing else may be read meanwhile.

    ``evidence_with`` opens what is sealed of the flags that somebody judged, for the labels of their evidence; texts and names are not
    kept.
    """
    c = t.flag.c
    words = _of_flags(select(t.label.c.flag_id, t.label.c.verdict), t.label.c.flag_id, scope).order_by(t.label.c.id)
    verdicts = dict(_rows(connection, words))  # the last word on a flag stays
    became: dict[str, set[str]] = {}
    for flag, what in _rows(connection, _of_flags(select(t.outcome.c.flag_id, t.outcome.c.what), t.outcome.c.flag_id, scope)):
        became.setdefault(flag, set()).add(what)
    labels = _evidence(connection, evidence_with, [*verdicts]) if evidence_with is not None else {}
    columns = (c.id, c.case_id, c.kind, c.language, c.coverage, c.detector, c.field, c.source, c.event_time, c.priority)
    query = _within(select(*columns, c.reasons).join(t.case, t.case.c.id == c.case_id), scope)
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        yield FlagRow(
            **{name: value for name, value in row._mapping.items() if name != "reasons"},
            reasons=tuple(reason.name for reason in msgspec.json.decode(row.reasons, type=tuple[Reason, ...])),
            evidence=labels.get(row.id, ()),
            verdict=verdicts.get(row.id),
            became=frozenset(became.get(row.id, ())),
        )


@dataclass(frozen=True, slots=True)
class _Reports:
    """What the outbox says of a case."""

    released: float | None = None
    sent: float | None = None
    acknowledged: float | None = None
    drill: bool = False


def _reports(connection: Connection, scope: Scope) -> dict[str, _Reports]:
    c = t.report.c
    letter = c.purpose.in_(("letter", "reminder"))
    query = select(
        c.case_id,
        func.min(case((c.released_by.is_not(None), c.released))),
        func.min(case((letter, c.sent))),
        func.min(case((letter, c.acknowledged))),
        func.max(case((c.drill.is_(True), 1), else_=0)),
    ).join(t.case, t.case.c.id == c.case_id)
    rows = connection.execute(_within(query, scope).group_by(c.case_id))
    return {identity: _Reports(released, sent, acknowledged, bool(drill)) for identity, released, sent, acknowledged, drill in rows}


def _hidden(connection: Connection, scope: Scope) -> dict[str, float]:
    query = select(t.flag.c.case_id, func.min(t.outcome.c.time)).join(t.outcome, t.outcome.c.flag_id == t.flag.c.id)
    query = query.join(t.case, t.case.c.id == t.flag.c.case_id).where(t.outcome.c.what.in_(sorted(HIDING)))
    return dict(_rows(connection, _within(query, scope).group_by(t.flag.c.case_id)))


def _all_hidden(connection: Connection, scope: Scope) -> dict[str, float | None]:
    """When the last of what shows a case's texts was hidden, for cases with plans; None while something is left."""
    c = t.hide_following.c
    query = select(c.case_id, func.max(c.hidden_at), func.count() - func.count(c.hidden_at)).where(c.body.is_not(None), c.revisions > 0)
    query = query.join(t.case, t.case.c.id == c.case_id)
    rows = connection.execute(_within(query, scope).group_by(c.case_id))
    return {identity: None if left else newest for identity, newest, left in rows}


def _heard(connection: Connection, scope: Scope) -> dict[str, tuple[float, str]]:
    """When the first person reported each case, and in which language."""
    c = t.hearing.c
    query = select(c.case_id, c.created, c.language).join(t.case, t.case.c.id == c.case_id)
    found: dict[str, tuple[float, str]] = {}
    for identity, created, language in connection.execute(_within(query, scope).order_by(c.created, c.id)):
        found.setdefault(identity, (created, language))
    return found


def _annotations(connection: Connection, scope: Scope) -> dict[str, list[str]]:
    c = t.annotation.c
    found: dict[str, list[str]] = {}
    for identity, what in _rows(connection, _within(select(c.case_id, c.what).join(t.case, t.case.c.id == c.case_id), scope)):
        found.setdefault(identity, []).append(what)
    return found


def _evidence(connection: Connection, key: MasterKey, flags: list[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for identity in flags:
        row = connection.execute(select(t.flag.c.case_id, t.flag.c.body).where(t.flag.c.id == identity)).one()
        data_key = case_key(connection, key, row.case_id)
        if data_key is not None:
            content = msgspec.json.decode(unseal(data_key, row.body, f"flag|body|{identity}"), type=FlagContent)
            found[identity] = tuple(sorted({span.label for span in content.evidence}))
    return found


def _within(query: Select[Any], scope: Scope) -> Select[Any]:
    where: list[ColumnElement[bool]] = []
    if scope.since is not None:
        where.append(t.case.c.opened >= scope.since)
    if scope.until is not None:
        where.append(t.case.c.opened < scope.until)
    if scope.wiki is not None:
        where.append(t.case.c.wiki == scope.wiki)
    return query.where(*where)


def _of_flags(query: Select[Any], flag_id: ColumnElement[Any], scope: Scope) -> Select[Any]:
    return _within(query.join(t.flag, t.flag.c.id == flag_id).join(t.case, t.case.c.id == t.flag.c.case_id), scope)


def _rows(connection: Connection, query: Select[Any]) -> list[tuple[Any, Any]]:
    return [(first, second) for first, second in connection.execute(query)]


def _first(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)
