"""Who else is this, and where: a question to wikis and index, its answer as it comes, and what a steward does with it.

Names stand in no address: what is asked about travels in forms. An answer is kept in memory for half an hour, for whoever asked.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.office import Seat, seat
from tsbot.console.pages.flash import read_flash
from tsbot.console.tracing.charts import hours_chart, timeline_chart
from tsbot.console.tracing.eyes import Seen, seen
from tsbot.console.tracing.jobs import Job, Jobs, State
from tsbot.errors import InputError, TooManyError, WikiUnavailableError
from tsbot.store import audit
from tsbot.trace import disputes, watches
from tsbot.trace.forms import Form, hand_over
from tsbot.trace.naming import asked_name
from tsbot.trace.question import Asked
from tsbot.trace.records import reason

PAGE = "/trace"
FIELDS = ("account", "why", "wikis", "against", "fresh")
MOST_NAMED = 20
"""Wikis or accounts that can be named in a question."""
MEDIA = {
    Form.LOCK: ("text/plain; charset=utf-8", "txt"), Form.SPI: ("text/plain; charset=utf-8", "txt"),
    Form.CSV: ("text/csv; charset=utf-8", "csv"), Form.JSON: ("application/json", "json"),
    Form.STIX: ("application/stix+json;version=2.1", "json"),
}  # fmt: skip
PICTURE = "svg"
TEXTS = (Form.LOCK, Form.SPI)
"""Forms that stand on the page, to be copied."""


def jobs_of(console: Console) -> Jobs:
    """The questions of this console. Raises ``WikiUnavailableError`` where it asks none."""
    if console.traces is None:
        raise WikiUnavailableError("Traces are not to be had from this console.")
    return console.traces


def asked_by(actor: str, fields: dict[str, str]) -> Asked:
    """The question of a form. Raises ``InputError`` for what is no name, and for no reason."""
    account = asked_name(fields.get("account", ""))
    reason(fields.get("why", ""), ())
    wikis = tuple(dict.fromkeys(re.split(r"[\s,;|]+", fields.get("wikis", "").strip())))
    against = tuple(dict.fromkeys(line.strip() for line in fields.get("against", "").splitlines()))
    if max(len(wikis), len(against)) > MOST_NAMED:
        raise InputError(f"At most {MOST_NAMED} wikis and {MOST_NAMED} accounts can be named.")
    named = tuple(asked_name(one) for one in against if one)
    return Asked(account, actor, fields.get("why", ""), tuple(filter(None, wikis)), named, fields.get("fresh") == "1")


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""

    @app.get(PAGE)
    def form(request: Request) -> Response:
        return _form(console, request, seat(console, request, Act.TRACE), {})

    @app.post(PAGE)
    async def ask(request: Request) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(_ask, console, request, fields)

    @app.post(PAGE + "/form")
    async def filled(request: Request) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(lambda: _form(console, request, seat(console, request, Act.TRACE), fields))

    @app.post(PAGE + "/news")
    async def news(request: Request) -> Response:
        await console.form(request)
        return await run_in_threadpool(_news, console, request)

    @app.get(PAGE + "/{trace_id}")
    def answer(request: Request, trace_id: str) -> Response:
        taken = seat(console, request, Act.TRACE)
        job = jobs_of(console).get(taken.visit.person.id, trace_id)
        return console.pages.page("trace.html.j2", request, **_shown(console, taken, job), flash=read_flash(request))

    @app.get(PAGE + "/{trace_id}/part")
    def part(request: Request, trace_id: str) -> Response:
        taken = seat(console, request, Act.TRACE, touch=False)
        job = jobs_of(console).get(taken.visit.person.id, trace_id)
        if request.query_params.get("version") == str(job.version):
            return Response(status_code=204)
        return HTMLResponse(console.pages.render("part_trace.html.j2", request, **_shown(console, taken, job)))

    @app.get(PAGE + "/{trace_id}/as/{form}")
    def download(request: Request, trace_id: str, form: str) -> Response:
        taken = seat(console, request, Act.TRACE, anew=True)
        return _download(console, taken, jobs_of(console).get(taken.visit.person.id, trace_id), form)

    for name, does in (("again", _again), ("watch", _watch), ("dispute", _dispute)):
        _add(app, console, name, does)

    @app.post(PAGE + "/watches/{watch_id}/end")
    async def end(request: Request, watch_id: str) -> Response:
        await console.form(request)
        return await run_in_threadpool(_end, console, request, watch_id)


def _add(app: FastAPI, console: Console, name: str, does: Any) -> None:
    @app.post(f"{PAGE}/{{trace_id}}/{name}", name=f"trace_{name}")
    async def route(request: Request, trace_id: str) -> Response:
        names = [value for key, value in (await request.form()).multi_items() if key == "account" and isinstance(value, str)]
        _, fields = await console.form(request)
        return await run_in_threadpool(_act, console, request, trace_id, does, fields, names)


def _act(console: Console, request: Request, trace_id: str, does: Any, fields: dict[str, str], names: list[str]) -> Response:
    taken = seat(console, request, Act.TRACE, anew=True)
    answer: Response = does(console, taken, jobs_of(console).get(taken.visit.person.id, trace_id), fields, names)
    return answer


# -- asking ---------------------------------------------------------------------------------------------------------------


def _form(console: Console, request: Request, taken: Seat, fields: dict[str, str], problem: str = "", status: int = 200) -> Response:
    person, key = taken.visit.person.id, console.database.key
    with console.database.read() as connection:
        watched = watches.watches(connection, key, taken.visit.actor, taken.now)
    return console.pages.page(
        "trace_form.html.j2", request, status, visit=taken.visit, prefs=taken.prefs, problem=problem, watched=watched,
        filled={name: fields.get(name, "") for name in FIELDS}, kept=jobs_of(console).of(person), flash=read_flash(request),
    )  # fmt: skip


def _ask(console: Console, request: Request, fields: dict[str, str]) -> Response:
    taken = seat(console, request, Act.TRACE, anew=True)
    try:
        return _to(jobs_of(console).start(taken.visit.person.id, asked_by(taken.visit.actor, fields)))
    except InputError as error:
        return _form(console, request, taken, fields, str(error), 422)
    except TooManyError as error:
        return _form(console, request, taken, fields, str(error), 429)


def _to(job: Job, did: str = "") -> Response:
    return RedirectResponse(f"{PAGE}/{job.id}{f'?did={did}' if did else ''}", status_code=303)


# -- the answer -----------------------------------------------------------------------------------------------------------


def _shown(console: Console, taken: Seat, job: Job) -> dict[str, Any]:
    version, over, trace = job.version, job.over, job.trace
    found: Seen | None = seen(console, taken.visit, trace) if trace is not None else None
    whole = over and found is not None
    texts = {}
    if whole and found is not None and found.trace.subject.state == "known":
        texts = {form.value: hand_over(found.trace, form, found.private) for form in TEXTS}
    return {
        "visit": taken.visit, "prefs": taken.prefs, "now": taken.now, "job": job, "version": version, "over": over, "whole": whole,
        "failed": job.state is State.FAILED, "waiting": job.state is State.WAITING, "trace": found.trace if found else None,
        "hours": hours_chart(found.trace.hours) if found else None, "timeline": timeline_chart(found.trace.timeline) if found else None,
        "texts": texts, "exports": [form.value for form in (Form.CSV, Form.JSON, Form.STIX)], "odds": odds, "few": few,
        "watch_days": round(console.settings.trace.watch_days),
    }  # fmt: skip


def odds(log_lr: float) -> str:
    """By how many times something is more probable, in two digits: ``220,000``."""
    if abs(log_lr) > math.log(1e9):
        return "1,000,000,000"
    value = float(f"{math.exp(abs(log_lr)):.2g}")
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def few(number: float) -> str:
    """How many strangers, at most."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}" if number >= 0.001 else "0.001"


