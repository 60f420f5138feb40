"""``tsbot reports``: what waits to be sent, and letting it go."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.table import Table

from tsbot.cases.acts import Desk
from tsbot.cases.case import find_case
from tsbot.cli.common import EXIT_NOTHING, EXIT_USAGE, ConfigOption, DatabaseOption, JsonOption, own_desk, read_settings, terminal
from tsbot.errors import CaseError, InputError
from tsbot.log import configure
from tsbot.report.bounce import MAX_BYTES, note_bounce, read_bounce
from tsbot.report.closed import tell_closed
from tsbot.report.deliver import Deliverer
from tsbot.report.letter import Manner
from tsbot.report.message import OutboundMessage, to_email
from tsbot.report.policy import Policy
from tsbot.report.releasing import Released, release
from tsbot.store import audit, outbox
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.store.outbox import Purpose, Report, ReportState
from tsbot.view import when

TIMES = frozenset(("acknowledged", "created", "due", "released", "sent", "step_due"))
MECHANICS = frozenset(("content-type", "content-transfer-encoding", "mime-version"))
"""Headers that say how a message is encoded, and nothing to people."""


reports = typer.Typer(help="List, read, release and retry reports.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the report, or its beginning.")]
IdsArgument = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of reports, or their beginnings.")]


@reports.command("list")
def list_command(
    state: Annotated[ReportState | None, typer.Option(help="Only reports in this state.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that wait too long: for release, a server, an answer.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most reports shown.")] = 50,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List reports, newest first: ids, recipients and states, nothing of what they say.

    Example: tsbot reports list --state held
    """
    with _opened(config, database) as deliverer, deliverer.database.read() as connection:
        found = outbox.escalated(connection, time.time(), limit) if overdue else outbox.listing(connection, state, limit)
        found = [report for report in found if state in (None, report.state)]
        numbers = outbox.counts(connection)
    if as_json:
        for report in found:
            typer.echo(json.dumps(_plain(report)))
        return
    if not found:
        typer.echo("No reports." if state is None else f"No {state.value} reports.")
        return
    table = Table(caption=", ".join(f"{number} {name.value}" for name, number in numbers.items() if number))
    for heading in ("report", "case", "kind", "for", "to", "state", "made (UTC)"):
        table.add_column(heading, no_wrap=heading in {"report", "case"})
    for report in found:
        table.add_row(
            report.id[:8],
            report.case_id[:8],
            report.kind,
            report.purpose.value,
            report.recipient,
            _standing(report),
            when(report.created),
        )
    terminal().print(table)


