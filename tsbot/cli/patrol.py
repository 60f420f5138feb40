"""``tsbot patrol`` and ``tsbot flag``: the main job, and a person's hand in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from tsbot.byhand import flag_by_hand
from tsbot.cli.common import EXIT_NOTHING, EXIT_UNAVAILABLE, ConfigOption, DatabaseOption, JsonOption, read_settings
from tsbot.detect.finding import Kind
from tsbot.errors import InputError, StreamUnavailableError
from tsbot.parts import Stop
from tsbot.patrol import Options, run
from tsbot.reload import PATROL, reloading
from tsbot.settings import Settings
from tsbot.stream.sse import probe
from tsbot.view import Rate, Snapshot, render


def patrol(
    stream: Annotated[
        str | None,
        typer.Option("--stream", metavar="URL|FILE|-", help="EventStreams address, recorded file (.jsonl, .zst, .gz) or standard input."),
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch/--no-fetch", help="--no-fetch judges only what events carry.")] = True,
    idle_exit: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="End after this long without news; default: run until stopped.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the accounting as JSON at the end (- for standard output).")
    ] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Send nothing: no mail, no spool, no webhook.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No live view, only the log.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Read recent changes, find threats, file private reports.

    Without options: all Wikimedia wikis live, an embedded database, no account; reports land as .eml files in the spool until a
    recipient is configured. Stop with Ctrl-C (or kill it): the next start goes on where this one ended. SIGHUP has it read language
    packs, tables and words anew.

    Example: tsbot patrol --stream events.jsonl.zst --no-fetch --idle-exit 5 --summary summary.json
    """
    settings = read_settings(config, database)
    if stream is None:
        _check_network(settings)
    options = Options(stream, fetch, idle_exit, summary, simulate=True if simulate else None)
    stop = Stop()
    with stop.on_signals(reload=True), reloading(settings, "patrol", PATROL, stop):
        if quiet or not sys.stdout.isatty():
            totals = run(settings, options, stop)
        else:
            rate = Rate()
            with Live(console=Console(), refresh_per_second=4, transient=False) as live:

                def show(shown: Snapshot) -> None:
                    live.update(render(shown, rate.note(shown.time, shown.totals.received)))

                totals = run(settings, options, stop, show)
    if summary is None:
        words = f"{totals.received:,} events: {sum(totals.skipped.values()):,} skipped, {totals.cleared:,} cleared, "
        words += f"{totals.flagged:,} flagged, {totals.outcome:,} outcomes, {totals.failed:,} failed, {totals.pending:,} pending"
        typer.echo(words, err=True)


def _check_network(settings: Settings) -> None:
    """Say at once, and in plain words, that the live stream cannot be reached."""
    url = settings.stream.url
    try:
        probe(url, 20.0)
    except StreamUnavailableError as error:
        typer.secho(f"tsbot: {error}", fg="red", err=True)
        typer.echo("The live stream needs a network. To see the whole system on this machine alone: make demo", err=True)
        raise typer.Exit(EXIT_UNAVAILABLE) from error


def flag(
    url: Annotated[str, typer.Argument(help="A diff, permanent link or log entry of a wiki.")],
    kind: Annotated[
        str | None, typer.Option(help="Flag it as this kind whatever the detector finds, for instance violence or harassment.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Put a diff by hand through the same stages as the patrol's finds.

    Exits with 1 if the detector finds nothing and no kind is given.

    Example: tsbot flag 'https://en.wikipedia.org/w/index.php?diff=123456' --kind violence
    """
    if kind is not None and kind not in {str(one) for one in Kind if one is not Kind.NONE}:
        raise InputError(f"There is no kind {kind}. The kinds are {', '.join(one for one in Kind if one is not Kind.NONE)}.")
    result = flag_by_hand(read_settings(config, database), url, Kind(kind) if kind else None)
    if as_json:
        typer.echo(result.to_json())
    else:
        for line in result.lines():
            typer.echo(line)
    if not result.flags:
        raise typer.Exit(EXIT_NOTHING)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(patrol)
    app.command()(flag)
