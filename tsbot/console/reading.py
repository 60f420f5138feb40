"""How much disturbing text somebody has read, and when it is time to stop: a limit a day, and a rest after many in a row.

The limit protects people, it does not keep emergencies waiting: a text of an emergency kind can be read all the same, and the log says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from tsbot.store import tables as t

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may read."""

    a_day: int = 80
    """Texts in 24 hours."""
    in_a_row: int = 20
    """Texts without a rest."""
    rest: float = 600.0
    """Seconds without reading that count as a rest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where somebody stands. Times are seconds since the epoch."""

    read: int
    """Texts in the last 24 hours."""
    left: int
    again: float | None = None
    """When they may read again; None: now."""
    resting: bool = False
    """Whether it is a rest that they wait for, and not the next day."""


def weigh(times: Sequence[float], now: float, limits: Limits) -> Reading:
    """Where somebody stands who read at ``times`` (oldest first)."""
    recent = [time for time in times if now - DAY < time <= now]
    left = max(0, limits.a_day - len(recent))
    if not left:
        return Reading(len(recent), 0, recent[len(recent) - limits.a_day] + DAY)
    row, after = 0, now
    for time in reversed(recent):
        if after - time >= limits.rest:
            break
        row, after = row + 1, time
    if row >= limits.in_a_row:
        return Reading(len(recent), left, recent[-1] + limits.rest, resting=True)
    return Reading(len(recent), left)


def reading(connection: Connection, person_id: str, now: float, limits: Limits) -> Reading:
    """Where somebody stands."""
    c = t.exposure.c
    return weigh(connection.scalars(select(c.time).where(c.person_id == person_id, c.time > now - DAY).order_by(c.time)).all(), now, limits)


def note(connection: Connection, person_id: str, case_id: str, now: float) -> None:
    """Count a text that was shown."""
    connection.execute(insert(t.exposure).values(person_id=person_id, time=now, case_id=case_id))
