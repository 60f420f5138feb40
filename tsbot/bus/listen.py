"""A listener: reads the stream, stores what was admitted, and has workers told of it.

One listener at a time reads into a database: it holds a lease, and each of its transactions confirms that. Another one that was started
stands by, and takes over when the first is gone. What was stored and not told of when one died, the next one tells.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from tsbot.bus.engine import Bus
from tsbot.bus.message import Message, message_of
from tsbot.bus.opening import open_bus
from tsbot.bus.roster import Membership
from tsbot.detect.finding import Finding
from tsbot.duties import Duties, open_duties
from tsbot.errors import BusUnavailableError, StoreBusyError, StoreFullError, StreamUnavailableError
from tsbot.health import HealthServer
from tsbot.metrics import Vitals
from tsbot.parts import Stop, open_pipeline, open_wikis
from tsbot.patrol import PLANS_WAIT, open_source
from tsbot.pipeline import Pipeline
from tsbot.settings import Settings
from tsbot.store import claims, ledger
from tsbot.store.database import Database
from tsbot.store.locks import LISTENER, Reign
from tsbot.store.opening import open_store
from tsbot.stream.events import Event
from tsbot.stream.source import Batch, Source, SourceStatus
from tsbot.text.passage import Field
from tsbot.wiki.abuselog import ABUSE_LOG

STAND_BY = 2.0
"""Seconds between attempts to take over."""
MOST_UNTOLD = 20_000
"""Events stored and not told of at which reading pauses."""
MOST_BACKLOG = 100_000
"""Events that no worker has begun with at which reading pauses: what is not read stays with the source."""
LOOK_SECONDS = 2.0
TOLD_AT_ONCE = 1_000
UNDER_WAY = 4
"""Groups of messages that the broker has not confirmed yet."""
RETRY_SECONDS = 1.0
LEAVE_PATIENCE = 10.0
"""Seconds that a listener which ends gives to the broker."""


class NotJudging:
    """In the place of a detector: a listener judges nothing, and need not load what does."""

    version = ""

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """Is never asked."""
        raise NotImplementedError("a listener judges nothing: that is for workers")


@dataclass
class Teller:
    """Has workers told of events, in the order in which they were stored, again until the broker confirms it."""

    bus: Bus
    _waiting: deque[Message] = field(default_factory=deque)
    _under_way: deque[tuple[list[Message], Future[None]]] = field(default_factory=deque)
    _not_before: float = 0.0
    told: int = 0

    @property
    def untold(self) -> int:
        """Events that the broker has not confirmed."""
        return len(self._waiting) + sum(len(some) for some, _ in self._under_way)

    def tell(self, messages: Sequence[Message]) -> None:
        """Queue messages."""
        self._waiting.extend(messages)

    def tend(self, monotonic: float) -> None:
        """Note what was confirmed, and send what waits."""
        done = [some for some in self._under_way if some[1].done()]
        failed = any(future.exception() is not None for _, future in done)
        if failed and len(done) < len(self._under_way):
            return  # first all of them are to be known, so that what is told again is in order
        for group in reversed(done):
            self._under_way.remove(group)
            self._note(*group, monotonic)
        while self._waiting and len(self._under_way) < UNDER_WAY and monotonic >= self._not_before:
            some = [self._waiting.popleft() for _ in range(min(TOLD_AT_ONCE, len(self._waiting)))]
            self._under_way.append((some, self.bus.publish(some)))

    def _note(self, some: list[Message], future: Future[None], monotonic: float) -> None:
        trouble = future.exception()
        if trouble is None:
            self.told += len(some)
        elif isinstance(trouble, BusUnavailableError):
            self._waiting.extendleft(reversed(some))
            self._not_before = monotonic + RETRY_SECONDS
        else:
            raise trouble


@dataclass
class Listener:
    """The loop of one listener."""

    settings: Settings
    database: Database
    pipeline: Pipeline
    source: Source
    bus: Bus
    member: Membership
    reign: Reign
    duties: Duties | None = None
    monotonic: Callable[[], float] = time.monotonic
    standing_by: bool = True
    newest: float | None = None
    ended: bool = False
    began: float = field(default_factory=time.monotonic)
    turned: float = field(default_factory=time.monotonic)
    backlog: int = 0
    """Events that no worker has begun with, as of the last look."""
    _looked: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.teller = Teller(self.bus)
        self.pipeline.reign = self.reign
        self.pipeline.clock = self.member.clock

    def run(self, stop: Stop, idle_exit: float | None = None) -> None:
        """Stand by until no other listener is there, then listen until stopped, the source ends, or ``idle_exit`` seconds bring nothing.

        Raises ``LeaseLostError`` when another listener has taken over, and ``StoreError``.
        """
        self.bus.start(consume=False)
        try:
            if self._wait_for_turn(stop):
                self._listen(stop, idle_exit)
        finally:
            self.bus.close()
            with contextlib.suppress(StoreBusyError, StoreFullError):
                self.reign.end()
                self.member.leave()

    def _wait_for_turn(self, stop: Stop) -> bool:
        said = False
        while not stop:
            self.turned = self.monotonic()
            with self._patiently(stop):
                self.member.beat(self.turned, broker=self.bus.status().connected)
                if self.reign.begin():
                    # Only now: until then another listener went on, and what is remembered must be what it wrote.
                    self.pipeline.resume_intake()
                    self._tell_of_left()
                    self.standing_by = False
                    return True
                if not said:
                    structlog.get_logger().warning("listen.standing_by", remedy="one listener is enough; this one takes over if it dies")
                    said = True
            stop.sleep(min(STAND_BY, self.settings.bus.lease / 3))
        return False

    def _listen(self, stop: Stop, idle_exit: float | None) -> None:
        with self.database.read() as connection:
            cursor = ledger.load_cursor(connection, self.source.name)
        structlog.get_logger().info("listen.started", id=self.member.name, source=self.source.name, resumed=cursor is not None)
        self.source.start(cursor)
        if self.duties is not None:
            self.duties.start()
        active = self.monotonic()
        try:
            while not stop:
                now = self.turned = self.monotonic()
                full = self.teller.untold >= MOST_UNTOLD or self.backlog >= MOST_BACKLOG
                batch = Batch() if full or self.ended else self.source.read(self.settings.stream.batch, self.settings.stream.batch_wait)
                self.ended = self.ended or batch.ended
                busy = self._accept(batch, self.source.name)
                for name, found in self.duties.arrived() if self.duties is not None else ():
                    busy = self._accept(found, name) or busy
                self.teller.tend(now)
                self._look(now, stop)
                if self.duties is not None:
                    self.duties.tend(now, self.pipeline.clock(), self.newest)
                active = now if busy or full else active
                if self.ended and not self.teller.untold:
                    break
                if idle_exit is not None and now - active >= idle_exit and not self.teller.untold:
                    break
                if full or self.ended:
                    stop.sleep(0.05)
        finally:
            if self.duties is not None:
                self.duties.close()
            self._leave()
            structlog.get_logger().info("listen.stopped", id=self.member.name, messages=self.teller.told)

    def _accept(self, batch: Batch, source: str) -> bool:
        """Whether the batch held news."""
        if not batch.messages and not batch.gaps and not source.startswith(ABUSE_LOG):
            return False
        got = self.pipeline.accept(batch, source)
        if got.newest is not None:
            self.newest = max(got.newest, self.newest or 0.0)
        self._tell(got.events)
        return got.received > got.skipped["canary"]

    def _tell(self, events: Sequence[Event]) -> None:
        self.teller.tell([message_of(self.database.key, event) for event in events])

    def _tell_of_left(self) -> None:
        """Tell of what is stored and nobody has claimed: a listener may have died before it told."""
        after = 0
        while True:
            with self.database.read() as connection:
                found = claims.unheard(connection, after, TOLD_AT_ONCE)
                self._tell(claims.events(connection, self.database.key, [name for _, name in found]))
            if not found or self.teller.untold >= MOST_UNTOLD:
                return  # workers find the rest by themselves
            after = found[-1][0]

    def _look(self, now: float, stop: Stop) -> None:
        """Signs of life, and how far the workers are behind."""
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        with self._patiently(stop):
            self.member.beat(now, broker=self.bus.status().connected)
            self.reign.keep()
            with self.database.read() as connection:
                self.backlog, _ = claims.backlog(connection)

    def _leave(self) -> None:
        """Tell what can still be told; what cannot is in the database."""
        deadline = self.monotonic() + LEAVE_PATIENCE
        while self.teller.untold and self.bus.status().connected and self.monotonic() < deadline:
            self.teller.tend(self.monotonic())
            time.sleep(0.02)

    @contextlib.contextmanager
    def _patiently(self, stop: Stop) -> Iterator[None]:
        try:
            yield
        except (StoreBusyError, StoreFullError) as error:
            structlog.get_logger().error("store.waiting", reason=error)
            stop.sleep(1.0)

    def vitals(self) -> Vitals:
        """How it is doing, for whoever asks from another thread."""
        now = self.monotonic()
        return Vitals(
            source=SourceStatus(connected=True) if self.standing_by else self.source.status(),
            newest=self.newest,
            age=now - self.began,
            turn_age=now - self.turned,
            ended=self.ended,
            trouble=self.pipeline.trouble,
            bus=self.bus.status(),
            untold=self.teller.untold,
        )


@contextlib.contextmanager
def open_listener(
    settings: Settings,
    stream: str | None,
    *,
    ask_wikis: bool,
    stop: Stop,
    source: Source | None = None,
) -> Iterator[Listener]:
    """A listener of the settings; ``ask_wikis`` fills gaps, reads abuse logs, makes plans, and asks outside models.

    ``source`` stands in for the stream. Raises errors of settings, key and store.
    """
    with contextlib.ExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        source = source or open_source(settings, stream, stop)
        stack.callback(source.close)
        wikis = open_wikis(settings)
        member = Membership(database, "listen", time.time)
        pipeline = open_pipeline(settings, database, wikis, fetch=False, detector=NotJudging(), resume=False, sleep=stop.wait)
        listener = Listener(
            settings,
            database,
            pipeline,
            source,
            open_bus(settings.bus, database),
            member,
            Reign(database, LISTENER, member.name, settings.bus.lease),
        )
        listener.duties = open_duties(
            settings,
            database,
            wikis,
            pipeline,
            source.name,
            ask_wikis=ask_wikis,
            sleep=stop.wait,
            busy=lambda: listener.backlog > PLANS_WAIT,
        )
        if (address := settings.metrics.address) is not None:
            server = HealthServer(address, database, listener.vitals, clock=time.time, silent_after=settings.metrics.silent_after)
            stack.callback(server.close)
            server.start()
            structlog.get_logger().info("metrics.listening", source=server.url)
        yield listener


def listen(
    settings: Settings, stream: str | None = None, *, ask_wikis: bool = True, idle_exit: float | None = None, stop: Stop
) -> ledger.Totals:
    """Listen until stopped; the accounting. Raises ``StreamUnavailableError`` if a recording ended because it is damaged."""
    with open_listener(settings, stream, ask_wikis=ask_wikis, stop=stop) as listener:
        listener.run(stop, idle_exit)
        if listener.ended and (damage := listener.source.status().last_error):
            raise StreamUnavailableError(f"The recording ended early: {damage}. What came before it is stored.")
        with listener.database.read() as connection:
            return ledger.totals(connection)
