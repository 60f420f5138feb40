"""A case: what is known of it without its texts, and its texts one at a time, each reading of one written down."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from tsbot.cases import casebook, leases
from tsbot.cases.case import Case, CaseState, read_case
from tsbot.cases.closing import shipped_closing
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import Flag
from tsbot.cases.handling import TLP, shipped_handling
from tsbot.cases.notes import notes_of
from tsbot.console import dossier, hiding, preferences
from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.listing import Filter
from tsbot.console.office import NOT_YOURS, Seat, at_case
from tsbot.console.pages import hearings, verifying
from tsbot.console.pages.flash import read_flash
from tsbot.console.pages.queue import KINDS
from tsbot.console.pages.verifying import Subject
from tsbot.console.reading import note, reading
from tsbot.console.render import is_part
from tsbot.console.shown import difference, legible, pieces
from tsbot.detect.finding import Kind
from tsbot.errors import ForbiddenError, ReportError, RestNeededError, WikiError
from tsbot.hide import kept
from tsbot.report.deliver import Deliverer
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose
from tsbot.wiki.types import RevisionRef, RevisionState


def register(app: FastAPI, console: Console) -> None:
    """Add the pages."""

    @app.get("/cases/{case_id}")
    def case_page(request: Request, case_id: str) -> Response:
        taken, case = at_case(console, request, Act.SEE_CASE, case_id)
        return show(console, request, taken, case)

    @app.get("/cases/{case_id}/live")
    def live(request: Request, case_id: str) -> Response:
        taken, case = at_case(console, request, Act.SEE_CASE, case_id, touch=False)
        with console.database.read() as connection:
            plans = kept.newest_serial(connection, case.id)
        if request.query_params.get("etag") == etag(case, plans, taken.now):
            return Response(status_code=204)
        return HTMLResponse(console.pages.render("part_case_live.html.j2", request, prefs=taken.prefs, case=case))

    for what, revealing in REVEALS.items():
        _add(app, console, what, revealing)


def _add(app: FastAPI, console: Console, what: str, revealing: Reveal) -> None:
    @app.post(f"/cases/{{case_id}}/{what}", name=f"case_{what}")
    async def route(request: Request, case_id: str) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(revealing, console, request, case_id, fields)


def etag(case: Case, plans: int, now: float) -> str:
    """Changes with anything that somebody does to a case, and with anything that is hidden."""
    return f"{case.version}.{plans}.{leases.holder(case, now) or ''}"


def show(console: Console, request: Request, taken: Seat, case: Case, status: int = 200, **revealed: Any) -> Response:
    """The page of a case, with what was revealed on it."""
    with console.database.read() as connection:
        key = console.database.key
        record = casebook.record(connection, key, case, taken.now)
        parts = dossier.dossier(connection, key, case, taken.sight)
        read = reading(connection, taken.visit.person.id, taken.now, preferences.limits(console.limits, taken.prefs))
        plans = kept.newest_serial(connection, case.id)
        heard = hearings.heard(console, connection, case)
    closing = shipped_closing().outcomes
    return console.pages.page(
        "case.html.j2", request, status, visit=taken.visit, prefs=taken.prefs, now=taken.now, case=case, record=record, parts=parts,
        read=read, flash=read_flash(request), wanted=Filter.parse(request.query_params), etag=etag(case, plans, taken.now), kinds=KINDS,
        outcomes=tuple(name for name, one in closing.items() if one.people), holder=leases.holder(case, taken.now), tlp=TLP,
        emergency=shipped_handling().emergency(case.kind), closed=case.state is CaseState.CLOSED, minors=case.kind is Kind.MINORS,
        may={act.value: taken.may(act, case) for act in Act}, plans=console.histories is not None,
        heard=heard, verifies=console.farm is not None, revealed=revealed or None, diffs=console.revisions is not None,
    )  # fmt: skip


def _answer(console: Console, request: Request, taken: Seat, case: Case, **revealed: Any) -> Response:
    """What was revealed: the part alone for htmx, else the page with it."""
    if is_part(request):
        part = console.pages.render(
            "part_revealed.html.j2", request, visit=taken.visit, prefs=taken.prefs, case=case, revealed=revealed, now=taken.now
        )
        return HTMLResponse(part)
    with console.database.read() as connection:
        case = read_case(connection, case.id)
    return show(console, request, taken, case, **revealed)


def _count(console: Console, taken: Seat, case: Case, fields: dict[str, str], obj: str | None, act: str = "case.revealed") -> None:
    """Write down that somebody reads a text. Raises ``RestNeededError`` where they have read enough, unless it is an emergency."""
    now, person = taken.now, taken.visit.person.id
    with console.database.write() as connection:
        stands = reading(connection, person, now, preferences.limits(console.limits, taken.prefs))
        anyway = fields.get("anyway") == "1" and shipped_handling().emergency(case.kind)
        if stands.again is not None and not anyway:
            words = "You have read much in a row. Take a rest." if stands.resting else "You have read what is good for one day."
            raise RestNeededError(words, stands.again, resting=stands.resting)
        taken.who.attend(connection, case.id, now, act, obj)
        if stands.again is not None:
            audit.record(connection, taken.visit.actor, "exposure.exceeded", case.id, now, {"read": stands.read})
        note(connection, person, case.id, now)


def _flag(console: Console, case: Case, identity: str) -> Flag:
    with console.database.read() as connection:
        flag = dossier.opened(connection, console.database.key, case.id, identity)
    if flag is None:
        raise ForbiddenError(NOT_YOURS)
    return flag


def reveal(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """The text of one flag, with names and account."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    flag = _flag(console, case, fields.get("flag", ""))
    _count(console, taken, case, fields, None)
    content = flag.content
    status = None
    if console.account_status is not None and content is not None and content.user:
        status = console.account_status(flag.wiki, content.user, content.server_url)
    return _answer(
        console, request, taken, case, what="text", flag=flag, content=content,
        pieces=pieces(content.excerpt, content.evidence) if content else (), account=dossier.account(flag, status),
    )  # fmt: skip


