"""What all HTTP clients here need: the proxy that the environment names, and what a Retry-After says."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

LONGEST_RETRY_AFTER: Final = 3600.0
"""Seconds; a server that asks for more is asked again after this time."""
_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?")
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


def pool(url: str) -> urllib3.PoolManager:
    """One connection at a time to the host of ``url``, through ``https_proxy`` or ``http_proxy`` unless ``no_proxy`` names it.

    A proxy may be given as ``host:port``, and with a name and password. Raises ``urllib3.exceptions.HTTPError`` for one that is no
    HTTP proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or host in _LOOPBACK or proxy_bypass(host):
        return urllib3.PoolManager(num_pools=1, maxsize=1)
    address = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
    headers = urllib3.make_headers(proxy_basic_auth=unquote(address.auth)) if address.auth else None
    return urllib3.ProxyManager(address._replace(auth=None).url, num_pools=1, maxsize=1, proxy_headers=headers)


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds, at most an hour, that a ``Retry-After`` asks for: a number, or an HTTP date (RFC 9110, 10.2.3). None if unreadable.

    ``now`` is in seconds since the epoch.
    """
    text = (header or "").strip()
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(LONGEST_RETRY_AFTER, max(0.0, seconds))


def is_safe(url: str) -> bool:
    """Whether what is sent there cannot be read on the way: https, or this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
    except ValueError:  # brackets that hold no address
        return False
