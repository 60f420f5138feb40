"""Requests that are too big are not read."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 262_144
"""Of a request's body. A note of the greatest length, percent-encoded, fits."""


class BodyLimit:
    """ASGI middleware that refuses bodies of unknown or too great length."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self.app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            length = headers.get(b"content-length", b"0")
            if b"transfer-encoding" in headers:
                await PlainTextResponse("Say how long the request is.", 411)(scope, receive, send)
                return
            if not length.isdigit() or int(length[:20]) > self._most:
                await PlainTextResponse("The request is too long.", 413)(scope, receive, send)
                return
        await self.app(scope, receive, send)
