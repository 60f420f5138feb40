"""Backups: the whole database as one file, and the data keys apart from it in another.

The database's file is zstd of JSON lines: a header, every row of every table, and a last line that vouches for all before it. It is the
same for SQLite, PostgreSQL and MariaDB, and what was taken from one can be restored into another. The wrapped keys of the cases stand in
the keys' file only, which each backup replaces: a case that is purged is not in the next one, and so an old backup of the database says
nothing of it any more. The master key is in neither.

Nobody's session is kept.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec
import zstandard
from sqlalchemy import Connection, Table, func, select

from tsbot import __version__
from tsbot.errors import BackupError
from tsbot.store import schema
from tsbot.store import tables as t
from tsbot.store.database import WORKING_KEYS, Database

FORMAT = "tsbot-backup-1"
KEYS_FORMAT = "tsbot-keys-1"
SUFFIX = ".tsbot.zst"
KEYS_FILE = "tsbot-data-keys.json"
LEFT_OUT = frozenset(("console_session", "lease", "worker", "trace_cache"))
"""Who is signed in, and which processes run, what wikis answered a minute ago: nothing of that holds in another copy."""
LAST = "last_backup"
"""Fact: when the last backup was made, for the doctor."""
RESTORED = "restored"
"""Fact: JSON, which backup this database was restored from and when."""

Progress = Callable[[str, int, int], None]


class Header(msgspec.Struct, frozen=True):
    """The first line of a backup."""

    format: str
    id: str
    """Of this backup."""
    made: float
    schema: str
    version: str
    """Of tsbot."""
    master_key: str
    """Fingerprint of the master key that opens it."""
    rows: dict[str, int]


class Keys(msgspec.Struct, frozen=True):
    """The keys' file."""

    format: str
    id: str
    """Of the backup that was made with it."""
    made: float
    master_key: str
    working_keys: str
    """Wrapped."""
    cases: dict[str, str]
    """Wrapped data keys by case, in base64."""
    purged: dict[str, float]
    """Cases whose keys were destroyed, and when: they stay destroyed whatever is restored."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    id: str
    path: Path
    keys: Path
    rows: int
    cases: int
    purged: int
    bytes: int


def back_up(database: Database, folder: Path, keys_folder: Path, now: float, progress: Progress = lambda *_: None) -> Made:
    """Write a backup of what the database holds at this moment; a patrol may run meanwhile.

    Raises ``BackupError`` where a file cannot be written; then the earlier files are as they were. And ``StoreError``.
    """
    identity = str(uuid.uuid4())
    try:
        for one in (folder, keys_folder):
            one.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"tsbot-{_stamp(now)}-{identity[:8]}{SUFFIX}"
        keys_path = keys_folder / KEYS_FILE
        with database.read() as connection:  # one view of all tables
            _steady(connection)
            keys = _keys(connection, identity, now, database.key.fingerprint)
            known = _known_purged(keys_path)
            keys = msgspec.structs.replace(keys, purged=known | keys.purged)
            header = Header(FORMAT, identity, now, schema.newest(), __version__, database.key.fingerprint, _counts(connection))
            _write(path, lambda file: _dump(file, connection, header, progress))
        # The rows first: keys without rows do no harm, and the other way round is a backup that nothing opens.
        _write(keys_path, lambda file: file.write(msgspec.json.encode(keys) + b"\n"))
    except OSError as error:
        raise BackupError(f"The backup cannot be written: {error.strerror or type(error).__name__}.") from error
    with database.write() as connection:
        set_fact(connection, LAST, repr(now))
    return Made(identity, path, keys_path, sum(header.rows.values()), len(keys.cases), len(keys.purged), path.stat().st_size)


def read_header(path: Path) -> Header:
    """The first line of a backup. Raises ``BackupError``."""
    with _lines(path) as lines:
        return _header(path, lines)


def verify(path: Path) -> Header:
    """Read a backup to its end. Raises ``BackupError`` if it is damaged, or was never finished."""
    with _lines(path) as lines:
        header = _header(path, lines)
        for _ in rows(path, lines, header):
            pass
    return header


def read_keys(path: Path) -> Keys:
    """The keys' file. Raises ``BackupError``."""
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=Keys)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise BackupError(f"{path} is no file of keys of tsbot, or is damaged.") from error
    if keys.format != KEYS_FORMAT:
        raise BackupError(f"{path} has the format {keys.format[:32]!a}; this tsbot reads {KEYS_FORMAT}.")
    return keys


