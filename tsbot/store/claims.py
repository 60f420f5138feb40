"""Events that several workers share: who has which, in which order, and what becomes of those whose worker is gone.

::

    FRESH ──(what it carries is judged)──► FETCHING ──(its text is judged)──► gone
      └──(an outcome)──► WAITING ──(no earlier edit of its wiki is pending)──► gone

A listener stores events as FRESH. A worker *claims* some, and has them for as long as it gives signs of life (:mod:`tsbot.bus.roster`);
once it is silent for longer than a lease lasts, another may claim them. Events of one page (a *lane*) are claimed together and in the
order in which they were stored, by one worker at a time: what comes while somebody has the lane is handed over to whoever that is. All
times are the database's own, so that no worker's clock matters. All functions work inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, exists, func, or_, select, update

from tsbot.store import engines
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.ledger import IN_CLAUSE, PendingEvent, Stage
from tsbot.stream.events import Event

EVERYWHERE = "*"
"""``waits_for`` of an outcome that may concern edits of any wiki."""
OPEN = (Stage.FRESH.value, Stage.FETCHING.value)
ALONE = 2
"""Attempts after which an event is tried alone: two workers died with it, or failed, and it may be why."""
P = t.pending.c


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker got."""

    items: tuple[PendingEvent, ...] = ()
    """In the order in which they were stored."""
    handed: int = 0
    """Events left to the workers that have their pages."""


def claim(connection: Connection, key: MasterKey, owner: str, event_ids: Collection[str], lease: float) -> Claim:
    """Take events, with all others that wait about the same pages; what is gone or another's is left alone.

    All of a page, so that it is one worker's at any time: whoever had it and was silent for ``lease`` seconds has nothing of it left.
    """
    lanes = _lanes(connection, event_ids)
    if not lanes:
        return Claim()
    alive = {*_alive(connection, lease), owner}
    mine: list[Row[tuple[object, ...]]] = []
    elsewhere: dict[str, str] = {}
    handed: dict[str, list[int]] = {}
    for row in _of_lanes(connection, lanes):
        holder = row.lease_by if row.lease_by in alive else None
        if holder not in (None, owner):
            elsewhere[row.lane] = holder
        elif row.lane in elsewhere:
            handed.setdefault(elsewhere[row.lane], []).append(row.id)
        elif holder is None or row.stage == Stage.FRESH:
            mine.append(row)
    for holder, ids in handed.items():
        _give(connection, holder, ids)
    for begun in range(ALONE):
        _give(connection, owner, [row.id for row in mine if row.attempts == begun], attempts=begun + 1)
    _give(connection, owner, [row.id for row in mine if row.attempts >= ALONE])
    return Claim(tuple(_item(key, row) for row in mine), sum(map(len, handed.values())))


def begin_again(connection: Connection, item: PendingEvent, owner: str) -> bool:
    """Count one more attempt with an event that is tried alone; False if it is not ours any more."""
    again = update(t.pending).where(P.event_id == item.event.id, P.lease_by == owner, P.attempts == item.attempts)
    return connection.execute(again.values(attempts=item.attempts + 1)).rowcount > 0


def held(connection: Connection, owner: str) -> dict[str, Stage]:
    """The open events that a worker has, in their order: those it claimed, and those handed over to it."""
    rows = connection.execute(select(P.event_id, P.stage).where(P.lease_by == owner, P.stage.in_(OPEN)).order_by(P.id))
    return {row.event_id: Stage(row.stage) for row in rows}


def load(connection: Connection, key: MasterKey, owner: str, event_ids: Sequence[str]) -> list[PendingEvent]:
    """Events that a worker has, in their order."""
    found: list[PendingEvent] = []
    for some in _chunks(event_ids):
        rows = connection.execute(select(t.pending).where(P.event_id.in_(some), P.lease_by == owner, P.stage.in_(OPEN)).order_by(P.id))
        found += [_item(key, row) for row in rows]
    return found


def events(connection: Connection, key: MasterKey, event_ids: Sequence[str]) -> list[Event]:
    """Events that are stored, in their order, whoever has them."""
    found: list[Event] = []
    for some in _chunks(event_ids):
        found += [_item(key, row).event for row in connection.execute(select(t.pending).where(P.event_id.in_(some)).order_by(P.id))]
    return found


def release(connection: Connection, owner: str) -> int:
    """Give back all that a worker has, which then is as if it had never begun; how many events that were."""
    attempts = case((P.attempts.between(1, ALONE), P.attempts - 1), else_=P.attempts)
    _lock(connection, P.lease_by == owner)
    return connection.execute(update(t.pending).where(P.lease_by == owner).values(lease_by=None, attempts=attempts)).rowcount


def lost(connection: Connection, lease: float, forgotten: float, limit: int) -> list[str]:
    """Ids of events whose worker is gone, or of which no worker heard within ``forgotten`` seconds; oldest first."""
    unheard = and_(P.lease_by.is_(None), P.queued < engines.now(connection) - forgotten)
    gone = and_(P.lease_by.is_not(None), P.lease_by.not_in(_alive(connection, lease)))
    query = select(P.event_id).where(P.stage.in_(OPEN), or_(unheard, gone))
    return list(connection.scalars(query.order_by(P.id).limit(limit)))


