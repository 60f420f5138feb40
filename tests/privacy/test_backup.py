"""Backups: keys apart from rows, nothing that was destroyed comes back, nothing leaves twice, twice restored is once restored."""

from __future__ import annotations

import base64
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tsbot.cases.filing import read_flag
from tsbot.errors import BackupError, KeyFileError
from tsbot.report.channels import open_channels
from tsbot.report.deliver import Deliverer
from tsbot.restoring import HELD, Restored, restore
from tsbot.settings import PageSettings, ReleaseRule
from tsbot.store import audit, backup
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.store.keyfile import key_source, new_secret
from tsbot.store.outbox import ReportState

NOW = 1_790_000_000.0


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """Where the rows go, and where the keys go."""
    return tmp_path / "rows", tmp_path / "keys"


def save(desk: Any, places: tuple[Path, Path]) -> backup.Made:
    return backup.back_up(desk.database, *places, desk.clock())


def bring_back(desk: Any, made: backup.Made, name: str, *, keys: Path | None = None, key: MasterKey | None = None) -> tuple[Any, Restored]:
    """A new database, restored from a backup with the keys' file as it is now."""
    store = Database(connect(f"sqlite:///{desk.settings.data_path / name}"), MasterKey(b""))
    key = key or key_source(desk.settings).read()
    done = restore(store, key, made.path, backup.read_keys(keys or made.keys), by="ann", now=desk.clock(), progress=lambda *_: None)
    return store, done


