"""What wikis answered, kept for minutes in the store, sealed: asking the same again costs the wikis nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import delete, select

from tsbot.errors import KeyFileError, StoreError
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.trace.index import insert_new


@dataclass(frozen=True)
class StoredAnswers:
    """A :class:`tsbot.wiki.fanout.AnswerCache` in the database. ``seconds`` is how long an answer is kept."""

    database: Database
    seconds: float
    clock: Callable[[], float]
    read: bool = True
    """False asks the wikis anew, and keeps what they answer."""

    def get(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or not any more."""
        if not self.read or self.seconds <= 0:
            return None
        query = select(t.trace_cache.c.body).where(t.trace_cache.c.id == self._row(key), t.trace_cache.c.expires >= self.clock())
        with self.database.read() as connection:
            body = connection.scalar(query)
        if body is None:
            return None
        with suppress(KeyFileError):  # of another key, or changed: ask again
            return self.database.key.unseal_queue(bytes(body), self._context(key))
        return None

    def put(self, key: str, value: bytes) -> None:
        """Keep an answer; a database that is busy keeps none, and the question goes on."""
        if self.seconds <= 0:
            return
        row = {"id": self._row(key), "expires": self.clock() + self.seconds}
        row["body"] = self.database.key.seal_queue(value, self._context(key))
        with suppress(StoreError), self.database.write() as connection:
            connection.execute(delete(t.trace_cache).where(t.trace_cache.c.id == row["id"]))
            connection.execute(insert_new(connection, t.trace_cache), [row])

    def _row(self, key: str) -> str:
        """A keyed fingerprint: nobody can try names on the table."""
        return self.database.key.index("trace_cache", key).hex()

    def _context(self, key: str) -> str:
        return f"trace_cache|body|{self._row(key)}"
