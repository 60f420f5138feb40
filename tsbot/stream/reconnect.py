"""When to connect again, from where, and whether events may be missing: the decisions of a live source, without its I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from random import Random
from typing import Final

import msgspec

from tsbot.stream.source import Gap

LONGEST_WAIT: Final = 120.0
"""Seconds; the cap of the exponential back-off."""
STEADY: Final = 60.0
"""Seconds of uptime after which earlier failures are forgotten."""
_AT_ONCE: Final = 10  # connections per STEADY seconds that are renewed without waiting
_REWOUND: Final = 1.0  # seconds by which the first event after a refused cursor may be newer and still count as overlap
_LONGEST_ID: Final = 16_384


class Position(msgspec.Struct, frozen=True):
    """A place in a live stream; as JSON it is the cursor."""

    id: str = ""
    """The last event id (``id:`` of SSE). Wikimedia's say where to go on: the last position plus one, or a time."""
    time: float = 0.0
    """When the newest event happened, in seconds since the epoch; 0 if none came yet."""
    streams: tuple[str, ...] = ()
    """The streams that were read. An id for other streams is not used, since the server would refuse it."""

    def encode(self) -> str:
        """The cursor, as it is stored."""
        return msgspec.json.encode(self).decode()


def read_position(cursor: str | None) -> Position | None:
    """The place that a stored cursor names; None if there is none or it cannot be read."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(cursor, type=Position)
    except msgspec.DecodeError:
        return None


def usable_id(text: str) -> str:
    """The event id if it can be sent back in a header, else an empty string."""
    return text if len(text) <= _LONGEST_ID and text.isascii() and text.isprintable() else ""


def rewound(event_id: str, time: float, back: float) -> str:
    """The event id moved back by ``back`` seconds, so that resuming from it loses nothing.

    Wikimedia's ids (KafkaSSE) hold a position per topic. One with a timestamp is that of the last message plus a millisecond, so
    other messages of the same millisecond would be skipped; ``offset: -1`` stands for "what comes from now on", so what a quiet
    topic got meanwhile would be skipped. Both are replaced by a time before ``time`` (of the newest event); offsets of messages
    are exact and kept. An id of another form is returned as it is. De-duplication drops what comes twice.
    """
    try:
        positions = msgspec.json.decode(event_id, type=list[dict[str, str | int]])
    except msgspec.DecodeError:
        return event_id
    since = max(0, int((time - back) * 1000))
    for position in positions:
        timestamp, offset = position.get("timestamp"), position.get("offset")
        if isinstance(timestamp, int):
            position["timestamp"] = min(since, timestamp) if time else max(0, timestamp - int(back * 1000))
        elif offset == -1 and time:
            del position["offset"]
            position["timestamp"] = since
    return msgspec.json.encode(positions).decode()


class Resume(IntEnum):
    """How to ask for what comes after a position; each refusal goes one further, and after the last to the first again."""

    BY_ID = 0
    BY_TIME = 1
    FROM_NOW = 2

    def refused(self) -> Resume:
        """What to try next."""
        return Resume((self + 1) % len(Resume))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection, or the attempt to make one, ended."""

    at: float
    """Seconds on a clock that never goes back."""
    uptime: float
    """Seconds since the answer began; 0 if there was none."""
    messages: int
    retry_after: float | None = None
    """What the server asked for, in seconds."""


class Pace:
    """How long to wait before connecting again.

    A connection that brought something is renewed at once, because Wikimedia cuts each after 15 minutes; but only ten times
    a minute. Anything else waits 1, 2, 4 ... 120 s, each shortened by up to half by chance, until a connection held for a
    minute. A ``Retry-After`` is waited out.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._failures = 0
        self._renewed: deque[float] = deque(maxlen=_AT_ONCE)

    def wait(self, ended: Ended) -> float:
        """Seconds to wait."""
        if ended.uptime >= STEADY:
            self._failures = 0
        if ended.messages and ended.retry_after is None and self._may_renew(ended.at):
            self._renewed.append(ended.at)
            return 0.0
        self._failures += 1
        ceiling = min(LONGEST_WAIT, 2.0 ** min(self._failures - 1, 10))
        delay = ceiling * (0.5 + self._rng.random() / 2)
        if ended.retry_after is not None:
            delay = max(delay, ended.retry_after)
        return delay

    def _may_renew(self, now: float) -> bool:
        return len(self._renewed) < _AT_ONCE or now - self._renewed[0] >= STEADY


@dataclass(frozen=True, slots=True)
class Resumed:
    """The first event after a reconnection or restart, and what was known before it. Times in seconds since the epoch."""

    last: float
    """When the newest event before it happened."""
    alive: float
    """When the connection before it last brought a byte; 0 after a restart."""
    connected: float
    """When this connection was made."""
    first: float
    """When this event happened."""
    now: float
    refused: bool
    """The server did not accept the cursor."""

    def gap(self, gap_after: float) -> Gap | None:
        """The stretch of time that may be missing, if there is one.

        With an accepted cursor, the events after it come first. So a first event much newer than the last one before means
        that those between are no longer kept, or that the cursor was ignored. If it happened after the connection was made,
        though, the stream may just have been quiet, and only the time without a connection can be missing.
        """
        if self.refused:
            # The stream was asked by time instead, from somewhat earlier: an event from before the last one shows overlap.
            if self.first <= self.last + _REWOUND:
                return None
            return Gap(since=self.last, until=self.first, reason="cursor_refused")
        since, until = self.last, self.first
        if self.connected <= self.first <= self.now + gap_after:
            since, until = max(self.last, self.alive), self.connected
        return Gap(since=since, until=until, reason="cursor_expired") if until - since > gap_after else None
