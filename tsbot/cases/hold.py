"""Legal hold: a case is kept beyond its time, by the decision of two people, until a day that is set beforehand."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, select, update

from tsbot.cases.retention import DAY, Retention
from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t

HOLD, PURGE_EARLY = "legal_hold", "purge_early"
"""Acts that a second person approves, as ``approvals.toml`` names them; the first is to set a hold as well as to lift it."""


class Need(Protocol):
    """Asks whether a second person has approved an act."""

    def __call__(self, connection: Connection, act: str, obj: str, by: str, now: float) -> object:
        """Raises an error of ours unless somebody other than ``by`` has approved."""


def hold(connection: Connection, case_id: str, until: float, *, by: str, now: float, need: Need, table: Retention) -> None:
    """Keep a case until ``until`` (seconds since the epoch), or to another day than before.

    Raises ``InputError`` for a case that is gone or an end that is past or too far away, and what ``need`` raises.
    """
    longest = table.hold.longest
    if not now < until <= now + longest * DAY:
        raise InputError(f"A legal hold ends on a day to come, at most {longest} days from now.")
    if _standing(connection, case_id) is not None:
        raise InputError("The case was purged; there is nothing left to keep.")
    need(connection, HOLD, case_id, by, now)
    connection.execute(update(t.case).where(t.case.c.id == case_id).values(hold_until=until))
    audit.record(connection, by, "hold.set", case_id, now, {"until": until})


def lift(connection: Connection, case_id: str, *, by: str, now: float, need: Need) -> None:
    """End a legal hold before its day. Raises ``InputError`` if there is none, and what ``need`` raises."""
    until = connection.scalar(select(t.case.c.hold_until).where(t.case.c.id == case_id))
    if until is None or until <= now:
        raise InputError("The case is under no legal hold.")
    need(connection, HOLD, case_id, by, now)
    connection.execute(update(t.case).where(t.case.c.id == case_id).values(hold_until=None))
    audit.record(connection, by, "hold.lifted", case_id, now, {"until": until})


def _standing(connection: Connection, case_id: str) -> float | None:
    """When a case was purged; None if it stands. Raises ``InputError`` if there is none."""
    row = connection.execute(select(t.case.c.purged).where(t.case.c.id == case_id)).first()
    if row is None:
        raise InputError(f"There is no case {case_id}.")
    purged: float | None = row.purged
    return purged
