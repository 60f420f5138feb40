"""Texts of one page, in the order of its edits, whatever order a wiki answers in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tsbot.wiki.fetcher import FetchResult


@dataclass
class PageOrder:
    """Holds back what came early. An edit waits for those before it, but not for ever: a threat must not hide behind a slow neighbour."""

    patience: float
    """Seconds that a text which is there waits."""
    _lanes: dict[str, deque[str]] = field(default_factory=dict)
    _lane_of: dict[str, str] = field(default_factory=dict)
    _early: dict[str, tuple[float, FetchResult]] = field(default_factory=dict)

    def expect(self, event_id: str, lane: str) -> None:
        """The next edit of a page, whose text is asked for now."""
        self._lanes.setdefault(lane, deque()).append(event_id)
        self._lane_of[event_id] = lane

    def forget(self, event_id: str) -> None:
        """An edit that somebody else has by now."""
        self._leave(event_id)
        self._early.pop(event_id, None)

    @property
    def held(self) -> int:
        """Texts held back."""
        return len(self._early)

    def sort(self, results: Iterable[FetchResult], now: float) -> list[FetchResult]:
        """What may be judged now, of these and of those held back. ``now`` is monotonic, in seconds."""
        touched: dict[str, None] = {}
        ready: list[FetchResult] = []
        for result in results:
            name = str(result.item.token)
            if name in self._lane_of:
                self._early[name] = (now, result)
                touched[self._lane_of[name]] = None
            else:
                ready.append(result)
        for name in [name for name, (since, _) in self._early.items() if now - since >= self.patience]:
            lane = self._lane_of[name]
            ready.append(self._take(name))
            touched[lane] = None
        for lane in touched:
            while (waiting := self._lanes.get(lane)) and waiting[0] in self._early:
                ready.append(self._take(waiting[0]))
        return ready

    def _take(self, event_id: str) -> FetchResult:
        self._leave(event_id)
        return self._early.pop(event_id)[1]

    def _leave(self, event_id: str) -> None:
        lane = self._lane_of.pop(event_id, None)
        if lane is None:
            return
        self._lanes[lane].remove(event_id)
        if not self._lanes[lane]:
            del self._lanes[lane]
