"""Watches: sets of accounts of which somebody wants to hear when a new account behaves alike.

The activity index is looked through about once an hour, without asking wikis; what matches is stored sealed, and whoever watches is told
that there is news, by id. A watch ends by itself. Text evidence is not in the index: a match is a hint to ask ``tsbot trace account``.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from tsbot.errors import InputError
from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database
from tsbot.trace.activity import Account, seconds
from tsbot.trace.index import DAY
from tsbot.trace.lookup import Lookup
from tsbot.trace.records import disputed, reason, record
from tsbot.trace.shortlist import shortlist, strangers

MATCHES = ("very strong", "strong", "imitation")
"""Tiers that are news."""
MOST_ACCOUNTS = 50
MOST_MATCHES = 200
MOST_EDITS = 300


class Match(msgspec.Struct, frozen=True):
    """An account that behaves like one of a watched set."""

    account: str
    of: str
    tier: str
    log_lr: float
    time: float


class _Body(msgspec.Struct, frozen=True):
    accounts: tuple[str, ...]
    why: str
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Watch:
    """A watched set."""

    id: str
    by: str
    created: float
    expires: float
    looked: float
    news: int
    """Matches that were not read yet; they are the last ones."""
    accounts: tuple[str, ...]
    why: str
    matches: tuple[Match, ...]


def add_watch(connection: Connection, key: MasterKey, accounts: Collection[str], *, by: str, why: str, now: float, days: float) -> str:
    """Watch some accounts; the id. Raises ``InputError``."""
    names = tuple(dict.fromkeys(accounts))
    if not names or len(names) > MOST_ACCOUNTS:
        raise InputError(f"A watch has 1 to {MOST_ACCOUNTS} accounts.")
    identity = str(uuid.uuid4())
    body = msgspec.json.encode(_Body(names, reason(why, ())))
    row = {"id": identity, "by": by[:64], "created": now, "expires": now + days * DAY, "looked": now, "news": 0}
    connection.execute(insert(t.trace_watch).values(**row, body=key.seal_queue(body, _context(identity))))
    for name in names:
        record(connection, key, "trace.watched", f"watch:{identity}", by=by, name=name, why=_without(why, names), now=now)
    return identity


def end_watch(connection: Connection, key: MasterKey, prefix: str, *, by: str, now: float) -> Watch:
    """End one of somebody's watches. Raises ``InputError`` if it is not exactly one."""
    watch = one_watch(connection, key, prefix, by)
    connection.execute(update(t.trace_watch).where(t.trace_watch.c.id == watch.id).values(ended=now))
    record(connection, key, "trace.unwatched", f"watch:{watch.id}", by=by, name=watch.accounts[0], why="ended by hand", now=now)
    return watch


def watches(connection: Connection, key: MasterKey, by: str | None = None, now: float = 0.0) -> list[Watch]:
    """Watches that hold, of one person or of all, oldest first."""
    c = t.trace_watch.c
    query = select(t.trace_watch).where(c.ended.is_(None), c.expires > now).order_by(c.created, c.id)
    return [_watch(key, row) for row in connection.execute(query.where(c.by == by) if by is not None else query)]


def one_watch(connection: Connection, key: MasterKey, prefix: str, by: str) -> Watch:
    """The watch of somebody whose id begins so. Raises ``InputError``: others' watches are nobody else's business."""
    found = [watch for watch in watches(connection, key, by) if watch.id.startswith(prefix)]
    if len(found) != 1:
        raise InputError(f"{len(found)} watches of yours have an id that begins with {prefix!r}; `tsbot trace watches` lists them.")
    return found[0]


def read_news(connection: Connection, key: MasterKey, by: str, now: float) -> list[tuple[Watch, tuple[Match, ...]]]:
    """What is new in somebody's watches; it is not new afterwards."""
    told = []
    for watch in watches(connection, key, by, now):
        if watch.news:
            told.append((watch, watch.matches[-watch.news :]))
            connection.execute(update(t.trace_watch).where(t.trace_watch.c.id == watch.id).values(news=0))
            record(connection, key, "trace.news_read", f"watch:{watch.id}", by=by, name=watch.accounts[0], why="news of a watch", now=now)
    return told


def look_round(database: Database, settings: TraceSettings, now: float) -> list[Watch]:
    """Look for matches of all watches in the index; those that have news that they did not have before."""
    if not settings.index:
        return []
    with database.read() as connection:
        waiting = watches(connection, database.key, now=now)
        found = {watch.id: _matches(connection, database.key, watch, now) for watch in waiting}
    fresh = []
    for watch in waiting:
        matches = found[watch.id]
        with database.write() as connection:
            row = connection.execute(select(t.trace_watch).where(t.trace_watch.c.id == watch.id, t.trace_watch.c.ended.is_(None))).first()
            if row is None:
                continue
            current = _watch(database.key, row)  # somebody may have read the news meanwhile
            known = {match.account for match in current.matches}
            new = tuple(match for match in matches if match.account not in known)
            body = _Body(current.accounts, current.why, (*current.matches, *new)[-MOST_MATCHES:])
            values: dict[str, object] = {"looked": now, "news": min(current.news + len(new), len(body.matches))}
            if new:
                values["body"] = database.key.seal_queue(msgspec.json.encode(body), _context(watch.id))
            connection.execute(update(t.trace_watch).where(t.trace_watch.c.id == watch.id).values(**values))
            if new:
                fresh.append(_watch(database.key, connection.execute(select(t.trace_watch).where(t.trace_watch.c.id == watch.id)).one()))
    return fresh


def _matches(connection: Connection, key: MasterKey, watch: Watch, now: float) -> list[Match]:
    """Accounts, active since the last look, that are linked to one of the set; disputed links are none."""
    lookup = Lookup(connection)
    others: tuple[Account, ...] | None = None
    found: dict[str, Match] = {}
    for account in lookup.edits(watch.accounts, MOST_EDITS).values():
        others = strangers(lookup) if others is None else others
        links = [link for link in shortlist(lookup, account, others).links if link.tier in MATCHES and link.account not in watch.accounts]
        active = lookup.edits([link.account for link in links], 1)
        wrong = disputed(connection, key, [(account.name, link.account) for link in links])
        for link in links:
            last = active[link.account].edits[-1]
            if seconds(last) <= watch.looked - DAY or (account.name, link.account) in wrong:
                continue
            if link.account not in found or found[link.account].log_lr < link.log_lr:
                found[link.account] = Match(link.account, account.name, link.tier, link.log_lr, now)
    return sorted(found.values(), key=lambda match: (-match.log_lr, match.account))


def _watch(key: MasterKey, row: Row[Any]) -> Watch:
    body = msgspec.json.decode(key.unseal_queue(bytes(row.body), _context(row.id)), type=_Body)
    numbers = (row.created, row.expires, row.looked, row.news)
    return Watch(row.id, row.by, *numbers, body.accounts, body.why, body.matches)


def _without(why: str, names: Iterable[str]) -> str:
    for name in names:
        why = why.replace(name, "[account]")
    return why


def _context(identity: str) -> str:
    return f"trace_watch|body|{identity}"
