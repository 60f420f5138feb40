"""What the commands on cases have in common."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from tsbot.cases import approvals
from tsbot.cases.acts import Desk
from tsbot.cases.case import Case, find_case
from tsbot.cases.opening import LONGEST
from tsbot.cli import case_views
from tsbot.cli.common import EXIT_NOTHING, own_desk, read_settings
from tsbot.settings import Settings
from tsbot.store.database import Database
from tsbot.store.opening import open_store

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the case, or its beginning.")]
SeenOption = Annotated[
    int | None, typer.Option("--seen", min=0, metavar="VERSION", help="Version that you have seen; default: that of your own last act.")
]


@dataclass(frozen=True)
class Office:
    """What a command works with."""

    settings: Settings
    store: Database
    who: Desk

    def act(self, prefix: str, what: Callable[[Connection, str, float], Case]) -> Case:
        """Do something to a case; the case as it is then. A request for a second person is kept."""
        with approvals.asking(self.store) as connection:
            return what(connection, find_case(connection, prefix).id, time.time())


@contextmanager
def opened_office(config: Path | None, database: str | None) -> Iterator[Office]:
    """The store that the settings name, and who works with it."""
    settings = read_settings(config, database)
    store = open_store(settings)
    try:
        yield Office(settings, store, own_desk(store, settings))
    finally:
        store.close()


def read_text(name: str) -> str:
    """A text from a file or from input; longer than any that is taken is not read."""
    if name == "-":
        return sys.stdin.buffer.read(LONGEST * 4 + 1).decode("utf-8", "replace")
    with Path(name).open("rb") as file:
        return file.read(LONGEST * 4 + 1).decode("utf-8", "replace")


def tell(done: list[Case], words: str, *, as_json: bool) -> None:
    """Say what became of cases."""
    for case in done:
        if as_json:
            typer.echo(json.dumps(case_views.plain_case(case)))
        else:
            typer.echo(f"{case.id} {words} ({case.state}, version {case.version})")
    if not done:
        raise typer.Exit(EXIT_NOTHING)
