"""``tsbot audit``: who did what, whether the log of it holds, and what private data left."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cases import disclosures
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, read_settings, terminal
from tsbot.errors import InputError
from tsbot.store import audit as log
from tsbot.store.audit import Head
from tsbot.store.opening import open_store
from tsbot.view import when

audit = typer.Typer(help="Verify and read the audit log, and the register of disclosures.", no_args_is_help=True)
LimitOption = Annotated[int, typer.Option(min=1, help="Most entries shown.")]


@audit.command("verify")
def verify_command(
    head: Annotated[str | None, typer.Option(metavar="NUMBER:HASH", help="A head that `tsbot audit head` printed earlier.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check that no entry of the log was changed, removed or swapped; with --head also that none is missing at its end.

    Exits with 1 if the log does not hold.

    Example: tsbot audit verify
    """
    known = _head(head) if head else None
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            broken, last = log.verify(connection, known), log.head(connection)
    finally:
        store.close()
    if as_json:
        found = {"number": broken.number, "reason": broken.reason} if broken else {}
        typer.echo(json.dumps({"holds": broken is None, "entries": last.number, "head": str(last)} | found))
    elif broken is None:
        typer.echo(f"The log holds: {last.number} entries, head {last}")
    else:
        typer.echo(f"The log does not hold: {broken.reason}. Keep the database as it is, and compare it with backups.", err=True)
    if broken is not None:
        raise typer.Exit(EXIT_NOTHING)


@audit.command("head")
def head_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Print number and hash of the last entry, to be kept where nobody who can write into the database can write.

    Example: tsbot audit head
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            last = log.head(connection)
    finally:
        store.close()
    typer.echo(json.dumps({"number": last.number, "hash": last.hash}) if as_json else str(last))


@audit.command("list")
def list_command(
    obj: Annotated[str | None, typer.Option("--object", metavar="ID", help="Only what was done to this case, report or flag.")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the newest entries: who did what to which case, report, flag or key, and when.

    Example: tsbot audit list --object 3f2a91c0
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            found = log.latest(connection, obj=obj, limit=limit)
    finally:
        store.close()
    if as_json:
        for entry in found:
            typer.echo(json.dumps(dataclasses.asdict(entry) | {"details": json.loads(entry.details)}))
        return
    table = Table()
    for heading in ("no.", "time (UTC)", "who", "did", "to", "details"):
        table.add_column(heading)
    for entry in found:
        words = ", ".join(f"{name} {value}" for name, value in json.loads(entry.details).items())
        table.add_row(str(entry.number), when(entry.time), entry.actor, entry.act, entry.object, words)
    terminal().print(table if found else "No entries.")


@audit.command("disclosures")
def disclosures_command(
    case: Annotated[str | None, typer.Option("--case", metavar="ID", help="Only of this case.")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List what private data left: which sort, to whom, by what way, why, and who decided it. The data themselves are not kept.

    Example: tsbot audit disclosures --case 3f2a91c0
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            found = disclosures.listing(connection, case, limit)
    finally:
        store.close()
    if as_json:
        for one in found:
            typer.echo(json.dumps(dataclasses.asdict(one)))
        return
    table = Table()
    for heading in ("time (UTC)", "case", "what", "to", "by", "why", "decided by"):
        table.add_column(heading)
    for one in found:
        table.add_row(when(one.time), one.case_id[:8], one.what, one.recipient, one.channel, one.why, one.decided_by)
    terminal().print(table if found else "Nothing private has left.")


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise InputError("--head takes what `tsbot audit head` prints: NUMBER:HASH.") from error


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(audit, name="audit")


