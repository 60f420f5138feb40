"""Taking back one's own last act for some seconds.

Acts are done at once, so that nothing is lost if the console or the browser goes away. To undo one is an act of its own: the inverse
transition of a closed case, the removal of a label that nobody has seen yet, a letter held again. Letters are the one thing that cannot be
got back once sent, so a letter released in the console is sent :data:`SECONDS` later.
"""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, select

from tsbot.cases import leases, lifecycle
from tsbot.cases.acts import Desk
from tsbot.cases.case import Case, CaseState, read_case
from tsbot.errors import CaseChangedError
from tsbot.store import audit
from tsbot.store import tables as t

SECONDS = 10.0
GRACE = 5.0
"""Seconds more that the way of the request may take."""
LATE = "It is too late to undo that, or somebody has acted since; nothing was changed."


def in_time(time: float, now: float) -> bool:
    """Whether something done at ``time`` can be undone."""
    return 0 <= now - time <= SECONDS + GRACE


def reopen(connection: Connection, who: Desk, case_id: str, now: float) -> Case:
    """Take back that one has closed a case: it is open again, one's own, and the outcome is not told of it any more.

    Raises ``CaseChangedError`` where somebody has acted since, or the time is over.
    """
    who.people.refuse(connection, case_id, who.by)
    case = read_case(connection, case_id)
    last = select(t.audit).where(t.audit.c.object == case_id, t.audit.c.act == "case.closed").order_by(t.audit.c.number.desc()).limit(1)
    row = connection.execute(last).mappings().first()
    if row is None or row["actor"] != who.by[:64] or not in_time(row["time"], now) or case.state is not CaseState.CLOSED:
        raise CaseChangedError(LATE)
    if json.loads(row["details"]).get("version") != case.version or case.purged is not None:
        raise CaseChangedError(LATE)
    told = t.annotation.c
    mine = told.case_id == case_id, told.what == (case.outcome or ""), told.by == who.by[:64], told.time == row["time"]
    connection.execute(delete(t.annotation).where(*mine, told.report_id.is_(None)))
    opened = lifecycle.move(connection, case_id, CaseState.OPEN, by=who.by, now=now, person=True)
    audit.record(connection, who.by, "case.undone", case_id, now, {"act": "case.closed", "version": opened.version})
    return leases.claim(connection, case_id, who.by, now)


def unlabel(connection: Connection, who: Desk, case_id: str, flag_id: str, now: float) -> None:
    """Take back one's own last word on a flag. Raises ``CaseChangedError`` where the time is over."""
    c = t.label.c
    last = connection.execute(select(c.id, c.by, c.created).where(c.flag_id == flag_id).order_by(c.id.desc()).limit(1)).first()
    if last is None or last.by != who.by[:64] or not in_time(last.created, now):
        raise CaseChangedError(LATE)
    connection.execute(delete(t.label).where(c.id == last.id))
    audit.record(connection, who.by, "case.undone", case_id, now, {"act": "flag.labelled", "flag": flag_id})
