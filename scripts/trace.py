#!/usr/bin/env python3
"""Say where an account is active, and which accounts its behaviour is consistent with, on what evidence.

The same as `tsbot trace account`, in pywikibot's manner. It asks the wikis and the activity index; people judge. Who asks and why is
written into the audit log.

These command line parameters can be used:

-account:X        User name, temporary account, IP address or range (for historic edits). Also without "-account:".

-why:X            Why you ask: a case, a request. Needed.

-askwiki:X        Ask this wiki (database name) in any case. May be given several times.

-with:X           Compare with this account in any case. May be given several times.

-top:N            Links shown. Default: 10.

-nodiffs          Leave out the links to diffs side by side.

-picture:FILE     Write the clusters as a picture (SVG) to this file.

-json             Print the answer as JSON.

-language:X       Language in which evidence is told, the rest being English. Default: en.

-fresh            Ask the wikis anew, whatever they answered within the last hour.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To see who else an account may be:

    pwb trace "Example Account" -why:"request on Meta, 3 August"

&params;
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pywikibot

from tsbot.cli.common import EXIT_USAGE
from tsbot.cli.trace_account import answer, exit_of, voice_of
from tsbot.pwb.arguments import guarded, handle, refuse
from tsbot.trace.answer import to_json
from tsbot.trace.view import lines

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(trace, args)


def trace(args: Sequence[str]) -> None:
    """Print the answer."""
    account, why, top, diffs, fresh, language, picture, as_json = "", "", 10, True, False, "en", "", False
    wikis: list[str] = []
    against: list[str] = []
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-account" and value:
            account = value
        elif name == "-why" and value:
            why = value
        elif name == "-askwiki" and value:
            wikis.append(value)
        elif name == "-with" and value:
            against.append(value)
        elif name == "-top" and value.isascii() and value.isdigit() and int(value):
            top = int(value)
        elif name == "-picture" and value:
            picture = value
        elif argument == "-json":
            as_json = True
        elif name == "-language" and value:
            language = value
        elif argument == "-nodiffs":
            diffs = False
        elif argument == "-fresh":
            fresh = True
        elif not argument.startswith("-") and not account:
            account = argument
        else:
            refuse(argument)
    if not account or not why:
        pywikibot.bot.suggest_help(missing_parameters=[name for name, value in (("-account", account), ("-why", why)) if not value])
        sys.exit(EXIT_USAGE)
    voice = voice_of(language)
    found = answer(given.settings(), account, why, wikis=wikis, against=against, fresh=fresh)
    if picture:
        Path(picture).write_text(found.grouping.svg, encoding="utf-8")
    if as_json:
        pywikibot.stdout(json.dumps(to_json(found), ensure_ascii=False))
    for line in () if as_json else lines(found, top=top, diffs=diffs, voice=voice):
        pywikibot.info(line)
    if code := exit_of(found):
        sys.exit(code)


if __name__ == "__main__":
    main()
