"""Traces by the API: ask, then fetch the answer while it grows. Names stand in no address."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Request

from tsbot.console.access import Act
from tsbot.console.api import models as m
from tsbot.console.api.bearer import visit
from tsbot.console.console import Console, Visit
from tsbot.console.tracing.eyes import seen
from tsbot.console.tracing.jobs import Job
from tsbot.errors import WikiUnavailableError
from tsbot.trace.answer import to_json
from tsbot.trace.naming import asked_name
from tsbot.trace.question import Asked
from tsbot.trace.records import reason

LONGEST_WAIT = 30.0


def register(api: FastAPI, console: Console) -> None:
    """Add the routes."""

    @api.post("/trace", status_code=202)
    def ask(request: Request, body: m.Question) -> m.Answer:
        """Ask who else an account may be. The answer is fetched by its id; two questions at a time."""
        who = visit(console, request, Act.TRACE, anew=True)
        if console.traces is None:
            raise WikiUnavailableError("Traces are not to be had from this console.")
        reason(body.why, ())
        against = tuple(asked_name(one) for one in body.against)
        asked = Asked(asked_name(body.account), who.actor, body.why, tuple(body.wikis), against, body.fresh)
        return _answer(console, who, console.traces.start(who.person.id, asked))

    @api.get("/trace/{trace_id}")
    def answer(
        request: Request,
        trace_id: m.TraceId,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the whole answer.")] = 0.0,
    ) -> m.Answer:
        """An answer of yours, as far as it is known."""
        who = visit(console, request, Act.TRACE)
        if console.traces is None:
            raise WikiUnavailableError("Traces are not to be had from this console.")
        job = console.traces.get(who.person.id, trace_id)
        job.wait(wait)
        return _answer(console, who, job)


def _answer(console: Console, who: Visit, job: Job) -> m.Answer:
    state, trace = job.state, job.trace
    told = to_json(seen(console, who, trace).trace) if trace is not None else None
    steps = [m.Step(what=step.what, done=step.done, of=step.of) for step in job.steps]
    return m.Answer(id=job.id, state=state, trouble=job.trouble, steps=steps, trace=told)
