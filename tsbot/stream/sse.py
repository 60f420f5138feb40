"""The live stream: one connection to EventStreams (or its twin), read by a thread that never gives up.

The protocol is that of https://wikitech.wikimedia.org/wiki/Event_Platform/EventStreams_HTTP_Service: Server-Sent Events
(WHATWG HTML, 9.2), ``Last-Event-ID`` or ``since=`` to resume, connections cut after 15 minutes.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog
import urllib3
from sseclient import SSEClient

from tsbot.discreet import place
from tsbot.errors import SettingsError, StreamUnavailableError
from tsbot.http_client import pool, retry_after
from tsbot.settings import StreamSettings
from tsbot.stream.frames import BodyEndedError, frames
from tsbot.stream.inbox import Inbox, Received
from tsbot.stream.readers import epoch
from tsbot.stream.reconnect import Ended, Pace, Position, Resume, Resumed, read_position, rewound, usable_id
from tsbot.stream.source import Batch, SourceStatus

_READ: Final = 65_536
_CONNECT_TIMEOUT: Final = 20.0
# These say that we ourselves are not welcome (now); what we asked for is not the trouble.
_NOT_THE_CURSOR: Final = frozenset((401, 403, 407, 408, 421, 425, 429, 451))
_JOIN: Final = 2.0


class _When(msgspec.Struct):
    dt: str | None = None


class _OnlyTime(msgspec.Struct):
    meta: _When | None = None


_read_time = msgspec.json.Decoder(_OnlyTime).decode


class _CursorRefusedError(StreamUnavailableError):
    """The server does not accept the place we asked for."""


class LiveSource:
    """A live stream as a :class:`~tsbot.stream.source.Source`.

    Messages longer than ``settings.max_event_bytes`` arrive cut one byte above that, which :func:`tsbot.stream.wire.decode`
    recognises. Duplicates and events out of order are passed on as they come.

    ``clock`` gives seconds since the epoch, ``monotonic`` seconds that never go back, ``pause`` waits between connections
    (and by default ends early on :meth:`close`). Raises :class:`StreamUnavailableError` for a proxy that cannot be used.
    """

    def __init__(
        self,
        url: str,
        streams: Sequence[str],
        settings: StreamSettings,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        http: urllib3.PoolManager | None = None,
        rng: random.Random | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        if not user_agent.strip():
            raise SettingsError("A User-Agent is needed: Wikimedia refuses clients that do not say who they are.")
        self.name = f"live:{url}"
        self._url = stream_url(url, streams)
        self._streams = tuple(sorted(streams))
        self._settings = settings
        self._user_agent = user_agent
        self._clock = clock
        self._monotonic = monotonic
        try:
            self._http = http if http is not None else pool(self._url)
        except urllib3.exceptions.HTTPError as error:
            raise StreamUnavailableError(f"The stream cannot be reached: {_in_words(error, settings.read_deadline)}.") from error
        self._pace = Pace(rng if rng is not None else random.Random())  # noqa: S311 - spreads reconnections, guards nothing
        self._stop = threading.Event()
        self._pause = pause if pause is not None else self._stop.wait
        self._inbox = Inbox(settings.queue)
        self._thread: threading.Thread | None = None
        self._response: urllib3.BaseHTTPResponse | None = None
        # What follows is written by the reading thread alone.
        self._position = Position(streams=self._streams)
        self._resume = Resume.BY_ID
        self._refused = False
        self._alive_at = 0.0
        self._last_byte: float | None = None
        self._connected = False
        self._connections = 0
        self._error = ""

    def start(self, cursor: str | None) -> None:
        """Start reading after ``cursor``, or with what happens from now on."""
        position = read_position(cursor)
        if cursor is not None and position is None:
            structlog.get_logger().warning("stream.cursor_unreadable", source=self.name)
        if position is not None:
            same = position.streams in ((), self._streams)
            event_id = usable_id(position.id) if same else ""
            self._position = Position(id=event_id, time=position.time, streams=self._streams)
        self._thread = threading.Thread(target=self._run, name="tsbot-stream", daemon=True)
        self._thread.start()

    def read(self, limit: int, wait: float) -> Batch:
        """See :class:`~tsbot.stream.source.Source`."""
        return self._inbox.take(limit, wait)

    def status(self) -> SourceStatus:
        """How the connection is doing."""
        last = self._last_byte
        return SourceStatus(
            connected=self._connected,
            queued=len(self._inbox),
            reconnects=max(0, self._connections - 1),
            last_error=self._error,
            last_byte_age=None if last is None else max(0.0, self._monotonic() - last),
        )

    def close(self) -> None:
        """End the connection and the thread, waiting at most two seconds for it."""
        self._stop.set()
        self._inbox.close()
        response = self._response
        if response is not None:
            # The other thread may be letting go of it right now.
            with suppress(ValueError, RuntimeError, OSError):
                response.shutdown()
        if self._thread is not None:
            self._thread.join(_JOIN)

    def _run(self) -> None:
        while not self._stop.is_set():
            ended = self._connection()
            if self._stop.is_set():
                break
            delay = self._pace.wait(ended)
            structlog.get_logger().info(
                "stream.disconnected", messages=ended.messages, wait=round(delay, 1), reason=self._error
            )
            if delay:
                self._pause(delay)

    def _connection(self) -> Ended:
        """Make one connection and read it to its end, whatever that is."""
        opened: float | None = None
        counted = SimpleNamespace(messages=0)
        wait: float | None = None
        try:
            response = self._open()
            opened = self._monotonic()
            try:
                self._read_events(response, counted)
            finally:
                self._connected = False
                self._response = None
                response.close()
        except BodyEndedError:
            self._error = "the server ended the connection"
        except _CursorRefusedError as error:
            self._error, wait = str(error), error.retry_after
            self._refused = True
            self._resume = self._resume.refused()
        except StreamUnavailableError as error:
            self._error, wait = str(error), error.retry_after
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._error = _in_words(error, self._settings.read_deadline)
        except Exception as error:
            # The thread must not die silently: whatever it is, it is shown, and the stream is read again.
            structlog.get_logger().error("stream.unexpected", error=type(error).__name__, source=place(error))
            self._error = f"unexpected: {type(error).__name__}"
        # A body that ended well leaves its connection in the pool; the server is closing it and it must not be used again.
        self._http.clear()
        now = self._monotonic()
        return Ended(at=now, uptime=now - opened if opened is not None else 0.0, messages=counted.messages, retry_after=wait)

    def _open(self) -> urllib3.BaseHTTPResponse:
        """Ask for the stream from the present position on; an answer that is no stream raises."""
        url, headers = self._url, _headers(self._user_agent)
        position = self._position
        by_id = position.id and self._resume is Resume.BY_ID
        by_time = not by_id and position.time and self._resume is not Resume.FROM_NOW
        if by_id:
            headers["Last-Event-ID"] = rewound(position.id, position.time, self._settings.rewind)
        elif by_time:
            since = int(max(0.0, position.time - self._settings.rewind) * 1000)
            url += f"{'&' if '?' in url else '?'}since={since}"
        response = _request(self._http, url, headers, self._settings.read_deadline)
        try:
            # Refused even without a place: not the place was wrong, so it is asked for again next time.
            asked = bool(by_id or by_time) or self._resume is not Resume.BY_ID
            _check(response, self._clock(), asked_for_a_place=asked)
        except StreamUnavailableError:
            response.close()
            raise
        return response

    def _read_events(self, response: urllib3.BaseHTTPResponse, counted: SimpleNamespace) -> None:
        self._response = response
        if self._stop.is_set():
            return
        connected_at = self._clock()
        self._connections += 1
        self._connected = True
        before, alive = self._position, self._alive_at  # of the connection before this one
        self._heard()

        def read() -> bytes:
            data = response.read1(_READ)
            self._heard()
            return data

        limit = self._settings.max_event_bytes
        for event in SSEClient(frames(read, limit)).events():
            if event.event == "error":
                if not counted.messages and before.id and self._resume is Resume.BY_ID:
                    raise _CursorRefusedError("the server reported an error instead of going on after the cursor")
                raise StreamUnavailableError("the server reported an error on the stream")
            message = event.data.encode()
            if len(message) > limit:
                message = message[: limit + 1]
            happened = _happened(message)
            gap = None
            if happened is not None and before.time:
                resumed = Resumed(before.time, alive, connected_at, happened, self._clock(), self._refused)
                gap = resumed.gap(self._settings.gap_after)
                before = Position()  # only the first event tells
            if happened is not None:
                self._refused, self._resume = False, Resume.BY_ID
            position = self._after(event.id, happened)
            if not self._inbox.put(Received(message, position, gap)):
                return
            self._position = position
            counted.messages += 1

    def _after(self, event_id: str | None, happened: float | None) -> Position:
        """The position after an event. A time in the future is a wrong clock and must not hide a gap."""
        last = self._position
        newest = max(last.time, min(happened, self._clock())) if happened is not None else last.time
        return Position(id=usable_id(event_id) if event_id else last.id, time=newest, streams=self._streams)

    def _heard(self) -> None:
        self._last_byte = self._monotonic()
        self._alive_at = self._clock()


def probe(url: str, timeout: float, *, user_agent: str = "tsbot-probe", http: urllib3.PoolManager | None = None) -> None:
    """Whether the server of a stream (its address, or the base of several) can be reached now; returns if so.

    Raises :class:`StreamUnavailableError` with what is wrong in words, for instance that there is no network, or that the
    server refuses us or is out of order.
    """
    host = urlsplit(url).netloc
    response = None
    try:
        response = _request(http if http is not None else pool(url), url, _headers(user_agent), timeout)
        # A base address itself may be unknown to a server that has streams below it.
        if response.status >= 500 or response.status in _NOT_THE_CURSOR:
            wait = retry_after(response.headers.get("Retry-After"), time.time())
            raise StreamUnavailableError(f"{host} answered with status {response.status}.", wait)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise StreamUnavailableError(f"Cannot reach {host}: {_in_words(error, timeout)}.") from error
    finally:
        if response is not None:
            response.close()


def stream_url(url: str, streams: Sequence[str]) -> str:
    """The address of some streams over one connection.

    The names are appended to a base address, whose path is empty or ends in ``/`` or ``/stream``. Any other address names its
    stream already.
    """
    path = urlsplit(url).path
    return f"{url.rstrip('/')}/{','.join(streams)}" if not path or path.endswith(("/", "/stream")) else url


def _headers(user_agent: str) -> dict[str, str]:
    return {
        "User-Agent": user_agent,
        "Accept": "text/event-stream",
        # Compression would hold events back on a quiet stream.
        "Accept-Encoding": "identity",
        "Cache-Control": "no-cache",
    }


def _request(http: urllib3.PoolManager, url: str, headers: dict[str, str], deadline: float) -> urllib3.BaseHTTPResponse:
    """Send the request; the read deadline counts anew with each piece that arrives, so it is one of silence."""
    return http.request(
        "GET",
        url,
        headers=headers,
        preload_content=False,
        timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT, deadline), read=deadline),
        retries=urllib3.Retry(total=None, connect=0, read=0, status=0, other=0, redirect=3, respect_retry_after_header=False),
    )


def _check(response: urllib3.BaseHTTPResponse, now: float, *, asked_for_a_place: bool) -> None:
    status = response.status
    if status == 200:
        kind = response.headers.get("Content-Type", "")
        if not kind.startswith("text/event-stream"):
            raise StreamUnavailableError("the answer is no event stream (a proxy or a sign-in page may stand between)")
        return
    wait = retry_after(response.headers.get("Retry-After"), now)
    if 400 <= status < 500 and status not in _NOT_THE_CURSOR and asked_for_a_place:
        raise _CursorRefusedError(f"the server refused the cursor with status {status}", wait)
    raise StreamUnavailableError(f"the server answered with status {status}", wait)


def _happened(message: bytes) -> float | None:
    """``meta.dt`` in seconds since the epoch; None if it cannot be read."""
    try:
        meta = _read_time(message).meta
        return epoch(meta.dt) if meta is not None and meta.dt else None
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None


def _in_words(error: Exception, deadline: float) -> str:
    match error:
        case urllib3.exceptions.ReadTimeoutError():
            return f"nothing arrived for {deadline:g} s"
        case urllib3.exceptions.NameResolutionError():
            return "the host name cannot be resolved; there seems to be no network"
        # a ConnectTimeoutError too, by inheritance
        case urllib3.exceptions.NewConnectionError():
            return "no connection; the network or the server is down"
        case urllib3.exceptions.ConnectTimeoutError():
            return "the server does not accept connections in time"
        case urllib3.exceptions.SSLError():
            return "the server's certificate cannot be verified"
        case urllib3.exceptions.MaxRetryError() if isinstance(error.reason, Exception):
            return _in_words(error.reason, deadline)
        case urllib3.exceptions.ProxySchemeUnknown():
            return "the environment names a proxy that is no HTTP proxy"
        case urllib3.exceptions.ProxyError():
            return "the proxy that the environment names does not let us through"
        case urllib3.exceptions.ProtocolError():
            return "the connection broke"
        case _:
            return f"the connection failed: {type(error).__name__}"
