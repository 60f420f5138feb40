"""Fixtures that several rooms use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database of the newest schema."""
    store = Database(connect(f"sqlite:///{tmp_path / 'tsbot.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    yield store
    store.close()
