"""The ``tsbot`` command."""

from __future__ import annotations

import contextlib
import io
import os
import sys

import typer

from tsbot import __version__
from tsbot.cli import (
    alarm,
    answers,
    audit,
    backup,
    cases,
    dead,
    dealings,
    demo,
    detect,
    directory,
    doctor,
    drill,
    evaluate,
    flags,
    hearings,
    hide,
    init,
    keys,
    labels,
    languages,
    lexicon,
    machines,
    manual,
    patrol,
    purge,
    receive,
    reference,
    reports,
    research,
    scan,
    scan_dump,
    serve,
    shadow,
    stats,
    trace,
)
from tsbot.cli.common import EXIT_FAULT, EXIT_UNAVAILABLE, exit_code
from tsbot.discreet import REMEDY, guarded, words
from tsbot.errors import TsbotError
from tsbot.log import configure

app = typer.Typer(
    name="tsbot",
    help=(
        "Finds threats in what people add to MediaWiki wikis and files private reports.\n\n"
        "Start with `tsbot patrol` (live) or `tsbot demo` (everything on this machine)."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"tsbot {__version__}")
        raise typer.Exit


@app.callback()
def _root(_version_shown: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version.")) -> None:
    """Options of the whole command."""
    configure()


MODULES = (
    *(patrol, machines, detect, evaluate, lexicon, flags, labels, cases, reports, answers, languages, drill, hide, trace, stats, shadow),
    *(dead, scan, scan_dump, init, backup, alarm, purge, keys, audit, doctor, demo, serve, receive, hearings, research, dealings),
    *(directory, reference, manual),
)
for module in MODULES:
    module.register(app)


def main() -> None:
    """Run the command; errors of ours, of the system, and those that nobody foresaw become one line and an exit code."""
    with guarded():
        _run()


def _run() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # texts of all languages must not end a command on a terminal that lacks their letters
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="tsbot")  # however it was started: as the installed command is called
    except TsbotError as error:
        typer.secho(f"tsbot: {error}", fg="red", err=True)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        _give_up_output()
        sys.exit(0)
    except OSError as error:
        typer.secho(f"tsbot: {error.strerror or type(error).__name__}{f': {error.filename}' if error.filename else ''}", fg="red", err=True)
        _give_up_output()
        sys.exit(EXIT_UNAVAILABLE)
    except Exception as error:
        typer.secho(f"tsbot: {words(error)}. {REMEDY}", fg="red", err=True)
        sys.exit(EXIT_FAULT)


def _give_up_output() -> None:
    """Let what is still buffered go nowhere: the interpreter would try to write it at its end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
