"""A worker: claims the events that it is told of, judges them, and acknowledges once that is committed.

::

    bus ─► claim ─► what events carry is judged, stored ─► acknowledged
                    texts are fetched, held in the order of their page, judged, stored
    every second: a sign of life, what others handed over, what dead workers left, outcomes that are ripe

Killed at any point, it gives no more signs of life, and its messages come again; both lead another worker to the same rows.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog
from sqlalchemy import Connection

from tsbot.bus.engine import Bus, Delivery
from tsbot.bus.opening import open_bus
from tsbot.bus.order import PageOrder
from tsbot.bus.roster import Membership
from tsbot.detect.detector import Detector
from tsbot.errors import StoreBusyError, StoreError, StoreFullError
from tsbot.health import HealthServer
from tsbot.intake import redrivable
from tsbot.metrics import Vitals
from tsbot.parts import Stop, open_pipeline, open_shadow, open_wikis
from tsbot.pipeline import Pipeline
from tsbot.settings import BusSettings, Settings
from tsbot.store import claims, ledger
from tsbot.store.database import Database
from tsbot.store.ledger import DeadLetter, PendingEvent, Stage
from tsbot.store.opening import open_store
from tsbot.stream.source import SourceStatus
from tsbot.wiki.types import RevisionSource

MOST_FETCHING = 5_000
"""Edits waiting for their texts at which no more messages are taken."""
TEND_SECONDS = 1.0
IDLE_WAIT = 0.2
"""Seconds to wait for a message while nothing else is to be done."""
BUSY_WAIT = 0.01
MOST_LOST = 500
POISON = "worker_died"
POISON_WORDS = "each worker that began with it died or failed"
BROKER_DOWN = 1.0
"""Without a broker, seconds after which events are taken that nobody was told of."""


@dataclass
class Worker:
    """The loop of one worker. Everything but the bus and the fetcher is in one thread."""

    database: Database
    pipeline: Pipeline
    bus: Bus
    settings: BusSettings
    member: Membership
    monotonic: Callable[[], float] = time.monotonic
    handled: int = 0
    """Events handled in this process."""
    recovered: int = 0
    """Of them, those that nobody told it of: left by dead workers, or forgotten by the broker."""
    newest: float | None = None
    began: float = field(default_factory=time.monotonic)
    turned: float = field(default_factory=time.monotonic)
    _tended: float = field(default=float("-inf"))
    _busy: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.pipeline.owner = self.member.name
        self.pipeline.clock = self.member.clock
        self.pipeline.order = PageOrder(self.settings.page_patience)
        self.pipeline.begin_again = self._begin_again

    def run(self, stop: Stop, idle_exit: float | None = None) -> None:
        """Work until stopping is requested, or nothing was left to do for ``idle_exit`` seconds.

        Raises ``StoreError`` where that is not to be waited out.
        """
        log = structlog.get_logger()
        log.info("work.started", id=self.member.name)
        self.bus.start(consume=True)
        try:
            while not stop:
                self.turn(stop)
                if idle_exit is not None and self.monotonic() - self._busy >= idle_exit and not self.pipeline.fetching:
                    break
        finally:
            self.bus.close()
            if self.pipeline.shadow is not None:
                self.pipeline.shadow.close(1.0)
            if self.pipeline.fetcher is not None:
                self.pipeline.fetcher.close()
            with contextlib.suppress(StoreError):
                self._give_back()
            log.info("work.stopped", id=self.member.name, count=self.handled)

    def turn(self, stop: Stop) -> None:
        """One round: messages, texts, and whatever else is due."""
        self.turned = self.monotonic()
        with self._patiently(stop):
            self.tend()
        delivery = self._receive()
        if delivery is not None:
            self._busy = self.monotonic()
            self._take(delivery, stop)
        with self._patiently(stop):
            if self.pipeline.fetch(BUSY_WAIT if self.pipeline.asking else 0.0):
                self._busy = self.monotonic()

    def tend(self) -> None:
        """What is due now and then: signs of life, what is lost, what others handed over, outcomes."""
        now = self.monotonic()
        self.member.beat(now, broker=self.bus.status().connected)
        if now - self._tended < TEND_SECONDS:
            return
        self._tended = now
        forgotten = self.settings.forgotten_after if self.bus.status().connected else BROKER_DOWN
        with self.database.read() as connection:
            held = claims.held(connection, self.member.name)
            lost = claims.lost(connection, self.settings.lease, forgotten, MOST_LOST)
            ripe = claims.any_ripe(connection)
        self._take_handed_over(held)
        if lost and self.pipeline.fetching < MOST_FETCHING:
            self.recovered += self.take(lost)
            self._busy = now
        if ripe and self.pipeline.settle():
            self._busy = now

    def take(self, event_ids: Sequence[str]) -> int:
        """Claim events and judge what they carry; how many those were. Raises ``StoreError``."""
        with self.database.write() as connection:
            claim = claims.claim(connection, self.database.key, self.member.name, event_ids, self.settings.lease)
        self._handle(claim.items)
        return len(claim.items)

    # -- within -------------------------------------------------------------------------------------------------------

    def _receive(self) -> Delivery | None:
        if self.pipeline.fetching >= MOST_FETCHING:
            return None
        return self.bus.receive(BUSY_WAIT if self.pipeline.fetching else IDLE_WAIT)

    def _take(self, delivery: Delivery, stop: Stop) -> None:
        """Handle what a delivery tells of, and acknowledge it: after the commit, never before."""
        done = False
        try:
            with self._patiently(stop):
                self.take(delivery.event_ids)
                done = True
        finally:
            delivery.settle(done)

    @contextlib.contextmanager
    def _patiently(self, stop: Stop) -> Iterator[None]:
        """Wait out a database that does not answer; what was to be done is done again in a later round."""
        try:
            yield
        except (StoreBusyError, StoreFullError) as error:
            if not self.pipeline.trouble:
                structlog.get_logger().error("store.waiting", reason=error)
            self.pipeline.trouble = str(error)
            stop.sleep(random.uniform(0.2, 1.0))  # noqa: S311 -- not all workers at once
        else:
            if self.pipeline.trouble:
                structlog.get_logger().info("store.recovered")
            self.pipeline.trouble = ""

    def _take_handed_over(self, held: Mapping[str, Stage]) -> None:
        """Take up what other workers left to this one, and what it has without knowing since a commit's confirmation was lost."""
        for event_id in self.pipeline.forget_others(held):
            structlog.get_logger().info("work.taken_over", id=event_id)
        new = {event_id: stage for event_id, stage in held.items() if not self.pipeline.has(event_id)}
        if not new:
            return
        self._busy = self.monotonic()
        self.take([event_id for event_id, stage in new.items() if stage is Stage.FRESH])
        with self.database.read() as connection:
            begun = [event_id for event_id, stage in new.items() if stage is Stage.FETCHING]
            items = claims.load(connection, self.database.key, self.member.name, begun)
        self.pipeline.take_up(items)

    def _handle(self, items: Sequence[PendingEvent]) -> None:
        """Together; what workers did not survive, or failed on, one by one, so that it takes no others with it."""
        self.newest = max((item.event.time for item in items), default=self.newest)
        again = [item for item in items if item.attempts >= claims.ALONE]
        for item in again:
            self._handle_again(item)
        together = [item for item in items if item.attempts < claims.ALONE]
        self.pipeline.take_up([item for item in together if item.stage is Stage.FETCHING])
        fresh = [item for item in together if item.stage is Stage.FRESH]
        try:
            self.pipeline.handle(fresh)
        except (StoreBusyError, StoreFullError):
            raise
        except StoreError as error:
            structlog.get_logger().error("work.failed", reason=error, count=len(fresh))
            for item in fresh:
                self._handle_again(replace(item, attempts=item.attempts + 1))  # as claiming has counted it
        self.handled += len(items)

    def _handle_again(self, item: PendingEvent) -> None:
        if item.stage is not Stage.FRESH:
            self.pipeline.take_up([item])
            return
        if not self._begin_again(item):
            return
        try:
            self.pipeline.handle([item])
        except (StoreBusyError, StoreFullError):
            raise
        except StoreError as error:
            structlog.get_logger().error("work.failed", reason=error, count=1, id=item.event.id)

    def _begin_again(self, item: PendingEvent) -> bool:
        """Count one more attempt; False if that were too many, or the event is another worker's by now."""
        if item.attempts >= self.settings.attempts:
            self._bury(item)
            return False
        return self.pipeline.commit(lambda connection: claims.begin_again(connection, item, self.member.name))

    def _bury(self, item: PendingEvent) -> None:
        """Nobody survives it: keep it for a person to look at."""
        event = item.event

        def bury(connection: Connection) -> None:
            if claims.remove(connection, self.member.name, [event.id]):
                letter = DeadLetter(event.id, POISON, POISON_WORDS, redrivable(event), event.wiki)
                ledger.add_dead_letters(connection, self.database.key, [letter], self.member.clock())
                ledger.count(connection, {"failed": 1})

        self.pipeline.commit(bury)
        structlog.get_logger().error("work.given_up", id=event.id, wiki=event.wiki, attempts=item.attempts)

    def _give_back(self) -> None:
        with self.database.write() as connection:
            claims.release(connection, self.member.name)
        self.member.leave()

    def vitals(self) -> Vitals:
        """How it is doing, for whoever asks from another thread."""
        now, status = self.monotonic(), self.bus.status()
        return Vitals(
            source=SourceStatus(connected=status.connected, last_error=status.trouble),
            detector=self.pipeline.detector.version,
            newest=self.newest,
            age=now - self.began,
            turn_age=now - self.turned,
            fetching=self.pipeline.fetching,
            judged=dict(self.pipeline.judged),
            trouble=self.pipeline.trouble,
            bus=status,
            recovered=self.recovered,
        )


