"""``tsbot research``: reports for research, without identities."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cli.case_office import opened_office
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption
from tsbot.errors import InputError
from tsbot.report.wording import moment
from tsbot.research import export

research = typer.Typer(help="Reports for research: export, review, release, register.", no_args_is_help=True)
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="Id of the export, or its beginning.")]


def _day(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise InputError(f"{text[:20]!a} is no day, such as 2026-01-31.") from error


@research.command("export")
def export_command(
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Empty folder for the files; they are for nobody else to read.")],
    since: Annotated[str, typer.Option(metavar="DAY", help="First day, such as 2026-01-01.")] = "2001-01-01",
    until: Annotated[str, typer.Option(metavar="DAY", help="Day before which; default: today.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Write what people reported and gave for research, de-identified, with a sample, a report of the risk and a data dictionary.

    It is a draft: somebody else reads the sample and approves it (`tsbot research review`) before it is released. Exits with 1 if
    it is empty.

    Example: tsbot research export --output export-2026-01 --since 2026-01-01 --until 2026-02-01
    """
    now = time.time()
    end = _day(until) if until else now
    with opened_office(config, database) as office, office.store.write() as connection:
        made = export.make(
            connection, office.store.key, office.settings, output, since=_day(since), until=end, by=office.who.by, now=now
        )
    if as_json:
        typer.echo(json.dumps(asdict(made)))
    else:
        typer.echo(f"{made.id}: {made.reports} reports; {made.left_out} left out of small groups, {made.withheld} without consent.")
    if not made.reports:
        raise typer.Exit(EXIT_NOTHING)


@research.command("review")
def review_command(
    export_id: IdArgument,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="What you say of it after reading sample.jsonl.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Say, after reading the sample, whether an export may leave. Who made it cannot.

    Example: tsbot research review 3f2a91c0 --approve
    """
    with opened_office(config, database) as office, office.store.write() as connection:
        export.review(connection, export_id, approve=approve, by=office.who.by, now=time.time())
    typer.echo("approved" if approve else "rejected")


@research.command("release")
def release_command(
    export_id: IdArgument,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where its files are.")],
    to: Annotated[str, typer.Option(help="Institution that receives it.")],
    agreement: Annotated[str, typer.Option(help="Under which agreement: its number and date.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Enter in the register that an approved export is given to somebody. The file must be the one that was reviewed.

    Example: tsbot research release 3f2a91c0 --folder export-2026-01 --to "University of Example" --agreement "NDA 12 of 2026-01-05"
    """
    with opened_office(config, database) as office, office.store.write() as connection:
        export.release(connection, export_id, folder, recipient=to, agreement=agreement, by=office.who.by, now=time.time())
    typer.echo(f"released to {to}")


@research.command("register")
def register_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """List exports: what was made, who reviewed it, who received it under which agreement.

    Example: tsbot research register
    """
    with opened_office(config, database) as office, office.store.read() as connection:
        rows = export.register(connection)
    for row in rows:
        if as_json:
            typer.echo(json.dumps(row))
            continue
        given = f"to {row['recipient']} under {row['agreement']}" if row["released"] else str(row["verdict"] or "draft")
        typer.echo(f"{str(row['id'])[:8]}  {moment(float(str(row['created'])))}  {row['reports']} reports  {given}")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(research, name="research")