def reveal_diff(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """What the flagged edit changed, asked of the wiki."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    flag = _flag(console, case, fields.get("flag", ""))
    _count(console, taken, case, fields, None)
    content, trouble, diff = flag.content, "", None
    if console.revisions is None or content is None or not content.rev_id:
        trouble = "none"
    else:
        try:
            ref = RevisionRef(flag.wiki, content.rev_id, content.parent_id or 0, content.server_url)
            (found,) = console.revisions.fetch(flag.wiki, [ref])
            if found.text is None:
                trouble = "hidden" if found.state is RevisionState.HIDDEN else "deleted" if found.state is RevisionState.DELETED else "none"
            else:
                diff = difference(found.parent_text, found.text)
        except WikiError:
            trouble = "down"
    return _answer(console, request, taken, case, what="diff", flag=flag, diff=diff, trouble=trouble)


def reveal_told(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """What a person wrote who opened the case."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    with console.database.read() as connection:
        told = dossier.told(connection, console.database.key, case)
    if told is None:
        raise ForbiddenError(NOT_YOURS)
    _count(console, taken, case, fields, None)
    return _answer(console, request, taken, case, what="told", told=told, text=legible(told.text))


def reveal_notes(console: Console, request: Request, case_id: str, _fields: dict[str, str]) -> Response:
    """The notes of colleagues; they are no disturbing matter as such, and are not counted as one."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    with console.database.write() as connection:
        taken.who.attend(connection, case.id, taken.now, "notes.revealed")
    with console.database.read() as connection:
        notes = notes_of(connection, console.database.key, case.id, reveal=True)
    shown = [(one.by, one.created, legible(one.text) if one.text is not None else None) for one in notes]
    return _answer(console, request, taken, case, what="notes", notes=shown)


def plan(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """What to hide, revision by revision, without the text."""
    taken, case = at_case(console, request, Act.HIDE_PLAN, case_id, anew=True)
    with console.database.read() as connection:
        key = console.database.key
        first = dossier.opened(connection, key, case.id, fields.get("flag", ""))
        ids = connection.scalars(select(t.flag.c.id).where(t.flag.c.subject == first.subject, t.flag.c.case_id == case.id)) if first else ()
        flags = [flag for flag in (read_flag(connection, key, identity) for identity in list(ids)) if flag is not None]
    made = hiding.plan(flags, console.histories)
    return _answer(console, request, taken, case, what="plan", plan=made)


def letter(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """A letter as it would leave now."""
    taken, case = at_case(console, request, Act.SEE_REPORT, case_id, anew=True)
    with console.database.read() as connection:
        report = outbox.get(connection, fields.get("report", ""))
    if report is None or report.case_id != case.id:
        raise ForbiddenError(NOT_YOURS)
    _count(console, taken, case, fields, report.id, "report.revealed")
    rng = random.Random()  # noqa: S311 - spreads retries, and here there are none
    deliverer = Deliverer(console.database, console.settings, {}, account_status=None, clock=console.clock, rng=rng, simulate=True)
    try:
        stored = report.body is not None or report.purpose is Purpose.PAGE
        text = (deliverer.message(report) if stored else deliverer.draft(report)).text
    except (ReportError, WikiError) as error:
        text = str(error)
    return _answer(console, request, taken, case, what="letter", report=report, text=legible(text))


def reveal_hearing(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """What a person reported, and what was said since; with a draft of an answer if one was asked for."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    shown = hearings.reveal(console, taken, case, fields)
    _count(console, taken, case, fields, None, "hearing.revealed")
    return _answer(console, request, taken, case, **shown)


def reveal_link(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """What an edit changed that a person pointed at."""
    taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
    shown = hearings.reveal_link(console, case, fields)
    _count(console, taken, case, fields, None)
    return _answer(console, request, taken, case, **shown)


def _verified(act: str, ask: Callable[[Console, Subject | None, Seat, dict[str, str]], dict[str, Any]]) -> Reveal:
    """What opens the answer to a question to wikis, about a flag or about whom a person's report names."""

    def reveal_it(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
        taken, case = at_case(console, request, Act.REVEAL, case_id, anew=True)
        if fields.get("hearing"):
            with console.database.read() as connection:
                hearing = hearings.of_case(connection, case, fields)
            subject, obj = verifying.of_hearing(console, case, hearing, fields), hearing.id
        else:
            flag = _flag(console, case, fields.get("flag", ""))
            subject, obj = verifying.of_flag(flag, fields), flag.id
        _count(console, taken, case, fields, obj, act)
        return _answer(console, request, taken, case, **ask(console, subject, taken, fields))

    return reveal_it


Reveal = Callable[[Console, Request, str, dict[str, str]], Response]
REVEALS: Mapping[str, Reveal] = {
    "reveal": reveal,
    "diff": reveal_diff,
    "told": reveal_told,
    "notes": reveal_notes,
    "plan": plan,
    "letter": letter,
    "hearing": reveal_hearing,
    "link": reveal_link,
    "meeting": _verified("dealings.accounts", lambda console, one, taken, _: verifying.meeting(console, one, taken.now)),
    "everywhere": _verified("dealings.everywhere", lambda console, one, taken, _: verifying.everywhere(console, one, taken.now)),
    "sanctions": _verified("dealings.sanctions", lambda console, one, _, _fields: verifying.sanctioned(console, one)),
    "origin": _verified("dealings.phrase", lambda console, one, _, _fields: verifying.origin(console, one)),
    "spread": _verified("dealings.spread", lambda console, one, _, _fields: verifying.spreading(console, one)),
    "archives": _verified("dealings.archives", lambda console, one, _, fields: verifying.archived(console, one, fields)),
    "merge": hearings.merge,
}
"""What of a case can be opened, by the last part of its address."""
