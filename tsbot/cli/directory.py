"""``tsbot directory``: places of help for people, and whether what is known of them is still so."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cli.common import EXIT_PARTIAL, ConfigOption, JsonOption, read_settings, terminal
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.reception.mailing import directory_of
from tsbot.referral.check import check
from tsbot.referral.directory import Shown

directory = typer.Typer(help="Places of help: crisis lines, victim support, digital safety, legal aid.", no_args_is_help=True)


@directory.command("check")
def check_command(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Read every file, and list what nobody has looked at for a year, what no person confirmed, and doubtful emergency numbers.

    Exits with 2 and names the file where one is wrong, with 3 where something is stale or unconfirmed: such places are shown, marked so and
    never alone.

    Example: tsbot directory check --json
    """
    found = check(directory_of(read_settings(config)), datetime.datetime.now(datetime.UTC).date())
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False))
    else:
        for title, names in (("stale", found.stale), ("not confirmed", found.unconfirmed), ("contested", found.contested)):
            for name in names:
                typer.echo(f"{title}: {name}")
        typer.echo(
            f"{found.countries} countries, {found.entries} entries: {len(found.stale)} stale, {len(found.unconfirmed)} not confirmed, "
            f"{len(found.contested)} emergency numbers that libphonenumber does not list."
        )
    if found.stale or found.unconfirmed:
        raise typer.Exit(EXIT_PARTIAL)


@directory.command("find")
def find_command(
    language: Annotated[str, typer.Option(help="Language of the person, such as ar.")] = "en",
    country: Annotated[str, typer.Option(help="Country, as two letters, if it is known.")] = "",
    kind: Annotated[Kind | None, typer.Option(help="Kind of harm.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what a person would be shown.

    Example: tsbot directory find --language ar --country EG --kind harassment
    """
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise InputError("A country is two letters, such as EG.")
    today = datetime.datetime.now(datetime.UTC).date()
    found = directory_of(read_settings(config)).refer(language=language, country=country, kind=kind, today=today)
    if as_json:
        places = [_plain(one, near=near) for near, some in ((True, found.near), (False, found.everywhere)) for one in some]
        typer.echo(json.dumps({"emergency": found.emergency, "urgent": found.urgent, "help": places}, ensure_ascii=False))
        return
    table = Table(caption=f"Emergency: {', '.join(found.emergency) or 'not known'}")
    for heading in ("where", "what", "name", "contact", "hours", "languages", "confirmed"):
        table.add_column(heading)
    for where, some in (("near", found.near), ("everywhere", found.everywhere)):
        for one in some:
            contact = " ".join(filter(None, (one.help.phone, one.help.mail, one.help.url)))
            said = "no" if one.doubtful else "yes"
            table.add_row(where, ", ".join(one.help.offers), one.help.name, contact, one.help.hours, ", ".join(one.languages), said)
    terminal().print(table)


def _plain(one: Shown, *, near: bool) -> dict[str, object]:
    told = one.help
    return {
        "near": near,
        "offers": list(told.offers),
        "name": told.name,
        "phone": told.phone,
        "mail": told.mail,
        "url": told.url,
        "hours": told.hours,
        "languages": list(one.languages),
        "checked": told.checked.isoformat(),
        "confirmed": told.confirmed,
        "doubtful": one.doubtful,
        "source": told.source,
    }


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(directory, name="directory")
