#!/usr/bin/env python3
"""Read recent changes, find threats, file private reports.

The same job as `tsbot patrol`, in pywikibot's manner. It reads a stream of recent changes, fetches what was added, judges it,
stores flags in its own database, and sends private reports by the channels of tsbot.toml. It never edits, blocks or hides
anything.

These command line parameters can be used:

-stream:X         EventStreams address, recorded file (.jsonl, .zst, .gz) or - for standard input. Default: Wikimedia's.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

-nofetch          Judge only what events carry: summaries, titles, names.

-idle:N           End after N seconds without news.

-summary:FILE     Write the accounting as JSON at the end.

-site, -family and -lang restrict the patrol to one wiki; without them it covers all. -simulate sends nothing: no mail, no spool
file, no webhook. -log writes a log file with ids and counts only.

To patrol the German Wikipedia, with a log, without sending anything:

    pwb patrol -site:wikipedia:de -simulate -log

&params;
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pywikibot

from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.patrol import Options, run
from tsbot.pwb.arguments import guarded, handle, refuse
from tsbot.settings import Settings

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


class PywikibotLog:
    """Log lines for pywikibot's own logging, which writes them to the terminal and, with -log, to its file."""

    def write(self, text: str) -> int:
        """Pass on a line."""
        if text.strip():
            pywikibot.info(text.rstrip("\n"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """Colours are pywikibot's business."""
        return False


def only_wiki(settings: Settings, arguments: Sequence[str]) -> Settings:
    """Settings restricted to the wiki of -site, -family or -lang, if one was given."""
    if not any(argument.startswith(("-site:", "-family:", "-lang:")) for argument in arguments):
        return settings
    wiki = pywikibot.Site().dbName()
    return msgspec.structs.replace(settings, admission=msgspec.structs.replace(settings.admission, only_wikis=(wiki,)))


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(patrol, args)


def patrol(args: Sequence[str]) -> None:
    """Patrol as the command line says."""
    options: dict[str, Any] = {}
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-stream" and value:
            options["stream"] = value
        elif name == "-nofetch":
            options["fetch"] = False
        elif name == "-idle" and value.isdigit():
            options["idle_exit"] = float(value)
        elif name == "-summary" and value:
            options["summary"] = Path(value)
        else:
            refuse(argument)
    stop = Stop()
    configure(PywikibotLog())
    with stop.on_signals():
        totals = run(only_wiki(given.settings(), args or sys.argv[1:]), Options(**options), stop)
    pywikibot.info(f"{totals.received} events received, {totals.flagged} flagged, {totals.pending} pending")


if __name__ == "__main__":
    main()
