"""The books of the patrol: cursor, counters, what was seen, what is pending, what failed.

All functions work inside the caller's transaction, so that an event's result, its counters and the cursor are stored together
or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from tsbot.store import engines
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event
from tsbot.stream.source import Gap

SKIPPED = "skipped."
WIKIS = "wikis"
IN_CLAUSE = 500
"""Values per IN list; databases limit the parameters of a statement."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The accounting of a database. ``received`` is the sum of all that follows ``duplicates``."""

    received: int = 0
    duplicates: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    cleared: int = 0
    flagged: int = 0
    outcome: int = 0
    failed: int = 0
    pending: int = 0
    gaps: int = 0
    unscored: Mapping[str, int] = field(default_factory=dict)
    """Passages per wiki in languages that the detector cannot judge. They are not low, they are unknown."""
    weak: Mapping[str, int] = field(default_factory=dict)
    """Passages per wiki in languages that the detector judges by phrases only."""
    texts_cut: int = 0
    """Edits whose added text was too long to be judged whole."""
    passages: int = 0
    """Passages judged, of all languages; a database made before they were counted has fewer than it judged."""

    @property
    def balanced(self) -> bool:
        """Whether every received event is accounted for exactly once."""
        ended = sum(self.skipped.values()) + self.cleared + self.flagged + self.outcome + self.failed
        return self.received == ended + self.pending


def totals(connection: Connection) -> Totals:
    """The accounting as it stands in this transaction."""
    values: dict[str, int] = dict(connection.execute(select(t.counter.c.name, t.counter.c.value)).all())
    plain = ("received", "duplicates", "cleared", "flagged", "outcome", "failed", "texts_cut", "passages")
    return Totals(
        **{name: values.get(name, 0) for name in plain},
        skipped=_below(values, SKIPPED),
        unscored=_below(values, "unscored."),
        weak=_below(values, "weak."),
        pending=connection.scalar(select(func.count()).select_from(t.pending)) or 0,
        gaps=connection.scalar(select(func.count()).select_from(t.gap)) or 0,
    )


def _below(values: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): value for name, value in sorted(values.items()) if name.startswith(prefix) and value}


def count(connection: Connection, deltas: Mapping[str, int]) -> None:
    """Add to counters, making those that are new."""
    # In one order everywhere, so that no two processes wait for each other.
    changes = [{"counter": name, "delta": delta} for name, delta in sorted(deltas.items()) if delta]
    if not changes:
        return
    c = t.counter.c
    # Which there are is asked, and held, before any is added to: one that another process makes meanwhile collides, and is not passed over.
    names = [change["counter"] for change in changes]
    known = set(connection.scalars(select(c.name).where(c.name.in_(names)).order_by(c.name).with_for_update()))
    if known:
        changed = update(t.counter).where(c.name == bindparam("counter")).values(value=c.value + bindparam("delta"))
        connection.execute(changed, [change for change in changes if change["counter"] in known])
    new = [{"name": change["counter"], "value": change["delta"]} for change in changes if change["counter"] not in known]
    if new:
        connection.execute(insert(t.counter), new)


def load_cursor(connection: Connection, source: str) -> str | None:
    """Where to go on reading ``source``; None if it was never read."""
    return connection.scalar(select(t.cursor.c.position).where(t.cursor.c.source == source))


def save_cursor(connection: Connection, source: str, position: str, now: float) -> None:
    """Store where to go on reading ``source``."""
    changed = connection.execute(update(t.cursor).where(t.cursor.c.source == source).values(position=position, updated=now))
    if not changed.rowcount:
        connection.execute(insert(t.cursor).values(source=source, position=position, updated=now))


def trim_seen(connection: Connection, scope: str, most: int) -> None:
    """Delete what is older than about the ``most`` newest keys."""
    rows = connection.execute(
        select(t.seen.c.id, func.length(t.seen.c.hashes)).where(t.seen.c.scope == scope).order_by(t.seen.c.id.desc())
    )
    held, oldest = 0, 0
    for row_id, length in rows:
        if held >= most:
            oldest = row_id
            break
        held += length // 8
    if oldest:
        connection.execute(delete(t.seen).where(t.seen.c.scope == scope, t.seen.c.id <= oldest))


def load_seen(connection: Connection, scope: str) -> Iterator[bytes]:
    """Blobs of 64-bit keys, oldest first."""
    yield from connection.scalars(select(t.seen.c.hashes).where(t.seen.c.scope == scope).order_by(t.seen.c.id))


def save_seen(connection: Connection, scope: str, keys: bytes) -> None:
    """Store keys of events just received."""
    if keys:
        connection.execute(insert(t.seen).values(scope=scope, hashes=keys))


def compact_seen(connection: Connection, scope: str, blobs: Sequence[bytes], chunk: int = 1 << 19) -> None:
    """Rewrite the rows of ``scope`` as a few large ones (thousands of small rows slow down starting)."""
    connection.execute(delete(t.seen).where(t.seen.c.scope == scope))
    joined = b"".join(blobs)
    for start in range(0, len(joined), chunk):
        connection.execute(insert(t.seen).values(scope=scope, hashes=joined[start : start + chunk]))


