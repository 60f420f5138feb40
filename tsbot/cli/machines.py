"""``tsbot listen``, ``tsbot work`` and ``tsbot deliver``: the patrol's work, shared by many machines."""

from __future__ import annotations

from typing import Annotated

import typer

from tsbot.bus import deliver as delivery
from tsbot.bus import listen as listening
from tsbot.bus import work as working
from tsbot.cli.common import ConfigOption, DatabaseOption, read_settings
from tsbot.parts import Stop
from tsbot.reload import DELIVERY, PATROL, reloading

IdleOption = Annotated[
    float | None,
    typer.Option("--idle-exit", metavar="SECONDS", min=0, help="End after this long without news; default: run until stopped."),
]


def listen(
    stream: Annotated[
        str | None,
        typer.Option("--stream", metavar="URL|FILE|-", help="EventStreams address, recorded file (.jsonl, .zst, .gz) or standard input."),
    ] = None,
    ask_wikis: Annotated[
        bool, typer.Option("--ask-wikis/--no-ask-wikis", help="--no-ask-wikis fills no gaps, reads no abuse logs, plans and asks nothing.")
    ] = True,
    idle_exit: IdleOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Read recent changes, store what is to be judged, and have workers told of it.

    One listener at a time reads into a database. Another one stands by, and takes over if the first dies. Which broker tells the
    workers, if any, is said by `[bus]` of the settings. Stop with Ctrl-C (or kill it): the next one goes on where this one ended.

    Example: tsbot listen --config /etc/tsbot/tsbot.toml
    """
    stop = Stop()
    settings = read_settings(config, database)
    with stop.on_signals(reload=True), reloading(settings, "listen", DELIVERY, stop):
        totals = listening.listen(settings, stream, ask_wikis=ask_wikis, idle_exit=idle_exit, stop=stop)
    skipped = sum(totals.skipped.values())
    typer.echo(f"{totals.received:,} events: {skipped:,} skipped, {totals.failed:,} failed, {totals.pending:,} left to workers", err=True)


def work(
    fetch: Annotated[bool, typer.Option("--fetch/--no-fetch", help="--no-fetch judges only what events carry.")] = True,
    idle_exit: IdleOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Judge the events that a listener stored. Start as many as there are processors for it, on any machine.

    Each takes its share; what one had when it died, the others take. All of them need the same master key. Stop with Ctrl-C or SIGTERM:
    what is not finished is given back.

    Example: tsbot work --config /etc/tsbot/tsbot.toml
    """
    stop = Stop()
    settings = read_settings(config, database)
    with stop.on_signals(reload=True), reloading(settings, "work", PATROL, stop):
        handled = working.work(settings, fetch=fetch, idle_exit=idle_exit, stop=stop)
    typer.echo(f"{handled:,} events handled", err=True)


def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is due now, and end.")] = False,
    ask_wikis: Annotated[
        bool, typer.Option("--ask-wikis/--no-ask-wikis", help="--no-ask-wikis leaves the state of accounts out of letters.")
    ] = True,
    simulate: Annotated[bool, typer.Option("--simulate", help="Send nothing: no mail, no spool, no webhook.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write and send the reports that are due, and keep the timers of those that wait.

    Several may run on different machines: each message is claimed by one of them. A patrol delivers by itself and needs none.

    Example: tsbot deliver --once
    """
    stop = Stop()
    settings = read_settings(config, database)
    with stop.on_signals(reload=True), reloading(settings, "deliver", DELIVERY, stop):
        sent = delivery.deliver(settings, ask_wikis=ask_wikis, simulate=True if simulate else None, once=once, stop=stop)
    if once:
        typer.echo(f"{sent:,} messages handed over", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (listen, work, deliver):
        app.command()(command)
