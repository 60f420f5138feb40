"""What people do to cases: forms that work without JavaScript, each with the version that was seen.

Every act asks the wiki for the rights anew. What cannot be done leads to a page that says why, with what was typed on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy import Connection, select
from starlette.concurrency import run_in_threadpool

from tsbot.cases import approvals, leases
from tsbot.cases.case import Case, read_case
from tsbot.cases.handling import TLP
from tsbot.cases.labels import Correction, Verdict, store_label
from tsbot.cases.seen import changes
from tsbot.console import preferences, undoing
from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.listing import Filter
from tsbot.console.office import NOT_YOURS, Seat, at_case
from tsbot.console.pages.flash import Flash
from tsbot.detect.finding import Kind
from tsbot.errors import ApprovalNeededError, CaseChangedError, CaseTakenError, ForbiddenError, InputError
from tsbot.reception import answering
from tsbot.report.releasing import Released, recall, release
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose


@dataclass(frozen=True, slots=True)
class Job:
    """One form that was sent."""

    console: Console
    request: Request
    taken: Seat
    case: Case
    fields: Mapping[str, str]

    @property
    def seen(self) -> int | None:
        """The version on the page that was acted on."""
        value = self.fields.get("version", "")
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None

    @property
    def wanted(self) -> Filter:
        """The queue that they came from."""
        return Filter.parse(dict(self.request.query_params))

    def stay(self, did: str, about: str = "") -> Response:
        """Back to the case."""
        return self._to(f"/cases/{self.case.id}", Flash(did, self.case.id, about))

    def on(self, did: str) -> Response:
        """To the next case."""
        return self._to("/next" if self.fields.get("stay") != "1" else f"/cases/{self.case.id}", Flash(did, self.case.id))

    def _to(self, path: str, flash: Flash) -> Response:
        query = "&".join(filter(None, (self.wanted.query(), flash.query)))
        return RedirectResponse(f"{path}?{query}", status_code=303)


def claim(job: Job) -> Response:
    """Take the case, or take it over from somebody."""
    over = job.fields.get("take_over") == "1"
    with job.console.database.write() as connection:
        job.taken.who.claim(connection, job.case.id, job.taken.now, take_over=over)
    return job.stay("taken_over" if over else "claimed")


def heartbeat(job: Job) -> Response:
    """A sign of life: how many seconds the lease lasts from now on."""
    with job.console.database.write() as connection:
        leases.heartbeat(connection, job.case.id, job.taken.visit.actor, job.taken.now)
    return JSONResponse({"left": leases.LEASE_SECONDS})


def skip(job: Job) -> Response:
    """Give the case back, or pass it over, without a reason; it is not offered again for some hours."""
    who, now = job.taken.who, job.taken.now
    with job.console.database.write() as connection:
        if leases.holder(read_case(connection, job.case.id), now) == who.by:
            leases.release(connection, job.case.id, who.by, now)
        preferences.skip(connection, job.taken.visit.person.id, job.case.id, now)
    return job.on("released")


def note(job: Job) -> Response:
    """Write a note."""
    with job.console.database.write() as connection:
        job.taken.who.note(connection, job.case.id, job.fields.get("text", ""), job.taken.now)
    return job.stay("noted")


def label(job: Job) -> Response:
    """Say what a flag is, for those who make the detector."""
    flag = job.fields.get("flag", "")
    try:
        verdict = Verdict(job.fields.get("verdict", ""))
        kind = Kind(job.fields["kind"]) if job.fields.get("kind") else None
    except ValueError:
        raise InputError("That is no verdict, or no kind.") from None
    said = Correction(kind if verdict is Verdict.WRONG_KIND else None)
    if verdict is Verdict.WRONG_SCORE:
        said = Correction(None, *(_grade(job.fields.get(name, "")) for name in ("specificity", "plausibility", "imminence")))
    who, now = job.taken.who, job.taken.now
    with job.console.database.write() as connection:
        who.begin(connection, job.case.id, now)
        if not _is_of(connection, flag, job.case.id):
            raise ForbiddenError(NOT_YOURS)
        store_label(connection, flag, verdict, said, by=who.by, now=now)
        audit.record(connection, who.by, "flag.labelled", flag, now, {"verdict": verdict.value})
        who.noticed(connection, job.case.id, now)
    return job.stay("labelled", flag)


def _grade(value: str) -> int | None:
    return int(value) if value in ("0", "1", "2", "3") else None


def take_up(job: Job) -> Response:
    """A case in triage is to be worked on."""
    with job.console.database.write() as connection:
        job.taken.who.take_up(connection, job.case.id, job.taken.now, seen=job.seen)
    return job.stay("taken_up")


def close(job: Job) -> Response:
    """Decide, and go on to the next case."""
    with approvals.asking(job.console.database) as connection:
        job.taken.who.close(connection, job.case.id, job.fields.get("outcome", ""), job.taken.now, seen=job.seen)
    return job.on("closed")


def reopen(job: Job) -> Response:
    """Open a closed case again."""
    with job.console.database.write() as connection:
        job.taken.who.reopen(connection, job.case.id, job.taken.now, seen=job.seen)
    return job.stay("reopened")


def mark(job: Job) -> Response:
    """Change the kind or the label of a case."""
    kinds, labels = {one.value for one in Kind if one is not Kind.NONE}, set(TLP)
    kind, tlp = job.fields.get("kind", ""), job.fields.get("tlp", "")
    new = Kind(kind) if kind in kinds and kind != job.case.kind else None
    with approvals.asking(job.console.database) as connection:
        job.taken.who.mark(
            connection, job.case.id, job.taken.now, kind=new, tlp=tlp if tlp in labels and tlp != job.case.tlp else None, seen=job.seen
        )
    return job.stay("marked")


def approve(job: Job) -> Response:
    """Be the second person for what somebody asked for about the case or one of its letters."""
    obj = job.fields.get("object", "")
    who, now = job.taken.who, job.taken.now
    with job.console.database.write() as connection:
        who.people.refuse(connection, job.case.id, who.by)
        report = outbox.get(connection, obj)
        if obj != job.case.id and (report is None or report.case_id != job.case.id):
            raise ForbiddenError(NOT_YOURS)
        approvals.approve(connection, obj, who.by, now)
    return job.stay("approved")


def send(job: Job) -> Response:
    """Release a letter. It is sent some seconds later, so that it can be held again."""
    with job.console.database.read() as connection:
        report = outbox.get(connection, job.fields.get("report", ""))
    if report is None or report.case_id != job.case.id or report.purpose is not Purpose.LETTER:
        raise ForbiddenError(NOT_YOURS)
    done = release(
        job.console.database, job.console.settings, job.taken.who, report.id, job.taken.now, hold=undoing.SECONDS + undoing.GRACE
    )
    return job.stay({Released.YES: "letter", Released.ASTRAY: "astray", Released.NO: "not_waiting"}[done], report.id)


def undo(job: Job) -> Response:
    """Take one's own last act back."""
    who, now, about = job.taken.who, job.taken.now, job.fields.get("about", "")
    what = job.fields.get("what", "")
    if what == "letter":
        with job.console.database.read() as connection:
            report = outbox.get(connection, about)
        if report is None or report.case_id != job.case.id or not recall(job.console.database, who, about, now):
            raise CaseChangedError(undoing.LATE)
    elif what == "label":
        with job.console.database.write() as connection:
            if not _is_of(connection, about, job.case.id):
                raise ForbiddenError(NOT_YOURS)
            undoing.unlabel(connection, who, job.case.id, about, now)
    elif what == "close":
        with job.console.database.write() as connection:
            undoing.reopen(connection, who, job.case.id, now)
    else:
        raise InputError("There is nothing of that name to undo.")
    return job.stay("undone")