def load_wikis(connection: Connection) -> dict[str, str]:
    """Wikis that ever had edits, with their addresses."""
    known = connection.scalar(select(t.fact.c.value).where(t.fact.c.name == WIKIS))
    return msgspec.json.decode(known, type=dict[str, str]) if known else {}


def save_wikis(connection: Connection, wikis: Mapping[str, str]) -> None:
    """Store the wikis that had edits."""
    text = msgspec.json.encode(wikis).decode()
    changed = connection.execute(update(t.fact).where(t.fact.c.name == WIKIS).values(value=text))
    if not changed.rowcount:
        connection.execute(insert(t.fact).values(name=WIKIS, value=text))


def record_gaps(connection: Connection, source: str, gaps: Iterable[Gap], now: float) -> None:
    """Write down times for which events may be missing."""
    for gap in gaps:
        connection.execute(
            insert(t.gap).values(source=source, since=gap.since, until=gap.until, reason=gap.reason[:64], noticed=now, note="")
        )


class Stage(IntEnum):
    """How far an event that waits has come."""

    FRESH = 0
    """Nothing of it is judged."""
    FETCHING = 1
    """What it carries is judged; its text is to be fetched, or (without workers) it is an outcome that waits."""
    WAITING = 2
    """An outcome that waits for the edits which it may concern."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An admitted event that waits: for its text, or (an outcome) for the edits that it may concern."""

    event: Event
    flagged: bool = False
    """Whether what the event itself carries was flagged."""
    stage: Stage = Stage.FETCHING
    lane: str = ""
    """What stays in order: the keyed fingerprint of its page."""
    waits_for: str = ""
    """Of an outcome: the wiki whose earlier edits it waits for, or ``*``."""
    attempts: int = 0
    """How often a worker began with it."""


def add_pending(connection: Connection, key: MasterKey, items: Sequence[PendingEvent]) -> None:
    """Store events that wait."""
    if not items:
        return
    now = engines.now(connection)
    rows: list[dict[str, Any]] = [
        {
            "event_id": item.event.id,
            "wiki": item.event.wiki,
            "subject": item.event.subject or "",
            "time": item.event.time,
            "flagged": item.flagged,
            "stage": item.stage.value,
            "lane": item.lane,
            "waits_for": item.waits_for,
            "queued": now,
            "body": key.seal_queue(msgspec.msgpack.encode(item.event), f"pending|body|{item.event.id}"),
        }
        for item in items
    ]
    connection.execute(insert(t.pending), rows)


def load_pending(connection: Connection, key: MasterKey) -> Iterator[PendingEvent]:
    """All events that wait, in the order in which they came."""
    rows = connection.execute(select(t.pending).order_by(t.pending.c.id)).mappings()
    for row in rows:
        body = key.unseal_queue(row["body"], f"pending|body|{row['event_id']}")
        event = msgspec.msgpack.decode(body, type=Event)
        yield PendingEvent(event, row["flagged"], Stage(row["stage"]), row["lane"], row["waits_for"], row["attempts"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that could not be handled."""

    event_id: str
    reason: str
    """Short machine-readable name."""
    detail: str
    """More words, without content of the event."""
    message: bytes
    """The message as received."""
    wiki: str = ""
    id: int = 0
    failed: float = 0.0


def add_dead_letters(connection: Connection, key: MasterKey, letters: Sequence[DeadLetter], now: float) -> None:
    """Store events that could not be handled."""
    if not letters:
        return
    connection.execute(
        insert(t.dead_letter),
        [
            {
                "event_id": letter.event_id[:64],
                "wiki": letter.wiki[:64].replace("\0", "\ufffd"),  # a stranger's, and PostgreSQL takes none
                "reason": letter.reason[:64],
                "detail": letter.detail[:255],
                "failed": now,
                "body": key.seal_queue(letter.message, f"dead_letter|body|{letter.event_id[:64]}"),
            }
            for letter in letters
        ],
    )


def dead_letters(
    connection: Connection, key: MasterKey, reason: str | None = None, limit: int = 500, last: int | None = None
) -> list[DeadLetter]:
    """Stored dead letters, oldest first; those of one reason and up to the id ``last`` if given."""
    query = select(t.dead_letter).order_by(t.dead_letter.c.id).limit(limit)
    if reason:
        query = query.where(t.dead_letter.c.reason == reason)
    if last is not None:
        query = query.where(t.dead_letter.c.id <= last)
    return [
        DeadLetter(
            event_id=row["event_id"],
            reason=row["reason"],
            detail=row["detail"],
            message=key.unseal_queue(row["body"], f"dead_letter|body|{row['event_id']}"),
            wiki=row["wiki"],
            id=row["id"],
            failed=row["failed"],
        )
        for row in connection.execute(query).mappings()
    ]


def dead_letter_reasons(connection: Connection) -> dict[str, int]:
    """How many dead letters there are per reason."""
    query = select(t.dead_letter.c.reason, func.count()).group_by(t.dead_letter.c.reason).order_by(t.dead_letter.c.reason)
    return dict(connection.execute(query).all())


def remove_dead_letters(connection: Connection, ids: Sequence[int]) -> int:
    """Delete dead letters; how many there were."""
    removed = 0
    for start in range(0, len(ids), IN_CLAUSE):
        removed += connection.execute(delete(t.dead_letter).where(t.dead_letter.c.id.in_(ids[start : start + IN_CLAUSE]))).rowcount
    return removed
