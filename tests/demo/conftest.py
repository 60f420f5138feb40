from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
import urllib3

from tsbot.demo.serving import Behaviour
from tsbot.demo.twin import Twin


@dataclass(frozen=True)
class Message:
    """One event as a reader gets it."""

    id: list[dict[str, Any]]
    raw_id: str
    data: dict[str, Any]


class Stream:
    """A bare reader of the twin: status, headers, and the lines of the body one by one."""

    def __init__(self, pool: urllib3.PoolManager, url: str, headers: dict[str, str]) -> None:
        self._response = pool.request("GET", url, headers=headers, preload_content=False, retries=False)
        self.status = self._response.status
        self.headers = self._response.headers
        self._pending = b""

    def lines(self) -> Iterator[str]:
        """Lines until the connection ends."""
        for piece in self._response.stream(4096):
            self._pending += piece
            *whole, self._pending = self._pending.split(b"\n")
            yield from (line.decode() for line in whole)

    def messages(self) -> Iterator[Message]:
        """Events until the connection ends."""
        fields: dict[str, str] = {}
        for line in self.lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                yield Message(json.loads(fields["id"]), fields["id"], json.loads(fields["data"]))
                fields = {}

    def take(self, count: int) -> list[Message]:
        """The next ``count`` events."""
        source = self.messages()
        return [next(source) for _ in range(count)]

    def body(self) -> bytes:
        """All that is left."""
        return self._response.read()

    def close(self) -> None:
        self._response.close()
        self._response.release_conn()


class Open(Protocol):
    def __call__(self, twin: Twin, path: str, last_event_id: str | None = None) -> Stream: ...


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin(behaviour=Behaviour(keep_alive=None)) as running:
        yield running


@pytest.fixture
def open_stream() -> Iterator[Open]:
    """Connect to a twin; closed after the test."""
    with ExitStack() as stack:
        pool = stack.enter_context(urllib3.PoolManager(timeout=10.0))

        def connect(twin: Twin, path: str, last_event_id: str | None = None) -> Stream:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            stream = Stream(pool, f"{twin.url}{path}", headers)
            stack.callback(stream.close)
            return stream

        yield connect


def _event(number: int, *, stream: str = "mediawiki.recentchange", dt: str | None = None) -> dict[str, Any]:
    meta = {"stream": stream, "domain": "en.example.org", "uri": "https://en.example.org/wiki/Page"}
    return {"meta": meta | ({"dt": dt} if dt else {}), "id": number, "wiki": "enwiki"}


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Makes a small event with a number."""
    return _event
