"""``tsbot backup`` and ``tsbot restore``."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tsbot.cli.common import EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, operator, read_settings
from tsbot.errors import InputError
from tsbot.restoring import Restored
from tsbot.restoring import restore as restore_backup
from tsbot.store import backup as backups
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.store.keyfile import key_source
from tsbot.store.opening import open_store
from tsbot.view import when


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the database's backups; a new file each time.")],
    keys_to: Annotated[Path, typer.Option("--keys-to", metavar="DIR", help="Another folder, for the data keys: one file, the newest")],
    check: Annotated[bool, typer.Option("--check/--no-check", help="Read what was written to its end.")] = True,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Back up the database, and apart from it the data keys that open its texts. A patrol may run meanwhile.

    The master key is in neither: keep its file in a third place. Old files of the database say nothing of cases that were purged since, as
    long as no old file of data keys is kept.

    Example: tsbot backup --to /backup/tsbot --keys-to /keys/tsbot
    """
    if to.absolute().resolve() == keys_to.absolute().resolve():
        raise InputError("--to and --keys-to are the same folder. Keys that lie beside what they open protect nothing.")
    settings = read_settings(config, database)
    with closing(open_store(settings)) as store, _progress() as progress:
        made = backups.back_up(store, to, keys_to, time.time(), progress)
        if check:
            backups.verify(made.path)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(made) | {"path": str(made.path), "keys": str(made.keys)}))
        return
    typer.echo(f"{made.path}: {made.rows:,} rows, {made.bytes / 1e6:,.1f} MB{', read again to its end' if check else ''}.")
    typer.echo(f"{made.keys}: keys of {made.cases:,} cases; {made.purged:,} are known as purged. Delete older copies of this file.")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup of the database, *.tsbot.zst.")],
    keys_from: Annotated[Path, typer.Option("--keys-from", metavar="FILE", help="The newest file of data keys, tsbot-data-keys.json.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Restore a backup into an empty database. Stop patrol and console first; put the master key's file in its place before.

    Nothing is sent twice: what may have left after the backup was made is held, and named. Cases that were purged since are purged again.
    Exits with 3 if cases are left without a key.

    Example: tsbot restore tsbot-20260101T000000Z-1a2b3c4d.tsbot.zst --keys-from tsbot-data-keys.json
    """
    settings = read_settings(config, database)
    key = key_source(settings).read()
    keys = backups.read_keys(keys_from)
    key = replace(key, reread=key_source(settings).read)
    with closing(Database(connect(settings.database_url), MasterKey(b""))) as store, _progress() as progress:
        done = restore_backup(store, key, file, keys, by=operator(), now=time.time(), progress=progress)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(done)))
    else:
        _tell(done)
    if done.keyless:
        raise typer.Exit(EXIT_PARTIAL)


def _tell(done: Restored) -> None:
    if done.again:
        typer.echo("This backup was restored here before; nothing was done.")
        return
    typer.echo(f"{done.rows:,} rows are restored, as of {when(done.made)} UTC. The patrol will read on from there.")
    if done.held:
        typer.echo(f"{len(done.held)} messages may have left after that; they are held. Look at each, then release or withdraw it:")
        for identity in done.held:
            typer.echo(f"  tsbot reports preview {identity}")
    if done.quieted:
        typer.echo(f"{done.quieted} letters without an answer: nobody is reminded of them by themselves any more.")
    if done.purged:
        typer.echo(f"{len(done.purged)} cases were purged since the backup was made, and are purged here, too.")
    if done.keyless:
        typer.secho(f"{len(done.keyless)} cases have no key in the file of data keys; their texts stay sealed:", fg="red")
        for case in done.keyless:
            typer.echo(f"  {case}")
    typer.echo("Letters about edits of before now wait for a person, since an earlier patrol may have sent them.")


@contextmanager
def _progress() -> Iterator[backups.Progress]:
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("rows")

        def show(table: str, done: int, total: int) -> None:
            progress.update(bar, description=table, completed=done, total=total)

        yield show


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(backup)
    app.command()(restore)
