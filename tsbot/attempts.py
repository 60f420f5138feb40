"""Watching what wikis' filters stop, in the background. Attempts are threats too; they go the way of all other events.

Each wiki's place in its abuse log is stored in the transaction that stores what was found up to there.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from tsbot.errors import StoreError, WikiError, WikiRefusedError
from tsbot.intake import redrivable
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.stream.source import Batch
from tsbot.wiki.abuselog import ABUSE_LOG, Attempts, attempts
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.past import Place

REFUSED_AGAIN = 900.0
"""Seconds after which a wiki that refused is asked again: somebody may have given the right meanwhile."""
PATIENCE = 0.5

Reader = Callable[[str, Place], Iterator[Attempts]]


class _StoppedError(Exception):
    """The patrol ends."""


@dataclass
class FilterWatch:
    """Reads the abuse logs of some wikis every ``every`` seconds; at the first look from ``since`` seconds ago on."""

    database: Database
    read: Reader
    wikis: Sequence[str]
    every: float
    since: float
    clock: Callable[[], float] = time.time
    refused: dict[str, str] = field(default_factory=dict)
    """Wikis that do not let us read, with why."""
    _found: queue.Queue[tuple[str, Batch]] = field(default_factory=lambda: queue.Queue(maxsize=4))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to watch, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="filters", daemon=True)
        self._thread.start()

    def arrived(self) -> Iterator[tuple[str, Batch]]:
        """What was found since, with the name of its source; each must be stored before the next is asked for."""
        while True:
            try:
                yield self._found.get_nowait()
            except queue.Empty:
                return

    def close(self) -> None:
        """Stop; what was not stored is read again by the next patrol."""
        self._stop.set()

    def _run(self) -> None:
        places: dict[str, Place] = {}
        due = dict.fromkeys(self.wikis, 0.0)
        while not self._stop.wait(PATIENCE):
            now = time.monotonic()
            for wiki in [wiki for wiki in self.wikis if due[wiki] <= now]:
                due[wiki] = time.monotonic() + self._look(wiki, places)
                if self._stop.is_set():
                    return

    def _look(self, wiki: str, places: dict[str, Place]) -> float:
        """Read one wiki's log; after how many seconds to do so again."""
        try:
            place = places.get(wiki) or self._stored(wiki)
            for portion in self.read(wiki, place):
                messages = [redrivable(event) for event in portion.events]
                cursor = json.dumps([portion.place.time, portion.place.id])
                self._put((ABUSE_LOG + wiki, Batch(messages, cursor)))
                places[wiki] = portion.place
                if portion.withheld:
                    structlog.get_logger().warning("attempts.withheld", wiki=wiki, count=portion.withheld)
        except _StoppedError:
            return 0.0
        except WikiRefusedError as error:
            if wiki not in self.refused:
                structlog.get_logger().error("attempts.refused", wiki=wiki, reason=error)
            self.refused[wiki] = str(error)
            return max(self.every, REFUSED_AGAIN)
        except (WikiError, StoreError) as error:
            structlog.get_logger().warning("attempts.unavailable", wiki=wiki, reason=error)
        else:
            self.refused.pop(wiki, None)
        return self.every

    def _stored(self, wiki: str) -> Place:
        with self.database.read() as connection:
            position = ledger.load_cursor(connection, ABUSE_LOG + wiki)
        return place_of(position) if position else Place(self.clock() - self.since, 0)

    def _put(self, item: tuple[str, Batch]) -> None:
        while not self._stop.is_set():
            try:
                self._found.put(item, timeout=PATIENCE)
            except queue.Full:
                continue
            return
        raise _StoppedError

    def sleep(self, seconds: float) -> None:
        """What requests wait with; ends them when the patrol does."""
        if self._stop.wait(seconds):
            raise _StoppedError


def place_of(position: str) -> Place:
    """A place as the cursor holds it."""
    moment, number = json.loads(position)
    return Place(float(moment), int(number))


def open_watch(
    database: Database,
    api: Api,
    budget: Budget,
    wikis: Sequence[str],
    known: Mapping[str, str],
    *,
    every: float,
    since: float,
    max_chars: int,
    clock: Callable[[], float] = time.time,
) -> FilterWatch | None:
    """The watch over some wikis; None for none. ``known`` are addresses of wikis that no family lists. Touches no network yet."""
    if not wikis:
        return None

    def read(wiki: str, place: Place) -> Iterator[Attempts]:
        server_url = known.get(wiki, "")
        histories = ApiHistories(api, wiki, budget, watch.sleep, server_url=server_url)
        yield from attempts(histories, wiki, api.sites.base(wiki, server_url), place, max_chars=max_chars)

    watch = FilterWatch(database, read, wikis, every, since, clock)
    return watch
