"""No broker: workers look into the database for events that nobody has claimed. Enough for a few workers beside one another."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future

from tsbot.bus.engine import BusStatus, Delivery
from tsbot.bus.message import Message
from tsbot.errors import StoreError
from tsbot.store import claims
from tsbot.store.database import Database

LOOK_SECONDS = 0.2
"""Between looks while there is nothing."""


class DatabaseBus:
    """The table of pending events is the queue. What is told of is claimed in the database like with any other bus."""

    def __init__(self, database: Database, batch: int) -> None:
        self.database = database
        self.batch = batch
        self._last = 0
        self._told: frozenset[str] = frozenset()
        self._trouble = ""

    def start(self, *, consume: bool) -> None:
        """Nothing is to be connected to."""

    def publish(self, messages: Sequence[Message]) -> Future[None]:  # noqa: ARG002 -- they are stored already
        """Nobody need be told."""
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def receive(self, wait: float) -> Delivery | None:
        """Events that nobody has claimed, oldest first, another stretch of them each time."""
        deadline = time.monotonic() + wait
        while not (found := self._look()):
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(LOOK_SECONDS, left))
        return Delivery(found, 0, 0, lambda _done: None)

    def status(self) -> BusStatus:
        """As the database is."""
        return BusStatus(not self._trouble, trouble=self._trouble)

    def close(self) -> None:
        """Nothing is held."""

    def _look(self) -> tuple[str, ...]:
        try:
            with self.database.read() as connection:
                found = claims.unheard(connection, self._last, self.batch) or claims.unheard(connection, 0, self.batch)
        except StoreError as error:
            self._trouble = type(error).__name__
            return ()
        self._trouble = ""
        self._last = found[-1][0] if found else 0
        return tuple(event for _, event in found)