def unheard(connection: Connection, after: int, limit: int) -> list[tuple[int, str]]:
    """Numbers and ids of events that no worker has claimed, beginning after a number: what a listener publishes when it starts."""
    query = select(P.id, P.event_id).where(P.id > after, P.stage == Stage.FRESH.value, P.lease_by.is_(None))
    return [(row.id, row.event_id) for row in connection.execute(query.order_by(P.id).limit(limit))]


def fresh_ones(connection: Connection, owner: str | None, event_ids: Sequence[str]) -> set[str]:
    """Those of some events that are not judged yet and ours to judge; locked until the transaction ends."""
    found: set[str] = set()
    for some in _chunks(event_ids):
        query = select(P.event_id).where(P.event_id.in_(some), P.stage == Stage.FRESH.value, *_ours(owner))
        found.update(connection.scalars(query.order_by(P.id).with_for_update()))
    return found


def move(connection: Connection, event_ids: Sequence[str], stage: Stage, *, flagged: Collection[str]) -> None:
    """Note that what events carry was judged. An outcome that waits is nobody's."""
    given_up = {"lease_by": None} if stage is Stage.WAITING else {}
    for found in (True, False):
        for some in _chunks([one for one in event_ids if (one in flagged) is found]):
            moved = update(t.pending).where(P.event_id.in_(some))
            connection.execute(moved.values(stage=stage.value, flagged=found, **given_up))


def remove(connection: Connection, owner: str | None, event_ids: Sequence[str]) -> set[str]:
    """Forget events that do not wait any more; those of them that still waited, and were ours."""
    removed: set[str] = set()
    for some in _chunks(event_ids):
        ours = (P.event_id.in_(some), *_ours(owner))
        _lock(connection, *ours)
        removed.update(connection.scalars(delete(t.pending).where(*ours).returning(P.event_id)))
    return removed


def any_ripe(connection: Connection) -> bool:
    """Whether an outcome waits for nothing any more."""
    return connection.scalar(select(P.id).where(*_ripe()).limit(1)) is not None


def ripe(connection: Connection, key: MasterKey, limit: int) -> list[PendingEvent]:
    """Outcomes that wait for nothing any more; other workers are kept from them until the transaction ends."""
    query = select(t.pending).where(*_ripe()).order_by(P.id).limit(limit)
    return [_item(key, row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def _ripe() -> tuple[ColumnElement[bool], ...]:
    edit = t.pending.alias("edit").c
    same = or_(P.waits_for == EVERYWHERE, edit.wiki == P.waits_for)
    return P.stage == Stage.WAITING.value, ~exists().where(edit.stage.in_(OPEN), edit.id < P.id, same)


def backlog(connection: Connection) -> tuple[int, float]:
    """How many events no worker has begun with, and for how many seconds the oldest of them has waited."""
    now = engines.now(connection)
    row = connection.execute(select(func.count(), func.min(P.queued)).where(P.stage == Stage.FRESH.value, P.attempts == 0)).one()
    return row[0], 0.0 if row[1] is None else max(0.0, now - row[1])


def _lanes(connection: Connection, event_ids: Collection[str]) -> list[str]:
    found: set[str] = set()
    for some in _chunks(list(event_ids)):
        found.update(connection.scalars(select(P.lane).where(P.event_id.in_(some), P.stage.in_(OPEN))))
    return sorted(found)


def _of_lanes(connection: Connection, lanes: Sequence[str]) -> list[Row[tuple[object, ...]]]:
    """Rows of lanes in their order, locked; all lockers go by that order, so that no two wait for each other."""
    rows: list[Row[tuple[object, ...]]] = []
    for some in _chunks(lanes):
        query = select(t.pending).where(P.lane.in_(some), P.stage.in_(OPEN)).order_by(P.id)
        rows += connection.execute(query.with_for_update()).all()
    return sorted(rows, key=lambda row: row.id)


def _alive(connection: Connection, lease: float) -> list[str]:
    """Workers that gave a sign of life lately enough."""
    return list(connection.scalars(select(t.worker.c.name).where(t.worker.c.seen > engines.now(connection) - lease)))


def _give(connection: Connection, owner: str, ids: Sequence[int], attempts: int | None = None) -> None:
    more = {} if attempts is None else {"attempts": attempts}
    for start in range(0, len(ids), IN_CLAUSE):
        connection.execute(update(t.pending).where(P.id.in_(ids[start : start + IN_CLAUSE])).values(lease_by=owner, **more))


def _lock(connection: Connection, *where: ColumnElement[bool]) -> None:
    """Lock rows in their order, which statements that change many do not keep to by themselves."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(P.id).where(*where).order_by(P.id).with_for_update()).all()


def _ours(owner: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if owner is None else (P.lease_by == owner,)


def _item(key: MasterKey, row: Row[tuple[object, ...]]) -> PendingEvent:
    body = key.unseal_queue(row.body, f"pending|body|{row.event_id}")
    event = msgspec.msgpack.decode(body, type=Event)
    return PendingEvent(event, row.flagged, Stage(row.stage), row.lane, row.waits_for, row.attempts)


def _chunks(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[start : start + IN_CLAUSE] for start in range(0, len(items), IN_CLAUSE))
