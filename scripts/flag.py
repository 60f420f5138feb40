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
from collections.abc import Sequence

import pywikibot

from tsbot.byhand import flag_by_hand
from tsbot.cli.common import EXIT_USAGE
from tsbot.detect.finding import Kind
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(flag, args)


def flag(args: Sequence[str]) -> None:
    """Flag what the links point at."""
    kind: Kind | None = None
    links: list[str] = []
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-kind" and value in set(Kind) - {Kind.NONE}:
            kind = Kind(value)
        elif argument.startswith(("http://", "https://")):
            links.append(argument)
        else:
            refuse(argument)
    if not links:
        pywikibot.bot.suggest_help(missing_parameters=["a link"])
        sys.exit(EXIT_USAGE)
    for link in links:
        for line in flag_by_hand(given.settings(), link, kind).lines():
            pywikibot.info(line)


if __name__ == "__main__":
    main()
