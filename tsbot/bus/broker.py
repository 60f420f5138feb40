"""A bus behind FastStream: its asynchronous broker runs in a thread of its own, and is made anew whenever it is unwell.

The policy of acknowledgement is explicit: ``NACK_ON_ERROR``. FastStream's own defaults acknowledge before the work (Kafka), or give up a
message that could not be handled once (NATS). A handler here returns once :meth:`Delivery.settle` was called, which is after the commit.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, ClassVar, Final

import structlog
from faststream import AckPolicy

from tsbot.bus.engine import BusStatus, Delivery
from tsbot.bus.message import Message, decode
from tsbot.errors import BusUnavailableError
from tsbot.settings import BusSettings

ACK_POLICY: Final = AckPolicy.NACK_ON_ERROR
CHECK_SECONDS = 1.0
"""How often the broker is asked how it is."""
ANSWER_SECONDS = 5.0
"""Within which it must say so."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds between attempts to connect."""
PUBLISH_SECONDS = 10.0
LAST_MOMENT = 0.05
"""In which connections that were closed let go of their sockets."""
CLOSE_SECONDS = 20.0


class NotHandledError(Exception):
    """Has FastStream give messages back to the broker."""


class BrokerBus(ABC):
    """What NATS and Kafka have in common."""

    connect_seconds: ClassVar[float] = 10.0
    """Within which a connection must be made."""

    def __init__(self, settings: BusSettings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
        self._arrived: queue.Queue[Delivery] = queue.Queue()
        self._open: set[asyncio.Future[bool]] = set()
        self._up = threading.Event()
        self._closing = asyncio.Event()
        self._consume = False
        self._lag: int | None = None
        self._redelivered = self._unknown = 0
        self._trouble = ""

    # -- what differs -------------------------------------------------------------------------------------------------

    @abstractmethod
    async def connect(self, *, consume: bool) -> None:
        """Connect, make what is missing on the broker, and ask for messages, which come to :meth:`handle`."""

    @abstractmethod
    async def send(self, messages: Sequence[Message]) -> None:
        """Publish, and wait for the broker's word for it."""

    @abstractmethod
    async def check(self) -> int | None:
        """The lag. Raises whatever shows that the broker must be connected to anew."""

    @abstractmethod
    async def disconnect(self) -> None:
        """Let go, however the broker is."""

    # -- the bus ------------------------------------------------------------------------------------------------------

    def start(self, *, consume: bool) -> None:
        """Begin to connect."""
        self._consume = consume
        self._thread.start()

    def publish(self, messages: Sequence[Message]) -> Future[None]:
        """Publish from another thread."""
        if not self._up.is_set():
            failed: Future[None] = Future()
            failed.set_exception(BusUnavailableError("The broker does not answer; what it was to be told is kept."))
            return failed
        return asyncio.run_coroutine_threadsafe(self._publish(messages), self._loop)

    def receive(self, wait: float) -> Delivery | None:
        """The next batch."""
        try:
            return self._arrived.get(timeout=wait) if wait > 0 else self._arrived.get_nowait()
        except queue.Empty:
            return None

    def status(self) -> BusStatus:
        """Whether it is connected, and what came again."""
        return BusStatus(self._up.is_set(), self._lag, self._redelivered, self._unknown, self._trouble)

    def close(self) -> None:
        """Stop; may be called twice."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(CLOSE_SECONDS)

    # -- in the bus's own thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._keep_up())
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(LAST_MOMENT))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _keep_up(self) -> None:
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            try:
                await self._limited(self.connect(consume=self._consume), self.connect_seconds)
                self._say("")
                pause = FIRST_PAUSE
                while not await self._closed_within(CHECK_SECONDS):
                    self._lag = await self._limited(self.check(), ANSWER_SECONDS)
            except Exception as error:  # whatever it is, connecting anew is the remedy
                self._say(type(error).__name__)
            self._up.clear()
            for waiting in list(self._open):
                waiting.cancel()
            try:
                await self._limited(self.disconnect(), CLOSE_SECONDS / 2)
            except Exception as error:
                structlog.get_logger().debug("bus.disconnect", error=type(error).__name__)
            if await self._closed_within(pause):
                return
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _limited(self, work: Coroutine[Any, Any, Any], seconds: float) -> Any:
        return await asyncio.wait_for(work, seconds)

    async def _closed_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _say(self, trouble: str) -> None:
        if not trouble:
            self._up.set()
            structlog.get_logger().info("bus.connected")
        elif trouble != self._trouble:
            structlog.get_logger().warning("bus.unavailable", error=trouble)
        self._trouble = trouble

    async def _publish(self, messages: Sequence[Message]) -> None:
        try:
            await asyncio.wait_for(self.send(messages), PUBLISH_SECONDS)
        except Exception as error:
            raise BusUnavailableError(f"The broker did not take messages: {type(error).__name__}.") from None

    async def handle(self, bodies: Sequence[tuple[bytes, bool]]) -> None:
        """Pass messages on, each with whether it came before, and wait until they are settled.

        Raises ``NotHandledError`` for them to come again.
        """
        found = [decode(body) for body, _ in bodies]
        unknown = found.count(None)
        redelivered = sum(len(messages or ()) for messages, (_, again) in zip(found, bodies, strict=True) if again)
        if unknown:
            structlog.get_logger().warning("bus.unknown_message", count=unknown)
        self._unknown += unknown
        self._redelivered += redelivered
        settled: asyncio.Future[bool] = self._loop.create_future()
        self._open.add(settled)

        def settle(done: bool) -> None:
            def set_result() -> None:
                if not settled.done():
                    settled.set_result(done)

            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(set_result)

        ids = tuple(dict.fromkeys(message.event for messages in found for message in messages or ()))
        self._arrived.put(Delivery(ids, redelivered, unknown, settle))
        try:
            if not await settled:
                raise NotHandledError
        finally:
            self._open.discard(settled)
