"""``tsbot shadow``: how a candidate detector would differ from the live one."""

from __future__ import annotations

import dataclasses
import json

import typer
from rich import box
from rich.table import Table

from tsbot.cli.common import ConfigOption, DatabaseOption, JsonOption, read_settings, terminal
from tsbot.shadow import ShadowReport, reports
from tsbot.store.opening import open_store

shadow = typer.Typer(help="Compare a candidate detector that judges along (detect.shadow_model) with the live one.", no_args_is_help=True)
SHOWN = 3
"""Subjects of a line for the eye; all stand in the JSON."""


@shadow.command("report")
def report_command(as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None) -> None:
    """Show what both detectors flag, what only the live one and what only the candidate, per kind and language.

    Subjects stand with what only one flags; `tsbot flags show SUBJECT` shows what was flagged, a diff link shows the rest.

    Example: tsbot shadow report --json
    """
    store = open_store(read_settings(config, database))
    try:
        with store.read() as connection:
            found = reports(connection)
    finally:
        store.close()
    if as_json:
        for report in found:
            typer.echo(json.dumps(dataclasses.asdict(report)))
    elif not found:
        typer.echo("No candidate has judged anything yet. Set detect.shadow_model or detect.shadow_packs and run the patrol.")
    else:
        for report in found:
            _show(report)


def _show(report: ShadowReport) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"candidate {report.candidate}", title_justify="left")
    for heading in ("kind", "lang.", "both", "only live", "only candidate", "subjects only one flags"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("both", "only live", "only candidate") else "left")
    for diff in report.diffs:
        subjects = [f"-{subject}" for subject in diff.subjects_only_live] + [f"+{subject}" for subject in diff.subjects_only_candidate]
        more = f" and {len(subjects) - SHOWN} more" if len(subjects) > SHOWN else ""
        numbers = (f"{number:,}" for number in (diff.both, diff.only_live, diff.only_candidate))
        table.add_row(diff.kind, diff.language, *numbers, " ".join(subjects[:SHOWN]) + more)
    rest = f"{report.failed:,} the candidate failed on, {report.skipped:,} it was too slow for"
    table.caption = f"passages: {report.cleared:,} cleared by both, {rest}"
    terminal().print(table)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(shadow, name="shadow")
