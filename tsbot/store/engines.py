"""What differs between SQLite, PostgreSQL and MariaDB: how to connect, what their errors mean, what time it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, literal_column, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from tsbot.errors import SettingsError, StoreBusyError, StoreConflictError, StoreError, StoreFullError

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 10
READING = "REPEATABLE READ"
"""One view for all statements of a transaction that reads. SQLite has no other."""
WRITING = "READ COMMITTED"
"""A row that was locked for writing is seen as it is, not as it was when the transaction began."""
DRIVERS = {"postgresql": ("psycopg", "postgresql"), "mariadb": ("pymysql", "mariadb"), "mysql": ("pymysql", "mariadb")}
"""Driver and extra of each kind of server."""
_PASSING = ("locked", "deadlock", "busy", "lock wait", "lock timeout", "could not serialize", "record has changed")
_FULL = ("disk is full", "database or disk is full", "no space", "disk i/o error", "disk full", "table is full", "is full")
_AWAY = ("connect", "server closed", "gone away", "shutting down", "shut down", "starting up", "recovery", "terminating", "broken pipe")
_CLOCKS = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch from clock_timestamp())::double precision",
    "mysql": "unix_timestamp(sysdate(6)) + 0e0",
    "mariadb": "unix_timestamp(sysdate(6)) + 0e0",
}


def connect(url: str) -> Engine:
    """An engine with the settings that tsbot relies on. Raises ``SettingsError`` for an unusable URL or a driver that is missing."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            return _sqlite(parsed)
        if backend in DRIVERS:
            return _server(parsed, *DRIVERS[backend])
        return create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        words = f"The database URL cannot be used: {type(error).__name__}. Example: sqlite:///tsbot-data/tsbot.sqlite"
        raise SettingsError(words) from error
    except OSError as error:
        raise SettingsError(f"The database's file or folder cannot be made: {error.strerror}.") from error


def is_server(engine: Engine) -> bool:
    """Whether several processes on several machines can work on the database at once."""
    return engine.dialect.name != "sqlite"


def now(connection: Connection) -> float:
    """The database's own time, in seconds since the epoch: the one clock that all processes have in common."""
    return float(connection.execute(select(literal_column(_CLOCKS[connection.dialect.name]))).scalar_one())


def translated(error: DBAPIError, *, server: bool) -> StoreError:
    """A database's error as ours; without statements or parameters, which may hold private matter."""
    words = str(error.orig).lower()
    if any(sign in words for sign in _PASSING):
        return StoreBusyError("The database is locked by another process; the work is kept and tried again.")
    if any(sign in words for sign in _FULL):
        return StoreFullError("The disk is full. Make room; the work is kept and tried again.")
    if error.connection_invalidated or any(sign in words for sign in _AWAY):
        return StoreBusyError("The database does not answer; the work is kept and tried again.")
    if server and isinstance(error, IntegrityError):
        return StoreConflictError("Two processes wrote the same at once; the work is kept and tried again.")
    return StoreError(f"The database refused a statement: {type(error.orig).__name__}.")


def _server(url: URL, driver: str, extra: str) -> Engine:
    if "+" not in url.drivername:
        url = url.set(drivername=f"{url.drivername}+{driver}")
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    if extra == "mariadb":
        arguments["charset"] = "utf8mb4"
    try:
        return create_engine(url, pool_pre_ping=True, isolation_level=WRITING, connect_args=arguments)
    except ImportError as error:
        words = f"The database URL needs a driver that is not installed ({driver}). Run: pip install 'tsbot[{extra}]'"
        raise SettingsError(words) from error


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        _make_private(Path(url.database))
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    _prepare_sqlite(engine)
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
