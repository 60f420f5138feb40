"""Reading flags for people: lists without private matter, and what became of a flag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tsbot.store import tables as t


@dataclass(frozen=True, slots=True)
class FlagLine:
    """A flag as a list shows it: ids and scores, no text and no names."""

    id: str
    subject: str
    kind: str
    case: str
    wiki: str
    field: str
    probability: float
    specificity: int
    plausibility: int
    imminence: int
    language: str
    coverage: str
    source: str
    event_time: float
    created: float
    priority: int
    repeated: int
    outcomes: tuple[str, ...] = ()


def list_flags(
    connection: Connection,
    *,
    wiki: str | None = None,
    kind: str | None = None,
    subject: str | None = None,
    limit: int = 50,
    newest_first: bool = False,
) -> list[FlagLine]:
    """Flags by priority, among equals the graver scores and then the newer first; or simply the newest first."""
    c = t.flag.c
    query = select(
        c.id, c.subject, c.kind, c.case_id.label("case"), c.wiki, c.field, c.probability, c.specificity, c.plausibility, c.imminence,
        c.language, c.coverage, c.source, c.event_time, c.created, c.priority, c.repeated,
    )  # fmt: skip
    query = query.where(c.source != "drill")
    if wiki:
        query = query.where(c.wiki == wiki)
    if subject:
        query = query.where(c.subject == subject)
    if kind:
        query = query.where(c.kind == kind)
    scores = (c.specificity + c.plausibility + c.imminence).desc()
    order = (c.created.desc(), c.id) if newest_first else (c.priority.desc(), scores, c.probability.desc(), c.created.desc(), c.id)
    rows = connection.execute(query.order_by(*order).limit(limit)).mappings().all()
    became = outcomes_of(connection, [row["id"] for row in rows])
    return [FlagLine(**row, outcomes=tuple(became.get(row["id"], ()))) for row in rows]


def outcomes_of(connection: Connection, flags: Sequence[str]) -> dict[str, list[str]]:
    """What the wikis did about flags, oldest first."""
    became: dict[str, list[str]] = {}
    for start in range(0, len(flags), 500):
        query = select(t.outcome.c.flag_id, t.outcome.c.what).where(t.outcome.c.flag_id.in_(flags[start : start + 500]))
        for flag, what in connection.execute(query.order_by(t.outcome.c.time, t.outcome.c.id)):
            if what not in became.setdefault(flag, []):
                became[flag].append(what)
    return became


def find_flags(connection: Connection, prefix: str) -> list[str]:
    """Ids of the flags whose id begins with ``prefix``, or whose subject is ``prefix``."""
    query = select(t.flag.c.id).where((t.flag.c.id.startswith(prefix, autoescape=True)) | (t.flag.c.subject == prefix))
    return list(connection.scalars(query.order_by(t.flag.c.id).limit(20)))


def reports_of(connection: Connection, flag: str) -> list[tuple[str, str, str]]:
    """Reports about a flag's subject as (id, purpose, state)."""
    subject = select(t.flag.c.subject).where(t.flag.c.id == flag).scalar_subquery()
    query = select(t.report.c.id, t.report.c.purpose, t.report.c.state).where(t.report.c.subject == subject)
    return list(connection.execute(query.order_by(t.report.c.created, t.report.c.id)))
