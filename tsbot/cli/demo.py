"""``tsbot demo``: the whole system with nothing but this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tsbot.cli.common import EXIT_NOTHING, JsonOption
from tsbot.errors import DemoError


def demo(
    check: Annotated[
        bool, typer.Option("--check", help="Play the whole scenario unattended; exit with 1 if a promise is not kept.")
    ] = False,
    only: Annotated[str, typer.Option(metavar="PREFIX", help="With --check: only checks whose name begins so, for instance cases.")] = "",
    many_machines: Annotated[
        bool,
        typer.Option(
            "--many-machines",
            help="PostgreSQL, NATS, a listener, two workers and a deliverer instead of one patrol. With --check: workers are killed at "
            "random, and a patrol on SQLite beside them must find the same.",
        ),
    ] = False,
    as_json: JsonOption = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it lives; default: tsbot-demo, a temporary folder for --check.")
    ] = None,
) -> None:
    """Start three real MediaWiki wikis, their event stream and a mail server on this machine, let people edit, and patrol.

    Among the edits are mild, made-up threats in several languages; their flags and mails are shown. Without --check it keeps
    running until Ctrl-C, so that you can edit the wikis yourself. Needs Debian's MediaWiki (make demo installs it).

    Example: tsbot demo --check --json --only patrol.
    """
    try:
        from tsbot.demo.machines import need_engines  # noqa: PLC0415
        from tsbot.demo.show import check as play  # noqa: PLC0415 - the packages of the extra `demo` may be missing
        from tsbot.demo.show import watch  # noqa: PLC0415
        from tsbot.demo.world import World  # noqa: PLC0415
    except ImportError as error:
        raise DemoError("The demo needs more packages. Run `make demo`, or install tsbot[demo].") from error
    if many_machines:
        need_engines()
    if not check:
        watch(World(folder or Path("tsbot-demo"), progress=typer.echo), many_machines=many_machines)
        return
    with tempfile.TemporaryDirectory(prefix="tsbot-demo-", ignore_cleanup_errors=True) as temporary:
        world = World(folder or Path(temporary), progress=None if as_json else typer.echo)
        if not play(world, only, as_json=as_json, many_machines=many_machines):
            raise typer.Exit(EXIT_NOTHING)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(demo)
