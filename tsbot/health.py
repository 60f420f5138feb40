"""``/metrics``, ``/healthz`` and ``/readyz`` of a running patrol, for Prometheus and for whatever restarts it.

``/healthz`` says that the process answers. ``/readyz`` says whether it does its work, with a reason for each check that fails: database,
schema, stream, delivery, and the patrol's own loop. Answers carry counts, ages and states, never a text or a name; asking changes nothing.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from tsbot.errors import SettingsError, StoreError
from tsbot.metrics import PatrolCollector, Vitals, registry
from tsbot.store import schema
from tsbot.store.database import Database

OK = "ok"
MOST_AT_ONCE = 16
"""Connections answered at once; more are closed unanswered."""
PATIENCE = 5.0
"""Seconds that a client may keep silent."""
LEFTOVERS = 1 << 20
"""Bytes of a refused request that are still taken, so that the refusal arrives."""


def readiness(database: Database, vitals: Vitals, *, silent_after: float, newest_schema: str) -> dict[str, str]:
    """Each check with ``ok``, or with what is the matter. ``silent_after`` in seconds."""
    return {
        "database": _database(database, vitals),
        "schema": _schema(database, newest_schema),
        "stream": _stream(vitals, silent_after),
        "delivery": OK if vitals.delivery_alive else "the delivery of letters has stopped; restart the patrol",
        "patrol": OK if vitals.turn_age <= silent_after else f"the patrol has stood still for {vitals.turn_age:,.0f} s",
    }


def _database(database: Database, vitals: Vitals) -> str:
    """Whether the database can be written to: where somebody holds its lock, reading alone still works."""
    if vitals.trouble:
        return vitals.trouble
    try:
        with database.write():
            return OK
    except StoreError as error:
        return str(error)


def _schema(database: Database, newest: str) -> str:
    try:
        have = schema.current(database)
    except StoreError as error:
        return str(error)
    return OK if have == newest else f"the database has schema {have}, this program works with {newest}; restart the patrol"


def _stream(vitals: Vitals, silent_after: float) -> str:
    status = vitals.source
    if vitals.ended:
        return OK
    if status.last_byte_age is not None:
        silence = status.last_byte_age
    elif status.connected:  # a file or a pipe, which has no clock
        return OK
    else:
        silence = vitals.age
    return OK if silence <= silent_after else f"nothing was read for {silence:,.0f} s"


class HealthServer:
    """Answers in a thread of its own. Raises ``SettingsError`` where the address cannot be listened on."""

    def __init__(
        self,
        address: tuple[str, int],
        database: Database,
        vitals: Callable[[], Vitals],
        *,
        clock: Callable[[], float],
        silent_after: float,
    ) -> None:
        newest = schema.newest()
        collector = registry(PatrolCollector(database, vitals, clock, newest))

        def ready() -> dict[str, str]:
            return readiness(database, vitals(), silent_after=silent_after, newest_schema=newest)

        try:
            self._server = _Server(address, collector, ready)
        except OSError as error:
            raise SettingsError(f"metrics.listen: {address[0]}:{address[1]} cannot be listened on: {error.strerror or error}.") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def url(self) -> str:
        """Where it answers; names the port that was found where port 0 was asked for."""
        host = self._server.server_name
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(PATIENCE)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], metrics: CollectorRegistry, ready: Callable[[], dict[str, str]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.metrics = metrics
        self.ready = ready
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as the base class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.close_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def shutdown_request(self, request: Any) -> None:
        """Close once the client has read: what it sent and nobody read would cut the answer off."""
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(1.0)
            taken = 0
            while taken < LEFTOVERS and (some := request.recv(65536)):
                taken += len(some)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE
    server_version, sys_version = "tsbot", ""
    default_request_version = "HTTP/1.0"  # so that a refusal has a status line whatever was sent

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, encode(self.server.metrics), kind)
        elif path == "/healthz":
            self._answer(HTTPStatus.OK, b"ok\n")
        elif path == "/readyz":
            checks = self.server.ready()
            ready = all(words == OK for words in checks.values())
            body = json.dumps({"ready": ready, "checks": checks}).encode() + b"\n"
            self._answer(HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE, body, "application/json")
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"There are /metrics, /healthz and /readyz.\n")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.close_connection = True
        self.send_response(status)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":  # what is no request has no command
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request without repeating it; the base class calls a method that there is not "not implemented"."""
        del message, explain
        if code == HTTPStatus.NOT_IMPLEMENTED:
            code = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(code, f"{HTTPStatus(code).phrase}.\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: who asks is nobody's business, and what is asked may be anything."""
