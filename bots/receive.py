#!/usr/bin/env python3
"""Run the reception: a public page, and a mail address, where anybody can say that somebody is harmed.

The same job as `tsbot receive`, in pywikibot's manner. What comes in becomes a case; nothing is edited, blocked or hidden. With -simulate
reports are taken, and no mail leaves.

These command line parameters can be used:

-listen:X         Address and port of the page, for instance 127.0.0.1:8788. Default: reception.listen of tsbot.toml.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To run it on this machine, and send nothing:

    pwb receive -listen:127.0.0.1:8788 -simulate

&params;
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tsbot.cli.receive import run
from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(receive, args)


def receive(args: Sequence[str]) -> None:
    """Take reports as the command line says."""
    given = handle(args)
    settings = given.settings()
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-listen" and value:
            settings = msgspec.structs.replace(settings, reception=msgspec.structs.replace(settings.reception, listen=value))
        else:
            refuse(argument)
    stop = Stop()
    configure()
    with stop.on_signals():
        run(settings, stop)


if __name__ == "__main__":
    main()
