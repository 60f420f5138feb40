#!/usr/bin/env python3
"""Check settings, key, database, accounting, detector, disk, stream and mail of tsbot.

The same as `tsbot doctor`, in pywikibot's manner.

These command line parameters can be used:

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

-offline          Leave out what needs the network.

The exit code is 1 if there is a problem.

&params;
"""

from __future__ import annotations

import sys
from pathlib import Path

import pywikibot

from tsbot.cli.common import exit_code, read_settings
from tsbot.cli.doctor import examine
from tsbot.doctor import State
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
    """Read the command line and check."""
    config: Path | None = None
    database: str | None = None
    offline = False
    for argument in handle(args):
        name, _, value = argument.partition(":")
        if name == "-database" and value:
            database = value
        elif name == "-config_file" and value:
            config = Path(value)
        elif name == "-offline":
            offline = True
        else:
            pywikibot.bot.suggest_help(unknown_parameters=[argument])
            sys.exit(2)
    findings = list(examine(read_settings(config, database), offline=offline))
    for finding in findings:
        say = pywikibot.info if finding.state is State.OK else pywikibot.warning
        say(f"{finding.check}: {finding.words}" + (f" ({finding.remedy})" if finding.remedy else ""))
    if any(finding.state is State.PROBLEM for finding in findings):
        sys.exit(1)


if __name__ == "__main__":
    main()
