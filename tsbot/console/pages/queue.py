"""The queue: cases that wait for people, by priority and age; ids, kinds and times, neither texts nor names."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from tsbot.cases.case import CaseState
from tsbot.console import preferences
from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.listing import Counter, Filter, changed, listing
from tsbot.console.office import next_case, seat
from tsbot.console.pages.flash import read_flash
from tsbot.console.preferences import MOST_SAVED, Saved
from tsbot.console.reading import reading
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.reception.answering import waiting_count
from tsbot.store import tables as t

KINDS = tuple(kind.value for kind in Kind if kind is not Kind.NONE)


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""
    counter = Counter(console.clock)

    @app.get("/")
    def queue(request: Request) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE, instead=Act.TRACE)
        if not taken.visit.rights.may(Act.SEE_QUEUE):
            return RedirectResponse("/trace", status_code=303)  # checkusers have no queue, and everybody begins here
        wanted = Filter.parse(request.query_params)
        with console.database.read() as connection:
            counts = counter.count(connection, taken.sight)
            found = listing(connection, taken.sight, wanted, taken.now)
            read = reading(connection, taken.visit.person.id, taken.now, preferences.limits(console.limits, taken.prefs))
            waiting = waiting_count(connection, taken.now, taken.sight.sees(t.case.c.wiki))
        return console.pages.page(
            "queue.html.j2", request, visit=taken.visit, prefs=taken.prefs, now=taken.now, counts=counts, found=found, wanted=wanted,
            kinds=KINDS, states=tuple(state.value for state in CaseState), read=read, flash=read_flash(request), waiting=waiting,
        )  # fmt: skip

    @app.get("/queue/live")
    def live(request: Request) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE, touch=False)
        etag = request.query_params.get("etag", "")
        wanted = Filter.parse(request.query_params)
        with console.database.read() as connection:
            if not changed(connection, etag):
                return Response(status_code=204)
            found = listing(connection, taken.sight, wanted, taken.now)
        if found.etag.partition(".")[2] == etag.partition(".")[2]:
            return Response(status_code=204)
        part = console.pages.render("part_live.html.j2", request, prefs=taken.prefs, wanted=wanted)
        return HTMLResponse(part, headers={"hx-trigger": "queue-changed"})

    @app.get("/next")
    def following(request: Request) -> Response:
        taken = seat(console, request, Act.SEE_CASE)
        wanted = Filter.parse(request.query_params)
        with console.database.read() as connection:
            found = next_case(connection, taken, wanted)
        carried = "&".join(filter(None, (wanted.query(), read_flash(request).query)))
        return RedirectResponse(f"/cases/{found}?{carried}" if found else f"/?{carried}", status_code=303)

    @app.post("/filters")
    async def save_filter(request: Request) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(_save, request, fields)

    def _save(request: Request, fields: dict[str, str]) -> Response:
        taken = seat(console, request, Act.SEE_QUEUE)
        wanted = Filter.parse(dict(parse_qsl(fields.get("query", ""))))
        name = " ".join(fields.get("name", "").split())[:64]
        if not name:
            raise InputError("A saved filter needs a name.")
        kept = [one for one in taken.prefs.saved if one.name != name]
        if fields.get("delete") != "1":
            kept.append(Saved(name, wanted.query()))
        with console.database.write() as connection:
            preferences.write(connection, taken.visit.person.id, {"saved": kept[-MOST_SAVED:]})
        return RedirectResponse(f"/?{wanted.query()}", status_code=303)

