"""How long texts and names are kept: the table in ``retention.toml``, or the one that the settings name."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, and_, exists, func, or_, select

from tsbot.datafiles import data_file
from tsbot.detect.finding import Kind
from tsbot.errors import SettingsError
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose

SHIPPED = Path(__file__).with_name("retention.toml")
DAY = 86400.0
MOST_DAYS = 3660
DRILL = "drill"
CLOSED = "closed"

Days = Annotated[int, Meta(ge=0, le=MOST_DAYS)]


class _Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dismissed: Days
    reported: Days
    drill: Days
    waiting: Annotated[int, Meta(ge=1, le=MOST_DAYS)]
    dead_letters: Days


class _KindDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dismissed: Days | None = None
    reported: Days | None = None
    waiting: Annotated[int, Meta(ge=1, le=MOST_DAYS)] | None = None


class _Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    longest: Annotated[int, Meta(ge=1, le=MOST_DAYS)]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table."""

    days: _Days
    hold: _Hold
    kinds: dict[Kind, _KindDays] = {}

    def days_of(self, sort: str, kind: Kind) -> int:
        """Days for which a case of a kind is kept that is ``dismissed``, ``reported``, ``waiting`` or a ``drill``."""
        own: int | None = getattr(self.kinds.get(kind), sort, None)
        general: int = getattr(self.days, sort)
        return general if own is None else own

    @property
    def shortest(self) -> int:
        """Days before which no case is due."""
        sorts = ("dismissed", "reported", "waiting")
        return min(self.days.drill, *(self.days_of(sort, kind) for sort in sorts for kind in Kind))


def load_retention(path: Path = SHIPPED) -> Retention:
    """Read a table. Raises ``SettingsError`` that names file and entry."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Retention)
    except OSError as error:
        raise SettingsError(f"cases.retention: {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    if Kind.NONE in table.kinds:
        raise SettingsError(f"{path.name}: kinds.none: it is no kind of a flag.")
    return table


@data_file("retention", SHIPPED)
def shipped_retention() -> Retention:
    """The table of the package."""
    return load_retention()


def retention_of(path: str) -> Retention:
    """The table that the settings name; that of the package where they name none. Raises ``SettingsError``."""
    return own_retention(path) if path else shipped_retention()


@data_file("own_retention", where=lambda path: (Path(path).expanduser(),))
def own_retention(path: str) -> Retention:
    """The table of a file. Raises ``SettingsError``."""
    return load_retention(Path(path).expanduser())


@dataclass(frozen=True, slots=True)
class Due:
    """A case whose texts and names are to be destroyed."""

    case: str
    wiki: str
    kind: str
    why: str
    """``dismissed``, ``reported``, ``drill`` or ``waiting``."""
    since: float
    """When its time was up, in seconds since the epoch."""


def due_cases(connection: Connection, table: Retention, now: float, limit: int | None = None) -> list[Due]:
    """Cases whose time is up and that no legal hold keeps, longest due first."""
    sent = exists().where(
        t.report.c.case_id == t.case.c.id,
        t.report.c.purpose != Purpose.PAGE.value,
        t.report.c.sent.is_not(None),
    )
    # Who reported it reads the answer under their link: it lasts as where a letter left.
    told = exists().where(t.hearing.c.case_id == t.case.c.id, t.hearing.c.body.is_not(None))
    last = func.coalesce(t.case.c.closed, t.case.c.updated)
    query = select(
        t.case.c.id,
        t.case.c.wiki,
        t.case.c.kind,
        t.case.c.state,
        t.case.c.source,
        t.case.c.updated,
        last.label("last"),
        or_(t.case.c.reported.is_not(None), sent, told).label("reported"),
    ).where(
        # What a person reported is never destroyed before somebody of the team has taken it up.
        or_(~told, t.case.c.triaged.is_not(None), t.case.c.state == CLOSED),
        t.case.c.purged.is_(None),
        last <= now - table.shortest * DAY,
        or_(t.case.c.hold_until.is_(None), t.case.c.hold_until <= now),
    )
    found = []
    for row in connection.execute(query.order_by(last, t.case.c.id)):
        is_closed = row.state == CLOSED
        why = DRILL if row.source == DRILL else "waiting" if not is_closed else "reported" if row.reported else "dismissed"
        since = (row.last if is_closed else row.updated) + table.days_of(why, Kind(row.kind)) * DAY
        if since <= now:
            found.append(Due(row.id, row.wiki, row.kind, why, since))
    return sorted(found, key=lambda due: (due.since, due.case))[:limit]


def soon_lost(connection: Connection, table: Retention, now: float, days: int = 30) -> int:
    """Cases that nobody has closed and whose texts are destroyed within so many days."""
    return sum(due.why == "waiting" for due in due_cases(connection, table, now + days * DAY))


def old_dead_letters(table: Retention, now: float) -> float:
    """Dead letters that failed before this time are to be destroyed."""
    return now - table.days.dead_letters * DAY


def held_cases(connection: Connection, now: float) -> list[tuple[str, float]]:
    """Cases under a legal hold and when that ends, soonest first."""
    query = select(t.case.c.id, t.case.c.hold_until).where(and_(t.case.c.hold_until.is_not(None), t.case.c.hold_until > now))
    return [(row.id, row.hold_until) for row in connection.execute(query.order_by(t.case.c.hold_until, t.case.c.id))]
