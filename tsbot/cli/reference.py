"""``tsbot settings``: the reference of all settings."""

from __future__ import annotations

import json

import typer

from tsbot.cli.common import JsonOption
from tsbot.settings_reference import describe, markdown


def settings(as_json: JsonOption = False) -> None:
    """Describe every setting, as the page docs/settings.md.

    Example: tsbot settings > docs/settings.md
    """
    if as_json:
        names = ("key", "type", "default", "description")
        typer.echo(json.dumps([dict(zip(names, row, strict=True)) for row in describe()], indent=2))
    else:
        typer.echo(markdown(), nl=False)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(settings)