def content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All rows, but for what a restoring itself writes."""
    found = {}
    with database.read() as connection:
        for table in t.metadata.sorted_tables:
            rows = [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            if table.name == "fact":
                rows = [row for row in rows if row[0] not in (backup.LAST, backup.RESTORED, audit.HEAD)]
            if table.name == "audit":
                rows = [row for row in rows if row[3] != "backup.restored"]
            found[table.name] = rows
    return found


def test_everything_comes_back_and_opens(desk: Any, places: tuple[Path, Path]) -> None:
    flag = desk.flag()
    made = save(desk, places)
    before = content(desk.database)
    store, done = bring_back(desk, made, "other.sqlite")
    with closing(store):
        after = content(store)
        for name in ("report",):  # what may have left is held; see below
            before.pop(name), after.pop(name)
        assert after == before
        with store.read() as connection:
            read = read_flag(connection, store.key, flag.id)
            assert read is not None
            assert read.content == flag.content
            assert audit.verify(connection) is None
        assert (done.rows, done.purged, done.keyless, done.again) == (made.rows, (), (), False)


def test_neither_file_holds_what_opens_the_other(desk: Any, places: tuple[Path, Path]) -> None:
    desk.flag()
    made = save(desk, places)
    text = zstandard.ZstdDecompressor().stream_reader(made.path.read_bytes()).read()
    keys = backup.read_keys(made.keys)
    for wrapped in (*keys.cases.values(), keys.working_keys):
        assert wrapped
        assert wrapped.encode() not in text
    secret = base64.b64encode(key_source(desk.settings).read().secret)
    assert secret not in text + made.keys.read_bytes()
    assert b"canary" not in text
    for path in (made.path, made.keys):
        assert path.stat().st_mode & 0o077 == 0


def test_what_was_purged_stays_purged(desk: Any, places: tuple[Path, Path]) -> None:
    """An old backup of the rows says nothing of a case that is purged since: its key is in no file any more."""
    flag, kept = desk.flag(), desk.flag(200, user="Grey Pebble", title="Talk:Mill", time=NOW - 900_000)
    old = save(desk, places)
    from tsbot.cases.purge import purge_case

    with desk.database.write() as connection:
        purge_case(connection, flag.case_id, why="due", by="tsbot", now=NOW)
    save(desk, places)
    store, done = bring_back(desk, old, "other.sqlite")
    with closing(store), store.read() as connection:
        assert done.purged == (flag.case_id,)
        gone, still = read_flag(connection, store.key, flag.id), read_flag(connection, store.key, kept.id)
        assert gone is not None
        assert gone.content is None
        assert still is not None
        assert still.content is not None
    # And a backup of the restored copy still knows.
    desk.database.close()
    desk.database = Database(connect(f"sqlite:///{desk.settings.data_path / 'other.sqlite'}"), key_source(desk.settings).read())
    desk.database.check_key()
    assert flag.case_id in backup.read_keys(save(desk, places).keys).purged


def releasing(desk: Any) -> None:
    """All letters leave by themselves, and grave ones wake somebody."""
    rules = {"violence": ReleaseRule()}
    report = msgspec.structs.replace(desk.settings.report, release=rules)
    desk.settings = msgspec.structs.replace(desk.settings, report=report, page=PageSettings(mail=("on-call@example.org",)))


def deliver(desk: Any, database: Database) -> None:
    deliverer = Deliverer(
        database, desk.settings, open_channels(desk.settings), account_status=None, clock=desk.clock, rng=random.Random(1), simulate=False
    )
    while deliverer.run_once():
        pass


def states(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as connection:
        c = t.report.c
        return [tuple(row) for row in connection.execute(select(c.purpose, c.state, c.last_error).order_by(c.purpose, c.id))]


def test_a_copy_that_is_behind_delivers_nothing_again(desk: Any, places: tuple[Path, Path]) -> None:
    releasing(desk)
    desk.flag()
    behind = save(desk, places)  # nothing has left yet
    deliver(desk, desk.database)
    later = desk.flag(300, user="Grey Pebble", title="Talk:Mill")  # found, and told of, after the backup
    deliver(desk, desk.database)
    sent = set(desk.settings.spool_path.glob("*.eml"))
    assert {state for _, state, _ in states(desk.database)} == {"sent"}
    for path in sent:
        path.unlink()
    store, done = bring_back(desk, behind, "behind.sqlite")
    with closing(store):
        assert len(done.held) == len([row for row in states(store) if row[2] == HELD]) >= 2  # the letter and the page
        # The patrol reads on from where the backup was, and meets the later edit once more.
        again = desk.database
        desk.database = store
        desk.flag(300, user="Grey Pebble", title="Talk:Mill", time=later.event_time)
        deliver(desk, store)
        desk.database = again
        left = [path for path in desk.settings.spool_path.glob("*.eml") if b"X-Tsbot-State: held" not in path.read_bytes()]
        assert left == []
        assert {state for _, state, _ in states(store)} == {ReportState.HELD.value}
        assert [purpose for purpose, _, _ in states(store)].count("page") == 1  # none for the later one


def test_edits_after_the_restoring_are_told_of_as_ever(desk: Any, places: tuple[Path, Path]) -> None:
    releasing(desk)
    made = save(desk, places)
    store, _ = bring_back(desk, made, "other.sqlite")
    with closing(store):
        desk.clock.now += 100
        desk.database = store
        desk.flag(400, time=desk.clock.now - 5)
        deliver(desk, store)
        assert {state for _, state, _ in states(store)} == {"sent"}


def test_restored_twice_is_restored_once(desk: Any, places: tuple[Path, Path]) -> None:
    desk.flag()
    made = save(desk, places)
    store, first = bring_back(desk, made, "other.sqlite")
    before = content(store)
    store.close()
    store, second = bring_back(desk, made, "other.sqlite")
    with closing(store):
        assert (first.again, second.again, second.rows) == (False, True, 0)
        assert content(store) == before


def test_a_database_that_holds_something_is_left_alone(desk: Any, places: tuple[Path, Path]) -> None:
    desk.flag()
    made = save(desk, places)
    before = content(desk.database)
    with pytest.raises(BackupError, match="not empty"):
        restore(
            desk.database,
            key_source(desk.settings).read(),
            made.path,
            backup.read_keys(made.keys),
            by="ann",
            now=NOW,
            progress=lambda *_: None,
        )
    assert content(desk.database) == before


def test_wrong_keys_change_nothing(desk: Any, places: tuple[Path, Path], tmp_path: Path) -> None:
    desk.flag()
    older = save(desk, places)
    keys = tmp_path / "older-keys.json"
    keys.write_bytes(older.keys.read_bytes())
    desk.clock.now += 60
    made = save(desk, places)
    with pytest.raises(BackupError, match="older than the backup"):
        bring_back(desk, made, "other.sqlite", keys=keys)
    with pytest.raises(KeyFileError, match="does not open this backup"):
        bring_back(desk, made, "other.sqlite", key=MasterKey(new_secret()))
    with closing(sqlite3.connect(desk.settings.data_path / "other.sqlite")) as connection:
        assert connection.execute("select count(*) from sqlite_master").fetchone() == (0,)


def damages() -> Iterator[Any]:
    yield lambda data, _rng: data[: len(data) // 2]
    yield lambda data, _rng: data[:-1]
    yield lambda _data, _rng: b"no backup"
    yield lambda _data, _rng: b""
    yield lambda data, _rng: zstandard.compress(zstandard.ZstdDecompressor().stream_reader(data).read().rsplit(b"\n", 2)[0] + b"\n")


@pytest.mark.parametrize("damage", list(damages()), ids=["half", "last byte", "other", "empty", "no end"])
def test_a_damaged_backup_changes_nothing(desk: Any, places: tuple[Path, Path], damage: Any) -> None:
    desk.flag()
    made = save(desk, places)
    made.path.write_bytes(damage(made.path.read_bytes(), random.Random(1)))
    with pytest.raises(BackupError):
        bring_back(desk, made, "other.sqlite")
    with closing(sqlite3.connect(desk.settings.data_path / "other.sqlite")) as connection:
        assert connection.execute("select count(*) from sqlite_master").fetchone() == (0,)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_refused_in_our_own_words(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("rubbish") / "x.tsbot.zst"
    for data in (rubbish, zstandard.compress(rubbish), zstandard.compress(b'{"format":"tsbot-backup-1"}\n' + rubbish)):
        path.write_bytes(data)
        with pytest.raises(BackupError):
            backup.verify(path)
        with pytest.raises(BackupError):
            backup.read_keys(path)


def test_a_backup_of_an_older_schema_is_brought_up_to_date(desk: Any, places: tuple[Path, Path]) -> None:
    from tsbot.store import schema

    desk.flag()
    made = save(desk, places)
    # As a tsbot of before the look backs would have written it.
    lines = zstandard.ZstdDecompressor().stream_reader(made.path.read_bytes()).read().splitlines(keepends=True)
    import hashlib
    import json

    header = json.loads(lines[0]) | {"schema": "0006"}
    header["rows"].pop("scan_job")
    body = lines[1:-1]
    end = json.dumps({"end": hashlib.sha256(b"".join(body)).hexdigest()}).encode() + b"\n"
    made.path.write_bytes(zstandard.compress(json.dumps(header).encode() + b"\n" + b"".join(body) + end))
    store, done = bring_back(desk, made, "other.sqlite")
    with closing(store):
        assert schema.current(store) == schema.newest()
        assert done.rows == made.rows
