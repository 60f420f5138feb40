"""The database: connecting, transactions, and errors in our own words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine, exists, select
from sqlalchemy.exc import DBAPIError

from tsbot.store import audit, engines
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, WorkingKeys
from tsbot.store.engines import connect
from tsbot.store.locks import exclusive

__all__ = ["MASTER_KEY", "WORKING_CONTEXT", "WORKING_KEYS", "Database", "connect", "store_keys"]

MASTER_KEY, WORKING_KEYS = "master_key", "working_keys"
"""Facts: fingerprint of the master key that wraps now; the working keys, wrapped by it, in base64."""
WORKING_CONTEXT = "fact|value|working_keys"


class Database:
    """One database and the master key that opens it. Safe to share between threads; connections are not."""

    def __init__(self, engine: Engine, key: MasterKey) -> None:
        self.engine = engine
        self.key = key

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; committed at the end, rolled back on any exception.

        Raises ``StoreBusyError`` or ``StoreFullError`` when it is worth trying again, ``StoreError`` when not; ``KeyFileError`` where the
        master key was rotated and the new one is not to be had.
        """
        with self._translated(), self.engine.connect().execution_options(tsbot_write=True) as connection, connection.begin():
            self._follow(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for reading. Raises as :meth:`write`."""
        reading = {"isolation_level": engines.READING} if self.shared else {}
        with self._translated(), self.engine.connect().execution_options(**reading) as connection, connection.begin():
            self._follow(connection)
            yield connection

    @property
    def shared(self) -> bool:
        """Whether processes on several machines can work on it at once."""
        return engines.is_server(self.engine)

    def check_key(self) -> None:
        """Bind the database to its master key on first use, and refuse another one later. Raises ``KeyFileError``."""
        with self.exclusive("keys"), self.write() as connection:
            known = _fact(connection, MASTER_KEY)
            key = self.key if known is None else self.key.choose(known)
            if _fact(connection, WORKING_KEYS) is None:
                fresh = known is None and not _is_filled(connection)
                working = WorkingKeys.fresh() if fresh else WorkingKeys.derived(key.secret)
                store_keys(connection, replace(key, working=working))
            audit.begin(connection)
            self.key = _opened(connection, key)

    def _follow(self, connection: Connection) -> None:
        """Notice that another process has rotated the master key, so that nothing more is wrapped by the old one."""
        if self.key.working is None or self.key.reread is None:
            return
        known = _fact(connection, MASTER_KEY)
        if known is not None and known != self.key.fingerprint:
            fresh = replace(self.key.reread(), reread=self.key.reread)
            self.key = _opened(connection, fresh.choose(known))

    def checkpoint(self) -> bool:
        """Move what SQLite's log holds into the database file and empty the log, so that nothing overwritten lasts in it.

        False while somebody else reads: then it is worth calling again. Other databases have no such log within our reach.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        with self._translated():
            raw = self.engine.raw_connection()
            try:
                busy, *_ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        return not busy

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Keep other processes out of the same block. Raises ``StoreBusyError``."""
        with self._translated(), exclusive(self.engine, name):
            yield

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise engines.translated(error, server=self.shared) from None


def store_keys(connection: Connection, key: MasterKey) -> None:
    """Have the database say that ``key`` wraps from now on, and wrap its working keys with it."""
    if key.working is None:
        raise ValueError("a master key without working keys")
    wrapped = base64.b64encode(key.wrap(key.working.joined(), WORKING_CONTEXT)).decode()
    for name, value in ((MASTER_KEY, key.fingerprint), (WORKING_KEYS, wrapped)):
        changed = connection.execute(t.fact.update().where(t.fact.c.name == name).values(value=value))
        if not changed.rowcount:
            connection.execute(t.fact.insert().values(name=name, value=value))


def _opened(connection: Connection, key: MasterKey) -> MasterKey:
    """A key with the database's working keys."""
    wrapped = base64.b64decode(_fact(connection, WORKING_KEYS) or "")
    return replace(key, working=WorkingKeys.parse(key.open(wrapped, WORKING_CONTEXT)))


def _fact(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(t.fact.c.value).where(t.fact.c.name == name))


def _is_filled(connection: Connection) -> bool:
    """Whether anything was encrypted or fingerprinted in this database."""
    tables = (t.case, t.flag, t.pending, t.dead_letter, t.text_family)
    return any(connection.scalar(select(exists(select(table.c.id)))) for table in tables)
