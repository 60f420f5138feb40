"""Cases by the API: list, look, claim, release, note, close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import FastAPI, Query, Request
from sqlalchemy import Connection

from tsbot.cases import leases
from tsbot.cases.approvals import asking
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.casebook import CaseLine, Record, queue, record
from tsbot.console.access import EVERYWHERE, Act
from tsbot.console.api import models as m
from tsbot.console.api.bearer import visit
from tsbot.console.console import Console, Visit
from tsbot.console.parties import NO, desk_of, names_of, open_case, with_part
from tsbot.detect.finding import Kind
from tsbot.errors import ForbiddenError, PartyError


def register(api: FastAPI, console: Console) -> None:
    """Add the routes."""

    def act(request: Request, case_id: str, what: Callable[[Visit, Connection], object]) -> m.CaseRecord:
        """Do something to a case, with rights asked anew; the case as it is then. A request for a second person is kept."""
        who = visit(console, request, Act.HANDLE, anew=True)
        try:
            with asking(console.database) as connection:
                open_case(console, connection, who, Act.HANDLE, case_id)
                what(who, connection)
        except PartyError as error:
            raise ForbiddenError(NO) from error
        with console.database.read() as connection:
            return _record(record(connection, console.database.key, read_case(connection, case_id), who.now))

    @api.get("/cases")
    def list_cases(
        request: Request,
        state: Annotated[list[CaseState] | None, Query(description="Default: all but closed.")] = None,
        kind: Annotated[Kind | None, Query()] = None,
        wiki: Annotated[str | None, Query(pattern=m.WIKI)] = None,
        mine: Annotated[bool, Query(description="Only what you hold the lease of.")] = False,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> m.Lines:
        """Cases that you may see, in the order in which to work on them."""
        who = visit(console, request, Act.SEE_QUEUE, wiki or EVERYWHERE)
        wikis = who.rights.wikis(Act.SEE_QUEUE)
        with console.database.read() as connection:
            found = queue(
                connection,
                who.now,
                states=state or (),
                kind=kind.value if kind else None,
                wiki=wiki,
                wikis=None if EVERYWHERE in wikis else wikis,
                mine=who.actor if mine else None,
                limit=limit,
            )
            own = with_part(connection, console.database.key, names_of(who), [line.id for line in found.lines])
        return m.Lines(cases=[_line(line) for line in found.lines if line.id not in own], more=found.more)

    @api.get("/cases/{case_id}")
    def get_case(request: Request, case_id: m.CaseId) -> m.CaseRecord:
        """A case without texts."""
        who = visit(console, request, Act.SEE_CASE)
        with console.database.read() as connection:
            case = open_case(console, connection, who, Act.SEE_CASE, case_id)
            return _record(record(connection, console.database.key, case, who.now))

    @api.post("/cases/{case_id}/claim")
    def claim(request: Request, case_id: m.CaseId, body: m.Claim) -> m.CaseRecord:
        """Take a case for ten minutes; once more keeps it for ten minutes more."""

        def taken(who: Visit, connection: Connection) -> object:
            return desk_of(console, who).claim(connection, case_id, who.now, take_over=body.take_over)

        return act(request, case_id, taken)

    @api.post("/cases/{case_id}/release")
    def release(request: Request, case_id: m.CaseId) -> m.CaseRecord:
        """Give a case back."""
        return act(request, case_id, lambda who, connection: leases.release(connection, case_id, who.actor, who.now))

    @api.post("/cases/{case_id}/notes", status_code=201)
    def note(request: Request, case_id: m.CaseId, body: m.NewNote) -> m.CaseRecord:
        """Write a note on a case, for the team."""
        return act(request, case_id, lambda who, connection: desk_of(console, who).note(connection, case_id, body.text, who.now))

    @api.post("/cases/{case_id}/close")
    def close(request: Request, case_id: m.CaseId, body: m.Close) -> m.CaseRecord:
        """Close a case. Where a second person is needed, the first call asks (409), and the call of another person does it."""

        def closed(who: Visit, connection: Connection) -> object:
            return desk_of(console, who).close(connection, case_id, body.outcome, who.now, seen=body.seen)

        return act(request, case_id, closed)


def _line(line: CaseLine) -> m.Line:
    told = asdict(line)
    del told["held"]
    return m.Line(**told)


def _record(found: Record) -> m.CaseRecord:
    entries = [(entry, [str(one) for one in entry.outcomes]) for entry in found.flags]
    return m.CaseRecord(
        case=_line(found.line),
        lease_until=found.case.lease_until if found.line.lease else None,
        flags=[
            m.Flag(
                id=entry.id,
                subject=entry.subject,
                kind=entry.kind,
                field=entry.field,
                priority=entry.priority,
                outcomes=outcomes,
                event_time=entry.event_time,
            )
            for entry, outcomes in entries
        ],
        reports=dict(Counter(one.state for one in found.reports)),
        notes=len(found.notes),
        waits_for_second_person=sorted({one.act for one in found.approvals if one.used is None}),
        history=[m.Entry(time=one.time, actor=one.actor, act=one.act) for one in found.history],
    )
