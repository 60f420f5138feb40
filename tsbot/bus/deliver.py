"""Delivery as a process of its own: sends what is in the outbox. Several may run, on different machines."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import structlog

from tsbot.bus.roster import BEAT, Membership
from tsbot.errors import StoreError, TsbotError
from tsbot.health import HealthServer
from tsbot.housekeeping import EVERY, Housekeeper, open_housekeeper
from tsbot.metrics import Vitals
from tsbot.parts import Stop, open_deliverer, open_wikis
from tsbot.report.deliver import DeliveryThread
from tsbot.settings import Settings
from tsbot.store.opening import open_store
from tsbot.stream.source import SourceStatus

END_PATIENCE = 30.0
"""Seconds that the message under way has when stopping is requested."""


@dataclass
class SpoolKeeper:
    """Removes the files of purged letters: the listener purges, and the spool is where letters are delivered."""

    housekeeper: Housekeeper
    _next: float = float("-inf")

    def tend(self, monotonic: float) -> None:
        """Look, if it is time. Raises nothing."""
        if monotonic < self._next:
            return
        self._next = monotonic + EVERY
        try:
            self.housekeeper.sweep()
        except (TsbotError, OSError) as error:
            structlog.get_logger().warning("purge.put_off", error=type(error).__name__)


def deliver(settings: Settings, *, ask_wikis: bool = True, simulate: bool | None = None, once: bool = False, stop: Stop) -> int:
    """Deliver until stopped, or (``once``) until nothing is due; how many messages were handed over, where ``once`` is asked.

    Raises errors of the settings, the key and the store.
    """
    with contextlib.ExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        member = Membership(database, "deliver", time.time)
        member.beat(0.0, broker=False)
        deliverer = open_deliverer(
            settings, database, open_wikis(settings, simulate=simulate), ask_wikis=ask_wikis, simulate=simulate, clock=member.clock
        )
        spool = SpoolKeeper(open_housekeeper(settings, database, member.clock))
        if once:
            try:
                sent = deliverer.run_once(lambda: bool(stop))
                spool.tend(time.monotonic())
                return sent
            finally:
                member.leave()
        thread = DeliveryThread(deliverer)
        began = time.monotonic()

        def vitals() -> Vitals:
            age = time.monotonic() - began
            return Vitals(source=SourceStatus(connected=True), age=age, delivery_alive=thread.alive)

        if (address := settings.metrics.address) is not None:
            server = HealthServer(address, database, vitals, clock=time.time, silent_after=settings.metrics.silent_after)
            stack.callback(server.close)
            server.start()
            structlog.get_logger().info("metrics.listening", source=server.url)
        structlog.get_logger().info("deliver.started", id=member.name)
        thread.start()
        try:
            while not stop.wait(BEAT):
                with contextlib.suppress(StoreError):  # the thread says so, and tries again
                    member.beat(time.monotonic(), broker=False)
                spool.tend(time.monotonic())
        finally:
            thread.stop(END_PATIENCE)
            with contextlib.suppress(StoreError):
                member.leave()
            structlog.get_logger().info("deliver.stopped", id=member.name)
        return 0
