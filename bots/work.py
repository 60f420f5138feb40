#!/usr/bin/env python3
"""Judge the events that a listener stored.

The same job as `tsbot work`, in pywikibot's manner. It fetches what edits added, judges it, and stores flags, cases and reports. Start as
many as there are processors for it. It never edits, blocks or hides anything, and sends nothing: that is what deliver is for.

These command line parameters can be used:

-database:URL     SQLAlchemy URL of the database. Default: that of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

-nofetch          Judge only what events carry: summaries, titles, names.

-idle:N           End after N seconds without news.

To work with the settings of a file:

    pwb work -config_file:/etc/tsbot/tsbot.toml

&params;
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pywikibot

from tsbot.bus.work import work
from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(_work, args)


def _work(args: Sequence[str]) -> None:
    options: dict[str, Any] = {}
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-nofetch":
            options["fetch"] = False
        elif name == "-idle" and value.isdigit():
            options["idle_exit"] = float(value)
        else:
            refuse(argument)
    stop = Stop()
    configure()
    with stop.on_signals():
        handled = work(given.settings(), stop=stop, **options)
    pywikibot.info(f"{handled} events handled")


if __name__ == "__main__":
    main()
