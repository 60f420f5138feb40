"""``tsbot languages``: in which languages letters can be written, and whether their messages are complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from tsbot.cli.common import EXIT_PARTIAL, ConfigOption, JsonOption, read_settings, terminal
from tsbot.i18n.catalogue import own_name, right_to_left
from tsbot.report.rehearse import check_letters, rehearse
from tsbot.report.rehearse import specimens as made_specimens
from tsbot.report.stationery import Stationery


def languages(
    missing: Annotated[bool, typer.Option("--missing", help="Name the messages that a language lacks.")] = False,
    specimens: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every letter into this folder, one file each, to be read.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the languages of letters, and write every letter once in each, those of `report.templates` included.

    Exits with 2 and names file and key where a file is wrong, with 3 where a language lacks messages: English is read in their place.

    Example: tsbot languages --specimens letters
    """
    stationery = check_letters(read_settings(config))
    rehearse(stationery)
    if specimens is not None:
        write_specimens(stationery, specimens)
    catalogue = stationery.catalogue
    lacking = {code: catalogue.missing(code) for code in sorted(catalogue.languages)}
    if as_json:
        for code, keys in lacking.items():
            language = catalogue.languages[code]
            direction = "rtl" if right_to_left(code) else "ltr"
            row = {"language": code, "name": own_name(code), "messages": len(language.messages), "missing": list(keys)}
            typer.echo(json.dumps(row | {"direction": direction, "authors": list(language.authors)}, ensure_ascii=False))
    else:
        table = Table(caption=f"{len(catalogue.keys)} messages, {len(stationery.templates())} letters: {', '.join(stationery.templates())}")
        for heading in ("language", "name", "messages", "missing", "read in their place"):
            table.add_column(heading)
        for code, keys in lacking.items():
            has = len(catalogue.languages[code].messages)
            instead = [other for other in catalogue.chain(code)[1:] if other in catalogue.languages]
            table.add_row(code, own_name(code), str(has), str(len(keys)), ", ".join(instead) or "-")
        console = terminal()
        console.print(table)
        for code, keys in lacking.items() if missing else ():
            for key in keys:
                console.print(f"{code}: {key}")
    if any(lacking.values()):
        raise typer.Exit(EXIT_PARTIAL)


def write_specimens(stationery: Stationery, folder: Path) -> None:
    """Write ``CODE/LETTER.txt`` for every language: a made-up case in the words that a recipient reads."""
    for code in stationery.catalogue.languages:
        (folder / code).mkdir(parents=True, exist_ok=True)
        for name, text in made_specimens(code, stationery):
            (folder / code / name).write_text(text, encoding="utf-8")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(languages)
