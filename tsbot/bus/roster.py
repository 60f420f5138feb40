"""Who shares the work: each process writes down that it lives, and by how much its clock is wrong."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, delete, insert, select, update

from tsbot.store import engines
from tsbot.store import tables as t
from tsbot.store.database import Database

BEAT = 5.0
"""Seconds between signs of life."""
GONE = 60.0
"""Seconds without one after which a process counts as gone; its row is deleted after ten times that."""
SKEWED = 5.0
"""Seconds by which a clock may be wrong without a word."""


@dataclass(frozen=True, slots=True)
class Present:
    """One process."""

    name: str
    role: str
    age: float
    """Seconds since it began."""
    silent: float
    """Seconds since its last sign of life."""
    skew: float
    broker: bool


def present(connection: Connection) -> list[Present]:
    """All that gave a sign of life lately, by role and name."""
    now = engines.now(connection)
    rows = connection.execute(select(t.worker).order_by(t.worker.c.role, t.worker.c.name)).all()
    return [Present(r.name, r.role, now - r.started, now - r.seen, r.skew, r.broker) for r in rows if now - r.seen < 10 * GONE]


def new_name(role: str) -> str:
    """A random name, which tells nothing of the machine."""
    return f"{role}-{secrets.token_hex(6)}"


@dataclass
class Membership:
    """One process's row, and its clock: that of the database, so that all processes tell one time."""

    database: Database
    role: str
    local: Callable[[], float]
    """This machine's clock, in seconds since the epoch."""
    name: str = ""
    every: float = BEAT
    """Seconds between signs of life."""
    _ahead: float = 0.0
    _next: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.name = self.name or new_name(self.role)

    def clock(self) -> float:
        """The database's time, as of the last sign of life."""
        return self.local() - self._ahead

    def beat(self, monotonic: float, *, broker: bool) -> None:
        """Give a sign of life if it is time. Raises ``StoreError``."""
        if monotonic < self._next:
            return
        with self.database.write() as connection:
            before = self.local()
            now = engines.now(connection)
            ahead = (before + self.local()) / 2 - now
            seen = {"seen": now, "skew": ahead, "broker": broker}
            if not connection.execute(update(t.worker).where(t.worker.c.name == self.name).values(**seen)).rowcount:
                connection.execute(insert(t.worker).values(name=self.name, role=self.role, started=now, **seen))
            connection.execute(delete(t.worker).where(t.worker.c.seen < now - 10 * GONE))
        if abs(ahead) > SKEWED >= abs(self._ahead):
            structlog.get_logger().warning("clock.skewed", wait=round(ahead), remedy="set this machine's clock (NTP)")
        self._ahead, self._next = ahead, monotonic + min(self.every, BEAT)

    def leave(self) -> None:
        """Take the row away. Raises ``StoreError``."""
        with self.database.write() as connection:
            connection.execute(delete(t.worker).where(t.worker.c.name == self.name))