@reports.command("show")
def show_command(
    report: IdArgument,
    text: Annotated[bool, typer.Option("--text", help="Show what it says, too. It may be disturbing.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show where a report stands; with --text also the letter.

    Example: tsbot reports show 3f2a91c0 --text
    """
    with _opened(config, database) as deliverer:
        row = _one(deliverer.database, report)
        plain = _plain(row)
        if text:
            plain["text"] = _message(deliverer, row).text
    if as_json:
        typer.echo(json.dumps(plain))
        return
    body = plain.pop("text", None)
    for name, value in plain.items():
        shown = when(value) if name in TIMES and value else "-" if value in (None, "") else value
        typer.echo(f"{name.replace('_', ' ') + ':':<14} {shown}")
    if body is not None:
        typer.echo(f"\n{body}", nl=False)


@reports.command("preview")
def preview_command(
    report: IdArgument,
    language: Annotated[str, typer.Option(help="Read it in this language; `qqx` shows the keys of the messages.")] = "",
    policy: Annotated[Policy | None, typer.Option(help="Read it as a recipient with this policy would.")] = None,
    exercise: Annotated[bool, typer.Option("--exercise", help="Read it as part of an exercise.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show the whole message as it would be sent now, headers included. Sends nothing, and changes nothing.

    Example: tsbot reports preview 3f2a91c0 --language de --policy links_only
    """
    with _opened(config, database) as deliverer:
        if language and not deliverer.writer.stationery.catalogue.knows(language):
            raise InputError(f"There are no letters in {language!r}. `tsbot languages` lists the languages.")
        row = _one(deliverer.database, report)
        decision = deliverer.outgoing.decide(row)
        links_only = decision.policy is Policy.LINKS_ONLY if policy is None else policy is Policy.LINKS_ONLY
        message = _message(deliverer, row, Manner(language=language, links_only=links_only, exercise=exercise or row.drill))
    leaves = "encrypted" if decision.encrypted else "links only" if decision.policy is Policy.LINKS_ONLY else "in clear"
    if row.purpose is not Purpose.PAGE:
        typer.echo(f"Leaves {leaves} ({decision.trouble or decision.policy}), by {row.channel}", err=True)
    mail = to_email(message)
    if as_json:
        headers = {name: str(value) for name, value in mail.items() if name.lower() not in MECHANICS}
        typer.echo(json.dumps({"id": row.id, "headers": headers, "text": message.text}))
        return
    for name, value in mail.items():
        if name.lower() not in MECHANICS:
            typer.echo(f"{name}: {value}")
    typer.echo(f"\n{message.text}", nl=False)


@reports.command("release")
def release_command(
    ids: IdsArgument, as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """Let held reports go. They are sent by the running patrol, or by the next one. Your user name is noted.

    Where the settings ask for two people (`cases.two_person`), the first call asks, and somebody else's call releases. A letter whose
    flag people gave another kind is withdrawn instead, and filed for those who are told of that kind. Exits with 1 if one of them does
    not exist, does not wait for release or waits for a second person; the others are released all the same.

    Example: tsbot reports release 3f2a91c0
    """
    with _opened(config, database) as deliverer:
        who, done = own_desk(deliverer.database, deliverer.settings), []
        by = who.by
        for row in [_one(deliverer.database, identity) for identity in ids]:
            released, astray = _release(deliverer, row, who, time.time())
            if released:
                structlog.get_logger().info("report.released", id=row.id, by=by)
            if astray:
                typer.echo(f"{row.id}: people gave it another kind; it was withdrawn and filed for others.", err=True)
            done.append((_now(deliverer.database, row), released))
    _tell(done, "released", "is not waiting for release", as_json=as_json)


@reports.command("retry")
def retry_command(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids of dead reports, or their beginnings.")] = None,
    all_dead: Annotated[bool, typer.Option("--all", help="Every dead report.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Try dead reports again, with all their attempts; for when their trouble was mended.

    Exits with 1 if one of them does not exist or is not dead.

    Example: tsbot reports retry --all
    """
    if bool(ids) == all_dead:
        typer.echo("Name reports, or give --all. `tsbot reports list --state dead` shows what there is.", err=True)
        raise typer.Exit(EXIT_USAGE)
    with _opened(config, database) as deliverer:
        rows: Sequence[Report]
        if all_dead:
            with deliverer.database.read() as connection:
                rows = outbox.listing(connection, ReportState.DEAD, limit=1_000_000)
        else:
            rows = [_one(deliverer.database, identity) for identity in ids or ()]
        done = [(row, _retry(deliverer, row)) for row in rows]
    _tell(done, "queued again", "is not tried again", as_json=as_json)


@reports.command("bounce")
def bounce_command(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The mail; left out: standard input.", dir_okay=False)] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Read a bounce: the report that it is about is dead then, and shouts like any other. For the mail alias that bounces go to.

    `tsbot reports receive` reads bounces as well: one alias does for both. This command takes nothing but bounces.

    Exits with 1 if the mail is no bounce of a report of ours that was sent; nothing is changed then.

    Example: tsbot reports bounce bounce.eml
    """
    if file is None:
        data = sys.stdin.buffer.read(MAX_BYTES)
    else:
        with file.open("rb") as handle:
            data = handle.read(MAX_BYTES)
    bounce = read_bounce(data)
    row = None
    if bounce is not None:
        with _opened(config, database) as deliverer, deliverer.database.write() as connection:
            row = note_bounce(connection, deliverer.database.key, bounce, time.time())
            if row is not None:
                deliverer.timers.died(connection, row.id, time.time())  # on-call is told at once
    if row is None:
        typer.echo("This is no bounce of a report that was sent.", err=True)
        raise typer.Exit(EXIT_NOTHING)
    structlog.get_logger().error("report.bounced", id=row.id, reason=row.last_error, remedy=f"tsbot reports retry {row.id}")
    _tell([(row, True)], row.last_error, "", as_json=as_json)


@reports.command("closed")
def closed_command(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of a closed case, or its beginning.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Tell those who had a letter about a case that it is closed, and with what outcome: ids only, in their thread. Once for each closing.

    Exits with 1 if nobody is to be told.

    Example: tsbot reports closed 3f2a91c0
    """
    now = time.time()
    with _opened(config, database) as deliverer:
        who = own_desk(deliverer.database, deliverer.settings)
        with deliverer.database.write() as connection:
            found = find_case(connection, case)
            who.people.refuse(connection, found.id, who.by)
            told = tell_closed(connection, deliverer.settings, found.id, by=who.by, now=now)
    typer.echo(f"{len(told)} told; they leave with the next delivery.")
    if not told:
        raise typer.Exit(EXIT_NOTHING)


@contextmanager
def _opened(config: Path | None, database: str | None) -> Iterator[Deliverer]:
    """What reads reports; it has no channels and asks no wiki."""
    configure()
    settings = read_settings(config, database)
    store = open_store(settings)
    rng = random.Random()  # noqa: S311 - spreads retries, and here there are none
    try:
        yield Deliverer(store, settings, {}, account_status=None, clock=time.time, rng=rng, simulate=True)
    finally:
        store.close()


def _one(store: Database, prefix: str) -> Report:
    with store.read() as connection:
        found = outbox.find(connection, prefix)
    if not found:
        typer.echo(f"No report {prefix}. `tsbot reports list` shows what there is.", err=True)
        raise typer.Exit(EXIT_NOTHING)
    if len(found) > 1:
        typer.echo(f"Several reports begin with {prefix}; give more of the id.", err=True)
        raise typer.Exit(EXIT_USAGE)
    return found[0]


def _release(deliverer: Deliverer, report: Report, who: Desk, now: float) -> tuple[bool, bool]:
    """Release one letter if whoever asks may; what speaks against it is said, and keeps no other letter back.

    Whether it was released, and whether it was withdrawn because people gave its flag another kind.
    """
    try:
        released = release(deliverer.database, deliverer.settings, who, report.id, now)
    except CaseError as error:
        typer.echo(str(error), err=True)
        return False, False
    return released is Released.YES, released is Released.ASTRAY


def _retry(deliverer: Deliverer, report: Report) -> bool:
    """Try a dead report again if whoever asks may; what speaks against it is said, and keeps no other report back."""
    who = own_desk(deliverer.database, deliverer.settings)
    try:
        with deliverer.database.write() as connection:
            current = outbox.get(connection, report.id) or report
            if current.purpose is not Purpose.PAGE:
                who.check_retry(connection, current)
            again = outbox.retry(connection, report.id, time.time())
            if again:
                audit.record(connection, who.by, "report.retried", report.id, time.time(), {"case": current.case_id})
            return again
    except CaseError as error:
        typer.echo(str(error), err=True)
        return False


def _now(store: Database, report: Report) -> Report:
    """A report as it is now."""
    with store.read() as connection:
        return outbox.get(connection, report.id) or report


def _message(deliverer: Deliverer, report: Report, manner: Manner | None = None) -> OutboundMessage:
    """A report as it stands; a letter that is not written yet is written for the eye only. That somebody read it is written down."""
    who = own_desk(deliverer.database, deliverer.settings)
    if report.purpose is not Purpose.PAGE:  # a letter that goes out once more says what the first one said
        with deliverer.database.write() as connection:
            who.attend(connection, report.case_id, time.time(), "report.revealed", report.id)
    structlog.get_logger().info("report.revealed", id=report.id, by=who.by)
    if report.body is not None or report.purpose is Purpose.PAGE:
        return deliverer.message(report, manner)
    return deliverer.draft(report, manner)


def _tell(done: list[tuple[Report, bool]], success: str, failure: str, *, as_json: bool) -> None:
    for report, changed in done:
        if as_json:
            typer.echo(json.dumps({"id": report.id, "done": changed}))
        else:
            typer.echo(f"{report.id} {success if changed else f'{failure} ({report.state.value})'}", err=not changed)
    if not all(changed for _, changed in done) or not done:
        raise typer.Exit(EXIT_NOTHING)


def _standing(report: Report) -> str:
    """State of a report, with what it waits for or why."""
    if report.acknowledged is not None:
        return f"{report.state.value}, acknowledged{f': {report.result}' if report.result else ''}"
    if report.state is ReportState.WITHDRAWN:
        return f"{report.state.value} ({report.last_error})"
    if report.last_error:
        return f"{report.state.value} ({report.attempts} tries: {report.last_error})"
    return report.state.value + (f", told {report.step} times" if report.step else "")


def _plain(report: Report) -> dict[str, Any]:
    return {name: value for name, value in asdict(report).items() if name != "body"}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(reports, name="reports")
