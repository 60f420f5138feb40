"""The demo's switch for many machines: what it needs, and who kills workers when. tests/live plays it."""

from __future__ import annotations

import random
import threading

import pytest

from tsbot.demo import machines
from tsbot.demo.engines import server
from tsbot.demo.machines import WORKERS, Killer, need_engines
from tsbot.errors import DemoError


def test_packages_that_are_missing_are_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines.importlib.util, "find_spec", lambda name: None if name == "psycopg" else object())
    with pytest.raises(DemoError, match=r"psycopg\. Run `make demo`"):
        need_engines()


def test_servers_that_are_missing_are_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.shutil, "which", lambda _: None)
    monkeypatch.setattr(machines, "BINARIES", ("nowhere",))
    with pytest.raises(DemoError, match=r"initdb is not installed\. Run: make demo ARGS=--many-machines"):
        need_engines()


class Crew:
    """Stands in for processes; every second strike finds that not all of them work."""

    def __init__(self) -> None:
        self.asked = 0
        self.struck: list[str] = []
        self.enough = threading.Event()

    def strike(self, name: str) -> bool:
        self.asked += 1
        if self.asked % 2:
            return False
        self.struck.append(name)
        if len(self.struck) >= 6:
            self.enough.set()
        return True


def test_workers_are_killed_in_turn_and_only_when_all_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "BETWEEN", (0.0, 0.001))
    monkeypatch.setattr(machines, "LOOK", 0.001)
    crew = Crew()
    with Killer(crew, random.Random(1)) as killer:  # type: ignore[arg-type]
        assert crew.enough.wait(30)
    assert [sorted(crew.struck[n : n + 2]) for n in (0, 2, 4)] == [sorted(WORKERS)] * 3
    assert killer.kills.total() == len(crew.struck)
