"""``tsbot manual``: the man page, made of what ``--help`` says of every command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from tsbot import __version__

EXIT_CODES = (
    (0, "done"),
    (1, "nothing such, or a check failed"),
    (2, "wrong command line, settings or key"),
    (3, "done, but some input was bad; the output names which"),
    (4, "something outside (network, wiki, database) does not answer"),
    (5, "a fault of tsbot itself"),
    (130, "stopped by Ctrl-C; what was done is kept"),
)
FILES = (
    ("tsbot.toml", "settings, unless --config or TSBOT_CONFIG names another file"),
    ("tsbot-data/tsbot.sqlite", "flags, cases, letters, the books"),
    ("tsbot-data/master.key", "opens them; keep a copy apart from the database's"),
)
VARIABLES = (
    ("TSBOT_CONFIG", "the settings file"),
    ("TSBOT_SECTION__KEY", "overrides one setting, for instance TSBOT_MAIL__PASSWORD"),
    ("TSBOT_MASTER_KEY", "the master keys, newest first"),
    ("TSBOT_TOKEN", "a personal token of the console: who acts"),
)


def manual() -> None:
    """Print the man page of tsbot, with every command and option, for man(1).

    Example: tsbot manual > tsbot.1
    """
    from tsbot.cli.app import app  # noqa: PLC0415 - the application that this command is part of

    typer.echo("\n".join(page(typer.main.get_command(app))))


def page(root: Any) -> Iterator[str]:
    """The lines of the page, in roff with the macros of man(7)."""
    yield f'.TH TSBOT 1 "" "tsbot {__version__}" "User commands"'
    yield ".SH NAME"
    yield "tsbot \\- finds threats in what people add to MediaWiki wikis, and files private reports"
    yield ".SH SYNOPSIS"
    yield ".B tsbot"
    yield "\\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]"
    yield ".SH DESCRIPTION"
    yield from _paragraphs(root.help or "")
    yield ".SH COMMANDS"
    for path, command in commands(root):
        yield f".SS tsbot {_plain(' '.join(path))}"
        yield from _paragraphs(command.help or "")
        for parameter in command.params:
            yield ".TP"
            yield _names(parameter)
            yield _line(getattr(parameter, "help", None) or "")
    yield ".SH EXIT STATUS"
    yield from _table((str(code), words) for code, words in EXIT_CODES)
    yield ".SH FILES"
    yield from _table(FILES)
    yield ".SH ENVIRONMENT"
    yield from _table(VARIABLES)
    yield ".SH SEE ALSO"
    yield "docs/operating.md, docs/settings.md"


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"\\fI{_plain(parameter.metavar or parameter.name.upper())}\\fR"
    names = [f"\\fB{_plain(name)}\\fR" for name in (*parameter.opts, *parameter.secondary_opts)]
    word = parameter.metavar or parameter.name.upper()
    value = "" if getattr(parameter, "is_flag", False) else f" \\fI{_plain(word)}\\fR"
    return ", ".join(names) + value


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield ".PP"
        yield _line(" ".join(paragraph.split()))


def _table(rows: Any) -> Iterator[str]:
    for name, words in rows:
        yield ".TP"
        yield f"\\fB{_plain(name)}\\fR"
        yield _line(words)


def _line(text: str) -> str:
    """A line of text: one that begins with a dot or an apostrophe would be a request."""
    plain = _plain(text) or "\\&"
    return f"\\&{plain}" if plain[0] in ".'" else plain


def _plain(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text.replace("\\", "\\e").replace("-", "\\-"))


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(manual)
