#!/usr/bin/env python3
"""Read recent changes, and have workers told of them.

The same job as `tsbot listen`, in pywikibot's manner. It reads a stream of recent changes, stores what is to be judged in the database, and
has workers (tsbot work) told of it by the broker of tsbot.toml. It judges nothing, and never edits, blocks or hides anything.

These command line parameters can be used:

-stream:X         EventStreams address, recorded file (.jsonl, .zst, .gz) or - for standard input. Default: Wikimedia's.

-database:URL     SQLAlchemy URL of the database. Default: that of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

-noask            Ask no wiki: gaps in the stream stay unfilled.

-idle:N           End after N seconds without news.

To listen with the settings of a file:

    pwb listen -config_file:/etc/tsbot/tsbot.toml

&params;
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pywikibot

from tsbot.bus.listen import listen
from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(_listen, args)


def _listen(args: Sequence[str]) -> None:
    options: dict[str, Any] = {}
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-stream" and value:
            options["stream"] = value
        elif name == "-noask":
            options["ask_wikis"] = False
        elif name == "-idle" and value.isdigit():
            options["idle_exit"] = float(value)
        else:
            refuse(argument)
    stop = Stop()
    configure()
    with stop.on_signals():
        totals = listen(given.settings(), stop=stop, **options)
    pywikibot.info(f"{totals.received} events received, {totals.pending} left to workers")


if __name__ == "__main__":
    main()
