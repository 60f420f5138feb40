"""What became of cases and their reports, as short words that the whole team sees.

People say what a recipient answered; the stream says what the wiki did. The first time that something is said of a case (or of one of
its reports) is kept, later ones add nothing: how often a page was hidden and shown again stands in the outcomes of its flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t

STREAM = "stream"
"""Who says what a wiki did."""
SYSTEM = "tsbot"
"""Who wrote it down then, for the audit log."""
IN_CLAUSE = 500


class What(StrEnum):
    """What can become of a case or a report."""

    ACKNOWLEDGED = "acknowledged"
    """The recipient has taken it."""
    PASSED_ON = "passed_on"
    """The recipient gave it to others, for instance to the police."""
    NO_ACTION = "no_action"
    """The recipient saw nothing to do. That is not "false"."""
    FALSE_POSITIVE = "false_positive"
    """It was nothing."""
    HIDDEN = "hidden"
    """The wiki hid what was flagged."""
    PARTLY_HIDDEN = "partly_hidden"
    """The wiki hid something else of the same revision."""
    REVISION_DELETED = "revision_deleted"
    """The wiki's log names the revision in a revision deletion, without saying which way."""
    SHOWN = "shown"
    """The wiki shows the revision again."""
    PAGE_DELETED = "page_deleted"
    """The wiki deleted the page."""
    BLOCKED = "blocked"
    """The wiki blocked the author."""
    UNBLOCKED = "unblocked"
    """The wiki lifted a block."""
    LOCKED = "locked"
    """Stewards locked the author's account on all wikis."""
    UNLOCKED = "unlocked"
    """Stewards lifted the lock."""


HIDING = frozenset((What.HIDDEN, What.REVISION_DELETED, What.PAGE_DELETED))
"""After which of them what was flagged is not publicly readable any more, as far as a stream tells."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing that became of a case. ``time`` in seconds since the epoch: of the act on the wiki, or of the word of a person."""

    case_id: str
    report_id: str | None
    what: str
    by: str
    time: float


def add(
    connection: Connection, case_id: str, what: str, *, by: str, now: float, report_id: str | None = None, time: float | None = None
) -> bool:
    """Write down what became of a case, or of one of its reports; False if that was written before.

    ``time`` is when it happened, where that is not ``now``. Raises ``InputError`` for a word that is none of :class:`What`.
    """
    if what not in set(What):
        raise InputError(f"{what} is nothing that can become of a case: {', '.join(What)}.")
    c = t.annotation.c
    about = c.report_id.is_(None) if report_id is None else c.report_id == report_id
    if connection.execute(select(c.id).where(c.case_id == case_id, about, c.what == what).limit(1)).first() is not None:
        return False
    happened = now if time is None else time
    row = {"case_id": case_id, "report_id": report_id, "what": str(what), "by": by[:64], "time": happened}
    connection.execute(insert(t.annotation).values(**row))
    actor = SYSTEM if by == STREAM else by
    audit.record(connection, actor, "case.annotated", case_id, now, {"what": str(what), "report": report_id, "happened": happened})
    return True


def of_case(connection: Connection, case_id: str) -> list[Annotation]:
    """What became of a case and its reports, oldest first."""
    return of_cases(connection, (case_id,)).get(case_id, [])


def of_cases(connection: Connection, case_ids: Iterable[str]) -> dict[str, list[Annotation]]:
    """What became of some cases, by case, oldest first."""
    found: dict[str, list[Annotation]] = {}
    wanted = list(case_ids)
    c = t.annotation.c
    for start in range(0, len(wanted), IN_CLAUSE):
        query = select(c.case_id, c.report_id, c.what, c.by, c.time).where(c.case_id.in_(wanted[start : start + IN_CLAUSE]))
        for row in connection.execute(query.order_by(c.time, c.id)):
            found.setdefault(row.case_id, []).append(Annotation(*row))
    return found
