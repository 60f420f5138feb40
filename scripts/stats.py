#!/usr/bin/env python3
"""Count what was found and what became of it.

The same as `tsbot stats`, in pywikibot's manner. What is shown is for the team; only a file made with -public may be published.

These command line parameters can be used:

-since:DATE       First day of opening that is counted, as 2026-01-01 (UTC).

-until:DATE       Last day of opening that is counted.

-wiki:X           Only this wiki (database name).

-by:NAMES         Group by these, with commas between: wiki, language, kind, outcome, source, month.

-public:FILE      Write what may be published, without small numbers, as .csv or .json.

-json             One JSON object.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To count the first quarter by wiki and outcome:

    pwb stats -since:2026-01-01 -until:2026-03-31 -by:wiki,outcome

&params;
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tsbot.cli.common import EXIT_USAGE
from tsbot.cli.stats import stats as show
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(stats, args)


def stats(args: Sequence[str]) -> None:
    """Print the numbers."""
    since: datetime | None = None
    until: datetime | None = None
    wiki: str | None = None
    by, public, as_json = "kind", None, False
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-since" and value:
            since = _day(argument, value)
        elif name == "-until" and value:
            until = _day(argument, value)
        elif name == "-wiki" and value:
            wiki = value
        elif name == "-by" and value:
            by = value
        elif name == "-public" and value:
            public = Path(value)
        elif argument == "-json":
            as_json = True
        else:
            refuse(argument)
    show(since, until, wiki, by, evidence=False, public=public, plots=None, as_json=as_json, config=given.config, database=given.database)


def _day(argument: str, value: str) -> datetime:
    try:
        return datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007 - a day, as the command takes it
    except ValueError:
        refuse(argument)
        sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
