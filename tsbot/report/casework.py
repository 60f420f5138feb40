"""What reports tell the case that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update

from tsbot.store import tables as t

BEFORE_REPORTED = ("new", "triage", "open")


def reported(connection: Connection, case_id: str, now: float) -> None:
    """The first letter about a case has left."""
    _reach(connection, case_id, "reported", BEFORE_REPORTED, now)


def acknowledged(connection: Connection, case_id: str, now: float) -> None:
    """Somebody at the receiving end has a letter about the case."""
    _reach(connection, case_id, "acknowledged", (*BEFORE_REPORTED, "reported"), now)


def _reach(connection: Connection, case_id: str, state: str, before: Sequence[str], now: float) -> None:
    """Have a case reach a state, unless it is further already; the time of the first time is kept."""
    one = update(t.case).where(t.case.c.id == case_id)
    connection.execute(one.where(t.case.c[state].is_(None)).values({state: now}))
    moved = {"state": state, "updated": now, "version": t.case.c.version + 1}
    connection.execute(one.where(t.case.c.state.in_(before)).values(**moved))
