"""The bounded queue between the thread that reads a live stream and the pipeline."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from tsbot.stream.reconnect import Position
from tsbot.stream.source import Batch, Gap

MOST_BYTES: Final = 64_000_000
"""Bytes of messages held at most, so that a run of huge events cannot fill the memory. One is always let in."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message with the place after it and the gap before it."""

    message: bytes
    position: Position
    gap: Gap | None = None


class Inbox:
    """Holds up to ``capacity`` messages; whoever puts more waits, and so the server is read more slowly."""

    def __init__(self, capacity: int, most_bytes: int = MOST_BYTES) -> None:
        self._capacity = capacity
        self._most_bytes = most_bytes
        self._items: deque[Received] = deque()
        self._bytes = 0
        self._wanted = 1
        self._full = False
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Received) -> bool:
        """Add a message, waiting for room. False if the inbox was closed meanwhile and the message not taken."""
        with self._changed:
            while not self._closed and self._items and self._no_room(len(item.message)):
                self._full = True
                self._changed.notify_all()
                self._changed.wait()
            if self._closed:
                return False
            self._items.append(item)
            self._bytes += len(item.message)
            if len(self._items) >= self._wanted:
                self._changed.notify_all()
            return True

    def take(self, limit: int, wait: float) -> Batch:
        """Up to ``limit`` messages as a batch, after at most ``wait`` seconds, or sooner if that many are there."""
        deadline = time.monotonic() + wait
        with self._changed:
            self._wanted = min(limit, self._capacity)
            while len(self._items) < self._wanted and not self._full and not self._closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
            self._bytes -= sum(len(item.message) for item in taken)
            self._full = False
            self._changed.notify_all()
        return Batch(
            messages=[item.message for item in taken],
            cursor=taken[-1].position.encode() if taken else None,
            gaps=tuple(item.gap for item in taken if item.gap is not None),
        )

    def close(self) -> None:
        """Let everybody who waits go. What is inside can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _no_room(self, size: int) -> bool:
        return len(self._items) >= self._capacity or self._bytes + size > self._most_bytes
