"""``tsbot doctor``: is this installation well."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from tsbot import doctor as checks
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, read_settings
from tsbot.detect.detector import newest_detector
from tsbot.doctor import Diagnosis, State
from tsbot.doctor_console import check_console
from tsbot.doctor_data import check_data
from tsbot.doctor_machines import check_broker, check_machines
from tsbot.doctor_privacy import check_privacy
from tsbot.doctor_reception import check_reception
from tsbot.doctor_wikis import check_wikis
from tsbot.errors import StoreBusyError, TsbotError
from tsbot.parts import open_wikis
from tsbot.report import checkup
from tsbot.report.pgp import Sequoia
from tsbot.settings import Settings
from tsbot.store import ledger
from tsbot.store.opening import open_store
from tsbot.stream.sse import probe

COLOURS = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "bold red"}


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Leave out what needs the network.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Check settings, keys, clock, database, books, processes, broker, backups, retention, detector, disk, console, stream, mail, wikis.

    And the reception, if there is one: host name, page, mail, key, directory of help, people who wait for news.

    Each finding comes with its remedy.

    Exits with 1 if there is a problem; warnings alone exit with 0.

    Example: tsbot doctor --offline --json
    """
    settings = read_settings(config, database)
    worst = State.OK
    console = Console()
    for finding in examine(settings, offline=offline):
        if finding.state is State.PROBLEM or worst is State.OK:
            worst = finding.state
        if as_json:
            typer.echo(json.dumps(dataclasses.asdict(finding)))
            continue
        console.print(Text.assemble((f"{finding.state:>8}", COLOURS[finding.state]), f"  {finding.check}: {finding.words}"))
        if finding.remedy and finding.state is not State.OK:
            console.print(Text(f"          {finding.remedy}", "dim"))
    if worst is State.PROBLEM:
        raise typer.Exit(EXIT_NOTHING)


def examine(settings: Settings, *, offline: bool) -> Iterator[Diagnosis]:
    """All checks, one after the other."""
    yield from checks.check_settings(settings)
    known: dict[str, str] | None = None
    try:
        store = open_store(settings)
    except TsbotError as error:
        where = " Does the server that `database` names run, and does it answer from here?" if isinstance(error, StoreBusyError) else ""
        yield Diagnosis("database", State.PROBLEM, str(error), f"Nothing is stored until this is mended.{where}")
    else:
        try:
            yield from checks.check_store(store, time.time())
            yield from check_privacy(store, settings, time.time())
            yield from checkup.check_unencrypted(store, time.time())
            yield from checks.check_backup(store, settings, time.time())
            with store.read() as connection:
                known = ledger.load_wikis(connection)
            yield from check_machines(store)
            yield from check_reception(settings, store, time.time(), offline=offline)
        finally:
            store.close()
    if not offline:
        yield from check_broker(settings)
    yield from checkup.check_keys(settings, Sequoia(), time.time())
    yield from checkup.check_webhooks(settings)
    yield from check_console(settings, time.time())
    yield from checks.check_disk(settings)
    yield from checks.check_clock(settings)
    yield from checks.check_detector(lambda: newest_detector(settings.detect.thresholds, settings.detect.identify).version)
    yield from check_data(settings)
    if not offline:
        yield from checks.check_stream(settings, probe)
        yield from checks.check_mail(settings)
        yield from checkup.check_case_managements(settings)
        if known is not None:  # the addresses of wikis that no family lists stand in the database
            yield from check_wikis(settings, open_wikis(settings).api, known, time.time)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)
