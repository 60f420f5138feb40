"""A backup taken from one database can be restored into another of another sort."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from tsbot.cases.filing import Judged, Windows, file_flags, read_flag
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.restoring import restore
from tsbot.store import audit, backup, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

KEY = MasterKey(b"k" * 32)
NOW = 1_790_000_000.0


pytestmark = pytest.mark.live


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Any:
    """Debian's, on loopback."""
    return request.getfixturevalue(request.param)


def filled(database: Database) -> str:
    """A flag with a sealed text; its id."""
    event = Event(id="e", stream="x", kind=EventKind.EDIT, wiki="enwiki", time=NOW, title="Talk:Mühle 🌊", user="Grey Pebble", rev_id=7)
    finding = Finding(kinds={Kind.VIOLENCE: 0.9}, flagged=(Kind.VIOLENCE,), language="en", coverage=Coverage.SCORED)
    with database.write() as connection:
        judged = [Judged(event, Passage(Field.TEXT, "the mill by the river 🌊"), finding)]
        (flag,) = file_flags(connection, database.key, judged, detector="d", source="patrol", windows=Windows(), now=NOW)
        connection.execute(insert(t.note).values(case_id=flag.case_id, by="ann", created=NOW, body=b"\x00\xff sealed"))
    return flag.id


def test_from_sqlite_and_back(server: Any, tmp_path: Path) -> None:
    small = Database(connect(f"sqlite:///{tmp_path / 'small.sqlite'}"), KEY)
    schema.upgrade(small)
    small.check_key()
    flag = filled(small)
    made = backup.back_up(small, tmp_path / "rows", tmp_path / "keys", NOW)
    large = Database(connect(server.create(f"test_{uuid.uuid4().hex}")), MasterKey(b""))
    done = restore(large, KEY, made.path, backup.read_keys(made.keys), by="ann", now=NOW + 1, progress=lambda *_: None)
    assert done.rows == made.rows
    with large.write() as connection:
        found = read_flag(connection, large.key, flag)
        assert found is not None
        assert found.content is not None
        assert found.content.excerpt == "the mill by the river 🌊"
        assert audit.verify(connection) is None
        # New rows are numbered after those that were restored.
        connection.execute(insert(t.note).values(case_id=found.case_id, by="ann", created=NOW, body=b"x"))
        assert connection.scalars(select(t.note.c.body).order_by(t.note.c.id)).all() == [b"\x00\xff sealed", b"x"]
    again = backup.back_up(large, tmp_path / "rows", tmp_path / "keys", NOW + 2)
    back = Database(connect(f"sqlite:///{tmp_path / 'back.sqlite'}"), MasterKey(b""))
    restore(back, KEY, again.path, backup.read_keys(again.keys), by="ann", now=NOW + 3, progress=lambda *_: None)
    with back.read() as connection:
        assert read_flag(connection, back.key, flag) == found
    for database in (small, large, back):
        database.close()
