"""``tsbot dealings``: where accounts met, what was done against one, where a phrase came from and went, archives of talk pages."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cases.case import find_case
from tsbot.cli.case_office import Office, opened_office
from tsbot.cli.common import EXIT_NOTHING, ConfigOption, DatabaseOption, JsonOption, harmless, terminal
from tsbot.dealings.asking import Farm, farm_of
from tsbot.dealings.everywhere import Everywhere, OnWiki, meet_everywhere, sanctions
from tsbot.dealings.meeting import SINCE_DAYS, Meeting, meet
from tsbot.dealings.phrase import find
from tsbot.dealings.spread import Spread, archives, spread
from tsbot.errors import InputError
from tsbot.parts import open_wikis
from tsbot.report.wording import moment
from tsbot.settings import Settings

dealings = typer.Typer(
    help="Verify: accounts, sanctions, where a phrase came from, archives. Public data; each look is logged.", no_args_is_help=True
)
CaseOption = Annotated[str, typer.Option("--case", metavar="ID", help="Case that it is looked at for; the look is entered in its history.")]


EverywhereOption = Annotated[bool, typer.Option("--everywhere", help="On all wikis where both have edits, not on this one alone.")]


def farm(settings: Settings) -> Farm:
    """Asks wikis within the budget."""
    wikis = open_wikis(settings)
    return farm_of(settings, wikis.api, wikis.budget, time.sleep)


def attended(office: Office, case: str, now: float, act: str) -> None:
    """Write down that somebody looks at something for a case."""
    with office.store.write() as connection:
        office.who.attend(connection, find_case(connection, case).id, now, act)


@dealings.command("accounts")
def accounts_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki, such as enwiki.")],
    first: Annotated[str, typer.Argument(help="User name.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    case: CaseOption,
    days: Annotated[float, typer.Option(min=1, help="How far back.")] = SINCE_DAYS,
    everywhere: EverywhereOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show where two accounts met: pages in common, contact on user pages, who reverted whom, and blocks of either.

    Example: tsbot dealings accounts enwiki "Paper Lantern" "Grey Pebble" --case 3f2a91c0 --everywhere
    """
    now = time.time()
    with opened_office(config, database) as office:
        attended(office, case, now, "dealings.everywhere" if everywhere else "dealings.accounts")
        asked = farm(office.settings)
        if everywhere:
            found = meet_everywhere(asked, (wiki, ""), first, second, now, days=days)
        else:
            met = meet(asked.open(wiki, ""), first, second, now, days=days)
            found = Everywhere(met.accounts, (OnWiki(wiki, met),), 0)
    if as_json:
        plain = asdict(found) if everywhere else asdict(found)["wikis"][0]["met"]
        typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    for one in found.wikis:
        if everywhere:
            typer.echo(f"{one.wiki}:{'' if one.met else ' does not answer now'}")
        if one.met is not None:
            _met(one.met)
    if found.more:
        typer.echo(f"{found.more} more wikis were not asked.")


def _met(found: Meeting) -> None:
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
    everywhere: Annotated[bool, typer.Option("--everywhere", help="On every page that the wiki's own search finds it on.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show which edit brought a phrase, and whether it is there still.

    Of 5,000 revisions some 130 are read at most, in at most 20 requests for a page.

    Example: tsbot dealings phrase enwiki 123456 --case 3f2a91c0 --phrase -
    """
    text = _phrase(phrase)
    if not text.strip():
        raise InputError("There is no phrase.")
    now = time.time()
    with opened_office(config, database) as office:
        attended(office, case, now, "dealings.spread" if everywhere else "dealings.phrase")
        asked = farm(office.settings).open(wiki, "")
        found = spread(asked, rev_id, text) if everywhere else Spread((find(asked, rev_id, text),), False)
    if as_json:
        typer.echo(json.dumps(asdict(found) if everywhere else asdict(found.origins[0]), ensure_ascii=False))
        return
    console = terminal()
    for one in found.origins:
        by = harmless(one.first.user or "(hidden)")
        console.print(f"{harmless(one.page.title)}: {one.first.rev_id} of {moment(one.first.time)} by {by}")
        console.print("It is there still." if one.gone is None else f"Taken out by {one.gone.rev_id} of {moment(one.gone.time)}.")
        console.print(f"{one.looked_at} revisions were read.")
    if found.more:
        console.print("The wiki's search finds it on more pages than were looked at.")


@dealings.command("archives")
def archives_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki, such as enwiki.")],
    title: Annotated[str, typer.Argument(help="A talk page, or one of its archives.")],
    case: CaseOption,
    phrase: Annotated[str, typer.Option(metavar="FILE|-", help="Words to look for in them; left out: the archives are listed.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the archives of a talk page, and which of them have some words. Exits with 1 if none has them, or there are no archives.

    Example: tsbot dealings archives enwiki "User talk:Paper Lantern" --case 3f2a91c0 --phrase -
    """
    text = _phrase(phrase)
    now = time.time()
    with opened_office(config, database) as office:
        attended(office, case, now, "dealings.archives")
        found = archives(farm(office.settings).open(wiki, ""), title, text)
    shown = [one for one in found.found if one.has or not text.strip()]
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for one in shown:
            typer.echo(harmless(one.page.title))
        if found.more:
            typer.echo("There are more archives than were looked at.", err=True)
    if not shown:
        raise typer.Exit(EXIT_NOTHING)


@dealings.command("sanctions")
def sanctions_command(
    wiki: Annotated[str, typer.Argument(help="Database name of the wiki to begin with, such as enwiki.")],
    account: Annotated[str, typer.Argument(help="User name.")],
    case: CaseOption,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show what was done against an account on all its wikis, and taken back: blocks, locks, global blocks.

    Example: tsbot dealings sanctions enwiki "Grey Pebble" --case 3f2a91c0
    """
    now = time.time()
    with opened_office(config, database) as office:
        attended(office, case, now, "dealings.sanctions")
        found = sanctions(farm(office.settings), (wiki, ""), account)
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        return
    for one in found.entries:
        typer.echo(
            f"{moment(one.entry.time)} {one.wiki} {one.entry.log_type}/{one.entry.action} {harmless(one.entry.comment or '')}".rstrip()
        )
    if found.locked is not None:
        typer.echo("locked everywhere" if found.locked else "not locked")
    if found.silent:
        typer.echo(f"These did not answer: {', '.join(found.silent)}")
    if found.more:
        typer.echo(f"{found.more} more wikis were not asked.")


def _phrase(given: str) -> str:
    if not given:
        return ""
    return sys.stdin.read(10_000) if given == "-" else Path(given).read_text(encoding="utf-8")[:10_000]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(dealings, name="dealings")
