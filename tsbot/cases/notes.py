"""What handlers write on cases, sealed with the case's key."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from tsbot.cases.filing import case_key
from tsbot.errors import CaseError, InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal

LONGEST = 20_000
"""Characters of a note."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note. ``text`` is None where it was not asked for, or destroyed."""

    id: int
    by: str
    created: float
    text: str | None


def add_note(connection: Connection, key: MasterKey, case_id: str, text: str, *, by: str, now: float) -> int:
    """Write a note; its number. Raises ``InputError`` for an empty or endless one, ``CaseError`` where the case's key was destroyed."""
    text = text.strip()
    if not text:
        raise InputError("The note is empty.")
    if len(text) > LONGEST:
        raise InputError(f"The note is longer than {LONGEST:,} characters.")
    data_key = case_key(connection, key, case_id)
    if data_key is None:
        raise CaseError("The case's texts were destroyed with its key; nothing can be written on it any more.")
    added = insert(t.note).values(case_id=case_id, by=by[:64], created=now, body=b"").returning(t.note.c.id)
    number: int = connection.execute(added).scalar_one()
    sealed = seal(data_key, text.encode("utf-8", "replace"), context(number))
    connection.execute(update(t.note).where(t.note.c.id == number).values(body=sealed))
    audit.record(connection, by, "case.noted", case_id, now, {"note": number})
    return number


def notes_of(connection: Connection, key: MasterKey, case_id: str, *, reveal: bool = False) -> list[Note]:
    """The notes on a case, oldest first; their texts only with ``reveal``. Raises ``KeyFileError`` for a wrong master key."""
    rows = connection.execute(select(t.note).where(t.note.c.case_id == case_id).order_by(t.note.c.created, t.note.c.id)).all()
    data_key = case_key(connection, key, case_id) if reveal and rows else None
    return [
        Note(row.id, row.by, row.created, unseal(data_key, row.body, context(row.id)).decode() if data_key and row.body else None)
        for row in rows
    ]


def context(number: int) -> str:
    """What binds the ciphertext of a note to its row."""
    return f"note|body|{number}"
