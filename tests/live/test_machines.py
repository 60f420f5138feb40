"""The demo's switch: PostgreSQL and NATS, two workers that are killed at random, and the same flags, cases and mails."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tsbot.demo import machines
from tsbot.demo.world import World

pytestmark = pytest.mark.live


def test_many_machines_whose_workers_are_killed_find_what_one_patrol_finds(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "folder", tmp_path)
    checks = list(machines.play(world, lambda _: None, random.Random(7)))
    assert [check for check in checks if not check.ok] == []
    names = {check.check for check in checks}
    wanted = {"machines.workers_killed", "machines.same_flags", "machines.same_cases", "machines.same_mails", "cases.sealed_at_rest"}
    assert wanted | {"patrol.killed_and_resumed", "patrol.stops_cleanly"} <= names
