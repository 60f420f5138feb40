"""Restoring a backup so that nothing leaves twice and nothing destroyed comes back.

A copy that is behind does not know what left after it was taken. So what might have left is held and named, not sent: every message that
was on its way, every reminder that was due, and every letter about an edit of before the restoring that the patrol meets again
(:func:`tsbot.report.filing.file_reports` asks :func:`tsbot.store.backup.restored_at`). Cases that the keys' file knows as purged are
purged again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, MetaData, func, inspect, select, update

from tsbot.cases.purge import purge_case
from tsbot.errors import BackupError, KeyFileError
from tsbot.store import audit, backup, schema
from tsbot.store import tables as t
from tsbot.store.backup import Header, Keys, Progress
from tsbot.store.crypto import MasterKey
from tsbot.store.database import WORKING_CONTEXT, WORKING_KEYS, Database
from tsbot.store.outbox import Purpose, ReportState

BATCH = 500
HELD = "restored: may have been sent"
"""``last_error`` of a message that is held because the backup does not know whether it left."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoring did."""

    backup: str
    made: float
    rows: int
    held: tuple[str, ...]
    """Messages that may have left already; a person looks, and releases or withdraws them."""
    quieted: int
    """Letters that nobody is reminded of any more by themselves."""
    purged: tuple[str, ...]
    """Cases that were purged after the backup was made."""
    keyless: tuple[str, ...]
    """Cases whose key is in no file: their texts stay sealed for ever."""
    again: bool = False
    """It had been restored before; nothing was done."""


def restore(database: Database, key: MasterKey, path: Any, keys: Keys, *, by: str, now: float, progress: Progress) -> Restored:
    """Restore a backup into an empty database. Doing it twice changes nothing the second time.

    Raises ``BackupError`` for a backup that is damaged, for other keys, or for a database that holds something else; ``KeyFileError``
    where the master key does not open it. In all cases nothing is changed.
    """
    header = backup.verify(path)
    if keys.made < header.made:
        words = "The file of data keys is older than the backup: cases that came between would stay sealed. Name the newest one."
        raise BackupError(words)
    _check_key(key, keys)
    if done := _done_before(database, header):
        return done
    if schema.current(database) is None:
        schema.upgrade(database, header.schema)
    elif schema.current(database) != header.schema:
        if _rows_in(database):
            raise BackupError("The database is not empty. Name an empty one with --database; nothing was changed.")
        schema.downgrade(database, "base")
        schema.upgrade(database, header.schema)
    with database.engine.connect().execution_options(tsbot_write=True) as connection, connection.begin():
        if _filled(connection):
            raise BackupError("The database is not empty. Name an empty one with --database; nothing was changed.")
        number = _insert(connection, path, keys, progress)
        backup.set_fact(connection, backup.RESTORED, json.dumps({"backup": header.id, "made": header.made, "at": now, "finished": False}))
    schema.upgrade(database)
    database.key = key
    database.check_key()
    with database.write() as connection:
        return _settle(connection, header, keys, number, by=by, now=now)


def _check_key(key: MasterKey, keys: Keys) -> None:
    try:
        chosen = key.choose(keys.master_key)
        if keys.working_keys:
            chosen.open(base64.b64decode(keys.working_keys), WORKING_CONTEXT)
    except KeyFileError as error:
        raise KeyFileError(f"The master key does not open this backup, which needs {keys.master_key}. Nothing was changed.") from error


def _done_before(database: Database, header: Header) -> Restored | None:
    if schema.current(database) is None:
        return None
    with database.engine.connect() as connection:
        value = backup.fact(connection, backup.RESTORED) if inspect(connection).has_table(t.fact.name) else None
    known = json.loads(value) if value else {}
    if known.get("backup") != header.id:
        return None
    if not known.get("finished"):
        raise BackupError("An earlier restoring into this database was cut off half-way. Name an empty database, or delete this one.")
    return Restored(header.id, header.made, 0, (), 0, (), (), again=True)


def _rows_in(database: Database) -> bool:
    with database.engine.connect() as connection:
        return _filled(connection)


