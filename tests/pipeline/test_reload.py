"""A patrol that runs takes up changed data files on SIGHUP, refuses broken ones, and loses nothing over it.

The process is a real one on a copy of the package, whose language pack is changed under it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import tsbot

PATIENCE = 60.0
WORDS = "the walrus will be tickled at dawn"
PACK = """

[[construction]]
kind = "violence"
stance = "intent"
strength = 0.99
patterns = ["walrus will be tickled"]
"""


class Patrol:
    """``tsbot patrol`` that reads events from this test."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "copy"
        source = Path(tsbot.__file__).parent
        big = shutil.ignore_patterns("__pycache__", "models", "node_modules", "vendor")
        shutil.copytree(source, self.package / "tsbot", ignore=big)
        (self.package / "tsbot/detect/models").symlink_to(source / "detect/models")
        self.pack = self.package / "tsbot/detect/packs/en.toml"
        self.data = folder / "data"
        config = folder / "tsbot.toml"
        config.write_text(f'data_dir = "{self.data}"\n[detect.thresholds]\nviolence = 0.03\n')
        self.environment = os.environ | {"PYTHONPATH": str(self.package), "TSBOT_CONFIG": str(config), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "tsbot", "patrol", "--stream", "-", "--no-fetch", "--simulate", "--quiet"]
        self.process = subprocess.Popen(
            command, cwd=folder, env=self.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self.told: list[str] = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        self.number = 0

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.told.extend(iter(self.process.stderr.readline, ""))

    def edit(self, summary: str) -> None:
        assert self.process.stdin is not None
        self.number += 1
        change = {
            "$schema": "/mediawiki/recentchange/1.0.0",
            "meta": {"id": f"event-{self.number}", "dt": "2026-01-01T00:00:00Z", "domain": "en.wikipedia.org",
                     "stream": "mediawiki.recentchange"},
            "type": "edit", "namespace": 1, "title": f"Talk:Example {self.number}", "timestamp": 1_767_225_600 + self.number,
            "user": f"Editor {self.number}", "revision": {"old": 1, "new": 1000 + self.number}, "server_url": "https://en.wikipedia.org",
            "wiki": "enwiki", "comment": summary,
        }  # fmt: skip
        self.process.stdin.write(json.dumps(change) + "\n")
        self.process.stdin.flush()
        self.until(lambda: self.count("received") == self.number and self.settled())

    def settled(self) -> bool:
        return self.count("cleared") + self.count("flagged") == self.number

    def count(self, name: str) -> int:
        return self._number("SELECT value FROM counter WHERE name = ?", name)

    def _number(self, query: str, *values: str) -> int:
        path = self.data / "tsbot.sqlite"
        if not path.exists():
            return 0
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
                row = connection.execute(query, values).fetchone()
        except sqlite3.OperationalError:  # no table yet
            return 0
        return int(row[0]) if row else 0

    def until(self, holds: object) -> None:
        assert callable(holds)
        end = time.monotonic() + PATIENCE
        while not holds():
            assert self.process.poll() is None, "".join(self.told)
            assert time.monotonic() < end, "".join(self.told)
            time.sleep(0.05)

    def reload(self, word: str) -> str:
        """Ask for it, and wait until the log says what became of it; that line."""
        before = len(self.told)
        self.process.send_signal(signal.SIGHUP)
        self.until(lambda: any(word in line for line in self.told[before:]))
        return next(line for line in self.told[before:] if word in line)

    def doctor(self) -> list[dict[str, str]]:
        command = [sys.executable, "-m", "tsbot", "doctor", "--offline", "--json"]
        done = subprocess.run(command, cwd=self.data, env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
        return [one for one in map(json.loads, done.stdout.splitlines()) if one["check"] == "data.patrol"]


@pytest.fixture
def patrol(tmp_path: Path) -> Iterator[Patrol]:
    running = Patrol(tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        running.listener.join(10.0)
        for stream in (running.process.stdin, running.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()


def test_packs_are_taken_up_broken_ones_refused_and_nothing_is_lost(patrol: Patrol) -> None:
    good = patrol.pack.read_text(encoding="utf-8")
    patrol.edit(WORDS)
    assert patrol.count("flagged") == 0

    patrol.pack.write_text(good + PACK, encoding="utf-8")
    assert patrol.doctor()[0]["state"] == "warning"
    assert "packs" in patrol.reload("data.reloaded")
    patrol.edit(WORDS)
    assert patrol.count("flagged") == 1

    patrol.pack.write_text(good + PACK + "[[construction]]\nkind = 'tickling'\n", encoding="utf-8")
    refused = patrol.reload("data.refused")
    assert "en.toml" in refused
    patrol.edit(WORDS)
    assert patrol.count("flagged") == 2
    assert patrol.doctor()[0]["state"] == "problem"

    patrol.pack.write_text(good, encoding="utf-8")
    patrol.reload("data.reloaded")
    patrol.edit(WORDS)
    assert (patrol.count("flagged"), patrol.count("received")) == (2, 4)
    assert patrol.doctor()[0]["state"] == "ok"

    assert patrol.process.stdin is not None
    patrol.process.stdin.close()
    assert patrol.process.wait(PATIENCE) == 0
    with sqlite3.connect(patrol.data / "tsbot.sqlite") as connection:
        detectors = [row[0] for row in connection.execute("SELECT detector FROM flag ORDER BY created")]
    assert len(set(detectors)) == 1  # the refused pack judged nothing
