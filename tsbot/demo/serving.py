"""One reader of the twin being served, in the manner it was told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tsbot.demo.eventlog import Entry, Reading


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the twin treats its readers. Each connection keeps what held when it was made."""

    keep_alive: float | None = 15.0
    """Seconds of quiet after which a comment is sent; None for never."""
    canary_every: float | None = None
    """Seconds between canary events in every stream."""
    offset_ids: bool = False
    """Ids with offsets instead of timestamps."""
    max_connections: int = 8
    """More readers are answered 429."""
    refuse: int = 0
    """Answer every reader with this HTTP status (503, 429, 500); 0 for none."""
    retry_after: int | None = None
    """Seconds named in ``Retry-After`` when refusing."""
    cut_after_events: int | None = None
    """End the connection after so many events."""
    cut_after_seconds: float | None = None
    """End the connection after so long (15 minutes in production)."""
    cut_mid_event: bool = False
    """Cut inside the next event, with a reset, instead of ending after a whole one."""
    chunk: int | None = None
    """Send in pieces of so many bytes, whatever they split."""


class Connection:
    """Sends what a reader asked for, in HTTP/1.1 chunks, until it is to be cut or cancelled.

    ``entries`` grows while it runs; ``changed(timeout)`` waits for that and says whether it happened.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        changed: Callable[[float | None], Awaitable[bool]],
        writer: asyncio.StreamWriter,
        reading: Reading,
        behaviour: Behaviour,
    ) -> None:
        self._entries, self._changed = entries, changed
        self._writer, self._reading, self._behaviour = writer, reading, behaviour
        self._sent = 0
        self._began = time.monotonic()

    async def run(self) -> None:
        """Serve from the response's head to its end."""
        self._writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
            b"Access-Control-Allow-Origin: *\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        await self._send(b":ok\n\n")
        while not self._cut_is_due():
            entry = self._next()
            if entry is not None:
                await self._send(self._frame(entry))
                self._sent += 1
            elif not await self._changed(self._patience()) and not self._cut_is_due():
                await self._send(b":\n\n")
        if self._behaviour.cut_mid_event:
            await self._send(b'event: message\nid: [{"topic":"eqiad.mediawiki.rec')
            self._writer.transport.abort()
            return
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def _next(self) -> Entry | None:
        entries, reading = self._entries, self._reading
        while reading.index < len(entries):
            entry = entries[reading.index]
            reading.index += 1
            if reading.wants(entry):
                return entry
        return None

    def _frame(self, entry: Entry) -> bytes:
        return f"event: message\nid: {self._reading.take(entry)}\ndata: {entry.data}\n\n".encode()

    def _cut_is_due(self) -> bool:
        limits = self._behaviour
        by_count = limits.cut_after_events is not None and self._sent >= limits.cut_after_events
        by_time = limits.cut_after_seconds is not None and self._age() >= limits.cut_after_seconds
        return by_count or by_time

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _patience(self) -> float | None:
        """Seconds to wait for an event before something else is due."""
        until_cut = None
        if self._behaviour.cut_after_seconds is not None:
            until_cut = max(0.0, self._behaviour.cut_after_seconds - self._age())
        return min((wait for wait in (self._behaviour.keep_alive, until_cut) if wait is not None), default=None)

    async def _send(self, payload: bytes) -> None:
        size = self._behaviour.chunk or len(payload)
        for start in range(0, len(payload), size):
            piece = payload[start : start + size]
            self._writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await self._writer.drain()


def full_name(name: str) -> str:
    """``recentchange`` is the same stream as ``mediawiki.recentchange``."""
    return name if name.startswith("mediawiki.") else f"mediawiki.{name}"


async def refuse(
    writer: asyncio.StreamWriter, status: int, kind: str, detail: str, retry_after: int | None = None
) -> None:
    """Answer with an error, shaped as EventStreams' are."""
    body = json.dumps({"type": f"https://mediawiki.org/wiki/HyperSwitch/errors/{kind}", "title": detail}).encode()
    again = f"Retry-After: {retry_after}\r\n" if retry_after is not None else ""
    head = f"HTTP/1.1 {status} {detail}\r\nContent-Type: application/problem+json\r\n{again}"
    writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()
