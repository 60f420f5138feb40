"""Transactions, the schema's versions, and trouble in our own words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from tsbot.errors import KeyFileError, SchemaError, SettingsError, StoreBusyError, StoreError, StoreFullError
from tsbot.store import engines as module
from tsbot.store import ledger, schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.store.tables import metadata


def test_migrations_make_just_the_tables_that_the_program_declares(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_go_down_again_and_up(database: Database) -> None:
    schema.downgrade(database, "base")
    with database.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    schema.upgrade(database)
    assert schema.current(database) == schema.newest()


def test_a_schema_of_a_newer_program_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(SchemaError, match="newer tsbot"):
        schema.upgrade(database)


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        ledger.count(connection, {"received": 5})
        raise RuntimeError
    with database.read() as connection:
        assert ledger.totals(connection).received == 0


def test_another_master_key_is_refused_and_nothing_changes(database: Database) -> None:
    other = Database(database.engine, MasterKey(b"x" * 32))
    with pytest.raises(KeyFileError, match="put the right key file back"):
        other.check_key()
    database.check_key()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """A database of SQLite, whatever the others are: the contract has what servers do."""
    store = Database(connect(f"sqlite:///{tmp_path / 'tsbot.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    yield store
    store.close()


def test_a_locked_database_is_trouble_that_passes(file: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    impatient = Database(connect(f"sqlite:///{tmp_path / 'tsbot.sqlite'}"), file.key)
    blocker = sqlite3.connect(tmp_path / "tsbot.sqlite", isolation_level=None)
    blocker.execute("begin immediate")
    try:
        with pytest.raises(StoreBusyError), impatient.write():
            pass
        with impatient.read() as connection:
            assert ledger.totals(connection).received == 0
    finally:
        blocker.close()
        impatient.close()


def test_a_full_disk_is_trouble_that_passes(file: Database) -> None:
    with file.read() as connection:
        pages = connection.scalar(text("pragma page_count"))

    def fill() -> None:
        with file.write() as connection:
            connection.exec_driver_sql(f"pragma max_page_count = {pages}")
            ledger.save_seen(connection, "event", b"x" * 200_000)

    with pytest.raises(StoreFullError, match="Make room"):
        fill()


def test_a_refused_statement_shows_no_parameters(database: Database) -> None:
    with pytest.raises(StoreError) as caught, database.write() as connection:
        connection.execute(text("insert into nowhere values (:secret)"), {"secret": "canary-7391"})
    assert "canary-7391" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nobody_else_can_read_the_database_and_its_log(tmp_path: Path) -> None:
    store = Database(connect(f"sqlite:///{tmp_path / 'fresh.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    files = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("fresh.sqlite*")}
    store.close()
    assert files == dict.fromkeys(("fresh.sqlite", "fresh.sqlite-wal", "fresh.sqlite-shm"), 0o600)


@pytest.mark.parametrize("url", ["", "nonsense", "oracle7://x", "sqlite:////proc/nowhere/x.sqlite"])
def test_an_unusable_url_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsError):
        connect(url)


def test_flags_of_before_get_a_priority_and_go_down_again_unharmed(database: Database) -> None:
    schema.downgrade(database, "0001")
    with database.write() as connection:
        columns = "id, wiki, kind, state, opened, updated"
        connection.execute(text(f"insert into case_file ({columns}) values ('c', 'enwiki', 'violence', 'new', 1, 1)"))
        columns = "id, subject, kind, case_id, wiki, field, probability, specificity, plausibility, imminence, language, coverage, detector"
        for name, kind, imminence in (("near", "violence", 3), ("far", "violence", 0), ("legal", "legal", 0)):
            values = f"'{name}', '{name}', '{kind}', 'c', 'enwiki', 'text', 0.5, 1, 1, {imminence}, 'en', 'scored', 'd'"
            more = "'patrol', 1, 1, :body"
            query = text(f"insert into flag ({columns}, source, event_time, created, body) values ({values}, {more})")
            connection.execute(query, {"body": b"\x00"})
        connection.execute(text("insert into outcome (flag_id, what, time, event_id) values ('near', 'hidden', 1, 'e')"))
    schema.upgrade(database)
    with database.read() as connection:
        rows = connection.execute(text("select id, priority, reasons from flag order by priority desc")).all()
    assert [row.id for row in rows] == ["near", "far", "legal"]
    assert all(sum(reason["points"] for reason in json.loads(row.reasons)) == row.priority > 0 for row in rows)
    schema.downgrade(database, "0001")
    with database.read() as connection:
        assert connection.scalar(text("select count(*) from flag join outcome on outcome.flag_id = flag.id")) == 1
