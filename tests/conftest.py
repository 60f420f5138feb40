"""Fixtures that several rooms use."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tsbot.cli.app import app
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
