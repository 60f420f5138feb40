"""``tsbot receive``: where anybody can say that somebody is harmed."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import msgspec
import typer

from tsbot.cli.common import ConfigOption, DatabaseOption, read_settings
from tsbot.errors import InputError
from tsbot.parts import Stop, open_wikis
from tsbot.reception.mailing import origin
from tsbot.reload import PATROL, of_reception, reloading
from tsbot.settings import Settings
from tsbot.store.opening import open_store


def receive(
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Address and port; default: reception.listen.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Take reports, and send no mail.")] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Run the reception until Ctrl-C: a public page on which anybody can report harassment, and the mail address if one is set.

    It listens apart from the console, under a host name of its own (docs/reception.md). What comes in becomes a case like any other.

    Example: tsbot receive --listen 127.0.0.1:8788
    """
    settings = read_settings(config, database)
    if listen is not None:
        settings = msgspec.structs.replace(settings, reception=msgspec.structs.replace(settings.reception, listen=listen))
    stop = Stop()
    with stop.on_signals(reload=True):
        run(settings, stop, simulate=simulate)


def run(settings: Settings, stop: Stop, *, simulate: bool = False) -> None:
    """Take reports until ``stop`` is requested. Raises errors of the settings, the key and the store, and ``InputError``."""
    try:
        from tsbot.reception.serve import Reception  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise InputError(f"The reception needs {error.name}, which is not installed: pip install 'tsbot[reception]'") from error
    settings.reception.check(settings.console)
    with closing(open_store(settings)) as store, reloading(settings, "receive", (*PATROL, *of_reception()), stop):
        reception = Reception(settings, store, open_wikis(settings, simulate=simulate or None))
        typer.echo(f"The reception is at {origin(settings)}; Ctrl-C ends it.", err=True)
        reception.run(stop)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(receive)
