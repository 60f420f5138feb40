"""HTTP connections through the proxy that the environment names, where there is one."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

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
