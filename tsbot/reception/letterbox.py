"""Where reports are put in: one thread writes them, many in one transaction, and each sender hears when theirs is stored.

What cannot be stored is not taken: the sender is told so, and has the text still.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from tsbot.errors import ReceptionError, StoreError, TsbotError
from tsbot.store.database import Database

T = TypeVar("T")
Work = Callable[[Connection], Any]
MOST = 64
"""Of what is written in one transaction."""
FULL = 5_000
"""What may wait; more is refused, so that nobody waits for ever."""
STOP_SECONDS = 10.0


@dataclass
class _Slip:
    work: Work
    done: Future[Any] = field(default_factory=Future)


class Letterbox:
    """Takes work that writes, and does it in batches. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slips: queue.Queue[_Slip | None] = queue.Queue(FULL)
        self._thread = threading.Thread(target=self._run, name="letterbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after what was put in."""
        self._slips.put(None)
        self._thread.join(STOP_SECONDS)

    def put(self, work: Callable[[Connection], T]) -> Future[T]:
        """Have ``work`` done in a transaction. The future has its result once that is committed.

        It may be done twice: where another one of the batch fails, each is tried by itself. Raises ``ReceptionError`` where too much waits.
        """
        slip = _Slip(work)
        try:
            self._slips.put_nowait(slip)
        except queue.Full:
            raise ReceptionError("down", "More reports wait than can be stored now.") from None
        return slip.done

    def _run(self) -> None:
        stopped = False
        while not stopped:
            slips = []
            first = self._slips.get()
            stopped = first is None
            if first is not None:
                slips.append(first)
            while len(slips) < MOST and not stopped:
                try:
                    more = self._slips.get_nowait()
                except queue.Empty:
                    break
                stopped = more is None
                if more is not None:
                    slips.append(more)
            # Who gave up waiting was told so, and sends again: what nobody waits for any more is not begun, and what is begun is not
            # called off.
            wanted = [slip for slip in slips if slip.done.set_running_or_notify_cancel()]
            if wanted:
                self._write(wanted)

    def _write(self, slips: list[_Slip]) -> None:
        try:
            with self._database.write() as connection:
                results = [slip.work(connection) for slip in slips]
        except Exception as error:  # whatever it is: each sender must hear what became of theirs
            if len(slips) > 1 and not isinstance(error, StoreError):
                for slip in slips:
                    self._write([slip])
                return
            if not isinstance(error, TsbotError):
                structlog.get_logger().error("reception.trouble", error=type(error).__name__)
            for slip in slips:
                slip.done.set_exception(error)
            return
        for slip, result in zip(slips, results, strict=True):
            slip.done.set_result(result)
