"""Filling gaps of the stream from the wikis' own lists of recent changes, in the background.

What a back-fill brings goes the way of all other messages; what the stream told already is recognised by its revision or log id
and skipped (rule ``same_revision``).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update

from tsbot.errors import StoreError
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.recent import recent_changes

AGAIN = 300.0
"""Seconds after which wikis that did not answer are asked again."""
MARGIN = 5.0
"""Seconds by which more than the gap is asked for, on both sides."""
CHUNK = 500
BUDGET_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class _Done:
    gap: int
    wiki: str
    ok: bool


class Backfill:
    """Fills the open gaps of one source, one after the other.

    ``wikis`` tells which wikis are active, with their addresses; ``settle`` is how many seconds it needs for that after a gap
    was noticed.
    """

    name = "backfill"

    def __init__(
        self, database: Database, api: Api, budget: Budget, source: str, wikis: Callable[[], Mapping[str, str]], settle: float
    ) -> None:
        self._database = database
        self._api = api
        self._budget = budget
        self._source = source
        self._wikis = wikis
        self._settle = settle
        self._found: queue.Queue[list[bytes] | _Done] = queue.Queue(maxsize=20)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._answered: dict[int, set[str]] = {}
        self._not_before: dict[int, float] = {}

    def tend(self, now: float) -> None:
        """Start on the next open gap if none is being filled; close gaps for which every wiki has answered."""
        if self._thread is not None and (self._thread.is_alive() or not self._found.empty()):
            return
        try:
            with self._database.read() as connection:
                gaps = connection.execute(
                    select(t.gap.c.id, t.gap.c.since, t.gap.c.until, t.gap.c.noticed)
                    .where(t.gap.c.source == self._source, t.gap.c.filled.is_(None))
                    .order_by(t.gap.c.id)
                ).all()
        except StoreError:
            return  # the next round looks again
        for gap in gaps:
            if now < max(gap.noticed + self._settle, self._not_before.get(gap.id, 0.0)):
                continue
            answered = self._answered.setdefault(gap.id, set())
            left = {wiki: url for wiki, url in self._wikis().items() if wiki not in answered}
            if not left and answered:
                self._close_gap(gap.id, len(answered), now)
                continue
            self._not_before[gap.id] = now + AGAIN
            if left:
                self._thread = threading.Thread(
                    target=self._fill, args=(gap.id, gap.since - MARGIN, gap.until + MARGIN, left), name="backfill", daemon=True
                )
                self._thread.start()
                return

    def arrived(self) -> Iterator[list[bytes]]:
        """Messages found so far, in portions; each must be stored before the next is asked for."""
        while True:
            try:
                found = self._found.get_nowait()
            except queue.Empty:
                return
            if isinstance(found, _Done):
                if found.ok:
                    self._answered[found.gap].add(found.wiki)
                    self._not_before.pop(found.gap, None)
            else:
                yield found

    def close(self) -> None:
        """Stop; what is not filled stays open and is filled by a later run."""
        self._stop.set()

    def _fill(self, gap: int, since: float, until: float, wikis: Mapping[str, str]) -> None:
        for wiki, url in wikis.items():
            ok = True
            portion: list[bytes] = []
            try:
                for message in recent_changes(self._api, wiki, since, until, server_url=url, before_request=self._wait_for_budget):
                    portion.append(message)
                    if len(portion) >= CHUNK:
                        self._put(portion)
                        portion = []
            except Exception as error:  # whatever it is, the gap stays open for this wiki, and the others are asked
                ok = False
                structlog.get_logger().warning("backfill.wiki_failed", wiki=wiki, reason=type(error).__name__)
            if self._stop.is_set():
                return
            if portion:
                self._put(portion)
            self._put(_Done(gap, wiki, ok))

    def _wait_for_budget(self) -> None:
        while not self._stop.is_set() and not self._budget.try_take():
            self._stop.wait(BUDGET_PAUSE)

    def _put(self, item: list[bytes] | _Done) -> None:
        while not self._stop.is_set():
            try:
                self._found.put(item, timeout=BUDGET_PAUSE)
            except queue.Full:
                continue
            return

    def _close_gap(self, gap: int, wikis: int, now: float) -> None:
        try:
            with self._database.write() as connection:
                connection.execute(update(t.gap).where(t.gap.c.id == gap).values(filled=now, note=f"{wikis} wikis asked"))
        except StoreError:
            return  # the next round closes it
        self._answered.pop(gap, None)
        self._not_before.pop(gap, None)
        structlog.get_logger().info("backfill.gap_filled", gap=gap, wikis=wikis)
