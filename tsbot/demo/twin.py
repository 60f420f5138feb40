"""A twin of Wikimedia's EventStreams service, for the demo and for tests of the reader.

It collects what the wikis send over UDP, or what is published by hand, and serves it at
``http://127.0.0.1:PORT/v2/stream/s1,s2`` as stream.wikimedia.org does: several streams on one connection, ``since``,
``Last-Event-ID``, canaries, keep-alives, and the ways in which the real service ends a connection or refuses one.
``python -m tsbot.demo.twin`` runs it by itself.

Facts: KafkaSSE and EventStreams sources (positions, error answers), their values.yaml (limits).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import structlog

from tsbot.demo.eventlog import DATACENTRES, SCHEMAS, Entry, EventLog, UnknownTopicError, milliseconds
from tsbot.demo.feed import canary, event_of_datagram
from tsbot.demo.ports import bound
from tsbot.demo.serving import Behaviour, Connection, full_name, refuse
from tsbot.errors import DemoError

RECEIVE_BUFFER = 8 * 1024 * 1024
"""Bytes of waiting datagrams before the kernel drops some."""


class Twin:
    """The service, in a thread of its own from :meth:`start` to :meth:`stop`; also a context manager.

    ``behaviour`` may be replaced while it runs; readers that come then are served by it. With ``log_file``, every event
    is appended there as a line of JSON.
    """

    def __init__(
        self,
        *,
        http_port: int = 0,
        udp_port: int = 0,
        behaviour: Behaviour | None = None,
        log_file: Path | None = None,
        streams: Mapping[str, str] = SCHEMAS,
    ) -> None:
        self.behaviour = behaviour or Behaviour()
        self.log = EventLog()
        self.http_port = http_port
        """Port of the service once started."""
        self.udp_port = udp_port
        """Port that the wikis send to once started."""
        self.connections = 0
        """Readers connected now."""
        self.accepted = 0
        """Streams begun since the start."""
        self.rejected_datagrams = 0
        """Datagrams that held no event."""
        self._streams = streams
        self._log_path = log_file
        self._log_file: IO[str] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What to set ``stream.url`` to: the address that stream names are appended to."""
        return f"http://127.0.0.1:{self.http_port}/v2/stream/"

    def start(self) -> None:
        """Listen. Raises DemoError where a port is in use."""
        http = bound(socket.SOCK_STREAM, self.http_port)
        try:
            udp = bound(socket.SOCK_DGRAM, self.udp_port)
        except DemoError:
            http.close()
            raise
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.http_port, self.udp_port = http.getsockname()[1], udp.getsockname()[1]
        if self._log_path is not None:
            self._log_file = self._log_path.open("a", encoding="utf-8")
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(http, udp, ready), name="twin", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """End all connections and the thread. May be called twice."""
        if self._thread is None:
            return
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None
        if self._log_file is not None:
            self._log_file.close()
            self._log_file = None

    def publish(self, event: Mapping[str, Any], *, datacentre: str = "eqiad") -> Entry:
        """Add an event from any thread; ``meta.stream`` says to which stream. Raises ValueError without one."""
        entry = self.log.append(event, datacentre=datacentre)
        if self._log_file is not None:
            self._log_file.write(entry.data + "\n")
            self._log_file.flush()
        if self._loop is not None and self._changed is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._changed.set)
        return entry

    def publish_file(self, path: Path) -> int:
        """Add the events of a recorded ``.jsonl`` file; how many."""
        with path.open(encoding="utf-8") as lines:
            return len([self.publish(json.loads(line)) for line in lines if line.strip()])

    def publish_canaries(self) -> None:
        """Add one canary to every topic of every stream."""
        for stream in self._streams:
            for datacentre in DATACENTRES:
                self.publish(canary(stream), datacentre=datacentre)

    def __enter__(self) -> Twin:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # ---- in the thread ----

    def _run(self, http: socket.socket, udp: socket.socket, ready: threading.Event) -> None:
        asyncio.run(self._serve(http, udp, ready))

    async def _serve(self, http: socket.socket, udp: socket.socket, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed, self._stopping = asyncio.Event(), asyncio.Event()
        transport, _ = await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        readers: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            readers.add(task)
            try:
                await self._answer(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                pass  # the reader left, or the twin stops
            finally:
                readers.discard(task)
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()

        server = await asyncio.start_server(accept, sock=http)
        canaries = asyncio.create_task(self._send_canaries())
        ready.set()
        await self._stopping.wait()
        server.close()
        for task in (canaries, *readers):
            task.cancel()
        await asyncio.gather(canaries, *readers, return_exceptions=True)
        transport.close()
        await asyncio.sleep(0)

    async def _send_canaries(self) -> None:
        sent = time.monotonic()
        while True:
            await asyncio.sleep(0.05)
            every = self.behaviour.canary_every
            if every is not None and time.monotonic() - sent >= every:
                sent = time.monotonic()
                self.publish_canaries()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        target = urlsplit(head[0].partition(" ")[2].partition(" ")[0])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        behaviour = self.behaviour
        if not target.path.startswith("/v2/stream/"):
            return await refuse(writer, 404, "not_found", "Not Found")
        if behaviour.refuse:
            return await refuse(writer, behaviour.refuse, "refused", "Refused by request", behaviour.retry_after)
        if self.connections >= behaviour.max_connections:
            detail = "Too Many Concurrent Connections From Your Client"
            return await refuse(writer, 429, "too_many_requests", detail, behaviour.retry_after)
        names = [full_name(name) for name in target.path.removeprefix("/v2/stream/").split(",")]
        if any(name not in self._streams for name in names):
            return await refuse(writer, 400, "stream_not_found", "Stream Not Found")
        try:
            since = [milliseconds(text) for text in parse_qs(target.query).get("since", [])]
        except (ValueError, OverflowError):
            return await refuse(writer, 400, "invalid_timestamp", "since is no timestamp")
        try:
            reading = self.log.read_from(
                names,
                since=since[0] if since else None,
                last_event_id=headers.get("last-event-id"),
                timestamps=not behaviour.offset_ids,
            )
        except UnknownTopicError as error:
            return await refuse(writer, 400, "invalid_assignment", str(error))
        self.connections += 1
        self.accepted += 1
        try:
            serving = asyncio.ensure_future(Connection(self.log.entries, self._wait_for_change, writer, reading, behaviour).run())
            leaving = asyncio.ensure_future(reader.read())  # ends when the reader hangs up
            try:
                await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                serving.cancel()
                leaving.cancel()
                await asyncio.gather(serving, leaving, return_exceptions=True)
        finally:
            self.connections -= 1
        return None

    async def _wait_for_change(self, timeout: float | None) -> bool:
        """Wait for a new event, at most ``timeout`` seconds; whether one came."""
        assert self._changed is not None
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return False
        return True


class _Datagrams(asyncio.DatagramProtocol):
    """The wikis' feed."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's signature
        try:
            self._twin.publish(event_of_datagram(data))
        except ValueError as error:
            self._twin.rejected_datagrams += 1
            structlog.get_logger().warning("twin.bad_datagram", bytes=len(data), error=type(error).__name__)


def main(arguments: list[str] | None = None) -> None:
    """Run the twin until standard input ends or it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tsbot.demo.twin", description=__doc__.splitlines()[0])
    parser.add_argument("--http-port", type=int, default=0, help="port of the service (a free one)")
    parser.add_argument("--udp-port", type=int, default=0, help="port that wikis send their feed to (a free one)")
    parser.add_argument("--log", type=Path, help="append every event to this .jsonl file")
    parser.add_argument("--publish", type=Path, help="publish the events of this .jsonl file at once")
    parser.add_argument("--offset-ids", action="store_true", help="ids with offsets instead of timestamps")
    parser.add_argument("--canary-every", type=float, help="seconds between canary events")
    options = parser.parse_args(arguments)
    behaviour = replace(Behaviour(), offset_ids=options.offset_ids, canary_every=options.canary_every)
    with Twin(http_port=options.http_port, udp_port=options.udp_port, behaviour=behaviour, log_file=options.log) as twin:
        if options.publish:
            twin.publish_file(options.publish)
        sys.stdout.write(json.dumps({"url": twin.url, "udp_port": twin.udp_port}) + "\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            sys.stdin.read()


if __name__ == "__main__":
    main()
