"""A server that sends Server-Sent Events as badly as servers do, on loopback, and made-up messages to send."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from tsbot.settings import StreamSettings
from tsbot.stream.source import Gap
from tsbot.stream.sse import LiveSource

NOON = 1_767_225_600.0
"""2026-01-01T00:00:00Z, when the made-up events begin."""


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def recentchange(number: int = 1, *, at: float = NOON, **changes: Any) -> dict[str, Any]:
    """A made-up edit as the recentchange stream tells it; a change to ``...`` removes the field."""
    message: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": {
            "uri": "https://en.wikipedia.org/wiki/Garden",
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "dt": _iso(at),
            "domain": "en.wikipedia.org",
            "stream": "mediawiki.recentchange",
        },
        "id": 1000 + number,
        "type": "edit",
        "namespace": 1,
        "title": "Talk:Garden path",
        "comment": "reply",
        "timestamp": int(at),
        "user": "Gardener",
        "bot": False,
        "minor": False,
        "length": {"old": 100, "new": 120},
        "revision": {"old": 500 + number, "new": 600 + number},
        "server_url": "https://en.wikipedia.org",
        "server_name": "en.wikipedia.org",
        "wiki": "enwiki",
    }
    message.update(changes)
    return {key: value for key, value in message.items() if value is not ...}


def sse(message: dict[str, Any] | bytes, event_id: str | None = None) -> bytes:
    """One event as Wikimedia sends it: ``event``, ``id``, ``data``, empty line."""
    data = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    if event_id is None:
        number = msgspec.json.decode(data)["id"] if data.startswith(b"{") else 0
        event_id = json.dumps([{"topic": "eqiad.mediawiki.recentchange", "partition": 0, "offset": number}])
    return b"event: message\nid: " + event_id.encode() + b"\ndata: " + data + b"\n\n"


@dataclass
class Answer:
    """What the server does with one connection."""

    pieces: list[bytes] = field(default_factory=list)
    """Body, each piece sent by itself (as an HTTP chunk)."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"
    then: str = "close"
    """``close`` ends the body, ``hold`` keeps the connection open, ``drop`` breaks it off."""
    pulse: float = 0.0
    """While holding: seconds between keep-alive comments; 0 sends nothing at all."""
    keep: bool = False
    """Whether the connection may be used for another request afterwards."""


@dataclass
class Request:
    """What a client asked."""

    path: str
    headers: dict[str, str]
    peer: tuple[str, int]


class FaultyServer:
    """Answers the connections one after the other with the answers it was given; then it holds them open in silence."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[Request] = []
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.requests.append(Request(self.path, headers, self.client_address))
                number = len(outer.requests) - 1
                answer = outer.answers[number] if number < len(outer.answers) else Answer(then="hold")
                self.close_connection = not answer.keep
                try:
                    outer.play(self, answer)
                except OSError:
                    return  # the client left

            def log_message(self, *_args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v2/stream/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def play(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Transfer-Encoding", "chunked")
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        for piece in answer.pieces:
            self._chunk(handler, piece)
        if answer.then == "hold":
            while not self.over.wait(answer.pulse or 0.05):
                if answer.pulse:
                    self._chunk(handler, b":keep-alive\n\n")
        elif answer.then == "close":
            handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def _chunk(handler: BaseHTTPRequestHandler, piece: bytes) -> None:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.flush()

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Collected:
    """What a source gave, put together."""

    messages: list[bytes] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    cursor: str | None = None

    @property
    def ids(self) -> list[int]:
        return [msgspec.json.decode(message)["id"] - 1000 for message in self.messages]


class Listener:
    """A live source under test: its clock and its waits are seen from outside, and nothing sleeps."""

    def __init__(self, server: FaultyServer) -> None:
        self.server = server
        self.now = NOON + 5
        self.ticks = 0.0
        self.waits: list[float] = []
        self._sources: list[LiveSource] = []

    def listen(self, cursor: str | None = None, *, streams: tuple[str, ...] = ("recentchange",), **settings: Any) -> LiveSource:
        chosen = StreamSettings(**({"read_deadline": 5.0} | settings))
        source = LiveSource(
            self.server.url,
            streams,
            chosen,
            user_agent="tsbot-test/0 (https://example.org) urllib3",
            clock=lambda: self.now,
            monotonic=lambda: self.ticks,
            rng=random.Random(7),
            pause=self.waits.append,
        )
        source.start(cursor)
        self._sources.append(source)
        return source

    def close(self) -> None:
        for source in self._sources:
            source.close()


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether a condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def collect(source: LiveSource, count: int) -> Collected:
    """Read until ``count`` messages came (or ten seconds passed)."""
    found = Collected()

    def enough() -> bool:
        batch = source.read(500, 0.01)
        found.messages += batch.messages
        found.gaps += batch.gaps
        found.cursor = batch.cursor or found.cursor
        return len(found.messages) >= count

    until(enough)
    return found


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    server = FaultyServer()
    yield server
    server.stop()


@pytest.fixture
def listener(server: FaultyServer) -> Iterator[Listener]:
    listener = Listener(server)
    yield listener
    listener.close()


@pytest.fixture
def kit() -> Any:
    """The builders of this file, for test files, which do not import each other."""

    class Kit:
        NOON = NOON
        Answer = Answer
        recentchange = staticmethod(recentchange)
        sse = staticmethod(sse)
        collect = staticmethod(collect)
        until = staticmethod(until)

    return Kit
