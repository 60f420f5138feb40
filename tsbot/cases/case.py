"""A case as it stands: the unit of work of people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, RowMapping, select, update

from tsbot.detect.finding import Kind
from tsbot.errors import CaseChangedError, InputError
from tsbot.store import tables as t

SCAN = "scan"
"""Source of what a look back at history found: for people to review, in cases of its own that no deadline runs for."""


class CaseState(StrEnum):
    """Where a case stands; ``transitions.toml`` says which follows which."""

    NEW = "new"
    """Nobody has looked at it."""
    TRIAGE = "triage"
    """Somebody looks at it."""
    OPEN = "open"
    """It is worked on."""
    REPORTED = "reported"
    """A letter about it left."""
    ACKNOWLEDGED = "acknowledged"
    """A recipient answered."""
    CLOSED = "closed"
    """Done, with an outcome."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of ``case_file``, without what is sealed. Times are seconds since the epoch."""

    id: str
    wiki: str
    kind: Kind
    state: CaseState
    opened: float
    updated: float
    source: str
    priority: int
    tlp: str
    version: int
    lease_by: str | None
    lease_until: float | None
    due: float | None
    triaged: float | None
    reported: float | None
    acknowledged: float | None
    hidden: float | None
    closed: float | None
    outcome: str | None
    merged_into: str | None
    hold_until: float | None
    sealed: float | None
    purged: float | None


ID = re.compile(r"[0-9a-f-]{1,36}")
"""What an id, or its beginning, can look like."""
COLUMNS = tuple(t.case.c[name] for name in Case.__dataclass_fields__)


def to_case(row: RowMapping) -> Case:
    """A case of the columns :data:`COLUMNS`."""
    return Case(**{**row, "kind": Kind(row["kind"]), "state": CaseState(row["state"])})


def read_case(connection: Connection, case_id: str, *, lock: bool = False) -> Case:
    """One case. ``lock`` keeps others from changing it until the end of the transaction (SQLite lets one write at a time anyway).

    Raises ``InputError`` if there is none.
    """
    query = select(*COLUMNS).where(t.case.c.id == case_id)
    query = query.with_for_update() if lock else query
    row = connection.execute(query).mappings().first() if ID.fullmatch(case_id) else None
    if row is None:
        raise _none(case_id)
    return to_case(row)


def _none(name: str) -> InputError:
    return InputError(f"There is no case {name[:36]!a}. `tsbot cases list` shows what there is.")


def find_case(connection: Connection, prefix: str) -> Case:
    """The case whose id begins with ``prefix``. Raises ``InputError`` unless it is exactly one."""
    if not ID.fullmatch(prefix):
        raise _none(prefix)
    query = select(*COLUMNS).where(t.case.c.id.startswith(prefix, autoescape=True)).order_by(t.case.c.id).limit(2)
    rows = connection.execute(query).mappings().all()
    if not rows:
        raise _none(prefix)
    if len(rows) > 1:
        raise InputError(f"Several cases begin with {prefix}; give more of the id.")
    return to_case(rows[0])


def change(connection: Connection, case: Case, values: dict[str, object], *more: ColumnElement[bool]) -> Case:
    """Write ``values`` on a case and count its version up.

    Raises ``CaseChangedError`` if it is not as it was read: another process wrote it meanwhile.
    """
    counted = values | {"version": case.version + 1}
    where = (t.case.c.id == case.id, t.case.c.version == case.version, *more)
    if connection.execute(update(t.case).where(*where).values(**counted)).rowcount == 0:
        raise CaseChangedError(f"Case {case.id[:8]} was changed at this moment by somebody else; nothing was done. Look at it again.")
    return read_case(connection, case.id)
