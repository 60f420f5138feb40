"""The proxy of the environment, in the forms that people write it, and Retry-After in those of servers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from tsbot.http_client import pool, retry_after


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


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("0.5", 0.5),
        ("Thu, 01 Jan 1970 00:16:50 GMT", 10.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 00:00:00 GMT", 3600.0),
        ("9" * 5000, 3600.0),
        ("Mon, 99999999999999999999 Jan 2020 00:00:00 GMT", None),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=1000.0) == seconds


@given(st.text(max_size=30))
def test_no_retry_after_whatsoever_is_below_zero_or_endless(header: str) -> None:
    seconds = retry_after(header, now=1000.0)
    assert seconds is None or 0 <= seconds <= 3600
