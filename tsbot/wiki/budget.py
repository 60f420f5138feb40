"""How often wikis may be asked.

One bucket for the whole process, since Wikimedia's gateway counts per client and not per wiki. Rates are those of the
gateway's policy of May 2026 (operations/deployment-charts, ``rest-gateway/values.yaml``; mediawiki.org,
Wikimedia_APIs/Rate_limits).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from tsbot.settings import WikiSettings

PER_MINUTE: dict[str, int | None] = {
    "anonymous": 10,
    "unauthed-bot": 200,
    "authed-user": 200,
    "established-user": 2000,
    "approved-bot": None,
}
"""Requests a minute that each class of client may make; None is no limit."""

BURST_SECONDS = 10.0
"""A full bucket holds what this many seconds bring: with three quarters as rate, no minute exceeds the allowance."""


def rate(settings: WikiSettings) -> float | None:
    """Requests per minute to use: what is configured, or three quarters of the class's allowance. None is no limit."""
    if settings.requests_per_minute:
        return float(settings.requests_per_minute)
    allowed = PER_MINUTE[settings.client]
    return None if allowed is None else allowed * 0.75


_ONE = 1.0 - 1e-9
"""A whole token, but for rounding: waiting exactly as long as told must suffice."""


class Budget:
    """A token bucket. Thread-safe; never sleeps.

    ``per_minute`` is the rate, None for none. ``clock`` gives seconds that only grow.
    """

    def __init__(self, per_minute: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = None if per_minute is None else per_minute / 60.0
        self._capacity = 1.0 if self._rate is None else max(1.0, self._rate * BURST_SECONDS)
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = self._capacity
        self._filled = clock()
        self._closed_until = -math.inf

    def try_take(self) -> bool:
        """Take a request if one may be made now."""
        with self._lock:
            now = self._fill()
            if now < self._closed_until or (self._rate is not None and self._tokens < _ONE):
                return False
            self._spend()
            return True

    def spend(self) -> None:
        """Count a request that cannot wait (the rest of an answer, a report); later ones wait the longer."""
        with self._lock:
            self._fill()
            self._spend()

    def give_back(self) -> None:
        """Return what was taken and not used."""
        with self._lock:
            self._fill()
            self._tokens = min(self._capacity, self._tokens + 1.0)

    def penalise(self, retry_after: float) -> None:
        """Make no request for ``retry_after`` seconds: the gateway said so. A longer pause under way stays."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._fill() + retry_after)

    def wait_time(self) -> float:
        """Seconds until :meth:`try_take` can succeed; 0 if now."""
        with self._lock:
            now = self._fill()
            wait = max(0.0, self._closed_until - now)
            if self._rate is not None and self._tokens < _ONE:
                wait = max(wait, (1.0 - self._tokens) / self._rate)
            return wait

    @property
    def remaining(self) -> int | None:
        """Requests that could be made at once, for the view; None where there is no limit."""
        with self._lock:
            now = self._fill()
            if now < self._closed_until:
                return 0
            return None if self._rate is None else max(0, math.floor(self._tokens))

    def _fill(self) -> float:
        now = self._clock()
        if self._rate is not None:
            self._tokens = min(self._capacity, self._tokens + max(0.0, now - self._filled) * self._rate)
        self._filled = now
        return now

    def _spend(self) -> None:
        if self._rate is not None:
            self._tokens -= 1.0