def _is_of(connection: Connection, flag: str, case_id: str) -> bool:
    return connection.scalar(select(t.flag.c.case_id).where(t.flag.c.id == flag)) == case_id


def answer(job: Job) -> Response:
    """Answer a person who reported something."""
    fields, who = job.fields, job.taken.who
    with job.console.database.write() as connection:
        text, situation = fields.get("text", ""), fields.get("situation", "")
        settings = job.console.settings
        answering.answer(connection, who, settings, job.case.id, fields.get("hearing", ""), situation, text, job.taken.now)
    return job.stay("answered")


def step(job: Job) -> Response:
    """Note a step towards the end of a case that people reported."""
    with job.console.database.write() as connection:
        answering.step(connection, job.taken.who, job.case.id, job.fields.get("what", ""), job.taken.now)
    return job.stay("stepped")


def check_in(job: Job) -> Response:
    """Have the team reminded of a person sooner than they were told."""
    days = job.fields.get("days", "")
    if not (days.isascii() and days.isdigit() and len(days) < 4):
        raise InputError("Give a number of days.")
    with job.console.database.write() as connection:
        answering.check_in(connection, job.taken.who, job.case.id, job.fields.get("hearing", ""), int(days), job.taken.now)
    return job.stay("stepped")


def debrief(job: Job) -> Response:
    """Write down, after a hard case, how it was."""
    with job.console.database.write() as connection:
        answering.debrief(connection, job.taken.who, job.case.id, job.fields.get("text", ""), job.taken.now)
    return job.stay("noted")


