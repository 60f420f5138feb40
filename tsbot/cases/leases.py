"""Who works on a case: a lease that ends by itself, can be renewed, and can be taken over for all to see."""

from __future__ import annotations

from sqlalchemy import Connection, update

from tsbot.cases.case import Case, read_case
from tsbot.cases.seen import moment
from tsbot.errors import CaseTakenError
from tsbot.store import audit
from tsbot.store import tables as t

LEASE_SECONDS = 600.0
"""How long a lease lasts without a sign of life. One that would last longer was made by a clock that was wrong, and is void."""


def holder(case: Case, now: float) -> str | None:
    """Who works on a case; None if nobody does, or not any more."""
    if case.lease_by is None or case.lease_until is None:
        return None
    return case.lease_by if now < case.lease_until <= now + LEASE_SECONDS else None


def claim(connection: Connection, case_id: str, by: str, now: float, *, take_over: bool = False) -> Case:
    """Take a case, or keep it for longer. ``take_over`` takes it from somebody else, which the log keeps and the other is told.

    Raises ``CaseTakenError`` if somebody else has it.
    """
    case = read_case(connection, case_id, lock=True)
    other = holder(case, now)
    if other is not None and other != by[:64] and not take_over:
        raise CaseTakenError(_words(case, other) + " Wait, ask, or take it over: `tsbot cases claim ID --take-over`.")
    claimed = _write(connection, case, by, now + LEASE_SECONDS)
    if other != by[:64]:
        told: dict[str, audit.Value] = {"version": case.version}
        act, told = ("case.taken_over", told | {"from": other}) if other is not None else ("case.claimed", told)
        audit.record(connection, by, act, case_id, now, told)
    return claimed


def heartbeat(connection: Connection, case_id: str, by: str, now: float) -> Case:
    """A sign of life of whoever works on a case. Raises ``CaseTakenError`` if they do not hold it any more, naming who does."""
    case = read_case(connection, case_id, lock=True)
    require(case, by, now)
    if holder(case, now) is None:
        raise CaseTakenError(f"Your lease on case {case.id[:8]} has ended. Claim it again: `tsbot cases claim ID`.")
    return _write(connection, case, by, now + LEASE_SECONDS)


def release(connection: Connection, case_id: str, by: str, now: float) -> Case:
    """Give a case back. Raises ``CaseTakenError`` if somebody else has it; giving back what nobody has changes nothing."""
    case = read_case(connection, case_id, lock=True)
    require(case, by, now)
    if case.lease_by is None:
        return case
    released = _write(connection, case, None, None)
    audit.record(connection, by, "case.released", case_id, now, {"version": case.version})
    return released


def require(case: Case, by: str, now: float) -> None:
    """Refuse an act on a case that somebody else works on. Raises ``CaseTakenError``."""
    other = holder(case, now)
    if other is not None and other != by[:64]:
        raise CaseTakenError(_words(case, other))


def _words(case: Case, other: str) -> str:
    return f"{other} works on case {case.id[:8]} until {moment(case.lease_until or 0.0)}."


def _write(connection: Connection, case: Case, by: str | None, until: float | None) -> Case:
    """Leases are no change of the case itself: its version stays."""
    values = {"lease_by": by[:64] if by else None, "lease_until": until}
    # Two that claim at once: the one that comes second finds the row as it was not read.
    same = [t.case.c.lease_by == case.lease_by if case.lease_by is not None else t.case.c.lease_by.is_(None)]
    same.append(t.case.c.lease_until == case.lease_until if case.lease_until is not None else t.case.c.lease_until.is_(None))
    if connection.execute(update(t.case).where(t.case.c.id == case.id, *same).values(**values)).rowcount == 0:
        raise CaseTakenError(f"Somebody else claimed case {case.id[:8]} at this moment.")
    return read_case(connection, case.id)
