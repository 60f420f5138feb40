"""Servers that answer anything but what was asked: each costs a bounded time and memory, and says nothing of itself in our errors."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tsbot.demo.contract import ContractServer, Reply, Request
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.http_client import is_safe
from tsbot.report.channels.http import MAX_ANSWER, Client, to_json

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Fine(ContractServer):
    """Answers everything with a little JSON."""

    def answer(self, request: Request) -> Reply:
        return Reply(200, {"well": True})


@pytest.fixture
def server() -> Iterator[Fine]:
    with Fine() as running:
        yield running


def client(timeout: float = 5.0) -> Client:
    return Client("crm", timeout)


def test_an_answer(server: Fine) -> None:
    answer = client().ask("POST", server.url, headers={"X-One": "1"}, body=b"{}")
    assert (answer.status, answer.json(), answer.whole) == (200, {"well": True}, True)
    assert server.requests[0].headers["x-one"] == "1"
    assert server.requests[0].headers["user-agent"].startswith("tsbot/")


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"\x00" * 100_000,
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
        HEAD + b"X: 1\r\n" * 1000 + b"\r\n",
        HEAD + b"Content-Length: 100\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_what_is_no_http_is_no_answer(server: Fine, raw: bytes) -> None:
    server.faults.raw = raw or b"\r\n"
    with pytest.raises(DeliveryDeferredError, match=r"^crm: (ProtocolError|IncompleteRead|InvalidChunkLength)$"):
        client().ask("GET", server.url, headers={})


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"\xff\xfe", b"[" * 100_000, b"", b"NaN NaN"])
def test_what_is_no_json_is_nothing(server: Fine, body: bytes) -> None:
    server.faults.raw = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    assert client().ask("GET", server.url, headers={}).json() is None


def test_ten_megabytes_are_not_read(server: Fine) -> None:
    server.faults.raw = HEAD + b"Content-Length: 10000000\r\n\r\n" + b"[" + b" " * 9_999_998 + b"]"
    answer = client().ask("GET", server.url, headers={})
    assert (len(answer.body), answer.whole, answer.json()) == (MAX_ANSWER, False, None)


def test_what_is_packed_small_is_not_unpacked(server: Fine) -> None:
    import gzip

    packed = gzip.compress(b" " * 50_000_000)
    server.faults.raw = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    assert len(client().ask("GET", server.url, headers={}).body) == len(packed)


def test_a_server_that_drips_is_left_at_the_deadline(server: Fine) -> None:
    server.faults.drip = 0.05
    server.faults.answers = [Reply(200, {"long": "x" * 1000})]
    answer = client(timeout=0.3).ask("GET", server.url, headers={})
    assert (answer.whole, answer.json()) == (False, None)


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryDeferredError, match=r"^crm: ReadTimeoutError$"):
        client(timeout=0.2).ask("GET", f"http://127.0.0.1:{silent.getsockname()[1]}/", headers={})


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(DeliveryDeferredError, match=r"^crm: ProtocolError$"):
            client().ask("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", headers={})
        thread.join()


def test_https_wants_a_certificate_of_an_authority_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Fine(tls=context) as server:
        with pytest.raises(DeliveryDeferredError, match=r"^crm: SSLError$"):
            client().ask("POST", server.url, headers={}, body=b"not for strangers")
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert client().ask("GET", server.url, headers={}).status == 200
        with pytest.raises(DeliveryDeferredError, match=r"^crm: SSLError$"):
            client().ask("GET", server.url.replace("127.0.0.1", "localhost"), headers={})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (201, DeliveryRefusedError),
        (302, DeliveryRefusedError),
        (400, DeliveryRefusedError),
        (401, DeliveryDeferredError),
        (403, DeliveryDeferredError),
        (404, DeliveryRefusedError),
        (408, DeliveryDeferredError),
        (413, DeliveryRefusedError),
        (422, DeliveryRefusedError),
        (429, DeliveryDeferredError),
        (500, DeliveryDeferredError),
        (503, DeliveryDeferredError),
    ],
)
def test_what_a_status_means(server: Fine, status: int, error: type[Exception] | None) -> None:
    server.faults.answers = [Reply(status, {"error": "words of the letter"})]
    answer = client().ask("GET", server.url, headers={})
    if error is None:
        client().expect(answer, "read", 200)
    else:
        with pytest.raises(error, match=rf"^crm: {status} at read$"):
            client().expect(answer, "read", 200)


def test_a_header_with_a_line_break_is_not_sent(server: Fine) -> None:
    with pytest.raises(DeliveryDeferredError, match=r"^crm: ValueError$"):
        client().ask("GET", server.url, headers={"Authorization": "Token token=a\r\nX-More: 1"})
    assert server.requests == []


def test_json_is_ascii() -> None:
    assert to_json({"a": "ü\u2028\x00"}) == rb'{"a":"\u00fc\u2028\u0000"}'


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://crm.example.org", True),
        ("http://crm.example.org", False),
        ("http://127.0.0.1:8080", True),
        ("http://localhost/x", True),
        ("http://[::1]:80", True),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1@example.org", False),
        ("ftp://127.0.0.1", False),
        ("https://", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_where_letters_may_be_sent_by_http(url: str, safe: bool) -> None:
    assert is_safe(url) == safe
