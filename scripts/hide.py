#!/usr/bin/env python3
"""Say which revisions show a flagged text, and where to hide them.

The same as `tsbot hide suggest`, in pywikibot's manner. It reads; people hide. The text is that of the flags on the
revision; with -field all that stands in a field of the revision.

These command line parameters can be used:

-wiki:X           Database name of the wiki, for instance enwiki.

-revid:N          The revision that put the text there.

-field:X          Look for what stands in this field: text, summary, user or title. May be given several times.

-kind:X           What it is, for the criterion, for instance violence or doxing. May be given several times.

-flag:ID          Look for the text of this flag only.

-forward          Leave out older revisions of the page.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To see what to hide after a flagged edit to the English Wikipedia:

    pwb hide -wiki:enwiki -revid:123456789

&params;
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pywikibot

from tsbot.cli.common import EXIT_NOTHING, EXIT_PARTIAL, EXIT_USAGE
from tsbot.cli.hide import FIELDS, Asked, plan_for
from tsbot.detect.finding import Kind
from tsbot.hide.plan import Note
from tsbot.hide.suggest import Limits
from tsbot.hide.view import lines
from tsbot.pwb.arguments import guarded, handle, refuse
from tsbot.text.passage import Field

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(hide, args)


def hide(args: Sequence[str]) -> None:
    """Print the plan."""
    wiki, rev_id, flag, forward = "", 0, None, False
    fields: list[Field] = []
    kinds: list[Kind] = []
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-wiki" and value:
            wiki = value
        elif name == "-revid" and value.isascii() and value.isdigit():
            rev_id = int(value)
        elif name == "-field" and value in FIELDS:
            fields.append(Field(value))
        elif name == "-kind" and value in set(Kind) - {Kind.NONE}:
            kinds.append(Kind(value))
        elif name == "-flag" and value:
            flag = value
        elif argument == "-forward":
            forward = True
        else:
            refuse(argument)
    if not wiki or not (rev_id or flag):
        pywikibot.bot.suggest_help(missing_parameters=["-wiki", "-revid"])
        sys.exit(EXIT_USAGE)
    asked = Asked(wiki, rev_id, tuple(fields), tuple(kinds), flag, limits=Limits(forward=forward))
    plan, _ = plan_for(given.settings(), asked)
    for line in lines(plan):
        pywikibot.info(line)
    if Note.INCOMPLETE in plan.notes:
        sys.exit(EXIT_PARTIAL)
    if plan.nothing_left:
        sys.exit(EXIT_NOTHING)


if __name__ == "__main__":
    main()
