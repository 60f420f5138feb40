"""Fetching in the background: a few requests at once, results when asked for."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from tsbot.errors import TsbotError, WikiError, WikiRefusedError, WikiUnavailableError
from tsbot.wiki.answers import WHOLE_WIKI
from tsbot.wiki.budget import Budget
from tsbot.wiki.queue import FetchBatch, FetchItem, FetchQueue
from tsbot.wiki.types import FetchedRevision, RevisionSource, RevisionState

SETTLE = 30.0
"""Seconds for which a missing revision may only not have reached the replica that was asked."""
ASK_AGAIN = 5.0
"""Seconds after which such a revision is asked for again."""


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What became of an edit in the queue: its revision, or the error it was given up with."""

    item: FetchItem
    revision: FetchedRevision | None = None
    error: WikiError | None = None


@dataclass(frozen=True, slots=True)
class _Landing:
    batch: FetchBatch
    revisions: tuple[FetchedRevision, ...] = ()
    error: Exception | None = None


class Fetcher:
    """Runs the queue's batches in threads. All methods belong to one thread; only ``source`` is used by several.

    ``now`` is the clock of the queue's times (seconds since the epoch).
    """

    def __init__(
        self,
        source: RevisionSource,
        waiting: FetchQueue,
        budget: Budget,
        *,
        now: Callable[[], float] = time.time,
        settle: float = SETTLE,
    ) -> None:
        self._source = source
        self._queue = waiting
        self._budget = budget
        self._now = now
        self._settle = settle
        self._landed: queue.SimpleQueue[_Landing] = queue.SimpleQueue()
        self._closed = False

    def submit(self) -> int:
        """Start the batches that are due, as far as the budget goes. Return how many."""
        started = 0
        while not self._closed and self._budget.try_take():
            batch = self._queue.next(self._now())
            if batch is None:
                self._budget.give_back()
                break
            # A thread for each request: there are a few a second at most, and one that hangs keeps nobody from leaving.
            threading.Thread(target=self._work, args=(batch,), name=f"fetch-{batch.wiki}", daemon=True).start()
            started += 1
        return started

    def collect(self, wait: float = 0.0) -> list[FetchResult]:
        """Everything that is finished; waits up to ``wait`` seconds for the first, if any is under way.

        An exception that the source should not raise costs the edit that causes it, as a refusal does. Errors of tsbot's own
        that are not the wiki's (settings) are raised.
        """
        results: list[FetchResult] = []
        block = wait > 0 and self._queue.in_flight > 0
        while True:
            try:
                landing = self._landed.get(block=block, timeout=wait if block else None)
            except queue.Empty:
                return results
            block = False
            results += self._land(landing)

    def wait_time(self) -> float | None:
        """Seconds until :meth:`submit` may start something without further news; None if that takes news."""
        wait = self._queue.wait_time(self._now())
        return None if wait is None else max(wait, self._budget.wait_time())

    def close(self) -> None:
        """Start nothing more. Requests under way are left alone and their answers dropped; their edits stay unfetched."""
        self._closed = True

    def _work(self, batch: FetchBatch) -> None:
        try:
            refs = [item.ref for item in batch.items]
            revisions = tuple(self._source.fetch(batch.wiki, refs))
        except Exception as error:
            self._landed.put(_Landing(batch, error=error))
        else:
            self._landed.put(_Landing(batch, revisions))

    def _land(self, landing: _Landing) -> list[FetchResult]:
        batch, error = landing.batch, landing.error
        if error is None:
            self._queue.done(batch)
            return self._settled(batch, landing.revisions)
        log = structlog.get_logger()
        if isinstance(error, WikiUnavailableError):
            log.warning("wiki.unavailable", wiki=batch.wiki, edits=len(batch.items), reason=error, retry_after=error.retry_after)
            return [FetchResult(item, error=error) for item in self._queue.retry(batch, self._now(), error.retry_after)]
        if isinstance(error, TsbotError) and not isinstance(error, WikiError):
            self._queue.put_back(batch)
            raise error
        refusal = error if isinstance(error, WikiError) else WikiRefusedError(f"Unexpected {type(error).__name__}.", "internal")
        log.warning("wiki.refused", wiki=batch.wiki, edits=len(batch.items), reason=refusal)
        if isinstance(refusal, WikiRefusedError) and not _concerns_wiki(refusal):
            item = self._queue.split(batch)
            return [] if item is None else [FetchResult(item, error=refusal)]
        return [FetchResult(item, error=refusal) for item in self._queue.give_up(batch)]

    def _settled(self, batch: FetchBatch, revisions: tuple[FetchedRevision, ...]) -> list[FetchResult]:
        now = self._now()
        results = []
        for item, revision in zip(batch.items, revisions, strict=True):
            if revision.state is RevisionState.DELETED and 0 <= now - item.time < self._settle:
                self._queue.defer(item, now + ASK_AGAIN)
            else:
                results.append(FetchResult(item, revision))
        return results


def _concerns_wiki(error: WikiRefusedError) -> bool:
    return error.code in WHOLE_WIKI or error.code.startswith("http-")
