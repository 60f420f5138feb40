"""``tsbot`` in an empty folder, and a small recording of a stream whose accounting is known beforehand."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog

from tsbot.cli.app import main
from tsbot.reload import PATROL

TSBOT = (sys.executable, "-m", "tsbot")
STRANGE = "wiki.example.org"
"""A wiki that no family and no setting names."""
THREAT = "I will come to your office tomorrow and hurt you"
NEWS = 60.0
"""Seconds without news after which a patrol ends that should have ended before: a test that hangs is a bad test."""


def change(number: int, **fields: Any) -> bytes:
    """A recentchange message about a mild edit on enwiki, with the event id ``event-NUMBER``."""
    message: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": {
            "id": f"event-{number}",
            "dt": "2026-01-15T10:00:00Z",
            "domain": "en.wikipedia.org",
            "stream": "mediawiki.recentchange",
        },
        "type": "edit",
        "namespace": 1,
        "title": f"Talk:Example {number}",
        "comment": "added a source for the opening hours of the museum",
        "timestamp": 1_768_471_200,
        "user": f"Editor {number}",
        "bot": False,
        "revision": {"old": 1000 + number, "new": 100_000 + number},
        "length": {"old": 10, "new": 20},
        "server_url": "https://en.wikipedia.org",
        "server_name": "en.wikipedia.org",
        "wiki": "enwiki",
    }
    meta = message["meta"] | fields.pop("meta", {})
    return json.dumps(message | fields | {"meta": meta}).encode()


def visibility(number: int, rev_id: int) -> bytes:
    """A message that a revision's text was hidden on enwiki."""
    return json.dumps(
        {
            "$schema": "/mediawiki/revision/visibility-change/1.0.0",
            "meta": {
                "id": f"event-{number}",
                "dt": "2026-01-15T10:05:00Z",
                "domain": "en.wikipedia.org",
                "stream": "mediawiki.revision-visibility-change",
            },
            "database": "enwiki",
            "page_id": 1,
            "page_title": "Talk:Example",
            "page_namespace": 1,
            "rev_id": rev_id,
            "rev_timestamp": "2026-01-15T10:00:00Z",
            "visibility": {"text": False, "user": True, "comment": True},
        }
    ).encode()


