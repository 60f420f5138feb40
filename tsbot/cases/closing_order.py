"""The order in which a case that people reported is ended: document, act, tell the sanctioned, tell the reporters.

Cases of the patrol alone have no reporters, and are closed as they are.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, select

from tsbot.errors import CaseError
from tsbot.store import tables as t

ACTED = ("acted", "nothing_to_act")
SANCTIONED = ("sanctioned_told", "nobody_sanctioned")
DEBRIEFED = "debriefed"


class Step(StrEnum):
    """What comes next."""

    DOCUMENT = "document"
    ACT = "act"
    SANCTION = "sanction"
    TELL = "tell"

    @property
    def words(self) -> str:
        """What is to be done."""
        return {
            Step.DOCUMENT: "write down on the case what was found (a note).",
            Step.ACT: "act on the wiki and note it, or note that there is nothing to act on.",
            Step.SANCTION: "tell who was sanctioned and note it, or note that nobody was.",
            Step.TELL: "tell those who reported it how it ended.",
        }[self]


def missing(connection: Connection, case_id: str) -> Step | None:
    """The next step of a case that people reported; None where nothing is left, or nobody reported it."""
    if not _untold(connection, case_id) and not _told(connection, case_id):
        return None
    if connection.execute(select(t.note.c.id).where(t.note.c.case_id == case_id).limit(1)).first() is None:
        return Step.DOCUMENT
    done = set(connection.scalars(select(t.annotation.c.what).where(t.annotation.c.case_id == case_id)))
    if not done & set(ACTED):
        return Step.ACT
    if not done & set(SANCTIONED):
        return Step.SANCTION
    return Step.TELL if _untold(connection, case_id) else None


def check(connection: Connection, case_id: str) -> None:
    """Refuse to close a case out of order. Raises ``CaseError``."""
    step = missing(connection, case_id)
    if step is not None:
        raise CaseError(f"Case {case_id[:8]} was reported by a person. Before it is closed: {step.words}")


def somebody_waits(connection: Connection, case_id: str) -> bool:
    """Whether somebody who reported it was not told the end of it yet: then the stream does not close it."""
    return _untold(connection, case_id)


def _untold(connection: Connection, case_id: str) -> bool:
    c = t.hearing.c
    query = select(c.id).where(c.case_id == case_id, c.ended.is_(None), c.withdrawn.is_(None), c.body.is_not(None))
    return connection.execute(query.limit(1)).first() is not None


def _told(connection: Connection, case_id: str) -> bool:
    c = t.hearing.c
    return connection.execute(select(c.id).where(c.case_id == case_id, c.ended.is_not(None)).limit(1)).first() is not None
