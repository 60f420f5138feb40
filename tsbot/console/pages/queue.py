"""The queue: cases that wait for people, by priority and age; ids, kinds and times, neither texts nor names."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import Response
from sqlalchemy import select

from tsbot.cases.case import COLUMNS, CaseState, to_case
from tsbot.console.access import EVERYWHERE, Act
from tsbot.console.console import Console
from tsbot.store import tables as t

MOST = 100


def register(app: FastAPI, console: Console) -> None:
    """Add the page."""

    @app.get("/")
    def queue(request: Request) -> Response:
        visit = console.visit(request, Act.SEE_QUEUE)
        wikis = visit.rights.wikis(Act.SEE_QUEUE)
        query = select(*COLUMNS).where(t.case.c.state != CaseState.CLOSED.value)
        if EVERYWHERE not in wikis:
            query = query.where(t.case.c.wiki.in_(sorted(wikis)))
        with console.database.read() as connection:
            rows = connection.execute(query.order_by(t.case.c.priority.desc(), t.case.c.opened).limit(MOST)).mappings().all()
        return console.pages.page("queue.html.j2", request, visit=visit, cases=[to_case(row) for row in rows], now=visit.now)
