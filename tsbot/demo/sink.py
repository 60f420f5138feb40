"""A mail server that delivers nowhere: it keeps what it is sent, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tsbot.demo.ports import LOOPBACK, free_ports
from tsbot.errors import DemoError

MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    encrypted: bool
    """Whether it came over TLS."""
    time: float = 0.0
    """When it was accepted, in seconds since the epoch."""
    path: Path | None = None
    """Where it was written to."""

    @property
    def message(self) -> EmailMessage:
        """The message parsed."""
        return message_from_bytes(self.data, policy=policy.default)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the sink does wrong; nothing by default."""

    refuse: Mapping[str, str] = field(default_factory=dict)
    """SMTP answers by command (``MAIL``, ``RCPT``, ``DATA`` for the answer after the message), for instance
    ``{"RCPT": "550 5.1.1 no such mailbox"}`` or ``{"DATA": "451 4.3.0 try later"}``."""
    delay: float = 0.0
    """Seconds before the answer to a message."""
    drop_after_data: bool = False
    """Keep the message, then cut the connection instead of answering: the sender cannot know."""
    drop_before_keeping: bool = False
    """Cut the connection after DATA and keep nothing."""


class MailSink:
    """An SMTP server on loopback, in a thread of its own from :meth:`start` to :meth:`stop`; also a context manager.

    With ``folder``, each accepted message is also written there as ``0001.eml`` and so on. With ``tls``, the sink offers
    STARTTLS (and insists if ``require_starttls``), or speaks TLS from the first byte if ``implicit_tls``. With
    ``login`` (user, password) it wants that log-in before MAIL. ``trouble`` may be replaced while it runs.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        require_starttls: bool = False,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.trouble = Trouble()
        self.port = port
        """Port once started."""
        self.attempts = 0
        """Messages whose DATA arrived, accepted or not."""
        self._folder = folder
        self._login = login
        self._arrived = threading.Condition()
        self._messages: list[Received] = []
        options: dict[str, Any] = {"data_size_limit": MAX_BYTES, "enable_SMTPUTF8": True, "ident": "tsbot demo sink"}
        if login is not None:
            encrypted = tls is not None
            options |= {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls": encrypted}
        if tls is not None and implicit_tls:
            options["ssl_context"] = tls
        elif tls is not None:
            options |= {"tls_context": tls, "require_starttls": require_starttls}
        self._options = options
        self._controller: Controller | None = None

    @property
    def messages(self) -> tuple[Received, ...]:
        """What was accepted, in order."""
        with self._arrived:
            return tuple(self._messages)

    def wait_for(self, count: int, timeout: float = 10.0) -> tuple[Received, ...]:
        """The messages as soon as there are ``count``. Raises DemoError when they do not come in ``timeout`` seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._messages) >= count, timeout):
                raise DemoError(f"{len(self._messages)} of {count} messages arrived within {timeout} s")
            return tuple(self._messages)

    def start(self) -> None:
        """Listen. Raises DemoError where the port is in use."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.port = free_ports(1, self.port or None)[0]
        self._controller = Controller(_Handler(self), hostname=LOOPBACK, port=self.port, ready_timeout=10, **self._options)
        self._controller.start()

    def stop(self) -> None:
        """End the server. May be called twice."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> MailSink:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def keep(self, received: Received) -> None:
        """Add a message (the handler's way in)."""
        with self._arrived:
            path = None
            if self._folder is not None:
                path = self._folder / f"{len(self._messages) + 1:04}.eml"
                path.touch(mode=0o600)
                path.write_bytes(received.data)
            self._messages.append(replace(received, time=time.time(), path=path))
            self._arrived.notify_all()

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and self._login is not None
        right = right and (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=False)


class _Handler:
    """What aiosmtpd calls."""

    def __init__(self, sink: MailSink) -> None:
        self._sink = sink

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self._sink.trouble.refuse.get("MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refusal = self._sink.trouble.refuse.get("RCPT")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        trouble = self._sink.trouble
        self._sink.attempts += 1
        if trouble.delay:
            await asyncio.sleep(trouble.delay)
        if "DATA" in trouble.refuse:
            return trouble.refuse["DATA"]
        if not trouble.drop_before_keeping:
            encrypted = server.transport.get_extra_info("sslcontext") is not None
            data = envelope.original_content or b""
            self._sink.keep(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), data, encrypted))
        if trouble.drop_after_data or trouble.drop_before_keeping:
            server.transport.abort()
        return "250 OK"
