"""``tsbot dealings``: where two accounts met, and where a phrase came from."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cases.case import find_case
from tsbot.cli.case_office import opened_office
from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption, harmless, terminal
from tsbot.dealings.meeting import SINCE_DAYS, meet
from tsbot.dealings.phrase import find
from tsbot.errors import InputError
from tsbot.parts import open_wikis
from tsbot.report.wording import moment
from tsbot.settings import Settings
from tsbot.wiki.history_reader import ApiHistories

dealings = typer.Typer(
    help="Verify: where two accounts met, where a phrase came from. Public data; each look is logged.", no_args_is_help=True
)
CaseOption = Annotated[str, typer.Option("--case", metavar="ID", help="Case that it is looked at for; the look is entered in its history.")]


def histories(settings: Settings, wiki: str) -> ApiHistories:
    """Reads a wiki within the budget."""
    wikis = open_wikis(settings)
    return ApiHistories(wikis.api, wiki, wikis.budget, time.sleep, concurrency=settings.wiki.concurrency)


@dealings.command("accounts")
def accounts_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki, such as enwiki.")],
    first: Annotated[str, typer.Argument(help="User name.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    case: CaseOption,
    days: Annotated[float, typer.Option(min=1, help="How far back.")] = SINCE_DAYS,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show where two accounts met: pages in common, contact on user pages, who reverted whom, and blocks of either.

    Example: tsbot dealings accounts enwiki "Paper Lantern" "Grey Pebble" --case 3f2a91c0
    """
    now = time.time()
    with opened_office(config, database) as office:
        with office.store.write() as connection:
            office.who.attend(connection, find_case(connection, case).id, now, "dealings.accounts")
        found = meet(histories(office.settings, wiki), first, second, now, days=days)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    console = terminal()
    for page in found.pages:
        console.print(f"{harmless(page.title)}: {page.edits[0]} and {page.edits[1]} edits, {page.closest / 60:.0f} min apart at the least; "
                      f"{harmless(page.first)} came first")  # fmt: skip
    for contact in reversed(found.contacts):
        console.print(f"{moment(contact.time)} {harmless(contact.by)} wrote on {harmless(contact.title)} ({contact.rev_id})")
    for revert in found.reverts:
        console.print(f"{moment(revert.time)} {harmless(revert.by)} reverted {harmless(revert.of)} on {harmless(revert.title)}")
    for name, entry in found.logs:
        console.print(f"{moment(entry.time)} {entry.log_type}/{entry.action} of {harmless(name)}")
    if not found.complete:
        console.print("One of them has more edits than were read; older ones are not in this.")


@dealings.command("phrase")
def phrase_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki, such as enwiki.")],
    rev_id: Annotated[int, typer.Argument(min=1, help="A revision in which the phrase stands.")],
    case: CaseOption,
    phrase: Annotated[
        str, typer.Option(metavar="FILE|-", help="The phrase; - reads it from input, which keeps it out of the shell's history.")
    ] = "-",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show which edit brought a phrase, and whether it is there still.

    Of 5,000 revisions some 130 are read at most, in at most 20 requests.

    Example: tsbot dealings phrase enwiki 123456 --case 3f2a91c0 --phrase -
    """
    text = sys.stdin.read(10_000) if phrase == "-" else Path(phrase).read_text(encoding="utf-8")[:10_000]
    if not text.strip():
        raise InputError("There is no phrase.")
    now = time.time()
    with opened_office(config, database) as office:
        with office.store.write() as connection:
            office.who.attend(connection, find_case(connection, case).id, now, "dealings.phrase")
        found = find(histories(office.settings, wiki), rev_id, text)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    console = terminal()
    by = harmless(found.first.user or "(hidden)")
    console.print(f"{harmless(found.page.title)}: {found.first.rev_id} of {moment(found.first.time)} by {by}")
    console.print("It is there still." if found.gone is None else f"Taken out by {found.gone.rev_id} of {moment(found.gone.time)}.")
    console.print(f"{found.looked_at} revisions were read.")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(dealings, name="dealings")
