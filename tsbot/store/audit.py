"""The audit log: a hash chain of acts, written in the transaction of the act itself.

``hash`` is SHA-256 over the JSON (sorted keys, no spaces) of number, time, actor, act, object, details and the
previous entry's hash. Changing, removing or swapping an entry breaks every later one; the head (number and hash of the last entry),
kept somewhere else, tells whether entries were cut off at the end. The head also stands in the table of facts: writers queue up
at that row, so that two of them never take the same number, on databases that let several write at a time.

Entries carry ids, states and counts. Texts and names of strangers have no place here: the log outlives the cases.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from tsbot.store import tables as t

START = "0" * 64
"""What the first entry confirms."""
HEAD = "audit_head"
"""Fact: number and hash of the last entry, with a colon between them."""
Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. ``time`` in seconds since the epoch."""

    number: int
    time: float
    actor: str
    act: str
    object: str
    details: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: keep it elsewhere to notice a log that was cut off."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The inverse of ``str``. Raises ``ValueError``."""
        number, _, digest = text.strip().partition(":")
        if len(digest) != len(START) or not set(digest) <= set("0123456789abcdef"):
            raise ValueError("no head")
        return cls(int(number), digest)


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain does not hold, and why."""

    number: int
    reason: str


def record(connection: Connection, actor: str, act: str, obj: str, now: float, details: Mapping[str, Value] | None = None) -> Entry:
    """Add an act to the log, in the caller's transaction (which must be one that writes)."""
    last = _locked_head(connection)
    written = json.dumps(dict(details or {}), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    number, previous = last.number + 1, last.hash
    digest = _digest(number, now, actor[:64], act, obj, written, previous)
    entry = Entry(number, now, actor[:64], act, obj, written, previous, digest)
    connection.execute(
        insert(t.audit).values(
            number=number, time=now, actor=entry.actor, act=act, object=obj, details=written, previous=previous, hash=digest
        )
    )
    connection.execute(update(t.fact).where(t.fact.c.name == HEAD).values(value=str(Head(number, digest))))
    return entry


def begin(connection: Connection) -> None:
    """Make the row at which writers queue up, where it is missing."""
    _locked_head(connection)


def queue_up(connection: Connection) -> None:
    """Wait for whoever else writes to the log, and keep others from it until this transaction ends.

    For work that will write to it after reading what another one may be about to write.
    """
    _locked_head(connection)


def _locked_head(connection: Connection) -> Head:
    """The head, and nobody else's to go on from until this transaction ends."""
    row = select(t.fact.c.value).where(t.fact.c.name == HEAD).with_for_update()
    value = connection.scalar(row)
    if value is None:
        last = head(connection)
        connection.execute(insert(t.fact).values(name=HEAD, value=str(last)))
        return last
    return Head.parse(value)


def head(connection: Connection) -> Head:
    """Number and hash of the last entry."""
    row = connection.execute(select(t.audit.c.number, t.audit.c.hash).order_by(t.audit.c.number.desc()).limit(1)).first()
    return Head(row.number, row.hash) if row else Head(0, START)


def entries(connection: Connection, *, obj: str | None = None, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
    """Entries in their order; of one object or of all."""
    query = select(t.audit).where(t.audit.c.number > after).order_by(t.audit.c.number)
    if obj is not None:
        query = query.where(t.audit.c.object == obj)
    for row in connection.execute(query.limit(limit) if limit else query).mappings():
        yield Entry(**row)


def latest(connection: Connection, *, obj: str | None = None, limit: int = 50) -> list[Entry]:
    """The newest entries, oldest of them first; of objects whose id begins with ``obj``, or of all."""
    query = select(t.audit).order_by(t.audit.c.number.desc()).limit(limit)
    if obj is not None:
        query = query.where(t.audit.c.object.startswith(obj, autoescape=True))
    return [Entry(**row) for row in connection.execute(query).mappings()][::-1]


def verify(connection: Connection, known: Head | None = None) -> Broken | None:
    """Where the chain breaks first; None if it holds. ``known`` is a head that was kept elsewhere.

    Whoever can write into the database can make a new chain that holds, up to a head that was kept where they cannot write.
    """
    number, previous = 0, START
    for entry in entries(connection):
        number += 1
        if entry.number != number:
            return Broken(number, f"entry {number} is missing")
        if entry.previous != previous:
            return Broken(number, f"entry {number} does not confirm the one before it")
        fields = (entry.number, entry.time, entry.actor, entry.act, entry.object, entry.details, entry.previous)
        if _digest(*fields) != entry.hash:
            return Broken(number, f"entry {number} was changed")
        previous = entry.hash
        if known is not None and known.number == number and known.hash != previous:
            return Broken(number, f"entry {number} is another one than the head that was kept says")
    if known is not None and known.number > number:
        return Broken(number + 1, f"the log ends at entry {number}, and the head that was kept is entry {known.number}")
    noted = connection.scalar(select(t.fact.c.value).where(t.fact.c.name == HEAD))
    if noted is not None and noted != str(Head(number, previous)):
        return Broken(number + 1, f"the log ends at entry {number}, which is not the last one that was written")
    return None


def _digest(number: int, time: float, actor: str, act: str, obj: str, details: str, previous: str) -> str:
    fields = {"act": act, "actor": actor, "details": details, "number": number, "object": obj, "previous": previous, "time": repr(time)}
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
