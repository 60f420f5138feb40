"""What all commands share: options, opening the store, exit codes."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from sqlalchemy import inspect, select

from tsbot.errors import (
    DemoError,
    InputError,
    KeyFileError,
    SettingsError,
    StoreError,
    StreamUnavailableError,
    TsbotError,
    WikiUnavailableError,
)
from tsbot.settings import Settings, load
from tsbot.store import schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, create_key, load_key
from tsbot.store.database import Database, connect

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file; default: $TSBOT_CONFIG, else tsbot.toml if there is one."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="SQLAlchemy URL of the database; default: SQLite in the data folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]

EXIT_NOTHING = 1
"""The thing asked for does not exist, or a check failed."""
EXIT_USAGE = 2
"""The command line, settings or key cannot be used."""
EXIT_PARTIAL = 3
"""Done, but some input was bad; the output names which."""
EXIT_UNAVAILABLE = 4
"""Something outside (network, wiki, database) does not answer."""

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


def open_store(settings: Settings) -> Database:
    """The database of the settings, its schema brought up to date and its key checked.

    The first start makes the key file. Raises ``KeyFileError``, ``SchemaError``, ``SettingsError`` or ``StoreError``.
    """
    engine = connect(settings.database_url)
    database = Database(engine, MasterKey(b""))
    try:
        database.key = _key(settings, database)
        schema.upgrade(database)
        database.check_key()
    except BaseException:
        database.close()
        raise
    return database


def _key(settings: Settings, database: Database) -> MasterKey:
    """The master key; a new one only where nothing was ever encrypted."""
    if settings.key_path.exists():
        return load_key(settings.key_path)
    with database.read() as connection:
        used = inspect(connection).has_table(t.fact.name) and connection.scalar(
            select(t.fact.c.value).where(t.fact.c.name == "master_key")
        )
    if used:
        return load_key(settings.key_path)  # raises: the database was encrypted with a key that is not here
    return create_key(settings.key_path)


def operator() -> str:
    """Who acts on the command line: the operating-system user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
