"""What tsbot's scripts in pywikibot's manner have in common: their command line and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pywikibot
import requests

from tsbot import discreet
from tsbot.cli.common import EXIT_FAULT, EXIT_USAGE, exit_code, read_settings
from tsbot.discreet import REMEDY, words
from tsbot.errors import TsbotError, WikiError, WikiUnavailableError
from tsbot.settings import Settings


@dataclass(frozen=True)
class Given:
    """A command line without pywikibot's own parameters."""

    config: Path | None
    database: str | None
    rest: tuple[str, ...]
    """What only the script itself knows."""

    def settings(self) -> Settings:
        """The settings that it asks for. Raises ``SettingsError``."""
        return read_settings(self.config, self.database)


def handle(args: Sequence[str]) -> Given:
    """Let pywikibot take its parameters, and take ``-config_file:`` and ``-database:``.

    ``pywikibot.handle_args`` asks the configured wiki who we are, which scripts that only read a file do not need. Raises
    ``WikiUnavailableError`` if that wiki cannot be reached, and ``WikiError`` if pywikibot's configuration cannot be used.
    """
    try:
        left = pywikibot.handle_args(args)
    except (requests.RequestException, pywikibot.exceptions.ServerError, pywikibot.exceptions.FatalServerError) as error:
        words = f"pywikibot cannot reach the wiki of its configuration ({type(error).__name__})."
        raise WikiUnavailableError(f"{words} Without a network use `tsbot` instead of pwb.") from error
    except pywikibot.exceptions.Error as error:
        raise WikiError(f"pywikibot's configuration cannot be used: {type(error).__name__}.") from error
    config: Path | None = None
    database: str | None = None
    rest = []
    for argument in left:
        name, _, value = argument.partition(":")
        if name == "-config_file" and value:
            config = Path(value)
        elif name == "-database" and value:
            database = value
        else:
            rest.append(argument)
    return Given(config, database, tuple(rest))


def refuse(argument: str) -> NoReturn:
    """End because of a parameter that the script does not know, with pywikibot's hint at the help."""
    pywikibot.bot.suggest_help(unknown_parameters=[argument])
    sys.exit(EXIT_USAGE)


def guarded(script: Callable[[Sequence[str]], None], args: Sequence[str]) -> None:
    """Run a script; errors of ours, and those that nobody foresaw, become one line and an exit code."""
    try:
        with discreet.guarded():
            script(args)
    except TsbotError as error:
        pywikibot.error(str(error))
        sys.exit(exit_code(error))
    except Exception as error:
        # pywikibot's own hook would write the message down, with what it quotes.
        pywikibot.error(f"{words(error)}. {REMEDY}")
        sys.exit(EXIT_FAULT)
