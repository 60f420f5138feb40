"""``tsbot lexicon check``: whether a pack is well-formed, and how well its language is judged."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from tsbot.cli.common import ConfigOption, read_settings, terminal
from tsbot.detect.check import LanguageCheck, check_language, languages, markdown
from tsbot.detect.detector import load_detector
from tsbot.errors import InputError

lexicon = typer.Typer(help="Language packs and sentences.", no_args_is_help=True)


@lexicon.command("check")
def check(
    codes: Annotated[list[str] | None, typer.Argument(help="ISO 639 codes of languages.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Check every language.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    table: Annotated[bool, typer.Option("--markdown", help="Print the coverage table of docs/languages.md.")] = False,
    unused: Annotated[bool, typer.Option("--unused", help="List the patterns that no sentence has.")] = False,
    config: ConfigOption = None,
) -> None:
    """Check a language's pack and sentences, and judge the sentences that the model has not learnt from.

    Errors name file and line. The exit code is 1 if anything is wrong or missing.

    Example: tsbot lexicon check de
    """
    wanted = languages() if everything else codes or []
    if not wanted:
        raise InputError("Name a language, as in `tsbot lexicon check de`, or say --all.")
    if unknown := set(wanted) - set(languages()):
        raise InputError(f"No pack for {', '.join(sorted(unknown))}; docs/languages.md says how one is written.")
    settings = read_settings(config).detect
    detector = load_detector(settings.thresholds, settings.identify)
    checks = [check_language(code, detector) for code in wanted]
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(checks), indent=2).decode())
    elif table:
        typer.echo(markdown(checks), nl=False)
    else:
        _show(checks, unused=unused)
    if any(one.troubles for one in checks):
        raise typer.Exit(1)


def _show(checks: list[LanguageCheck], *, unused: bool) -> None:
    table = Table("language", "patterns", "threats", "harmless", "checked", "AUROC", "flagged", "falsely", "reviewed by", "wrong")
    for one in checks:
        table.add_row(
            f"{one.language} {one.name}",
            f"{one.patterns} ({len(one.unused)} unused)",
            str(one.threats),
            str(one.harmless),
            str(one.checked),
            f"{one.auroc:.3f}",
            f"{100 * one.found:.0f} %",
            f"{100 * one.false:.1f} %",
            one.reviewed,
            "; ".join(one.troubles) or "-",
        )
    console = terminal()
    console.print(table)
    for one in checks if unused else ():
        console.print(f"{one.language}: {len(one.unused)} patterns that no sentence has")
        for pattern in one.unused:
            console.print(f"  {pattern}", markup=False)


def register(app: typer.Typer) -> None:
    """Add the commands of ``lexicon``."""
    app.add_typer(lexicon, name="lexicon")
