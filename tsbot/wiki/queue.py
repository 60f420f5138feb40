"""Which edits to fetch next, from which wiki, in one request.

Pure: no network, no clock, no threads. All times are in seconds on one clock (seconds since the epoch in practice).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tsbot.wiki.types import RevisionRef

FIRST_PAUSE = 2.0
"""Seconds a wiki is left alone after its first failure; doubled with each further one."""
LONGEST_PAUSE = 300.0
"""Seconds beyond which that does not grow."""
LONGEST_ASKED_PAUSE = 3600.0
"""Seconds that a wiki's own Retry-After is heeded at most."""


@dataclass(frozen=True, slots=True)
class FetchItem:
    """An edit whose texts are wanted."""

    ref: RevisionRef
    time: float
    """When the edit was made."""
    token: object = None
    """Whatever the caller knows the edit by; not looked at."""
    attempts: int = 0
    """Requests that carried it and failed."""


@dataclass(frozen=True, slots=True)
class FetchBatch:
    """Edits of one wiki to be fetched with one request, oldest first."""

    wiki: str
    items: tuple[FetchItem, ...]


@dataclass(slots=True)
class _Wiki:
    pending: list[tuple[float, int, FetchItem]] = field(default_factory=list)
    """A heap, oldest first; the number keeps the order of arrival among equals."""
    parts: deque[tuple[FetchItem, ...]] = field(default_factory=deque)
    """Halves of batches that were refused or failed repeatedly; they are not mixed with others again."""
    busy: bool = False
    paused_until: float = float("-inf")
    failures: int = 0

    @property
    def oldest(self) -> FetchItem | None:
        if self.parts:
            return self.parts[0][0]
        return self.pending[0][2] if self.pending else None


