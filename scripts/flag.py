#!/usr/bin/env python3
"""Put a diff, permanent link or log entry by hand through the stages of the patrol.

The same as `tsbot flag`, in pywikibot's manner. Works beside a running patrol.

These command line parameters can be used:

-kind:X           Flag it as this kind whatever the detector finds, for instance violence or harassment.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To flag a revision of the English Wikipedia:

    pwb flag -kind:violence https://en.wikipedia.org/wiki/Special:Diff/123456

&params;
"""

from __future__ import annotations

import sys
from pathlib import Path

import pywikibot

from tsbot.byhand import flag_by_hand
from tsbot.cli.common import exit_code, read_settings
from tsbot.detect.finding import Kind
from tsbot.errors import TsbotError
from tsbot.pwb.arguments import handle

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line; errors of ours become one line and an exit code."""
    try:
        run_script(*args)
    except TsbotError as error:
        pywikibot.error(str(error))
        sys.exit(exit_code(error))


def run_script(*args: str) -> None:
    """Read the command line and flag."""
    config: Path | None = None
    database: str | None = None
    kind: Kind | None = None
    links: list[str] = []
    for argument in handle(args):
        name, _, value = argument.partition(":")
        if name == "-database" and value:
            database = value
        elif name == "-config_file" and value:
            config = Path(value)
        elif name == "-kind" and value in set(Kind) - {Kind.NONE}:
            kind = Kind(value)
        elif argument.startswith(("http://", "https://")):
            links.append(argument)
        else:
            pywikibot.bot.suggest_help(unknown_parameters=[argument])
            sys.exit(2)
    if not links:
        pywikibot.bot.suggest_help(missing_parameters=["a link"])
        sys.exit(2)
    for link in links:
        for line in flag_by_hand(read_settings(config, database), link, kind).lines():
            pywikibot.info(line)


if __name__ == "__main__":
    main()
