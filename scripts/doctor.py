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
from collections.abc import Sequence

import pywikibot

from tsbot.cli.doctor import examine
from tsbot.doctor import State
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(check, args)


def check(args: Sequence[str]) -> None:
    """Run the checks."""
    given = handle(args)
    for argument in given.rest:
        if argument != "-offline":
            refuse(argument)
    findings = list(examine(given.settings(), offline="-offline" in given.rest))
    for finding in findings:
        say = pywikibot.info if finding.state is State.OK else pywikibot.warning
        say(f"{finding.check}: {finding.words}" + (f" ({finding.remedy})" if finding.remedy else ""))
    if any(finding.state is State.PROBLEM for finding in findings):
        sys.exit(1)


if __name__ == "__main__":
    main()