Do = Callable[[Job], Response]
ACTS: Mapping[str, tuple[Act, Do]] = {
    "claim": (Act.HANDLE, claim),
    "heartbeat": (Act.HANDLE, heartbeat),
    "skip": (Act.SEE_CASE, skip),
    "note": (Act.HANDLE, note),
    "label": (Act.LABEL, label),
    "take-up": (Act.HANDLE, take_up),
    "close": (Act.HANDLE, close),
    "reopen": (Act.HANDLE, reopen),
    "mark": (Act.HANDLE, mark),
    "approve": (Act.HANDLE, approve),
    "send": (Act.RELEASE_REPORT, send),
    "undo": (Act.SEE_CASE, undo),
    "answer": (Act.HANDLE, answer),
    "step": (Act.HANDLE, step),
    "check-in": (Act.HANDLE, check_in),
    "debrief": (Act.HANDLE, debrief),
}
"""Acts by the last part of their address, and what they need."""


def register(app: FastAPI, console: Console) -> None:
    """Add the forms."""
    for name, (needs, does) in ACTS.items():
        _add(app, console, name, needs, does)


def _add(app: FastAPI, console: Console, name: str, needs: Act, does: Do) -> None:
    @app.post(f"/cases/{{case_id}}/{name}", name=f"act_{name}")
    async def route(request: Request, case_id: str) -> Response:
        _, fields = await console.form(request)
        return await run_in_threadpool(_act, console, request, case_id, fields, needs, does, name)


def _act(console: Console, request: Request, case_id: str, fields: dict[str, str], needs: Act, does: Do, name: str) -> Response:
    taken, case = at_case(console, request, needs, case_id, anew=name not in NOT_ANEW)
    job = Job(console, request, taken, case, fields)
    try:
        return does(job)
    except ApprovalNeededError:
        return job.stay("asked")
    except CaseTakenError:
        if name == "heartbeat":
            return JSONResponse({"left": 0}, 409)
        trouble = "taken"
    except CaseChangedError:
        trouble = "late" if name == "undo" else "changed"
    with console.database.read() as connection:
        now = read_case(connection, case.id)
        since = changes(connection, case.id, job.seen) if job.seen is not None else []
    return console.pages.page(
        "conflict.html.j2", request, 409, visit=taken.visit, prefs=taken.prefs, case=now, since=since, trouble=trouble,
        typed=fields.get("text", ""), holder=leases.holder(now, taken.now), wanted=job.wanted, now=taken.now,
    )  # fmt: skip


NOT_ANEW = frozenset(("heartbeat", "skip"))
"""They show and decide nothing: to go away must always be possible, and a sign of life comes every minute."""
