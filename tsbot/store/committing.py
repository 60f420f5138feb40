"""Transactions that are done again until the database takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from tsbot.errors import StoreBusyError, StoreConflictError, StoreFullError
from tsbot.store.database import Database
from tsbot.store.locks import Reign

T = TypeVar("T")
STORE_PAUSE = 1.0
"""Seconds between attempts to store a result in a database that is busy or full."""
MOST_CONFLICTS = 20
"""Times in a row that others may be faster at writing the same row; more is a fault."""


@dataclass(kw_only=True)
class Committing:
    """What stores results, and drops none because of a database that does not answer."""

    database: Database
    sleep: Callable[[float], object]
    """Waits so many seconds; something true ends the waiting for a database, which raises its trouble."""
    reign: Reign | None = None
    """What confirms that no other process reads the stream into the same database; None where that cannot be."""
    trouble: str = ""
    """What keeps results from being stored now; empty if nothing does."""

    def commit(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in a transaction, again and again while the database is busy or full: results are never dropped.

        When stopping is requested meanwhile, the trouble is raised: the next start begins before this turn.
        """
        conflicts = 0
        while True:
            try:
                with self.database.write() as connection:
                    result = work(connection)
            except StoreConflictError:
                conflicts += 1
                if conflicts > MOST_CONFLICTS:
                    raise
            except (StoreBusyError, StoreFullError) as error:
                if not self.trouble:
                    structlog.get_logger().error("store.waiting", reason=error)
                self.trouble = str(error)
                if self.sleep(STORE_PAUSE):
                    raise
            else:
                if self.trouble:
                    structlog.get_logger().info("store.recovered")
                self.trouble = ""
                return result

    def commit_once(self, work: Callable[[Connection], T]) -> T:
        """The same for what must not be done twice, even where the database committed it and its word for that was lost."""
        done: list[T] = []

        def once(connection: Connection) -> T:
            if self.reign is None or self.reign.enter(connection):
                done[:] = [work(connection)]
            return done[0]

        result = self.commit(once)
        if self.reign is not None:
            self.reign.confirm()
        return result
