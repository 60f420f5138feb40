"""Fixtures that several rooms use."""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import settings

from tsbot.cli.app import app
from tsbot.demo.engines.mariadb import MariaDB
from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect

settings.register_profile("tsbot", deadline=None)  # no test depends on a time
settings.load_profile("tsbot")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server of this run's own."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server of this run's own."""
    with MariaDB() as server:
        yield server


@pytest.fixture
def database_url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where the tests' database is: SQLite, unless TSBOT_TEST_DATABASE says ``postgresql`` or ``mariadb``."""
    of_a_file = request.node.get_closest_marker("sqlite") is not None
    backend = "sqlite" if of_a_file else os.environ.get("TSBOT_TEST_DATABASE", "sqlite")
    if backend == "sqlite":
        return f"sqlite:///{tmp_path / 'tsbot.sqlite'}"
    url: str = request.getfixturevalue(backend).create(f"test_{uuid.uuid4().hex}")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database of the newest schema."""
    store = Database(connect(database_url), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    yield store
    store.close()


@pytest.fixture(scope="session")
def reach() -> Callable[[str], tuple[str, ...]]:
    """The command that a command line reaches, for instance ``("flags", "list")``; raises where tsbot would refuse the line.

    A name alone (``tsbot flags``, ``tsbot reports release``) is enough; with arguments, all of them must be right.
    """

    def find(line: str) -> tuple[str, ...]:
        words = shlex.split(line, comments=True)
        assert words[0] == "tsbot"
        words = words[1 : next((index for index, word in enumerate(words) if word in ("|", ">", "<", "&&", ";")), len(words))]
        command: Any = typer.main.get_command(app)
        path: list[str] = []
        while words and words[0] in getattr(command, "commands", ()):
            path.append(words.pop(0))
            command = command.commands[path[-1]]
        if words:
            command.make_context(" ".join(("tsbot", *path)), words)
        assert path or words, line
        return tuple(path)

    return find
