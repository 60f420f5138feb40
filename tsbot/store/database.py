"""The database: connecting, transactions, and errors in our own words."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exists, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from tsbot.errors import SettingsError, StoreBusyError, StoreError, StoreFullError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, WorkingKeys

BUSY_SECONDS = 5.0
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
        with _translated(), self.engine.connect().execution_options(tsbot_write=True) as connection, connection.begin():
            self._follow(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view for reading. Raises as :meth:`write`."""
        with _translated(), self.engine.connect() as connection, connection.begin():
            self._follow(connection)
            yield connection

    def check_key(self) -> None:
        """Bind the database to its master key on first use, and refuse another one later. Raises ``KeyFileError``."""
        with self.write() as connection:
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
        with _translated():
            raw = self.engine.raw_connection()
            try:
                busy, *_ = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()
        return not busy

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


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


def connect(url: str) -> Engine:
    """An engine with the settings that tsbot relies on. Raises ``SettingsError`` for an unusable URL."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if parsed.database and parsed.database != ":memory:" and not parsed.database.startswith("file:"):
                _make_private(Path(parsed.database))
            engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
            _prepare_sqlite(engine)
        else:
            engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        words = f"The database URL cannot be used: {type(error).__name__}. Example: sqlite:///tsbot-data/tsbot.sqlite"
        raise SettingsError(words) from error
    except OSError as error:
        raise SettingsError(f"The database's file or folder cannot be made: {error.strerror}.") from error
    return engine


def _make_private(path: Path) -> None:
    """Make the file where there is none, for nobody else to read; SQLite gives its log files the same mode."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, full syncs, real deletion, and explicit transactions (the driver's implicit ones start too late)."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A writer takes the lock at once: two readers that both turn writer would fail instead of waiting.
        writes = connection.get_execution_options().get("tsbot_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    """Database errors as ours; without statements or parameters, which may hold private matter."""
    try:
        yield
    except DBAPIError as error:
        words = str(error.orig).lower()
        if "locked" in words or "deadlock" in words or "busy" in words:
            raise StoreBusyError("The database is locked by another process; the work is kept and tried again.") from None
        if "full" in words or "no space" in words or "disk i/o error" in words:
            raise StoreFullError("The disk is full. Make room; the work is kept and tried again.") from None
        if error.connection_invalidated or "connect" in words or "server closed" in words:
            raise StoreBusyError("The database does not answer; the work is kept and tried again.") from None
        raise StoreError(f"The database refused a statement: {type(error.orig).__name__}.") from None
