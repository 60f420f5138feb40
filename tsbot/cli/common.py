"""What all commands share: options, opening the store, exit codes."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tsbot.cases.acts import Desk, desk
from tsbot.console.people import Person
from tsbot.console.tokens import find
from tsbot.errors import (
    DemoError,
    ForgedError,
    InputError,
    KeyFileError,
    SettingsError,
    StoreError,
    StreamUnavailableError,
    TsbotError,
    WikiUnavailableError,
)
from tsbot.report.wording import misleading
from tsbot.settings import Settings, load
from tsbot.store.database import Database

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; default: $TSBOT_CONFIG, else tsbot.toml if there is one."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="SQLAlchemy URL of the database; default: SQLite in the data folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

HOLDER = "TSBOT_TOKEN"
"""Environment variable with a personal token of the console."""

EXIT_NOTHING = 1
"""The thing asked for does not exist, or a check failed."""
EXIT_USAGE = 2
"""The command line, settings or key cannot be used."""
EXIT_PARTIAL = 3
"""Done, but some input was bad; the output names which."""
EXIT_UNAVAILABLE = 4
"""Something outside (network, wiki, database) does not answer."""
EXIT_FAULT = 5
"""A fault of tsbot itself."""

UNAVAILABLE = (StreamUnavailableError, WikiUnavailableError, StoreError)
MISUSED = (InputError, SettingsError, KeyFileError)


def exit_code(error: TsbotError) -> int:
    """The exit code that an error ends a command with."""
    if isinstance(error, MISUSED):
        return EXIT_USAGE
    return EXIT_UNAVAILABLE if isinstance(error, (*UNAVAILABLE, DemoError)) else EXIT_NOTHING


def read_settings(config: Path | None, database: str | None = None) -> Settings:
    """The settings with the command line's overrides. Raises ``SettingsError``."""
    settings = load(config)
    if database:
        url = database if "://" in database else f"sqlite:///{database}"
        settings = msgspec.structs.replace(settings, database=url)
    return settings


def terminal() -> Console:
    """Where people read. What stands in square brackets is text: names and texts of strangers are shown here."""
    return Console(markup=False, emoji=False)


def harmless(text: str) -> str:
    """A stranger's text for a terminal, character for character: what would steer the terminal, or hide, becomes U+FFFD."""
    return "".join("\ufffd" if misleading(char) and char != "\n" else char for char in text)


def operator() -> str:
    """The operating-system user, by the process's real id: the environment's word for it (``LOGNAME``) can be anybody's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def acting(store: Database) -> str:
    """Who acts on the command line: whoever's personal token ``TSBOT_TOKEN`` is, by pseudonym; without one the operating-system user.

    Raises ``InputError`` for a token that is not valid.
    """
    person = _token_holder(store)
    return operator() if person is None else person.pseudonym


def own_desk(store: Database, settings: Settings) -> Desk:
    """Whoever acts on the command line, at work. Raises as :func:`acting`, and ``SettingsError``."""
    person = _token_holder(store)
    if person is None:
        return desk(operator(), store.key, settings)
    accounts = {person.pseudonym: (person.name,)}  # a holder's account is known, and nobody hides behind a pseudonym
    return desk(person.pseudonym, store.key, msgspec.structs.replace(settings, people=accounts))


def _token_holder(store: Database) -> Person | None:
    token = os.environ.get(HOLDER)
    if not token:
        return None
    try:
        with store.read() as connection:
            return find(connection, store.key, token, time.time())[0]
    except ForgedError as error:
        raise InputError(f"{HOLDER}: {error}") from error
