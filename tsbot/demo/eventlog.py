"""The twin's memory: events by topic, with Wikimedia's way of naming positions.

The ids are those of KafkaSSE, which EventStreams runs on: a JSON array with one entry per topic. What the last message
moved carries its timestamp + 1 (Wikimedia's setting) or offset + 1; the others carry the offset that they started at, -1
for "only what comes from now on". A reader that resumes starts AT the position. A timestamp + 1 therefore skips
events of the same millisecond; a reader that must not lose any goes back a little and drops duplicates.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

DATACENTRES: Final = ("eqiad", "codfw")
SCHEMAS: Final[Mapping[str, str]] = {
    "mediawiki.recentchange": "/mediawiki/recentchange/1.0.0",
    "mediawiki.page_change.v1": "/mediawiki/page/change/1.2.0",
    "mediawiki.revision-visibility-change": "/mediawiki/revision/visibility-change/1.0.0",
    "mediawiki.page-delete": "/mediawiki/page/delete/1.0.0",
}
"""Streams of the twin with their schemas."""


class UnknownTopicError(ValueError):
    """A ``Last-Event-ID`` names a topic that was not asked for, or is no list of positions at all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the log."""

    topic: str
    offset: int
    timestamp: int
    """Milliseconds since the epoch."""
    data: str
    """The event as JSON in one line."""


@dataclass(slots=True)
class Reading:
    """One reader's place in the log."""

    next_offset: dict[str, int]
    """Per topic, the first offset to deliver."""
    positions: dict[str, dict[str, Any]]
    """Per topic, the entry of the id."""
    index: int = 0
    """Index in the log of the first message not looked at."""
    timestamps: bool = True

    def wants(self, entry: Entry) -> bool:
        """Whether the message belongs to this reader."""
        return entry.offset >= self.next_offset.get(entry.topic, entry.offset + 1)

    def take(self, entry: Entry) -> str:
        """Move past a message; its id."""
        mark = {"timestamp": entry.timestamp + 1} if self.timestamps else {"offset": entry.offset + 1}
        self.positions[entry.topic] = {"topic": entry.topic, "partition": 0, **mark}
        return json.dumps(list(self.positions.values()), separators=(",", ":"))


@dataclass
class EventLog:
    """All messages since the start, in memory. Safe for use from several threads."""

    clock: Callable[[], float] = time.time
    entries: list[Entry] = field(default_factory=list)
    _next: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, event: Mapping[str, Any], *, datacentre: str = "eqiad") -> Entry:
        """Add an event. ``meta.stream`` names its stream; missing fields of ``meta`` are filled in.

        Its timestamp is ``meta.dt``, or now. Raises ValueError where there is no stream.
        """
        stream = event.get("meta", {}).get("stream")
        if not isinstance(stream, str):
            raise ValueError("an event needs meta.stream")  # noqa: TRY004 - the event is wrong, not the caller's type
        topic = f"{datacentre}.{stream}"
        with self._lock:
            meta: dict[str, Any] = dict(event["meta"])
            meta.setdefault("dt", iso(self.clock()))
            meta.setdefault("id", str(uuid.uuid4()))
            meta.setdefault("request_id", str(uuid.uuid4()))
            offset = self._next.get(topic, 0)
            self._next[topic] = offset + 1
            meta |= {"topic": topic, "partition": 0, "offset": offset}
            complete = {"$schema": event.get("$schema", SCHEMAS.get(stream, "")), "meta": meta}
            complete |= {name: value for name, value in event.items() if name not in complete}
            data = json.dumps(complete, ensure_ascii=False, separators=(",", ":"))
            entry = Entry(topic, offset, milliseconds(meta["dt"]), data)
            self.entries.append(entry)
        return entry

    def forget(self) -> None:
        """Drop all messages, as a stream does with what is older than it keeps. For a moment without readers only."""
        with self._lock:
            self.entries.clear()

    def read_from(
        self, streams: Sequence[str], *, since: int | None = None, last_event_id: str | None = None, timestamps: bool = True
    ) -> Reading:
        """A reader's starting place: ``last_event_id`` where given, else ``since`` (milliseconds), else the end.

        As in KafkaSSE the positions of a ``Last-Event-ID`` replace the topics of the address. Raises UnknownTopicError.
        """
        topics = [f"{datacentre}.{stream}" for stream in streams for datacentre in DATACENTRES]
        wanted: list[dict[str, Any]] = [{"topic": topic} for topic in topics]
        if last_event_id:
            try:
                wanted = [dict(position) for position in json.loads(last_event_id)]
            except (ValueError, TypeError) as error:
                raise UnknownTopicError("Last-Event-ID is no list of positions") from error
            since = None
        reading = Reading({}, {}, timestamps=timestamps)
        with self._lock:
            for position in wanted:
                topic = position.get("topic")
                if topic not in topics:
                    raise UnknownTopicError(f"topic {topic} is not available for consumption")
                offset = self._resolve(position, since)
                reading.positions[topic] = {"topic": topic, "partition": 0, "offset": offset}
                reading.next_offset[topic] = self._next.get(topic, 0) if offset == -1 else offset
        return reading

    def _resolve(self, position: Mapping[str, Any], since: int | None) -> int:
        """The offset that a position stands for; -1 for the end."""
        if isinstance(position.get("offset"), int):
            return int(position["offset"])
        timestamp = position.get("timestamp", since)
        if timestamp is None:
            return -1
        topic = position["topic"]
        return next((e.offset for e in self.entries if e.topic == topic and e.timestamp >= timestamp), -1)


def iso(seconds: float) -> str:
    """Seconds since the epoch as ``2026-01-02T03:04:05.678Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(text: str) -> int:
    """What ``since`` and ``meta.dt`` may hold, as milliseconds since the epoch. Raises ValueError."""
    if text.isascii() and text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
