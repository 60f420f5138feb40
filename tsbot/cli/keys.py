"""``tsbot keys``: the master keys."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption, acting, read_settings, terminal
from tsbot.store import rotation
from tsbot.store.database import Database
from tsbot.store.keyfile import KeySource, key_source, new_secret, spell
from tsbot.store.opening import open_store

keys = typer.Typer(help="List, rotate and retire master keys.", no_args_is_help=True)


@keys.command("list")
def list_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List the master keys by their fingerprints, newest first, with how many data keys each wraps.

    Example: tsbot keys list
    """
    with _opened(config, database) as (store, source):
        found = rotation.held(store, source)
    if as_json:
        for key in found:
            typer.echo(json.dumps(dataclasses.asdict(key)))
        return
    table = Table()
    for heading in ("master key", "state", "data keys"):
        table.add_column(heading)
    for key in found:
        table.add_row(key.fingerprint, key.state, str(key.data_keys))
    terminal().print(table)


@keys.command("rotate")
def rotate_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Add a new master key and wrap everything with it. A rotation that was cut off is gone on with instead.

    The patrol may run meanwhile. Back the key file up afterwards; the old key stays in it until it is retired.

    Example: tsbot keys rotate
    """
    with _opened(config, database) as (store, source):
        done = rotation.rotate(store, source, by=acting(store), now=time.time())
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(done)))
        return
    words = "is the new master key" if done.added else "is the master key; what had begun is done"
    typer.echo(f"{done.fingerprint} {words}. {done.rewrapped} data keys were wrapped with it. Back the key file up now.")


@keys.command("retire")
def retire_command(
    key: Annotated[str, typer.Argument(metavar="FINGERPRINT", help="Fingerprint of the old key, or its beginning.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take an old master key out of the key file. Refused while anything is wrapped by it.

    Backups of the database that are older than the rotation cannot be opened any more once every copy of the key is gone.

    Example: tsbot keys retire 3f2a91c0
    """
    with _opened(config, database) as (store, source):
        name = rotation.retire(store, source, key, by=acting(store), now=time.time())
    typer.echo(json.dumps({"fingerprint": name, "done": True}) if as_json else f"{name} is retired. Destroy its other copies, too.")


@keys.command("new")
def new_command(as_json: JsonOption = False) -> None:
    """Print a new master key, for installations that keep keys in the environment or hand them over by systemd. It is a secret.

    Example: tsbot keys new
    """
    line = spell(new_secret())
    typer.echo(json.dumps({"key": line}) if as_json else line)


@contextmanager
def _opened(config: Path | None, database: str | None) -> Iterator[tuple[Database, KeySource]]:
    settings = read_settings(config, database)
    store = open_store(settings)
    try:
        yield store, key_source(settings)
    finally:
        store.close()


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(keys, name="keys")
