"""How often an author or a page was flagged before."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, select

from tsbot.store import tables as t

WEEKS = 30 * 86400.0
"""Seconds before an edit in which earlier flags count."""
MOST = 25
"""Flags looked at; what is beyond moves no priority."""


def by_author(connection: Connection, wiki: str, author: bytes | None, subject: str, time: float) -> int:
    """Other edits of an author on a wiki flagged in the weeks before ``time``; at most :data:`MOST`."""
    return 0 if author is None else _edits(connection, wiki, t.flag.c.author_index == author, None, subject, time)


def on_page(connection: Connection, wiki: str, page: bytes | None, author: bytes | None, subject: str, time: float) -> int:
    """Edits of others to a page flagged in the weeks before ``time``; at most :data:`MOST`."""
    return 0 if page is None else _edits(connection, wiki, t.flag.c.page_index == page, author, subject, time)


def _edits(connection: Connection, wiki: str, same: ColumnElement[bool], but: bytes | None, subject: str, time: float) -> int:
    newest = select(t.flag.c.subject, t.flag.c.author_index).where(t.flag.c.wiki == wiki, same)
    newest = newest.where(t.flag.c.event_time.between(time - WEEKS, time)).order_by(t.flag.c.event_time.desc()).limit(MOST)
    some = newest.subquery()
    count = select(func.count(func.distinct(some.c.subject))).where(some.c.subject != subject)
    if but is not None:
        count = count.where((some.c.author_index != but) | some.c.author_index.is_(None))
    return connection.scalar(count) or 0