def _filled(connection: Connection) -> bool:
    """Whether a database holds more than what tsbot writes into an empty one."""
    present = set(inspect(connection).get_table_names())
    tables = (t.case, t.flag, t.report, t.counter, t.pending, t.dead_letter, t.person)
    return any(connection.scalar(select(func.count()).select_from(table)) for table in tables if table.name in present)


def _insert(connection: Connection, path: Any, keys: Keys, progress: Progress) -> int:
    known = MetaData()
    known.reflect(connection)  # the schema that the backup was made with
    for name in ("fact", "audit"):  # what opening an empty database writes
        connection.execute(known.tables[name].delete())
    number = 0
    with backup.opened(path) as (header, rows):
        for table, some in _batches(rows):
            if table == t.case.name:
                for row in some:
                    held = keys.cases.get(row["id"])
                    row["data_key"] = base64.b64decode(held) if held and row["purged"] is None else None
            if table == t.fact.name:
                for row in some:
                    row["value"] = keys.working_keys if row["name"] == WORKING_KEYS else row["value"]
            connection.execute(known.tables[table].insert(), some)
            number += len(some)
            progress(table, number, sum(header.rows.values()))
    _count_on(connection, known)
    return number


def _batches(rows: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    table = ""
    some: list[dict[str, Any]] = []
    for name, row in rows:
        if some and (name != table or len(some) == BATCH):
            yield table, some
            some = []
        table = name
        some.append(row)
    if some:
        yield table, some


def _count_on(connection: Connection, known: MetaData) -> None:
    """Have PostgreSQL number new rows after those that were restored; the others do so by themselves."""
    if connection.dialect.name != "postgresql":
        return
    for table in known.sorted_tables:
        for column in table.primary_key.columns:
            sequence = connection.exec_driver_sql("SELECT pg_get_serial_sequence(%s, %s)", (table.name, column.name)).scalar()
            if sequence:
                highest = connection.scalar(select(func.max(column)))
                if highest:
                    connection.exec_driver_sql("SELECT setval(%s, %s)", (sequence, highest))


def _settle(connection: Connection, header: Header, keys: Keys, number: int, *, by: str, now: float) -> Restored:
    c = t.report.c
    waiting = (ReportState.NEW.value, ReportState.QUEUED.value)
    held: Sequence[str] = connection.scalars(select(c.id).where(c.state.in_(waiting)).order_by(c.id)).all()
    # What is not written yet stays new, so that it is written; nothing of it is released any more.
    for state, becomes in ((ReportState.NEW.value, ReportState.NEW.value), (ReportState.QUEUED.value, ReportState.HELD.value)):
        values = {"state": becomes, "auto": False, "released": None, "released_by": None, "last_error": HELD, "step_due": None}
        connection.execute(update(t.report).where(c.state == state).values(values))
    unwritten = (c.purpose != Purpose.LETTER.value, c.state == ReportState.NEW.value)
    connection.execute(update(t.report).where(*unwritten).values(state=ReportState.HELD.value))
    due = (c.step_due.is_not(None), c.state == ReportState.SENT.value)
    quieted = connection.execute(update(t.report).where(*due).values(step_due=None)).rowcount
    gone = [case for case in keys.purged if _is_alive(connection, case)]
    for case in gone:
        purge_case(connection, case, why="restored", by=by, now=now)
    keyless = connection.scalars(select(t.case.c.id).where(t.case.c.data_key.is_(None), t.case.c.purged.is_(None)).order_by(t.case.c.id))
    told = Restored(header.id, header.made, number, tuple(held), quieted, tuple(gone), tuple(keyless))
    known = {"backup": header.id, "made": header.made, "at": now, "finished": True}
    backup.set_fact(connection, backup.RESTORED, json.dumps(known))
    details: dict[str, audit.Value] = {"made": header.made, "held": len(held), "purged": len(gone), "keyless": len(told.keyless)}
    audit.record(connection, by, "backup.restored", header.id, now, details)
    return told


def _is_alive(connection: Connection, case: str) -> bool:
    return connection.scalar(select(t.case.c.id).where(t.case.c.id == case, t.case.c.purged.is_(None))) is not None


