#!/usr/bin/env python3
"""Run the console: the private web application where oversighters and stewards work on cases.

The same job as `tsbot serve`, in pywikibot's manner. People sign in with their wiki accounts; nothing is edited, blocked or hidden.

These command line parameters can be used:

-listen:X         Address and port, for instance 127.0.0.1:8787. Default: console.listen of tsbot.toml.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To run it on this machine:

    pwb serve -listen:127.0.0.1:8787

&params;
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tsbot.cli.serve import run
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(serve, args)


def serve(args: Sequence[str]) -> None:
    """Serve as the command line says."""
    given = handle(args)
    settings = given.settings()
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-listen" and value:
            settings = msgspec.structs.replace(settings, console=msgspec.structs.replace(settings.console, listen=value))
        else:
            refuse(argument)
    stop = Stop()
    with stop.on_signals():
        run(settings, stop)


if __name__ == "__main__":
    main()
