"""``tsbot cases``: the queue, and what people do with what is in it."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from sqlalchemy import Connection

from tsbot.byhand import flag_by_hand
from tsbot.cases import leases
from tsbot.cases.case import Case, CaseState, find_case, read_case
from tsbot.cases.casebook import queue, record
from tsbot.cases.filing import read_flag
from tsbot.cases.handling import TLP, shipped_handling
from tsbot.cases.opened import Opened, read_opened
from tsbot.cases.opening import adopt, open_outside
from tsbot.cli import case_ends, case_views
from tsbot.cli.case_office import IdArgument, SeenOption, opened_office, read_text, tell
from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption, read_settings, terminal
from tsbot.detect.finding import Kind
from tsbot.errors import InputError

cases = typer.Typer(help="The queue of cases: list, show, claim, note, close.", no_args_is_help=True)


@cases.command("list")
def list_command(
    state: Annotated[list[CaseState] | None, typer.Option(help="Only this state; may be repeated. Default: all but closed.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, for instance self_harm.")] = None,
    wiki: Annotated[str | None, typer.Option(help="Only this wiki (database name).")] = None,
    lane: Annotated[str | None, typer.Option(help="Only this lane: general or self_harm.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you hold the lease of.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most cases shown; how many more there are is said.")] = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List cases in the order in which to work on them: ids, kinds, states and times, neither text nor names.

    Self-harm has a lane of its own, listed apart.

    Example: tsbot cases list --lane self_harm
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.read() as connection:
        by = office.who.by if mine else None
        found = queue(connection, now, states=state or (), kind=kind, wiki=wiki, lane=lane, mine=by, limit=limit)
    if as_json:
        for line in found.lines:
            typer.echo(json.dumps(case_views.plain_line(line)))
    else:
        case_views.show_queue(terminal(), found, now)


@cases.command("show")
def show_command(
    case: IdArgument,
    text: Annotated[bool, typer.Option("--text", help="Show texts and names, too. That you read them is noted.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show a case: flags with their reasons, reports, notes, what became of it, who did what, and advice. Texts may be disturbing.

    Example: tsbot cases show 3f2a91c0 --text
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.write() as connection:
        found = find_case(connection, case)
        if text:
            office.who.reveal(connection, found.id, now, "case.revealed")
            found = read_case(connection, found.id)
        shown = record(connection, office.store.key, found, now, reveal=text)
        opened = read_opened(connection, office.store.key, found.id) if text else None
        flags = [read_flag(connection, office.store.key, entry.id) for entry in shown.flags] if text else []
    if as_json:
        typer.echo(json.dumps(case_views.plain_record(shown, opened, flags)))
    else:
        case_views.show_record(terminal(), shown, opened, flags, now)


@cases.command("open")
def open_command(
    case: Annotated[str | None, typer.Argument(metavar="[ID]", help="A case that was looked at and is to be worked on.")] = None,
    diff: Annotated[str | None, typer.Option(metavar="URL|WIKI:REV", help="An edit or log entry that the case is to be about.")] = None,
    report: Annotated[str | None, typer.Option(metavar="FILE|-", help="What somebody reported, as text; - reads it from input.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What it is about. Needed with --report; with --diff the detector judges, too.")] = None,
    wiki: Annotated[str, typer.Option(help="With --report: the wiki (database name) that it is about.")] = "",
    author: Annotated[str, typer.Option(help="With --report: user name of who is accused. Kept sealed.")] = "",
    target: Annotated[str, typer.Option(help="With --report: user name of who is threatened. Kept sealed.")] = "",
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take up a case, or open one by hand: for an edit (with a letter, like any other), or for a report from outside.

    Example: tsbot cases open --diff enwiki:123456 --kind harassment
    """
    if [case, diff, report].count(None) != 2:
        raise InputError("Name a case, or give --diff, or give --report.")
    now = time.time()
    if diff is not None:
        flagged = flag_by_hand(read_settings(config, database), diff, kind)
        if not flagged.flags:
            raise InputError(f"{flagged.subject} is not flagged: the detector finds nothing (add --kind), or the text cannot be read.")
        with opened_office(config, database) as office, office.store.write() as connection:
            done = adopt(connection, {flag.case for flag in flagged.flags}, by=office.who.by, now=now)
    elif report is not None:
        if kind is None:
            raise InputError("A report from outside needs --kind.")
        told = Opened(text=read_text(report), author=author, target=target)
        with opened_office(config, database) as office, office.store.write() as connection:
            done = [open_outside(connection, office.store.key, told, kind=kind, wiki=wiki, by=office.who.by, now=now)]
    else:
        with opened_office(config, database) as office:
            done = [office.act(case or "", lambda connection, found, at: office.who.take_up(connection, found, at, seen=seen))]
    tell(done, "open", as_json=as_json)


@cases.command("claim")
def claim_command(
    case: IdArgument,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take it from whoever has it; the log keeps it.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Take a case for ten minutes; once more is a sign of life and keeps it for ten minutes more.

    Example: tsbot cases claim 3f2a91c0
    """
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: office.who.claim(connection, found, now, take_over=take_over))
    tell([done], f"yours for {leases.LEASE_SECONDS / 60:.0f} minutes", as_json=as_json)


@cases.command("release")
def release_command(case: IdArgument, as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Give a case back, so that others need not wait for the lease to end. What lets a letter go is `tsbot reports release`.

    Example: tsbot cases release 3f2a91c0
    """
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: leases.release(connection, found, office.who.by, now))
    tell([done], "given back", as_json=as_json)


@cases.command("note")
def note_command(
    case: IdArgument,
    text: Annotated[str, typer.Argument(help="The note; - reads it from input, which keeps it out of the shell's history.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write a note on a case, for the team. It is sealed with the case's key.

    Example: tsbot cases note 3f2a91c0 "Asked the wiki's administrators by mail."
    """
    words = read_text(text) if text == "-" else text
    with opened_office(config, database) as office:

        def write(connection: Connection, found: str, now: float) -> Case:
            office.who.note(connection, found, words, now)
            return read_case(connection, found)

        done = office.act(case, write)
    tell([done], "noted", as_json=as_json)


@cases.command("mark")
def mark_command(
    case: IdArgument,
    tlp: Annotated[str | None, typer.Option(help="Traffic Light Protocol 2.0 label: red, amber+strict, amber, green or clear.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="The kind that it is. To take an emergency kind off needs a second person.")] = None,
    seen: SeenOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Change how far a case may be passed on, or what kind it is.

    Example: tsbot cases mark 3f2a91c0 --tlp red
    """
    if tlp is None and kind is None:
        raise InputError("Give --tlp or --kind.")
    if tlp is not None and tlp not in TLP:
        raise InputError(f"The labels are {', '.join(TLP)}.")
    if kind is not None and kind not in shipped_handling().kinds:
        raise InputError("A case has a kind.")
    with opened_office(config, database) as office:
        done = office.act(case, lambda connection, found, now: office.who.mark(connection, found, now, tlp=tlp, kind=kind, seen=seen))
    tell([done], f"is {done.kind}, TLP:{done.tlp.upper()}", as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    case_ends.register(cases)
    app.add_typer(cases, name="cases")
