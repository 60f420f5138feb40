#!/usr/bin/env python3
"""Look back at the history of a page, an author, a wiki or a time.

The same as `tsbot scan`, in pywikibot's manner. What is found is flagged for review only: nobody is written to. The same command goes
on where it was stopped.

These command line parameters can be used:

-wiki:X           Database name of the wiki, for instance enwiki.

-page:X           Only this page, with its namespace.

-user:X           Only what this author did.

-since:T          Only from this time on, as 2026-01-31 or 2026-01-31T12:00 (UTC).

-until:T          Only before this time.

-namespace:N      Only edits in this namespace. May be given several times.

-filters          What the wiki's filters stopped, instead of edits.

-dry              Flag nothing, only tell.

-database:URL     SQLAlchemy URL of the database. Default: SQLite in the data folder of tsbot.toml.

-config_file:F    tsbot's settings file. Default: $TSBOT_CONFIG, else tsbot.toml if there is one.

To see what a new language pack finds in a month of the German Wikipedia:

    pwb scan -wiki:dewiki -since:2026-01-01 -until:2026-02-01 -dry

&params;
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing

import pywikibot

from tsbot.cli.common import EXIT_PARTIAL, EXIT_USAGE
from tsbot.cli.scan import EXIT_STOPPED, find_words, moment
from tsbot.errors import StoppedError
from tsbot.parts import Stop
from tsbot.pwb.arguments import guarded, handle, refuse
from tsbot.scan.job import Job, JobState, What
from tsbot.scan.opening import Candidate, new_job, open_examiner, open_scan
from tsbot.store.opening import open_store
from tsbot.wiki.past import Sought

docuReplacements = {"&params;": ""}  # noqa: N816 - the name that pywikibot looks for


def main(*args: str) -> None:
    """Run with pywikibot's command line."""
    guarded(scan, args)


def scan(args: Sequence[str]) -> None:
    """Examine, and tell."""
    wiki = title = user = since = until = ""
    namespaces: list[int] = []
    filters = dry = False
    given = handle(args)
    for argument in given.rest:
        name, _, value = argument.partition(":")
        if name == "-wiki" and value:
            wiki = value
        elif name == "-page" and value:
            title = value
        elif name == "-user" and value:
            user = value
        elif name == "-since" and value:
            since = value
        elif name == "-until" and value:
            until = value
        elif name == "-namespace" and value.lstrip("-").isdigit():
            namespaces.append(int(value))
        elif argument == "-filters":
            filters = True
        elif argument == "-dry":
            dry = True
        else:
            refuse(argument)
    if not wiki:
        pywikibot.bot.suggest_help(missing_parameters=["-wiki"])
        sys.exit(EXIT_USAGE)
    what = What.FILTERS if filters else What.PAGE if title else What.USER if user else What.PERIOD if since or until else What.WIKI
    sought = Sought(title, user, moment(since or None) or 0.0, moment(until or None), tuple(namespaces))
    settings, stop = given.settings(), Stop()
    last: Job | None = None
    with closing(open_store(settings)) as store, stop.on_signals():
        examiner = open_examiner(settings, Candidate())
        job = new_job(store, examiner, what, wiki, sought, f"{what} {title or user}".strip(), dry=dry)
        try:
            for told in open_scan(settings, store, what, wiki, examiner, stop).run(job, sought):
                last = told.job
                for one in told.finds:
                    pywikibot.info(find_words(one, dry=dry))
        except StoppedError:
            pass
    if last is None or last.state is JobState.RUNNING:
        sys.exit(EXIT_STOPPED)
    pywikibot.info(f"{last.counts.edits} edits, {last.counts.log_entries} log entries, {last.counts.new_flags} new flags for review.")
    if last.counts.failed:
        sys.exit(EXIT_PARTIAL)


if __name__ == "__main__":
    main()
