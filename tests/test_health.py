"""Whether a patrol is well, asked over HTTP by whoever restarts it; and clients that ask badly."""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from tsbot.errors import SettingsError
from tsbot.health import MOST_AT_ONCE, HealthServer
from tsbot.metrics import Vitals
from tsbot.store import schema
from tsbot.store.database import Database
from tsbot.stream.source import SourceStatus

WELL = Vitals(SourceStatus(connected=True, last_byte_age=1.0), age=1000.0)


class Patrol:
    """What a server asks; tests make it unwell."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.vitals = WELL
        self.server = HealthServer(("127.0.0.1", 0), database, lambda: self.vitals, clock=time.time, silent_after=300.0)
        self.server.start()
        self.address = ("127.0.0.1", int(self.server.url.rpartition(":")[2]))

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def checks(self) -> tuple[int, dict[str, str]]:
        """What /readyz says."""
        status, headers, body = self.ask("/readyz")
        assert headers["Content-Type"] == "application/json"
        found = json.loads(body)
        assert found["ready"] is (status == 200)
        return status, found["checks"]

    def send(self, raw: bytes) -> bytes:
        """Everything that comes back for some bytes."""
        with socket.create_connection(self.address, timeout=30) as client:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            received = b""
            while some := client.recv(65536):
                received += some
        return received


@pytest.fixture
def patrol(database: Database) -> Iterator[Patrol]:
    """A patrol that is well."""

    @event.listens_for(database.engine, "connect")
    def _impatient(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    database.engine.dispose()
    some = Patrol(database)
    yield some
    some.server.close()


# -- health -----------------------------------------------------------------------------------------------------------


def test_a_patrol_that_is_well(patrol: Patrol) -> None:
    assert patrol.checks() == (200, dict.fromkeys(("database", "schema", "stream", "delivery", "patrol"), "ok"))
    assert patrol.ask("/healthz")[::2] == (200, b"ok\n")


@pytest.mark.parametrize(
    ("vitals", "check", "words"),
    [
        (replace(WELL, source=SourceStatus(connected=True, last_byte_age=301.0)), "stream", "nothing was read for 301 s"),
        (replace(WELL, source=SourceStatus(connected=False, last_byte_age=900.0)), "stream", "nothing was read for 900 s"),
        (replace(WELL, source=SourceStatus(connected=False)), "stream", "nothing was read for 1,000 s"),
        (replace(WELL, delivery_alive=False), "delivery", "the delivery of letters has stopped; restart the patrol"),
        (replace(WELL, turn_age=400.0), "patrol", "the patrol has stood still for 400 s"),
        (replace(WELL, trouble="The disk is full. Make room; the work is kept and tried again."), "database", "The disk is full."),
    ],
)
def test_what_is_the_matter(patrol: Patrol, vitals: Vitals, check: str, words: str) -> None:
    patrol.vitals = vitals
    status, checks = patrol.checks()
    assert status == 503
    assert {name for name, state in checks.items() if state != "ok"} == {check}
    assert checks[check].startswith(words)
    assert patrol.ask("/healthz")[0] == 200  # it need not be restarted for that


@pytest.mark.parametrize(
    "vitals",
    [
        replace(WELL, source=SourceStatus(connected=False, last_byte_age=250.0)),  # a reconnection under way
        replace(WELL, source=SourceStatus(connected=False), age=20.0),  # just started
        replace(WELL, source=SourceStatus(connected=True)),  # a file that is being read
        replace(WELL, source=SourceStatus(connected=False), ended=True),  # and one that was
    ],
)
def test_what_is_nothing_to_worry_about(patrol: Patrol, vitals: Vitals) -> None:
    patrol.vitals = vitals
    assert patrol.checks()[0] == 200


def test_a_database_that_somebody_else_has_locked(patrol: Patrol) -> None:
    other = sqlite3.connect(str(patrol.database.engine.url.database), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        status, checks = patrol.checks()
        assert (status, checks["database"]) == (503, "The database is locked by another process; the work is kept and tried again.")
        other.execute("ROLLBACK")
        assert patrol.checks()[0] == 200
    finally:
        other.close()


def test_a_database_of_another_schema(patrol: Patrol) -> None:
    schema.downgrade(patrol.database, "0002")
    status, checks = patrol.checks()
    assert (status, checks["schema"]) == (
        503,
        f"the database has schema 0002, this program works with {schema.newest()}; restart the patrol",
    )


# -- clients ----------------------------------------------------------------------------------------------------------


def test_paths(patrol: Patrol) -> None:
    assert patrol.ask("/healthz?from=probe")[0] == 200
    for path in ("/", "/metrics/", "/../etc/passwd", "/%2e%2e/", "/METRICS", "/healthz/x"):
        assert patrol.ask(path)[::2] == (404, b"There are /metrics, /healthz and /readyz.\n")


def test_an_answer_is_not_kept_or_guessed_at(patrol: Patrol) -> None:
    for path in ("/metrics", "/healthz", "/readyz", "/nothing"):
        headers = patrol.ask(path)[1]
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"], headers["Server"].strip()) == ("no-store", "nosniff", "tsbot")


def test_head_is_get_without_a_body(patrol: Patrol) -> None:
    status, headers, body = patrol.ask("/healthz", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "3", b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_nothing_can_be_changed(patrol: Patrol, method: str) -> None:
    status, headers, body = patrol.ask("/metrics", method, body=b"x" * 200_000 if method == "POST" else None)
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"Method Not Allowed.\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n", 200),  # one answer a connection
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 505),
        (b"GET /healthz HTTP/banana\r\n\r\n", 400),
        (b"canary\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary\r\n\r\n", 400),  # somebody speaks TLS
        (b"\x00\xff\xfe" * 1000 + b"\r\n", 400),
    ],
)
def test_what_is_no_good_request_is_answered_and_not_repeated(patrol: Patrol, raw: bytes, status: int) -> None:
    received = patrol.send(raw)
    assert received.startswith(f"HTTP/1.0 {status} ".encode())
    assert received.count(b"HTTP/1.0 ") == 1
    assert b"canary" not in received
    assert b"aaa" not in received
    assert patrol.ask("/healthz")[0] == 200


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"GET"])
def test_who_says_nothing_gets_nothing_and_stops_nobody(patrol: Patrol, raw: bytes) -> None:
    assert patrol.send(raw) in (b"", patrol.send(b"canary\r\n"))
    assert patrol.ask("/healthz")[0] == 200


def test_slow_clients_keep_nobody_else_waiting_and_are_not_taken_without_end(patrol: Patrol) -> None:
    slow = []
    try:
        for _ in range(MOST_AT_ONCE - 1):
            slow.append(socket.create_connection(patrol.address, timeout=30))
            slow[-1].sendall(b"GET /healthz HT")
        assert patrol.ask("/healthz")[0] == 200
        slow += [socket.create_connection(patrol.address, timeout=30) for _ in range(5)]
        # The last place is taken by one of them; the others are closed at once.
        assert [client.recv(1) for client in slow[MOST_AT_ONCE + 1 :]] == [b""] * 3
    finally:
        for client in slow:
            client.close()
    until(lambda: answers(patrol))


def answers(patrol: Patrol) -> bool:
    try:
        return patrol.ask("/healthz")[0] == 200
    except (ConnectionError, http.client.HTTPException):
        return False


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError


def test_an_address_that_is_taken(patrol: Patrol) -> None:
    with pytest.raises(SettingsError, match=r"metrics.listen: 127.0.0.1:\d+ cannot be listened on"):
        HealthServer(patrol.address, patrol.database, lambda: WELL, clock=time.time, silent_after=1.0)


def test_after_closing_nobody_answers(database: Database) -> None:
    patrol = Patrol(database)
    assert patrol.ask("/healthz")[0] == 200
    patrol.server.close()
    with pytest.raises(ConnectionRefusedError):
        patrol.ask("/healthz")


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(database: Database) -> None:
    server = HealthServer(("::1", 0), database, lambda: WELL, clock=time.time, silent_after=1.0)
    server.start()
    try:
        assert server.url.startswith("http://[::1]:")
    finally:
        server.close()