def rows(path: Path, lines: Iterator[bytes], header: Header) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row, in the order in which they must be inserted; the end is looked at, too. Raises ``BackupError``."""
    digest = hashlib.sha256()
    table = ""
    seen: dict[str, int] = {}
    for line in lines:
        entry = json.loads(line)
        if "end" in entry:
            if entry["end"] != digest.hexdigest() or {name: n for name, n in header.rows.items() if n} != seen:
                raise BackupError(f"{path} is damaged: its end does not vouch for what stands before it. Nothing was changed.")
            return
        digest.update(line)
        if "table" in entry:
            table = str(entry["table"])
        else:
            seen[table] = seen.get(table, 0) + 1
            yield table, {name: _value(value) for name, value in entry.items()}
    raise BackupError(f"{path} ends before its end: it was not finished, or cut off. Nothing was changed.")


@contextmanager
def opened(path: Path) -> Iterator[tuple[Header, Iterator[tuple[str, dict[str, Any]]]]]:
    """The header and the rows of a backup. Raises ``BackupError``."""
    with _lines(path) as lines:
        header = _header(path, lines)
        yield header, rows(path, lines, header)


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Have the database say something of itself."""
    changed = connection.execute(t.fact.update().where(t.fact.c.name == name).values(value=value))
    if not changed.rowcount:
        connection.execute(t.fact.insert().values(name=name, value=value))


def fact(connection: Connection, name: str) -> str | None:
    """What the database says of itself."""
    return connection.scalar(select(t.fact.c.value).where(t.fact.c.name == name))


def restored_at(connection: Connection) -> float | None:
    """When this database was restored; edits of before may have been told of already. None if it never was."""
    value = fact(connection, RESTORED)
    return float(json.loads(value)["at"]) if value else None


def _dump(file: IO[bytes], connection: Connection, header: Header, progress: Progress) -> None:
    digest = hashlib.sha256()
    with zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as out:
        out.write(msgspec.json.encode(header) + b"\n")

        def write(entry: dict[str, Any]) -> None:
            line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            out.write(line)

        for table in _tables():
            if not header.rows[table.name]:
                continue
            write({"table": table.name})
            query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=500)
            for done, row in enumerate(connection.execute(query).mappings(), 1):
                write({name: _plain(value) for name, value in _without_keys(table, dict(row)).items()})
                if done % 1000 == 0:
                    progress(table.name, done, header.rows[table.name])
        out.write(json.dumps({"end": digest.hexdigest()}).encode() + b"\n")


def _without_keys(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    if table is t.case:
        return row | {"data_key": None}
    if table is t.fact and row["name"] == WORKING_KEYS:
        return row | {"value": ""}
    return row


def _keys(connection: Connection, identity: str, now: float, master: str) -> Keys:
    held = connection.execute(select(t.case.c.id, t.case.c.data_key).where(t.case.c.data_key.is_not(None))).all()
    purged = connection.execute(select(t.case.c.id, t.case.c.purged).where(t.case.c.purged.is_not(None))).all()
    cases = {row.id: base64.b64encode(row.data_key).decode() for row in held}
    return Keys(KEYS_FORMAT, identity, now, master, fact(connection, WORKING_KEYS) or "", cases, {row.id: row.purged for row in purged})


def _known_purged(path: Path) -> dict[str, float]:
    """Cases that an earlier backup knew as purged: a database restored from before then may have forgotten."""
    return dict(read_keys(path).purged) if path.exists() else {}


def _tables() -> list[Table]:
    return [table for table in t.metadata.sorted_tables if table.name not in LEFT_OUT]


def _counts(connection: Connection) -> dict[str, int]:
    return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in _tables()}


def _steady(connection: Connection) -> None:
    """One view of the database for the whole backup; SQLite gives that by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _write(path: Path, work: Callable[[IO[bytes]], object]) -> None:
    """A file for nobody else to read, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            work(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as packed:
            yield iter(io.BufferedReader(packed, 1 << 20))
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from error
    except (zstandard.ZstdError, ValueError) as error:
        raise BackupError(f"{path} is damaged, or no backup of tsbot. Nothing was changed.") from error


def _header(path: Path, lines: Iterator[bytes]) -> Header:
    try:
        header = msgspec.json.decode(next(lines, b""), type=Header)
    except msgspec.DecodeError as error:
        raise BackupError(f"{path} is no backup of tsbot.") from error
    if header.format != FORMAT:
        raise BackupError(f"{path} has the format {header.format[:32]!a}; this tsbot reads {FORMAT}.")
    return header


def _plain(value: object) -> object:
    return {"b": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _value(value: object) -> object:
    return base64.b64decode(value["b"]) if isinstance(value, dict) else value


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