RECORDING = (
    change(1),
    change(2, comment=THREAT),
    change(2, comment=THREAT),  # sent again
    change(3, bot=True),
    change(4, wiki="wikidatawiki", server_url="https://www.wikidata.org", server_name="www.wikidata.org"),
    change(5, type="categorize"),
    change(6, type="log", log_type="patrol", log_id=6, log_action="patrol", revision=None, length=None),
    change(7, type="log", log_type="newusers", log_id=7, log_action="create", revision=None, length=None),
    change(8, meta={"domain": "canary"}),
    change(9, wiki="strangewiki", server_url="https://wiki.example.org", server_name=STRANGE, meta={"domain": STRANGE}),
    visibility(10, 100_002),  # of the flagged revision
    visibility(11, 555),  # of a revision that nobody flagged
    change(12, revision={"old": 1001, "new": 100_001}),  # another event about the first revision
    b'{"meta": {"id": "event-13"}, "wiki": ',  # a line that was cut
)
BOOKS = {
    "received": 13,
    "duplicates": 1,
    "skipped": {"bot": 1, "canary": 1, "categorize": 1, "log_type": 1, "no_flag": 1, "same_revision": 1, "wiki": 1},
    "cleared": 2,
    "flagged": 1,
    "outcome": 1,
    "failed": 2,
    "pending": 0,
    "gaps": 0,
}
"""What a patrol with ``--no-fetch`` makes of :data:`RECORDING`."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err, self.err

    @property
    def lines(self) -> list[Any]:
        """The JSON lines of the output."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Office:
    """A folder in which tsbot runs, with the data folder ``tsbot-data`` unless settings say otherwise."""

    folder: Path
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]

    @property
    def data(self) -> Path:
        return self.folder / "tsbot-data"

    def record(self, *messages: bytes, name: str = "events.jsonl") -> Path:
        """A recorded stream; of :data:`RECORDING` if no messages are given."""
        path = self.folder / name
        path.write_bytes(b"".join(message + b"\n" for message in messages or RECORDING))
        return path

    def run(self, *words: str | Path) -> Ran:
        """Run ``tsbot`` in this process, as the installed command does."""
        for file in PATROL:
            if file.takes_arguments:  # files of this folder, which a process that just began has not read
                file._held.clear()
        self.capture.readouterr()
        self.patch.setattr(sys, "argv", ["tsbot", *map(str, words)])
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            structlog.reset_defaults()
        shown = self.capture.readouterr()
        return Ran(code or 0, shown.out, shown.err)

    def patrol(self, *words: str | Path) -> Ran:
        """Run a patrol that judges only what events carry."""
        return self.run("patrol", "--no-fetch", "--idle-exit", str(NEWS), *words)

    def process(self, *words: str | Path, stdin: bytes = b"") -> Ran:
        """Run ``tsbot`` in a process of its own."""
        done = subprocess.run([*TSBOT, *map(str, words)], cwd=self.folder, input=stdin, capture_output=True, timeout=60, check=False)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *words: str | Path, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start ``tsbot`` in a process of its own."""
        pipe = subprocess.PIPE
        return subprocess.Popen([*TSBOT, *map(str, words)], cwd=self.folder, stdin=pipe, stdout=stdout, stderr=pipe)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """What a statement finds in the database, past tsbot."""
        connection = sqlite3.connect(self.data / "tsbot.sqlite")
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def configure(self, text: str) -> Path:
        """Write ``tsbot.toml``."""
        path = self.folder / "tsbot.toml"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def _pywikibot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty configuration: pywikibot reads one file per process, and it must not be the developer's."""
    folder = tmp_path_factory.mktemp("pywikibot")
    file = folder / "user-config.py"
    file.write_text("# nothing\n")
    file.chmod(0o600)
    return folder


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], _pywikibot: Path) -> Office:
    """An empty folder."""
    for name in os.environ:
        if name.startswith("TSBOT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYWIKIBOT_DIR", str(_pywikibot))
    monkeypatch.setenv("PYWIKIBOT_NO_USER_CONFIG", "2")
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)
    return Office(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="session")
def _patrolled(tmp_path_factory: pytest.TempPathFactory, _pywikibot: Path) -> Path:
    folder = tmp_path_factory.mktemp("patrolled")
    (folder / "events.jsonl").write_bytes(b"".join(message + b"\n" for message in RECORDING))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TSBOT_")}
    words = ("patrol", "--stream", "events.jsonl", "--no-fetch", "--idle-exit", str(NEWS), "--summary", "summary.json")
    subprocess.run([*TSBOT, *words], cwd=folder, env=environment | {"PYWIKIBOT_DIR": str(_pywikibot)}, check=True, capture_output=True)
    assert (folder / "spool").exists() is False
    return folder


@pytest.fixture
def patrolled(office: Office, _patrolled: Path) -> Iterator[Office]:
    """A folder in which :data:`RECORDING` was patrolled."""
    shutil.copytree(_patrolled, office.folder, dirs_exist_ok=True)
    yield office


WELL = """
[wiki]
contact = "you@example.org"
[report]
reporter_contact = "you@example.org"
"""
"""Settings with which nothing is to be warned of."""


@dataclass
class Host:
    """A wiki's API and a stream on loopback, as well or as ill as a test wants."""

    port: int = 0
    rights: tuple[str, ...] = ()
    skew: float = 0.0
    error: str = ""
    stream: int = 200


@pytest.fixture
def host() -> Iterator[Host]:
    told = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/stream" in self.path:
                self.send_response(told.stream)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                if told.stream == 200:
                    self.wfile.write(b":ok\n\n")
                return
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + told.skew))
            answer: dict[str, Any] = {"curtimestamp": stamp, "query": {"general": {}, "userinfo": {"rights": list(told.rights)}}}
            body = json.dumps({"error": {"code": told.error, "info": ""}} if told.error else answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Make:
    """The recording and the makers of messages, for test modules."""

    recording: Sequence[bytes] = RECORDING
    books: Any = None
    threat: str = THREAT

    @staticmethod
    def change(number: int, **fields: Any) -> bytes:
        """A message about a mild edit."""
        return change(number, **fields)


@pytest.fixture
def make() -> Make:
    """Makers of messages."""
    return Make(books=BOOKS)
