"""Statistics by the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request

from tsbot.cases.stats.rows import Scope, read_cases, read_flags
from tsbot.cases.stats.summary import Books, gather, summarise
from tsbot.console.access import EVERYWHERE, Act
from tsbot.console.api import models as m
from tsbot.console.api.bearer import visit
from tsbot.console.console import Console
from tsbot.errors import ForbiddenError

DIMENSIONS = ("language", "kind", "outcome", "source", "month")
MOST_TIME = 1e11
"""Seconds since the epoch; later than that is no date."""


def register(api: FastAPI, console: Console) -> None:
    """Add the routes."""

    @api.get("/statistics")
    def statistics(
        request: Request,
        wiki: Annotated[str | None, Query(pattern=m.WIKI, description="Needed unless you may see those of all wikis.")] = None,
        since: Annotated[float | None, Query(ge=0, le=MOST_TIME, description="Cases opened from then on.")] = None,
        until: Annotated[float | None, Query(ge=0, le=MOST_TIME, description="Cases opened before.")] = None,
    ) -> m.Statistics:
        """Counts of cases, and how long things took (docs/statistics.md defines each)."""
        who = visit(console, request, Act.SEE_STATISTICS, wiki or EVERYWHERE)
        if wiki is None and EVERYWHERE not in who.rights.wikis(Act.SEE_STATISTICS):
            raise ForbiddenError("Name a wiki of yours: you may not see the statistics of all.")
        scope = Scope(since, until, wiki)
        with console.database.read() as connection:
            cases = read_cases(connection, scope)
            gathered = gather(cases, read_flags(connection, scope))
        found = summarise(gathered, Books(), scope=scope, by=("kind",), now=who.now)
        return m.Statistics(
            wiki=wiki,
            cases=found.cases,
            flags=found.flags,
            counts={name: dict(found.counts.get(name, {})) for name in DIMENSIONS},
            states=dict(found.states),
            times={
                name: m.Duration(median=time.median, p90=time.p90, done=time.done, waiting=time.waiting)
                for name, time in found.times.items()
            },
        )
