"""``tsbot cases``: the acts that end a case, join or part cases, and those that need two people."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from tsbot.cases import approvals, joining
from tsbot.cases.acts import object_of
from tsbot.cases.case import Case, find_case
from tsbot.cases.casebook import record
from tsbot.cli.case_office import IdArgument, SeenOption, opened_office, tell
from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption
from tsbot.errors import InputError


def close_command(
    case: IdArgument,
    outcome: Annotated[str, typer.Option(help="What became of it: handled, passed_on, no_action, dismissed, false_positive, ...")],
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Close a case. To dismiss one of a high priority needs a second person: the same command, or `tsbot cases approve`.

    Example: tsbot cases close 3f2a91c0 --outcome handled
    """
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: office.who.close(connection, found, outcome, now, seen=seen))
        with office.store.read() as connection:
            held = record(connection, office.store.key, done, time.time()).line.held
    tell([done], f"closed as {done.outcome}", as_json=as_json)
    if held and not as_json:
        words = "1 letter of it still waits" if held == 1 else f"{held} letters of it still wait"
        typer.echo(f"{words} for release: tsbot cases show {done.id[:8]}")


def reopen_command(
    case: IdArgument, seen: SeenOption = None, as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """Open a closed case again.

    Example: tsbot cases reopen 3f2a91c0 --seen 7
    """
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: office.who.reopen(connection, found, now, seen=seen))
    tell([done], "open again", as_json=as_json)


def merge_command(
    case: IdArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="Id of the case that takes its flags, letters and notes over.")],
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make one case of two that are about the same incident. The first is closed and points to the second.

    Example: tsbot cases merge 3f2a91c0 77b0c5d1
    """
    with opened_office(config, database) as office:

        def merge(connection: Connection, found: str, now: float) -> Case:
            source = office.who.begin(connection, found, now, seen=seen, versioned=True)
            target = office.who.begin(connection, find_case(connection, into).id, now)
            merged = joining.merge(connection, office.store.key, source, target, by=office.who.by, now=now)
            return office.who.noticed(connection, merged.id, now)

        done = office.act(case, merge)
    tell([done], "has all of it now", as_json=as_json)


def split_command(
    case: IdArgument,
    flags: Annotated[list[str], typer.Argument(metavar="FLAG...", help="Ids of the flags that are another incident.")],
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make two cases of one that is about two incidents. The letters about these edits go along.

    Example: tsbot cases split 3f2a91c0 a1b2c3d4
    """
    with opened_office(config, database) as office:

        def split(connection: Connection, found: str, now: float) -> Case:
            begun = office.who.begin(connection, found, now, seen=seen, versioned=True)
            named = joining.flags_named(connection, begun.id, flags)
            return joining.split(connection, office.store.key, begun, named, by=office.who.by, now=now)

        done = office.act(case, split)
    tell([done], "is the new case", as_json=as_json)


def approve_command(
    case: Annotated[str, typer.Argument(metavar="ID", help="Id of the case or report about which somebody asked, or its beginning.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Approve, as the second person, what somebody asked for. They, or anybody who may, then do it.

    Example: tsbot cases approve 3f2a91c0
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.write() as connection:
        report = object_of(connection, case)
        case_id = joining.case_of_report(connection, report) if report else find_case(connection, case).id
        office.who.people.refuse(connection, case_id, office.who.by)
        given = approvals.approve(connection, report or case_id, office.who.by, now)
        office.who.noticed(connection, case_id, now)
    for one in given:
        if as_json:
            typer.echo(json.dumps({"object": one.object, "act": one.act, "asked_by": one.asked_by}))
        else:
            typer.echo(f"{one.object}: {one.act} approved, which {one.asked_by} asked for")


def hold_command(
    case: IdArgument,
    until: Annotated[str | None, typer.Option(metavar="DATE", help="Last day of the hold, for instance 2027-01-31.")] = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the hold now.")] = False,
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Keep what is stored of a case until a day, whatever its retention says. Needs two people.

    The same as `tsbot hold set` and `tsbot hold lift`, for who works on the case: with --seen.

    Example: tsbot cases hold 3f2a91c0 --until 2027-01-31
    """
    if (until is None) != lift:
        raise InputError("Give --until or --lift.")
    end = None if until is None else _end_of(until)
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: office.who.hold(connection, found, end, now, seen=seen))
    tell([done], "is held" if end else "is held no longer", as_json=as_json)


def _end_of(day: str) -> float:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() + 86400
    except ValueError as error:
        raise InputError("Give the day as 2027-01-31.") from error


def register(cases: typer.Typer) -> None:
    """Add the commands to the group."""
    for name, command in (
        ("close", close_command),
        ("reopen", reopen_command),
        ("merge", merge_command),
        ("split", split_command),
        ("approve", approve_command),
        ("hold", hold_command),
    ):
        cases.command(name)(command)
