"""Reports of people on a case's page: read, answered, and what must be done before the case is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, select

from tsbot.cases import closing_order, joining
from tsbot.cases.case import Case, CaseState, find_case, read_case
from tsbot.cases.closing_order import Step
from tsbot.cases.handling import shipped_handling
from tsbot.console.access import Act
from tsbot.console.console import Console
from tsbot.console.office import NOT_YOURS, Seat, at_case
from tsbot.console.parties import open_case
from tsbot.console.shown import difference, legible
from tsbot.errors import ForbiddenError, InputError, WikiError
from tsbot.reception import answering
from tsbot.reception import hearing as hearings
from tsbot.reception.hearing import Hearing
from tsbot.reception.said import targets
from tsbot.reception.situations import CHECKLIST, draft, shipped_situations
from tsbot.store import tables as t
from tsbot.wiki.types import RevisionRef


@dataclass(frozen=True, slots=True)
class Card:
    """One report of a person, before anything of it is revealed."""

    hearing: Hearing
    same_sender: int
    beside: tuple[str, ...]
    """Other cases with flags on the edits that it names."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the page of a case shows of people's reports."""

    cards: tuple[Card, ...] = ()
    step: Step | None = None
    done: tuple[str, ...] = ()
    situations: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    debrief: bool = False
    """Whether a debrief is offered: a hard case is closed, and nobody has written one."""


def heard(console: Console, connection: Connection, case: Case) -> Heard:
    """The reports of people on a case."""
    found = hearings.of_case(connection, case.id)
    what = set(connection.scalars(select(t.annotation.c.what).where(t.annotation.c.case_id == case.id)))
    hard = case.state is CaseState.CLOSED and shipped_handling().emergency(case.kind) and case.purged is None
    debrief = hard and closing_order.DEBRIEFED not in what
    if not found:
        return Heard(debrief=debrief)
    key = console.database.key
    cards = tuple(
        Card(one, hearings.from_same_sender(connection, one), tuple(answering.beside(connection, key, one, console.database_of)))
        for one in found
    )
    done = tuple(one for one in (*closing_order.ACTED, *closing_order.SANCTIONED) if one in what)
    return Heard(cards, closing_order.missing(connection, case.id), done, tuple(shipped_situations()), CHECKLIST, debrief)


def reveal(console: Console, taken: Seat, case: Case, fields: dict[str, str]) -> dict[str, Any]:
    """A report with all that was said since; the caller writes down that it was read."""
    with console.database.read() as connection:
        found, key = of_case(connection, case, fields), console.database.key
        said = hearings.read_said(connection, key, found)
        words = hearings.words(connection, key, found)
    links = [] if said is None else [(address, target.rev_id) for address, target in targets(said)]
    more: dict[str, Any] = {"draft": "", "guidance": (), "situation": fields.get("situation", "")}
    situation = shipped_situations().get(more["situation"])
    if situation is not None:
        more |= {"draft": draft(more["situation"], found, taken.now), "guidance": situation.guidance}
    text = legible(said.text) if said is not None else None
    spoken = [(one, legible(one.text) if one.text is not None else None) for one in words]
    return more | {"what": "hearing", "hearing": found, "said": said, "text": text, "words": spoken, "links": links,
                   "verifies": console.farm is not None, "situations": tuple(shipped_situations())}  # fmt: skip


def reveal_link(console: Console, case: Case, fields: dict[str, str]) -> dict[str, Any]:
    """What an edit changed that the person pointed at, asked of its wiki."""
    with console.database.read() as connection:
        said = hearings.read_said(connection, console.database.key, of_case(connection, case, fields))
    diff, trouble = None, "none"
    for address, target in targets(said) if said is not None else ():
        wiki = console.database_of(target.base) if console.database_of else None
        if address != fields.get("address") or target.rev_id is None or wiki is None or console.revisions is None:
            continue
        try:
            (found,) = console.revisions.fetch(wiki, [RevisionRef(wiki, target.rev_id, 0, target.base)])
            diff, trouble = (difference(found.parent_text, found.text), "") if found.text is not None else (None, "hidden")
        except WikiError:
            trouble = "down"
    return {"what": "diff", "diff": diff, "trouble": trouble}


def of_case(connection: Connection, case: Case, fields: dict[str, str]) -> Hearing:
    """The report that a form names. Raises ``ForbiddenError`` for one that is not of the case."""
    found = hearings.find(connection, fields.get("hearing", ""))
    if found is None or found.case_id != case.id:
        raise ForbiddenError(NOT_YOURS)
    return found


def merge(console: Console, request: Request, case_id: str, fields: dict[str, str]) -> Response:
    """Give all of this case to another one about the same incident."""
    taken, case = at_case(console, request, Act.HANDLE, case_id, anew=True)
    version = fields.get("version", "")
    with console.database.write() as connection:
        into = find_case(connection, fields.get("into", ""))
        open_case(console, connection, taken.visit, Act.HANDLE, into.id)
        seen = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None
        source = taken.who.begin(connection, case.id, taken.now, seen=seen, versioned=True)
        target = taken.who.begin(connection, into.id, taken.now)
        if source.id == target.id:
            raise InputError("A case cannot be merged into itself.")
        merged = joining.merge(connection, console.database.key, source, target, by=taken.who.by, now=taken.now)
        taken.who.noticed(connection, merged.id, taken.now)
        read_case(connection, merged.id)
    return RedirectResponse(f"/cases/{into.id}", status_code=303)
