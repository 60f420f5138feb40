"""Links that people hold to be wrong: kept as evidence against (the two are never put into one cluster) and as labels for later fits."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, insert, select, update

from tsbot.errors import InputError
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.trace.records import pair_index, reason, record


class _Body(msgspec.Struct, frozen=True):
    first: str
    second: str
    why: str
    evidence: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Dispute:
    """A disputed link."""

    id: str
    by: str
    created: float
    first: str
    second: str
    why: str
    evidence: dict[str, float]
    """What spoke for the link when it was disputed: kind and log-likelihood ratio; empty where nobody had asked."""


def dispute(
    connection: Connection,
    key: MasterKey,
    first: str,
    second: str,
    *,
    by: str,
    why: str,
    now: float,
    evidence: dict[str, float] | None = None,
) -> str:
    """Dispute a link; the id. Raises ``InputError`` for an account and itself, for no reason, and for what is disputed already."""
    if first == second:
        raise InputError("A link has two accounts.")
    index = pair_index(key, first, second)
    open_one = (t.trace_dispute.c.pair_index == index, t.trace_dispute.c.ended.is_(None))
    if connection.scalar(select(t.trace_dispute.c.id).where(*open_one)):
        raise InputError("This link is disputed already; `tsbot trace disputes` shows by whom and why.")
    words = reason(why, ())
    identity = str(uuid.uuid4())
    one, other = sorted((first, second))
    body = msgspec.json.encode(_Body(one, other, words, evidence or {}))
    row = {"id": identity, "pair_index": index, "by": by[:64], "created": now, "body": key.seal_queue(body, _context(identity))}
    connection.execute(insert(t.trace_dispute).values(row))
    record(connection, key, "trace.disputed", f"dispute:{identity}", by=by, name=first, why=why.replace(second, "[account]"), now=now)
    return identity


def take_back(connection: Connection, key: MasterKey, first: str, second: str, *, by: str, why: str, now: float) -> None:
    """End a dispute. Raises ``InputError`` if there is none."""
    open_one = (t.trace_dispute.c.pair_index == pair_index(key, first, second), t.trace_dispute.c.ended.is_(None))
    identity = connection.scalar(select(t.trace_dispute.c.id).where(*open_one))
    if identity is None:
        raise InputError("This link is not disputed.")
    connection.execute(update(t.trace_dispute).where(*open_one).values(ended=now))
    record(connection, key, "trace.undisputed", f"dispute:{identity}", by=by, name=first, why=why.replace(second, "[account]"), now=now)


def disputes(connection: Connection, key: MasterKey) -> Sequence[Dispute]:
    """Links that are disputed now, oldest first: also the labels "two persons" of a later fit."""
    found = []
    query = select(t.trace_dispute).where(t.trace_dispute.c.ended.is_(None)).order_by(t.trace_dispute.c.created)
    for row in connection.execute(query):
        body = msgspec.json.decode(key.unseal_queue(bytes(row.body), _context(row.id)), type=_Body)
        found.append(Dispute(row.id, row.by, row.created, body.first, body.second, body.why, body.evidence))
    return found


def _context(identity: str) -> str:
    return f"trace_dispute|body|{identity}"
