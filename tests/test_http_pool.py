"""The proxy of the environment, in the forms that people write it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import urllib3

from tsbot.http_pool import pool


class Proxy(HTTPServer):
    """Answers what it is asked for itself."""

    asked: list[tuple[str, str | None]]


class Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Proxy-Authorization"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Proxy(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "form", "sign_in"),
    [
        ("http_proxy", "http://127.0.0.1:{}", None),
        ("http_proxy", "127.0.0.1:{}", None),
        ("all_proxy", "http://127.0.0.1:{}/", None),
        ("http_proxy", "http://user:pass%40word@127.0.0.1:{}", "Basic dXNlcjpwYXNzQHdvcmQ="),
    ],
)
def test_the_proxy_is_asked(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, form: str, sign_in: str | None) -> None:
    monkeypatch.setenv(name, form.format(proxy.server_port))
    with pool("http://wiki.example/w/") as http:
        assert http.request("GET", "http://wiki.example/w/", timeout=5).status == 200
    assert proxy.asked == [("http://wiki.example/w/", sign_in)]


def test_hosts_that_need_none_are_asked_themselves(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("no_proxy", ".example")
    for host in ("wiki.example", "localhost", "127.0.0.1", "[::1]"):
        assert not isinstance(pool(f"http://{host}/"), urllib3.ProxyManager)


def test_another_kind_of_proxy_is_an_error(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(urllib3.exceptions.ProxySchemeUnknown):
        pool("https://wiki.example/")
