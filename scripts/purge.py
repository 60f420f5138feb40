#!/usr/bin/env python3
"""Destroy the texts and names of cases whose time is up.

The same as `tsbot purge`, in pywikibot's manner. Kinds, times, scores and outcomes stay.

These command line parameters can be used:

-dry              Show what is due and destroy nothing.

-json             Machine-readable output.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To see what is due:

    pwb purge -dry

&params;
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from tsbot.cli.purge import purge as destroy
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(purge, args)


def purge(args: Sequence[str]) -> None:
    """Do it, or show it."""
    dry = as_json = False
    given = handle(args)
    for argument in given.rest:
        if argument == "-dry":
            dry = True
        elif argument == "-json":
            as_json = True
        else:
            refuse(argument)
    try:
        destroy(case=None, dry_run=dry, as_json=as_json, config=given.config, database=given.database)
    except typer.Exit as end:
        sys.exit(end.exit_code)


if __name__ == "__main__":
    main()
