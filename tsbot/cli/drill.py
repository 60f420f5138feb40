"""``tsbot drill``: an exercise."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, acting, read_settings, terminal
from tsbot.detect.finding import Kind
from tsbot.drill import Drill, Drilled, Plan
from tsbot.errors import InputError
from tsbot.log import configure
from tsbot.parts import open_deliverer, open_wikis
from tsbot.report.oncall import check_on_call
from tsbot.report.routing import check_routing
from tsbot.store.opening import open_store


def drill(
    kind: Annotated[Kind, typer.Option(help="Kind of the made-up threat.")] = Kind.VIOLENCE,
    wiki: Annotated[str, typer.Option(help="Wiki that it is said to be on (database name).")] = "enwiki",
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Wait so long for somebody to acknowledge it. 0: it answers itself.")
    ] = 0.0,
    to_recipients: Annotated[
        bool, typer.Option("--to-recipients", help="Send it to those who get real reports, with all timers. Agree with them first.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave its messages in the spool.")] = False,
    simulate: Annotated[bool, typer.Option("--simulate", help="Hand nothing over.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Send a marked exercise through the whole chain, flag to acknowledgement, and time each leg.

    It goes to `report.drill_address`, else into the spool. It says EXERCISE in its subject and first line, is counted nowhere, and is
    purged when it is over. Exits with 1 if a leg was not reached.

    Example: tsbot drill --kind violence --wait 600
    """
    configure()
    if kind is Kind.NONE:
        raise InputError("There are no reports of the kind `none`.")
    settings = read_settings(config, database)
    check_routing(settings)
    check_on_call(settings)
    store = open_store(settings)
    try:
        wikis = open_wikis(settings)
        deliverer = open_deliverer(settings, store, wikis, ask_wikis=False, simulate=simulate or None)
        drilled = Drill(store, settings, deliverer, time.time, time.sleep).run(Plan(kind, wiki, wait, to_recipients, keep), acting(store))
    finally:
        store.close()
    if as_json:
        typer.echo(drilled.to_json())
    else:
        _show(drilled)
    if not drilled.complete:
        raise typer.Exit(EXIT_NOTHING)


def _show(drilled: Drilled) -> None:
    table = Table(caption="complete" if drilled.complete else "not complete")
    for heading in ("leg", "seconds", ""):
        table.add_column(heading)
    for leg in drilled.legs:
        table.add_row(leg.name, "-" if leg.seconds is None else f"{leg.seconds:.2f}", leg.note)
    terminal().print(table)
    for report in drilled.reports:
        typer.echo(f"{report['id']} to {report['recipient']} by {report['channel']}: {report['state']}")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(drill)
