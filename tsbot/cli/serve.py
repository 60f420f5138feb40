"""``tsbot serve``: the console."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import msgspec
import typer

from tsbot.cli.common import ConfigOption, DatabaseOption, read_settings
from tsbot.errors import InputError
from tsbot.parts import Stop
from tsbot.reload import DELIVERY, of_console, reloading
from tsbot.settings import Settings
from tsbot.store.opening import open_store


def serve(
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Address and port; default: console.listen.")] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Run the console, the private web application for oversighters and stewards, until Ctrl-C.

    People sign in with their wiki accounts (docs/console-setup.md). An address that other machines reach needs TLS.
    SIGHUP has it read tables and words anew.

    Example: tsbot serve --listen 127.0.0.1:8787
    """
    settings = read_settings(config, database)
    if listen is not None:
        settings = msgspec.structs.replace(settings, console=msgspec.structs.replace(settings.console, listen=listen))
    stop = Stop()
    with stop.on_signals(reload=True):
        run(settings, stop)


def run(settings: Settings, stop: Stop) -> None:
    """Serve until ``stop`` is requested. Raises errors of the settings, the key and the store, and ``InputError``."""
    try:
        from tsbot.console.serve import Server, open_site  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise InputError(f"The console needs {error.name}, which is not installed: pip install 'tsbot[console]'") from error
    with closing(open_store(settings)) as store, reloading(settings, "serve", (*DELIVERY, *of_console()), stop):
        site = open_site(settings, store)
        server = Server(site, settings)
        typer.echo(f"The console is at {site.url}; Ctrl-C ends it.", err=True)
        server.run(stop)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(serve)
