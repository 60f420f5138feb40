"""``tsbot dead``: events that could not be handled."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, harmless, read_settings, terminal
from tsbot.patrol import redrive
from tsbot.store import ledger
from tsbot.store.opening import open_store
from tsbot.view import when

dead = typer.Typer(help="List dead letters and drive them through again.", no_args_is_help=True)
ReasonOption = Annotated[str | None, typer.Option(help="Only dead letters with this reason.")]


@dead.command("list")
def list_command(
    reason: ReasonOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most letters shown.")] = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List events that could not be handled, with the reason.

    Example: tsbot dead list --reason unknown_wiki
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            letters = ledger.dead_letters(connection, store.key, reason, limit)
            reasons = ledger.dead_letter_reasons(connection)
    finally:
        store.close()
    if as_json:
        for letter in letters:
            line = {"id": letter.id, "event": letter.event_id, "wiki": letter.wiki, "reason": letter.reason, "detail": letter.detail}
            typer.echo(json.dumps(line | {"failed": letter.failed}))
        return
    if not letters:
        typer.echo("No dead letters.")
        return
    table = Table(caption=", ".join(f"{name}: {n}" for name, n in reasons.items()))
    for heading in ("id", "event", "wiki", "reason", "detail", "failed (UTC)"):
        table.add_column(heading)
    for letter in letters:
        table.add_row(str(letter.id), harmless(letter.event_id), letter.wiki or "-", letter.reason, letter.detail, when(letter.failed))
    terminal().print(table)


@dead.command("redrive")
def redrive_command(
    reason: ReasonOption = None,
    fetch: Annotated[bool, typer.Option("--fetch/--no-fetch", help="Fetch texts from the wikis.")] = True,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Drive dead letters through all stages again, for instance after a fault was mended.

    Exits with 3 if some failed again, 1 if there were none. Stop the patrol first.

    Example: tsbot dead redrive --reason fetch_failed
    """
    result = redrive(read_settings(config, database), reason=reason, fetch=fetch)
    if as_json:
        typer.echo(json.dumps({"driven": result.driven, "failed_again": result.failed_again}))
    else:
        typer.echo(f"{result.driven} dead letters driven through again, {result.failed_again} failed again.")
    if not result.driven:
        raise typer.Exit(EXIT_NOTHING)
    if result.failed_again:
        raise typer.Exit(EXIT_PARTIAL)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(dead, name="dead")