@contextlib.contextmanager
def open_worker(
    settings: Settings,
    *,
    fetch: bool,
    stop: Stop,
    detector: Detector | None = None,
    revisions: RevisionSource | None = None,
) -> Iterator[Worker]:
    """A worker of the settings. Raises errors of the settings, the key, the store and the detector."""
    with contextlib.ExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        wikis = open_wikis(settings)
        pipeline = open_pipeline(
            settings, database, wikis, fetch=fetch, detector=detector, revisions=revisions, resume=False, sleep=stop.wait
        )
        pipeline.shadow = open_shadow(settings, database)
        member = Membership(database, "work", time.time, every=settings.bus.lease / 6)
        worker = Worker(database, pipeline, open_bus(settings.bus, database), settings.bus, member)
        if (address := settings.metrics.address) is not None:
            server = HealthServer(address, database, worker.vitals, clock=time.time, silent_after=settings.metrics.silent_after)
            stack.callback(server.close)
            server.start()
            structlog.get_logger().info("metrics.listening", source=server.url)
        yield worker


def work(settings: Settings, *, fetch: bool = True, idle_exit: float | None = None, stop: Stop) -> int:
    """Work until stopped; how many events were handled."""
    with open_worker(settings, fetch=fetch, stop=stop) as worker:
        worker.run(stop, idle_exit)
        return worker.handled
