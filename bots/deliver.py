#!/usr/bin/env python3
"""Write and send the reports that are due.

The same job as `tsbot deliver`, in pywikibot's manner. Several may run on different machines: each message is claimed by one of them. With
-simulate nothing leaves: no mail, no spool file, no webhook.

These command line parameters can be used:

-database:URL     SQLAlchemy URL of the database. Default: that of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

-noask            Ask no wiki: letters leave out the state of accounts.

-once             Send what is due now, and end.

To send what is due once:

    pwb deliver -once

&params;
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pywikibot

from tsbot.bus.deliver import deliver
from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(_deliver, args)


def _deliver(args: Sequence[str]) -> None:
    options: dict[str, Any] = {}
    given = handle(args)
    for argument in given.rest:
        if argument == "-noask":
            options["ask_wikis"] = False
        elif argument == "-once":
            options["once"] = True
        else:
            refuse(argument)
    stop = Stop()
    configure()
    with stop.on_signals():
        sent = deliver(given.settings(), stop=stop, **options)
    if options.get("once"):
        pywikibot.info(f"{sent} messages handed over")


if __name__ == "__main__":
    main()
