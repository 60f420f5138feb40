"""Keeping the activity index, and what wikis answered, as short as promised: in small transactions, so that the patrol does not wait.

Accounts are gone through in turns, again and again; one that was looked at has no edit that is too old. A turn is made once a day, and goes
on where the last round ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.trace.index import CHUNK, DAY, SINCE, TIME_BITS, drop_touches

BATCH = 500
"""Accounts gone through in one transaction."""
SECONDS = 5.0
"""A round ends after so long; the next one goes on."""
TURN = DAY
AT = "activity_trimmed"
"""Fact: when the turn began, and the last account that was gone through."""
_LAST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What a round took out."""

    edits: int = 0
    answers: int = 0
    watches: int = 0
    complete: bool = True
    """Whether the turn is done."""


def trim(database: Database, settings: TraceSettings, now: float, seconds: float = SECONDS) -> Trimmed:
    """Take out edits that are too old or of wikis that opted out, answers that have expired, watches whose time is up."""
    with database.write() as connection:
        answers = connection.execute(delete(t.trace_cache).where(t.trace_cache.c.expires < now)).rowcount
        watches = connection.execute(delete(t.trace_watch).where(t.trace_watch.c.expires < now)).rowcount
    ends = time.monotonic() + seconds
    edits = 0
    while gone := _batch(database, settings.skip_wikis):
        edits += gone
        if time.monotonic() > ends:
            return Trimmed(edits, answers, watches, complete=False)
    with database.read() as connection:
        began, at = _position(connection)
        empty = connection.scalar(select(t.fact.c.value).where(t.fact.c.name == SINCE)) is None
    if empty or (at == _LAST and now - began < TURN):
        return Trimmed(edits, answers, watches)
    if at == _LAST:
        began, at = now, -1
    oldest = int(now - (settings.index_days if settings.index else 0) * DAY) << TIME_BITS
    while at != _LAST:
        with database.write() as connection:
            gone, at = _trim_accounts(connection, at, oldest)
            _save(connection, f"{began:.0f}:{at}")
            if at == _LAST and not settings.index:
                connection.execute(delete(t.fact).where(t.fact.c.name == SINCE))
        edits += gone
        if time.monotonic() > ends and at != _LAST:
            return Trimmed(edits, answers, watches, complete=False)
    return Trimmed(edits, answers, watches)


def _trim_accounts(connection: Connection, after: int, oldest: int) -> tuple[int, int]:
    """Go through the next accounts; how many edits went, and the last account."""
    c = t.activity_account.c.id
    accounts = list(connection.scalars(select(c).where(c > after).order_by(c).limit(BATCH)))
    edit = t.activity_edit.c
    edits = 0
    for start in range(0, len(accounts), CHUNK):
        some = accounts[start : start + CHUNK]
        old = select(edit.account, edit.page).where(edit.account.in_(some), edit.id < oldest)
        pages: dict[int, set[int]] = {}
        for row in connection.execute(old):
            pages.setdefault(row.account, set()).add(row.page)
            edits += 1
        for account, gone in pages.items():
            connection.execute(delete(t.activity_edit).where(edit.account == account, edit.id < oldest))
            left = set(connection.scalars(select(edit.page).where(edit.account == account).distinct()))
            drop_touches(connection, account, sorted(gone - left))
        active = set(connection.scalars(select(edit.account).where(edit.account.in_(some)).distinct()))
        if idle := [account for account in some if account not in active]:
            connection.execute(delete(t.activity_account).where(c.in_(idle)))
    return edits, accounts[-1] if len(accounts) == BATCH else _LAST


def _batch(database: Database, names: Iterable[str]) -> int:
    """Some pages, and the edits to them, of wikis that opted out."""
    wanted = list(names)
    if not wanted:
        return 0
    with database.write() as connection:
        wikis = list(connection.scalars(select(t.activity_wiki.c.id).where(t.activity_wiki.c.name.in_(wanted))))
        some = select(t.activity_page.c.id).where(t.activity_page.c.wiki.in_(wikis)).limit(CHUNK)
        pages = list(connection.scalars(some)) if wikis else []
        gone = 0
        edit, touch = t.activity_edit.c, t.activity_touch.c
        editors: dict[int, list[int]] = {}
        for row in connection.execute(select(touch.account, touch.page).where(touch.page.in_(pages))) if pages else ():
            editors.setdefault(row.account, []).append(row.page)
        for account, theirs in editors.items():
            gone += connection.execute(delete(t.activity_edit).where(edit.account == account, edit.page.in_(theirs))).rowcount
            if connection.scalar(select(edit.id).where(edit.account == account).limit(1)) is None:
                connection.execute(delete(t.activity_account).where(t.activity_account.c.id == account))
            drop_touches(connection, account, theirs)
        connection.execute(delete(t.activity_page).where(t.activity_page.c.id.in_(pages)))
    return gone or len(pages)


def _position(connection: Connection) -> tuple[float, int]:
    value = connection.scalar(select(t.fact.c.value).where(t.fact.c.name == AT))
    began, _, at = (value or f"0:{_LAST}").partition(":")
    return float(began), int(at)


def _save(connection: Connection, value: str) -> None:
    if not connection.execute(update(t.fact).where(t.fact.c.name == AT).values(value=value)).rowcount:
        connection.execute(insert(t.fact).values(name=AT, value=value))