def _download(console: Console, taken: Seat, job: Job, form: str) -> Response:
    if job.trace is None or not job.over or (form != PICTURE and form not in set(Form)):
        raise InputError("There is nothing of this form to download, or not yet.")
    found = seen(console, taken.visit, job.trace)
    with console.database.write() as connection:
        audit.record(connection, taken.visit.actor, "trace.exported", job.trace.id, taken.now, {"form": form})
    if form == PICTURE:
        body, kind, ending = found.trace.grouping.svg, "image/svg+xml", PICTURE
    else:
        body, (kind, ending) = hand_over(found.trace, Form(form), found.private).text, MEDIA[Form(form)]
    name = f"trace-{job.id[:8]}-{form}.{ending}"
    return Response(body, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


# -- what is done with it -------------------------------------------------------------------------------------------------


def _again(console: Console, taken: Seat, job: Job, _fields: dict[str, str], _names: list[str]) -> Response:
    """Ask the wikis anew."""
    return _to(jobs_of(console).start(taken.visit.person.id, replace(job.asked, by=taken.visit.actor, fresh=True)))


def _watch(console: Console, taken: Seat, job: Job, fields: dict[str, str], names: list[str]) -> Response:
    """Hear of new accounts that behave as these do."""
    known = {job.trace.subject.name, *(one.account for one in job.trace.candidates)} if job.trace is not None else set()
    chosen = [asked_name(name) for name in names if name in known]
    days = console.settings.trace.watch_days
    by, why = taken.visit.actor, fields.get("why", "")
    with console.database.write() as connection:
        watches.add_watch(connection, console.database.key, chosen, by=by, why=why, now=taken.now, days=days)
    return _to(job, "watched")


def _dispute(console: Console, taken: Seat, job: Job, fields: dict[str, str], names: list[str]) -> Response:
    """Say that a link is wrong, or that it is not; then the answer is made anew from what the wikis said."""
    other = job.trace.candidate(names[0]) if job.trace is not None and names else None
    if job.trace is None or other is None:
        raise InputError("There is no such link in this answer.")
    back = fields.get("take_back") == "1"
    key, pair = console.database.key, (job.trace.subject.name, other.account)
    by, why = taken.visit.actor, fields.get("why", "")
    with console.database.write() as connection:
        if back:
            disputes.take_back(connection, key, *pair, by=by, why=why, now=taken.now)
        else:
            evidence = {line.kind: line.log_lr for line in other.evidence}
            disputes.dispute(connection, key, *pair, by=by, why=why, now=taken.now, evidence=evidence)
    again = replace(job.asked, by=taken.visit.actor, fresh=False)
    return _to(jobs_of(console).start(taken.visit.person.id, again), "undisputed" if back else "disputed")


def _news(console: Console, request: Request) -> Response:
    taken = seat(console, request, Act.TRACE, anew=True)
    with console.database.write() as connection:
        watches.read_news(connection, console.database.key, taken.visit.actor, taken.now)
    return RedirectResponse(PAGE, status_code=303)


def _end(console: Console, request: Request, watch_id: str) -> Response:
    taken = seat(console, request, Act.TRACE, anew=True)
    with console.database.write() as connection:
        watches.end_watch(connection, console.database.key, watch_id, by=taken.visit.actor, now=taken.now)
    return RedirectResponse(f"{PAGE}?did=unwatched", status_code=303)
