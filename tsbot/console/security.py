"""What every answer of the console carries, and what every request must.

* No third party: the Content-Security-Policy allows this origin only, without inline scripts and styles.
* No traces: nothing is cached, indexed or sent along as a referrer.
* No forged requests: whatever changes something needs the session's token, and must not come from another site.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tsbot.console.sessions import Session, same
from tsbot.errors import ForgedError, TooManyError

STATIC = "/static/"
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",
}
FILES_KEPT = "private, max-age=31536000, immutable"
"""For static files, whose names change with their content."""


class SecurityHeaders:
    """ASGI middleware that puts the headers on every answer, errors included."""

    def __init__(self, app: ASGIApp, *, form_targets: tuple[str, ...] = (), tls: bool = False) -> None:
        """``form_targets``: origins to which a form may lead besides ours (the sign-in); ``tls``: whether people reach us over TLS."""
        self.app = app
        self._headers = dict(HEADERS)
        self._headers["content-security-policy"] = HEADERS["content-security-policy"].format(forms=" ".join(("'self'", *form_targets)))
        if tls:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(STATIC) and message["status"] == 200:
                    headers["cache-control"] = FILES_KEPT
            await send(message)

        await self.app(scope, receive, sending)


def check_form(session: Session, headers: Mapping[str, str], given: str) -> None:
    """Refuse a form that is not one that this session was given. ``given`` is its token. Raises ``ForgedError``."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ForgedError("This form was sent from another site; nothing was done.")
    if not same(session.csrf, given or headers.get(CSRF_HEADER, "")):
        raise ForgedError("This form is not valid any more (you may have signed in again since); nothing was done. Go back and reload.")


class RateLimit:
    """So many requests in so many seconds for each key, as a bucket that fills evenly. Safe to share between threads."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float], keys: int = 10_000) -> None:
        self._most, self._rate, self._clock, self._keys = float(most), most / seconds, clock, keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Count a request. Raises ``TooManyError``."""
        now = self._clock()
        with self._lock:
            level, then = self._levels.pop(key, (self._most, now))
            level = min(self._most, level + max(0.0, now - then) * self._rate)
            short = level < 1
            self._levels[key] = (level if short else level - 1, now)
            while len(self._levels) > self._keys:
                self._levels.popitem(last=False)
        if short:
            wait = (1 - level) / self._rate
            raise TooManyError(f"Too many requests. Try again in {wait:.0f} seconds.", wait)
