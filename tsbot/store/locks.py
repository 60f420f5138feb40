"""Locks that all processes of a database share: some for a moment, and leases that outlast a transaction.

A lease is held by name until a time of the database's own clock; whoever lets it run out loses it. Holding it is confirmed inside the
transaction that relies on it, so that a holder which slept too long writes nothing any more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from tsbot.errors import LeaseLostError, StoreBusyError
from tsbot.store import engines
from tsbot.store import tables as t

if TYPE_CHECKING:
    from tsbot.store.database import Database

LISTENER = "listener"
"""The lease of whoever reads the stream into the database."""
PATIENCE = 60
"""Seconds to wait for a lock."""
_MARIADB = ("select get_lock(concat('tsbot ', :key), :patience)", "select release_lock(concat('tsbot ', :key))")
_LOCKS = {
    "postgresql": ("select pg_advisory_lock(:key)", "select pg_advisory_unlock(:key)"),
    "mariadb": _MARIADB,
    "mysql": _MARIADB,
}


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[None]:
    """Keep other processes out of the same block. SQLite's writers are alone anyway.

    The lock is a connection's of its own, which also ends it if the process dies.
    """
    take_lock, give_back = _LOCKS.get(engine.dialect.name, ("", ""))
    if not take_lock:
        yield
        return
    lock = {"key": zlib.crc32(f"tsbot {engine.url.database} {name}".encode()), "patience": PATIENCE}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.scalar(text(take_lock), lock) == 0:
            raise StoreBusyError("The database is locked by another process; try again.")
        try:
            yield
        finally:
            if not connection.invalidated:
                connection.execute(text(give_back), lock)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands."""

    owner: str
    until: float
    """Of the database's clock."""
    mark: int
    """What its holder counted up to."""


def look(connection: Connection, name: str) -> Lease | None:
    """A lease, held or run out; None if nobody ever took it."""
    row = connection.execute(select(t.lease.c.owner, t.lease.c.until, t.lease.c.mark).where(t.lease.c.name == name)).first()
    return None if row is None else Lease(row.owner, row.until, row.mark)


def take(connection: Connection, name: str, owner: str, seconds: float) -> Lease | None:
    """Take a lease that is free or ran out, or renew one's own; None if somebody else holds it."""
    now = engines.now(connection)
    row = connection.execute(
        select(t.lease.c.owner, t.lease.c.until, t.lease.c.mark).where(t.lease.c.name == name).with_for_update()
    ).first()
    if row is None:
        connection.execute(insert(t.lease).values(name=name, owner=owner, until=now + seconds, mark=0))
        return Lease(owner, now + seconds, 0)
    if row.owner != owner and row.until > now:
        return None
    connection.execute(update(t.lease).where(t.lease.c.name == name).values(owner=owner, until=now + seconds))
    return Lease(owner, now + seconds, row.mark)


def advance(connection: Connection, name: str, owner: str, seconds: float, mark: int) -> Lease | None:
    """Confirm that ``owner`` still holds a lease, whoever's turn it is by the clock, renew it, and note ``mark``.

    None if somebody else has it by now. The lease as it was before, so that a transaction which was committed although nobody said so is
    recognised by its mark.
    """
    mine = t.lease.c.name == name
    row = connection.execute(select(t.lease.c.owner, t.lease.c.until, t.lease.c.mark).where(mine).with_for_update()).first()
    if row is None or row.owner != owner:
        return None
    connection.execute(update(t.lease).where(mine).values(until=engines.now(connection) + seconds, mark=mark))
    return Lease(row.owner, row.until, row.mark)


def release(connection: Connection, name: str, owner: str) -> None:
    """Let a lease go, so that the next one need not wait for its end."""
    connection.execute(delete(t.lease).where(t.lease.c.name == name, t.lease.c.owner == owner))


@dataclass
class Reign:
    """Being the only process that does something, confirmed in each of its transactions."""

    database: Database
    name: str
    owner: str
    seconds: float = 30.0
    _mark: int = 0

    def begin(self) -> bool:
        """Take the lease; False while somebody else has it. Raises ``StoreError``."""
        with self.database.write() as connection:
            lease = take(connection, self.name, self.owner, self.seconds)
        if lease is not None:
            self._mark = lease.mark + 1
        return lease is not None

    def enter(self, connection: Connection) -> bool:
        """To be called in each transaction; False if it was committed before, although the database's word for that was lost.

        Raises ``LeaseLostError`` if another process has taken over.
        """
        before = advance(connection, self.name, self.owner, self.seconds, self._mark)
        if before is None:
            raise LeaseLostError("Another process has taken over, because this one did not answer for a while. It stops here.")
        return before.mark != self._mark

    def confirm(self) -> None:
        """The transaction is committed."""
        self._mark += 1

    def keep(self) -> None:
        """Renew the lease while there is nothing to store. Raises ``LeaseLostError`` or ``StoreError``."""
        with self.database.write() as connection:
            if take(connection, self.name, self.owner, self.seconds) is None:
                raise LeaseLostError("Another process has taken over, because this one did not answer for a while. It stops here.")

    def end(self) -> None:
        """Let the next one begin at once."""
        with self.database.write() as connection:
            release(connection, self.name, self.owner)
