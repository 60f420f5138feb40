"""``tsbot hearings``: what people reported, and the answers to them."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cases.case import Case, find_case, read_case
from tsbot.cli.case_office import IdArgument, opened_office, read_text, tell
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, harmless, terminal
from tsbot.errors import InputError
from tsbot.reception import answering
from tsbot.reception import hearing as found_hearings
from tsbot.reception.hearing import Hearing
from tsbot.reception.situations import draft, shipped_situations
from tsbot.report.wording import moment

hearings = typer.Typer(help="What people reported, and the answers to them: due, show, answer, check-in, step.", no_args_is_help=True)
ReferenceArgument = Annotated[str, typer.Argument(metavar="REFERENCE", help="Reference of the report, such as K7QF-2M9D.")]


@hearings.command("due")
def due_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List people who wait longer for news than they were told, longest first. Exits with 1 if there are any: a timer can remind by that.

    Example: tsbot hearings due --json
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.read() as connection:
        late = found_hearings.waiting(connection, now)
    for one in late:
        if as_json:
            typer.echo(json.dumps(_plain(one)))
        else:
            typer.echo(f"{one.reference}  case {one.case_id[:8]}  promised by {moment(one.check_in or 0)}")
    if late:
        raise typer.Exit(EXIT_NOTHING)


@hearings.command("show")
def show_command(
    case: IdArgument,
    text: Annotated[bool, typer.Option("--text", help="Show what was written. That you read it is noted.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show the reports of people on a case, and what was said since. Texts may be disturbing.

    Example: tsbot hearings show 3f2a91c0 --text
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.write() if text else office.store.read() as connection:
        found = find_case(connection, case)
        office.who.people.refuse(connection, found.id, office.who.by)
        rows = found_hearings.of_case(connection, found.id)
        shown = []
        for one in rows:
            said = words = None
            if text:
                office.who.attend(connection, found.id, now, "hearing.revealed")
                said = found_hearings.read_said(connection, office.store.key, one)
                words = [(word.ours, word.situation, word.text) for word in found_hearings.words(connection, office.store.key, one)]
            shown.append((one, said, words))
    if as_json:
        for one, said, words in shown:
            typer.echo(json.dumps(_plain(one) | ({"text": said.text, "words": words} if said else {}), ensure_ascii=False))
        return
    table = Table()
    for heading in ("reference", "channel", "language", "received", "news by", "told the end", "marks"):
        table.add_column(heading)
    for one, _, _ in shown:
        marks = [name for name in ("urgent", "minors", "research", "withdrawn", "appeal") if getattr(one, name)]
        news, ended = (moment(at) if at else "-" for at in (one.check_in, one.ended))
        table.add_row(one.reference, one.channel, one.language, moment(one.created), news, ended, ", ".join(marks))
    console = terminal()
    console.print(table)
    for one, said, words in shown:
        if said is not None:
            console.print(f"{one.reference}: {harmless(said.text)}")
            for ours, situation, spoken in words or ():
                console.print(f"  {'we' if ours else 'they'} ({situation}): {harmless(spoken or '(destroyed)')}")


@hearings.command("answer")
def answer_command(
    case: IdArgument,
    reference: ReferenceArgument,
    situation: Annotated[str, typer.Option(help="received, more, delayed, acted, nothing, closed or appeal.")],
    text: Annotated[str, typer.Option(metavar="FILE|-", help="The answer; without it, the draft of the situation is sent.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Answer a person: they read it under their private link, and are told by mail if they gave an address.

    Nothing is sent that reveals reporter, target, accused, evidence or handler, or that comes before its time (docs/reception.md).

    Example: tsbot hearings answer 3f2a91c0 K7QF-2M9D --situation received
    """
    now = time.time()
    with opened_office(config, database) as office, office.store.write() as connection:
        found = find_case(connection, case)
        hearing = _named(found_hearings.of_case(connection, found.id), reference)
        if situation not in shipped_situations():
            raise InputError(f"There is no situation of that name; there are {', '.join(shipped_situations())}.")
        words = read_text(text) if text else draft(situation, hearing, now)
        answering.answer(connection, office.who, office.settings, found.id, hearing.id, situation, words, now)
        done = read_case(connection, found.id)
    tell([done], "answered", as_json=as_json)


@hearings.command("step")
def step_command(
    case: IdArgument,
    what: Annotated[str, typer.Argument(help="acted, nothing_to_act, sanctioned_told or nobody_sanctioned.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Note a step towards the end of a case that people reported: acted, then the sanctioned told.

    A note on the case comes before, telling those who reported it after.

    Example: tsbot hearings step 3f2a91c0 nothing_to_act
    """
    with opened_office(config, database) as office, office.store.write() as connection:
        found = find_case(connection, case)
        answering.step(connection, office.who, found.id, what, time.time())
        done: Case = read_case(connection, found.id)
    tell([done], f"noted as {what}", as_json=as_json)


@hearings.command("check-in")
def check_in_command(
    case: IdArgument,
    reference: ReferenceArgument,
    days: Annotated[float, typer.Option(help="Days from now; sooner than the person was told.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Have the team reminded of a person sooner than they were told. To put it off, answer that it takes longer.

    Example: tsbot hearings check-in 3f2a91c0 K7QF-2M9D --days 2
    """
    with opened_office(config, database) as office, office.store.write() as connection:
        found = find_case(connection, case)
        hearing = _named(found_hearings.of_case(connection, found.id), reference)
        answering.check_in(connection, office.who, found.id, hearing.id, days, time.time())
        done = read_case(connection, found.id)
    tell([done], "noted", as_json=as_json)


def _named(rows: list[Hearing], reference: str) -> Hearing:
    for one in rows:
        if one.reference == reference.upper():
            return one
    raise InputError("No report of that reference is in this case. `tsbot hearings show ID` lists them.")


def _plain(one: Hearing) -> dict[str, object]:
    names = ("id", "case_id", "reference", "channel", "language", "created", "urgent", "minors", "research", "withdrawn", "check_in")
    return {"ended": one.ended} | {name: getattr(one, name) for name in names}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(hearings, name="hearings")
