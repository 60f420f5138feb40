"""An HTTP server on loopback that keeps to what an API documents, and misbehaves when told to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tsbot.demo.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers."""

    status: int
    value: Any = None
    """Becomes JSON."""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Faults:
    """What goes wrong; nothing by default. May be changed while the server runs."""

    answers: list[Reply] = field(default_factory=list)
    """Answered instead, one a request, without doing anything."""
    silent_after: int = 0
    """So many requests that change something are done and not answered: the client cannot know."""
    before_reply: Callable[[Request], None] | None = None
    """Called when a request that changes something is done, and not answered yet."""
    raw: bytes = b""
    """Answered to every request, as it is, instead of HTTP of ours."""
    drip: float = 0.0
    """Seconds between the bytes of an answer's body."""


class ContractServer(ABC):
    """Serves in threads of its own within a ``with`` block; subclasses say what is right in :meth:`answer`."""

    def __init__(self, clock: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None) -> None:
        self.clock = clock
        self.faults = Faults()
        self.requests: list[Request] = []
        """All that was asked, in order."""
        self.lock = threading.Lock()
        self._server = _Server((LOOPBACK, 0), _Handler, bind_and_activate=True)
        self._server.contract = self
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """What the real server would say. Called by one thread at a time."""

    @property
    def url(self) -> str:
        """Base address."""
        return f"{self._scheme}://{LOOPBACK}:{self._server.server_port}"

    def asked(self, method: str, path: str = "") -> list[Request]:
        """Requests of a method whose path ends so."""
        with self.lock:
            return [one for one in self.requests if one.method == method and one.path.endswith(path)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    contract: ContractServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        contract, parts = self.server.contract, urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            {name: values[-1] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        with contract.lock:
            contract.requests.append(request)
            faults = contract.faults
            if faults.raw:
                self.wfile.write(faults.raw)
                return
            reply = faults.answers.pop(0) if faults.answers else contract.answer(request)
            if request.method != "GET" and reply.status < 300 and not request.path.endswith("/access_token"):
                if faults.before_reply is not None:
                    faults.before_reply(request)
                if faults.silent_after > 0:
                    faults.silent_after -= 1
                    return
        self._reply(reply, faults.drip)

    def _reply(self, reply: Reply, drip: float) -> None:
        body = b"" if reply.value is None else json.dumps(reply.value).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.media_type, "Content-Length": str(len(body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(body), 1 if drip else len(body) or 1):
            self.wfile.write(body[start : start + 1] if drip else body)
            time.sleep(drip)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""