class FetchQueue:
    """Edits waiting for their texts. Not thread-safe.

    ``batch_size(wiki)`` tells how many edits one request carries; ``window`` is how long an edit may wait for others of its
    wiki, ``concurrency`` how many batches may be under way (never two of one wiki), ``attempts`` after how many failures an
    edit is given up. Every edit added leaves exactly once: through :meth:`done`, or given up by :meth:`retry`,
    :meth:`split` or :meth:`give_up`.
    """

    def __init__(self, batch_size: Callable[[str], int], *, window: float = 1.0, concurrency: int = 3, attempts: int = 12) -> None:
        self._batch_size = batch_size
        self._window = window
        self._concurrency = concurrency
        self._attempts = attempts
        # From so many failures on, one of its edits may be what makes a batch fail, and each failure halves it. With twelve
        # attempts this finds one edit among 250 before it is given up.
        self._suspect_from = max(2, attempts // 4)
        self._wikis: dict[str, _Wiki] = {}
        self._later: list[tuple[float, int, FetchItem]] = []
        self._in_flight: dict[str, FetchBatch] = {}
        self._count = 0
        self._serial = 0

    def __len__(self) -> int:
        """Edits waiting or under way."""
        return self._count

    @property
    def in_flight(self) -> int:
        """Batches under way."""
        return len(self._in_flight)

    def add(self, ref: RevisionRef, time: float, token: object = None) -> None:
        """Queue an edit made at ``time``."""
        self._count += 1
        self._push(FetchItem(ref, time, token))

    def next(self, now: float) -> FetchBatch | None:
        """The batch to fetch now; None if none is due. It is under way until told otherwise.

        Of the wikis that have a full batch or an edit that has waited for the window, the one with the oldest edit.
        """
        while self._later and not _ahead(self._later[0][0], now):
            self._push(heapq.heappop(self._later)[2])
        if len(self._in_flight) >= self._concurrency:
            return None
        best: tuple[float, str] | None = None
        for name, wiki in self._wikis.items():
            oldest = wiki.oldest
            if oldest is None or wiki.busy or _ahead(wiki.paused_until, now):
                continue
            if (best is None or (oldest.time, name) < best) and self._due_at(name, wiki, oldest, now) <= now:
                best = (oldest.time, name)
        return None if best is None else self._take(best[1])

    def wait_time(self, now: float) -> float | None:
        """Seconds until :meth:`next` may return something without further news; None if that takes news."""
        if len(self._in_flight) >= self._concurrency:
            return None
        times = [entry[0] if _ahead(entry[0], now) else now for entry in self._later[:1]]
        for name, wiki in self._wikis.items():
            if wiki.oldest is not None and not wiki.busy:
                paused = wiki.paused_until if _ahead(wiki.paused_until, now) else now
                times.append(max(paused, self._due_at(name, wiki, wiki.oldest, now)))
        return max(0.0, min(times) - now) if times else None

    def done(self, batch: FetchBatch) -> None:
        """The batch is fetched; its edits leave, and the wiki counts as being well."""
        wiki = self._land(batch)
        wiki.failures = 0
        wiki.paused_until = float("-inf")
        self._count -= len(batch.items)
        self._tidy(batch.wiki)

    def retry(self, batch: FetchBatch, now: float, retry_after: float | None = None) -> list[FetchItem]:
        """The wiki did not answer: leave it alone for a while. Return the edits that are given up.

        The pause doubles with each failure in a row, up to :data:`LONGEST_PAUSE`, and is never shorter than ``retry_after``.
        """
        wiki = self._land(batch)
        wiki.failures += 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(wiki.failures - 1, 16))
        wiki.paused_until = now + max(pause, min(retry_after or 0.0, LONGEST_ASKED_PAUSE))
        failed = [replace(item, attempts=item.attempts + 1) for item in batch.items]
        given_up = [item for item in failed if item.attempts >= self._attempts]
        kept = tuple(item for item in failed if item.attempts < self._attempts)
        if max((item.attempts for item in kept), default=0) >= self._suspect_from:
            self._halve(wiki, kept)
        else:
            for item in kept:
                self._push(item)
        self._count -= len(given_up)
        return given_up

    def split(self, batch: FetchBatch) -> FetchItem | None:
        """The wiki refused the batch: ask for its halves, so that one bad id costs one edit. Return that edit, once alone."""
        wiki = self._land(batch)
        wiki.failures = 0
        if len(batch.items) == 1:
            self._count -= 1
            self._tidy(batch.wiki)
            return replace(batch.items[0], attempts=batch.items[0].attempts + 1)
        self._halve(wiki, batch.items)
        return None

    def give_up(self, batch: FetchBatch) -> list[FetchItem]:
        """The wiki will answer none of these: they leave."""
        self._land(batch)
        self._count -= len(batch.items)
        self._tidy(batch.wiki)
        return [replace(item, attempts=item.attempts + 1) for item in batch.items]

    def put_back(self, batch: FetchBatch) -> None:
        """The batch was not sent after all."""
        self._land(batch)
        for item in batch.items:
            self._push(item)

    def defer(self, item: FetchItem, until: float) -> None:
        """Queue an edit of a batch that is :meth:`done` once more, not before ``until``."""
        self._count += 1
        self._serial += 1
        heapq.heappush(self._later, (until, self._serial, item))

    def _push(self, item: FetchItem) -> None:
        self._serial += 1
        wiki = self._wikis.setdefault(item.ref.wiki, _Wiki())
        heapq.heappush(wiki.pending, (item.time, self._serial, item))

    @staticmethod
    def _halve(wiki: _Wiki, items: tuple[FetchItem, ...]) -> None:
        middle = (len(items) + 1) // 2
        wiki.parts.extendleft(part for part in (items[middle:], items[:middle]) if part)

    def _due_at(self, name: str, wiki: _Wiki, oldest: FetchItem, now: float) -> float:
        # An edit of tomorrow: the clock was set back.
        if wiki.parts or oldest.attempts or oldest.time > now or len(wiki.pending) >= self._batch_size(name):
            return float("-inf")
        return oldest.time + self._window

    def _take(self, name: str) -> FetchBatch:
        wiki = self._wikis[name]
        if wiki.parts:
            items = wiki.parts.popleft()
        else:
            size = min(len(wiki.pending), self._batch_size(name))
            items = tuple(heapq.heappop(wiki.pending)[2] for _ in range(size))
        batch = FetchBatch(name, items)
        wiki.busy = True
        self._in_flight[name] = batch
        return batch

    def _land(self, batch: FetchBatch) -> _Wiki:
        if self._in_flight.get(batch.wiki) is not batch:
            raise ValueError(f"No such batch of {batch.wiki} is under way.")
        del self._in_flight[batch.wiki]
        wiki = self._wikis[batch.wiki]
        wiki.busy = False
        return wiki

    def _tidy(self, name: str) -> None:
        """Forget a wiki that has nothing waiting and nothing against it."""
        wiki = self._wikis[name]
        if wiki.oldest is None and not wiki.busy and not wiki.failures:
            del self._wikis[name]


def _ahead(until: float, now: float) -> bool:
    """Whether a pause goes on. One longer than any that is made was begun by a clock that has been set back since."""
    return now < until <= now + LONGEST_ASKED_PAUSE
