"""One request of a channel to a server that may answer anything: nothing, slowly, without end, or something else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3 import Timeout
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from tsbot import __version__
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.http_client import pool, retry_after

MAX_ANSWER = 1 << 20
"""Bytes of an answer that are read; case managements answer with a few thousand."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    body: bytes
    whole: bool
    """Whether all of the body was read: it came in time and was not too long."""
    retry_after: float | None = None
    """Seconds that it asks to be left alone for."""

    def json(self) -> Any:
        """The body as JSON; None where it is something else."""
        try:
            return json.loads(self.body) if self.whole else None
        except (ValueError, RecursionError):
            return None


class Client:
    """Asks one server. ``name`` stands in front of what errors say; they say codes and classes, never what the server wrote."""

    def __init__(self, name: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.timeout = timeout
        self.clock = clock

    def ask(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, limit: int = MAX_ANSWER) -> Answer:
        """Send one request, once, and read the answer, for ``timeout`` seconds at most. Redirects are not followed.

        Raises ``DeliveryDeferredError`` where there is no answer; what was sent may have arrived.
        """
        deadline = self.clock() + self.timeout
        sent = {"User-Agent": f"tsbot/{__version__}", **headers}
        try:
            with pool(url) as http:
                answer = http.request(
                    method,
                    url,
                    body=body,
                    headers=sent,
                    timeout=Timeout(total=self.timeout),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    content, whole = self._read(answer, limit, deadline)
                finally:
                    answer.close()
        except (HTTPError, ValueError) as error:  # ValueError: a header with a line break in it
            raise DeliveryDeferredError(f"{self.name}: {type(error).__name__}") from error
        return Answer(answer.status, content, whole, retry_after(answer.headers.get("Retry-After"), time.time()))

    def _read(self, answer: BaseHTTPResponse, limit: int, deadline: float) -> tuple[bytes, bool]:
        """The body, and whether it is all of it. A server that drips is left at the deadline."""
        content = b""
        while len(content) < limit and self.clock() < deadline:
            piece = answer.read1(min(65536, limit - len(content)))
            if not piece:
                return content, True
            content += piece
        return content, False

    def expect(self, answer: Answer, step: str, *good: int) -> None:
        """Take an answer for what it is: as hoped for, or trouble that passes, or none that does.

        Raises ``DeliveryDeferredError`` for 401 and 403 (the letter is not to blame), 408, 425, 429 and 5xx, ``DeliveryRefusedError``
        for everything else that is not ``good``.
        """
        if answer.status in good:
            return
        words = f"{self.name}: {answer.status} at {step}"
        if answer.status in (401, 403, 408, 425, 429) or answer.status >= 500:
            raise DeliveryDeferredError(words, answer.retry_after)
        raise DeliveryRefusedError(words)


def to_json(value: Any) -> bytes:
    """JSON in ASCII: no character of a text can be mistaken on the way."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")
