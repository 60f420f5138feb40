"""For the gadget: which revisions have an open case, what to hide, and word that it was hidden."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from sqlalchemy import Connection, select

from tsbot.cases.case import CaseState
from tsbot.console.access import Act
from tsbot.console.api import models as m
from tsbot.console.api.bearer import visit
from tsbot.console.console import Console, Visit
from tsbot.console.parties import names_of, open_case, with_part
from tsbot.errors import InputError, WikiUnavailableError
from tsbot.hide import kept
from tsbot.store import audit
from tsbot.store import tables as t

REVISIONS = r"^[0-9]{1,15}([|,][0-9]{1,15}){0,499}$"


def register(api: FastAPI, console: Console) -> None:
    """Add the routes."""

    @api.get("/marks")
    def marks(
        request: Request,
        wiki: Annotated[str, Query(pattern=m.WIKI)],
        revids: Annotated[str, Query(pattern=REVISIONS, description="Ids with | between them, at most 500.")],
    ) -> m.Marks:
        """Which of some revisions have a case that waits. What it is about stays in the console."""
        who = visit(console, request, Act.SEE_QUEUE, wiki)
        ids = {int(number) for number in revids.replace(",", "|").split("|")}
        with console.database.read() as connection:
            found = _cases(console, connection, who, wiki, ids, waiting=True)
        return m.Marks(wiki=wiki, marks=[m.Mark(revid=revision, case=case) for revision, case in sorted(found)])

    @api.post("/hidden")
    def hidden(request: Request, body: m.Hidden) -> m.Told:
        """Say that you have hidden revisions. The log keeps it; the case closes when the wiki itself tells."""
        who = visit(console, request, Act.HANDLE, body.wiki, anew=True)
        with console.database.write() as connection:
            found = _cases(console, connection, who, body.wiki, set(body.revids), waiting=False)
            for case in sorted({case for _, case in found}):
                count = len({revision for revision, one in found if one == case})
                audit.record(connection, who.actor, "case.told_hidden", case, who.now, {"revisions": count})
                kept.ask_soon(connection, case, who.now)
        return m.Told(revisions=len({revision for revision, _ in found}))

    @api.get("/cases/{case_id}/hide")
    def hide_plan(request: Request, case_id: m.CaseId) -> list[dict[str, Any]]:
        """What to hide, revision by revision; one plan for each flagged revision of the case, of at most five."""
        who = visit(console, request, Act.HIDE_PLAN, anew=True)
        if console.hide_plan is None:
            raise WikiUnavailableError("Hide plans are not to be had from this console.")
        with console.database.write() as connection:
            case = open_case(console, connection, who, Act.HIDE_PLAN, case_id)
            query = select(t.flag.c.subject).where(t.flag.c.case_id == case.id).order_by(t.flag.c.priority.desc(), t.flag.c.event_time)
            subjects = [tuple(subject.split(":")) for subject in dict.fromkeys(connection.scalars(query))]
            revisions = [(parts[0], int(parts[2])) for parts in subjects if len(parts) == 3 and parts[1] == "rev"]
            if not revisions:
                raise InputError("No revision is flagged in this case.")
            audit.record(connection, who.actor, "case.hide_planned", case.id, who.now)
        return [dict(console.hide_plan(wiki, revision)) for wiki, revision in revisions[:5]]


def _cases(
    console: Console, connection: Connection, who: Visit, wiki: str, ids: set[int], *, waiting: bool
) -> set[tuple[int, str]]:
    """Revisions and the cases that they are flagged in, without those in which whoever asks has a part."""
    names = {f"{wiki}:rev:{number}": number for number in ids}
    query = select(t.flag.c.subject, t.flag.c.case_id).join(t.case, t.case.c.id == t.flag.c.case_id).where(t.flag.c.subject.in_(names))
    if waiting:
        query = query.where(t.case.c.state != CaseState.CLOSED.value)
    found = {(names[subject], case) for subject, case in connection.execute(query)}
    own = with_part(connection, console.database.key, names_of(who), sorted({case for _, case in found}))
    return {(revision, case) for revision, case in found if case not in own}
