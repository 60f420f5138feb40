"""Keeping the activity index, and what wikis answered, as short as promised: in small transactions, so that the patrol does not wait."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, delete, select

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.trace.index import DAY, TIME_BITS

BATCH = 2_000
"""Edits trimmed in one transaction."""
SECONDS = 20.0
"""A round ends after so long; the next one goes on."""
CHUNK = 400


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What a round took out."""

    edits: int = 0
    answers: int = 0
    watches: int = 0
    complete: bool = True


def trim(database: Database, settings: TraceSettings, now: float, seconds: float = SECONDS) -> Trimmed:
    """Take out edits that are too old or of wikis that opted out, answers that have expired, watches that ended long ago."""
    with database.write() as connection:
        answers = connection.execute(delete(t.trace_cache).where(t.trace_cache.c.expires < now)).rowcount
        watches = connection.execute(delete(t.trace_watch).where(t.trace_watch.c.expires < now)).rowcount
    edits = 0
    ends = time.monotonic() + seconds
    keep = settings.index_days if settings.index else 0
    oldest = int(now - keep * DAY) << TIME_BITS
    while True:
        with database.write() as connection:
            gone = _trim_old(connection, oldest) or _trim_wikis(connection, settings.skip_wikis)
        edits += gone
        if not gone:
            return Trimmed(edits, answers, watches)
        if time.monotonic() > ends:
            return Trimmed(edits, answers, watches, complete=False)


def _trim_old(connection: Connection, oldest: int) -> int:
    c = t.activity_edit.c
    rows = connection.execute(select(c.id, c.account, c.page).where(c.id < oldest).order_by(c.id).limit(BATCH)).all()
    return _take_out(connection, [row.id for row in rows], {row.account for row in rows}, {row.page for row in rows})


def _trim_wikis(connection: Connection, names: Iterable[str]) -> int:
    """Pages, and the edits to them, of wikis that opted out."""
    wikis = list(connection.scalars(select(t.activity_wiki.c.id).where(t.activity_wiki.c.name.in_(list(names)))))
    pages = list(connection.scalars(select(t.activity_page.c.id).where(t.activity_page.c.wiki.in_(wikis)).limit(CHUNK))) if wikis else []
    if not pages:
        return 0
    c = t.activity_edit.c
    rows = connection.execute(select(c.id, c.account).where(c.page.in_(pages)).limit(BATCH)).all()
    if rows:
        return _take_out(connection, [row.id for row in rows], {row.account for row in rows}, set(pages))
    return _delete(connection, t.activity_page, t.activity_page.c.id, pages)


def _take_out(connection: Connection, edits: list[int], accounts: set[int], pages: set[int]) -> int:
    """Delete edits, and the accounts and pages that have none left."""
    c = t.activity_edit.c
    _delete(connection, t.activity_edit, c.id, edits)
    for some, column, table, key in (
        (accounts, c.account, t.activity_account, t.activity_account.c.id),
        (pages, c.page, t.activity_page, t.activity_page.c.id),
    ):
        left: set[int] = set()
        wanted = sorted(some)
        for start in range(0, len(wanted), CHUNK):
            left.update(connection.scalars(select(column).where(column.in_(wanted[start : start + CHUNK])).distinct()))
        _delete(connection, table, key, sorted(some - left))
    return len(edits)


def _delete(connection: Connection, table: Table, column: Column[int], values: list[int]) -> int:
    for start in range(0, len(values), CHUNK):
        connection.execute(delete(table).where(column.in_(values[start : start + CHUNK])))
    return len(values)
