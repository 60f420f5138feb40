"""``tsbot purge`` and ``tsbot hold``: when texts and names are destroyed, and when not yet."""

from __future__ import annotations

import dataclasses
import importlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, select

from tsbot.cases import hold as holds
from tsbot.cases.hold import Need
from tsbot.cases.retention import held_cases
from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, ConfigOption, DatabaseOption, JsonOption, acting, read_settings
from tsbot.errors import InputError
from tsbot.housekeeping import Asking, Done, Housekeeper, open_housekeeper
from tsbot.store import tables as t
from tsbot.store.opening import open_store
from tsbot.view import when

hold = typer.Typer(help="Keep cases beyond their time: legal holds, by two people, with an end.", no_args_is_help=True)
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="Id of the case, or its beginning.")]


def purge(
    case: Annotated[
        str | None, typer.Option("--case", metavar="ID", help="Only this case, now; before its time a second person approves.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is due and destroy nothing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Destroy the texts and names of cases whose time is up (tsbot/cases/retention.toml). The patrol does it about hourly.

    Kinds, times, scores and outcomes stay. Exits with 3 if SQLite's log could not be emptied because somebody reads; call it again then.

    Example: tsbot purge --dry-run
    """
    with _opened(config, database) as keeper:
        if dry_run:
            due = [one for one in keeper.due() if case is None or one.case.startswith(case)]
            for one in due:
                line = {"case": one.case, "wiki": one.wiki, "kind": one.kind, "why": one.why, "since": one.since}
                typer.echo(json.dumps(line) if as_json else f"{one.case} {one.why}, due since {when(one.since)} UTC")
            if not due and not as_json:
                typer.echo("Nothing is due.")
            return
        if case is None:
            done = keeper.run(by=acting(keeper.database))
        else:
            second, by = second_person(keeper), acting(keeper.database)
            done = keeper.purge_one(_one(keeper, case), by=by, need=second.need, asking=second.asking)
    _tell(done, as_json=as_json)
    if not done.clean:
        raise typer.Exit(EXIT_PARTIAL)


@hold.command("set")
def set_command(
    case: CaseArgument,
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Day on which the hold ends by itself, as 2027-03-31 (UTC).")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Keep a case until a day, whatever the retention says. A second person approves.

    Example: tsbot hold set 3f2a91c0 --until 2027-03-31
    """
    end = _day(until)
    with _opened(config, database) as keeper:
        case_id, second, by = _one(keeper, case), second_person(keeper), acting(keeper.database)
        with second.asking(keeper.database) as connection:
            holds.hold(connection, case_id, end, by=by, now=time.time(), need=second.need, table=keeper.table)
    typer.echo(json.dumps({"case": case_id, "until": end}) if as_json else f"{case_id} is kept until {when(end)} UTC.")


@hold.command("lift")
def lift_command(case: CaseArgument, as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """End a hold before its day. A second person approves.

    Example: tsbot hold lift 3f2a91c0
    """
    with _opened(config, database) as keeper:
        case_id, second, by = _one(keeper, case), second_person(keeper), acting(keeper.database)
        with second.asking(keeper.database) as connection:
            holds.lift(connection, case_id, by=by, now=time.time(), need=second.need)
    typer.echo(json.dumps({"case": case_id, "until": None}) if as_json else f"{case_id} is kept as long as others.")


@hold.command("list")
def list_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List the cases under a legal hold, with its end.

    Example: tsbot hold list
    """
    with _opened(config, database) as keeper, keeper.database.read() as connection:
        found = held_cases(connection, time.time())
    for case_id, until in found:
        typer.echo(json.dumps({"case": case_id, "until": until}) if as_json else f"{case_id} until {when(until)} UTC")
    if not found and not as_json:
        typer.echo("No case is under a legal hold.")


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """How a second person is asked."""

    need: Need
    asking: Asking


def second_person(keeper: Housekeeper) -> SecondPerson:
    """As ``tsbot.cases.approvals`` does it, by the setting ``cases.two_person``. Raises ``InputError`` where there is no such part."""
    try:
        approvals: Any = importlib.import_module("tsbot.cases.approvals")
    except ModuleNotFoundError as error:
        raise InputError("This needs the approval of a second person, and this version of tsbot has no way to ask for it.") from error
    cases: Any = keeper.settings.cases
    required = approvals.rules(getattr(cases, "two_person", (holds.HOLD, holds.PURGE_EARLY)))

    def need(connection: Connection, act: str, obj: str, by: str, now: float) -> None:
        approvals.need(connection, act, obj, by, now, required)

    return SecondPerson(need, approvals.asking)


def _tell(done: Done, *, as_json: bool) -> None:
    if as_json:
        for one in done.cases:
            typer.echo(json.dumps(dataclasses.asdict(one)))
        typer.echo(json.dumps({"cases": len(done.cases), "dead_letters": done.dead_letters, "files": done.files, "clean": done.clean}))
        return
    for one in done.cases:
        typer.echo(f"{one.case} purged ({one.why}): {one.flags} flags, {one.letters} messages, {one.notes} notes")
    words = f"{len(done.cases)} cases purged, {done.dead_letters} dead letters and {done.files} files of the spool deleted."
    typer.echo(words if done.clean else f"{words} The database's log could not be emptied yet: somebody reads.")


@contextmanager
def _opened(config: Path | None, database: str | None) -> Iterator[Housekeeper]:
    settings = read_settings(config, database)
    store = open_store(settings)
    try:
        yield open_housekeeper(settings, store, time.time)
    finally:
        store.close()


def _one(keeper: Housekeeper, prefix: str) -> str:
    with keeper.database.read() as connection:
        found = list(connection.scalars(select(t.case.c.id).where(t.case.c.id.startswith(prefix, autoescape=True)).limit(2)))
    if not found:
        typer.echo(f"No case {prefix}.", err=True)
        raise typer.Exit(EXIT_NOTHING)
    if len(found) > 1:
        raise InputError(f"Several cases begin with {prefix}; give more of the id.")
    return str(found[0])


def _day(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise InputError("--until takes a day such as 2027-03-31.") from error


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(purge)
    app.add_typer(hold, name="hold")
