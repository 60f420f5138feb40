"""Destroying what is private of a case: its key, and everything that the key sealed. What counts stays.

The key goes first in importance: without it the ciphertexts say nothing, wherever a copy of them lies. They are emptied all the same,
and so are the fingerprints by which names could be tried out by whoever holds the index key.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, select, update

from tsbot.store import audit, outbox
from tsbot.store import tables as t

EMPTY = b""


@dataclass(frozen=True, slots=True)
class Purged:
    """What was emptied."""

    case: str
    why: str
    flags: int
    letters: int
    """Messages of the outbox."""
    stopped: int
    """Those of them that had not left yet and will not leave any more."""
    notes: int


def purge_case(connection: Connection, case_id: str, *, why: str, by: str, now: float) -> Purged | None:
    """Destroy the texts and names of a case; None if that was done before or there is no such case.

    Whether it may be done is asked before (:mod:`tsbot.cases.retention`); a legal hold is respected here once more.
    """
    open_hold = t.case.c.hold_until.is_not(None) & (t.case.c.hold_until > now)
    destroyed = connection.execute(
        update(t.case)
        .where(t.case.c.id == case_id, t.case.c.purged.is_(None), ~open_hold)
        .values(data_key=None, body=None, author_index=None, page_index=None, lease_by=None, lease_until=None, due=None, purged=now)
    )
    if not destroyed.rowcount:
        return None
    _forget_texts(connection, case_id)
    names = {"author_index": None, "account_index": None, "page_index": None, "target_index": None, "text_family": None}
    flags = connection.execute(update(t.flag).where(t.flag.c.case_id == case_id).values(body=EMPTY, **names)).rowcount
    notes = connection.execute(update(t.note).where(t.note.c.case_id == case_id).values(body=EMPTY)).rowcount
    gone = {"body": None, "text_index": None, "sender_index": None, "away": "", "check_in": None, "research": False}
    connection.execute(update(t.hearing).where(t.hearing.c.case_id == case_id).values(**gone))
    connection.execute(update(t.hearing_word).where(t.hearing_word.c.case_id == case_id).values(body=EMPTY))
    connection.execute(update(t.hide_following).where(t.hide_following.c.case_id == case_id).values(body=None, due=None))
    stopped, letters = outbox.purge(connection, case_id)
    done = Purged(case_id, why, flags, letters, stopped, notes)
    details: dict[str, audit.Value] = {"why": why, "flags": flags, "letters": letters, "stopped": stopped, "notes": notes}
    audit.record(connection, by, "case.purged", case_id, now, details)
    return done


def _forget_texts(connection: Connection, case_id: str) -> None:
    """Delete the signatures of texts that no other case has, too."""
    other = t.flag.alias("other")
    shared = exists().where(other.c.text_family == t.flag.c.text_family, other.c.case_id != case_id)
    query = select(t.flag.c.text_family).where(t.flag.c.case_id == case_id, t.flag.c.text_family.is_not(None), ~shared).distinct()
    for family in connection.scalars(query).all():
        connection.execute(delete(t.text_band).where(t.text_band.c.family == family))
        connection.execute(delete(t.text_family).where(t.text_family.c.id == family))
