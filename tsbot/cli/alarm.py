"""``tsbot alarm``: is the patrol alive, and can it tell anybody."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import Annotated

import typer

from tsbot import alarm as alarms
from tsbot.cli.common import EXIT_NOTHING, EXIT_UNAVAILABLE, ConfigOption, DatabaseOption, JsonOption, read_settings
from tsbot.doctor import State
from tsbot.report.channels import open_channels
from tsbot.report.pgp import Sequoia
from tsbot.store.opening import open_store


def alarm(
    send: Annotated[bool, typer.Option("--send/--no-send", help="Tell whom [page] names; --no-send only shows.")] = True,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell people that the patrol is dead, cannot deliver, or that a certificate or key is near its end. For a timer, every five minutes.

    The same trouble is told of again after `alarm.again_hours`. Exits with 1 if something is wrong, 4 if nobody could be told.

    Example: tsbot alarm --no-send --json
    """
    settings = read_settings(config, database)
    now = time.time()
    findings = list(alarms.look(settings, open_store, Sequoia(), now))
    wrong = [one for one in findings if one.state is not State.OK]
    told = alarms.remembered(settings.data_path)
    new = alarms.due(findings, told, settings, now) if send else []
    reached = alarms.tell(new, settings, open_channels(settings), now) if new else []
    if any(not one.trouble for one in reached):
        told |= {one.check: now for one in new}
    if send:
        alarms.remember(settings.data_path, told, findings)
    if as_json:
        said = {"findings": [dataclasses.asdict(one) for one in findings], "told": [dataclasses.asdict(one) for one in reached]}
        typer.echo(json.dumps(said))
    else:
        for one in wrong:
            typer.echo(f"{one.state.value} {one.check}: {one.words}\n    {one.remedy}")
        for to in reached:
            words = f"{to.recipient} could not be told: {to.trouble}" if to.trouble else f"told {to.recipient}"
            typer.echo(words, err=bool(to.trouble))
        if not wrong:
            typer.echo("All is well.")
    if new and not any(not one.trouble for one in reached):
        if not reached:
            typer.echo("[page] names nobody who could be told.", err=True)
        raise typer.Exit(EXIT_UNAVAILABLE)
    if wrong:
        raise typer.Exit(EXIT_NOTHING)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(alarm)
