"""The demo's switch: PostgreSQL and NATS, two workers that are killed at random, and the same flags, cases and mails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsbot.demo import machines
from tsbot.demo.serving import Behaviour
from tsbot.demo.world import World

pytestmark = pytest.mark.live


@pytest.fixture
def fresh(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Wikis on which nothing happened yet, as those of the demo."""
    with World(tmp_path / "world", cache=request.config.cache.mkdir("tsbot-wikis"), behaviour=Behaviour()) as running:
        yield running


def test_many_machines_whose_workers_are_killed_find_what_one_patrol_finds(fresh: World) -> None:
    checks = list(machines.play(fresh, lambda _: None, random.Random(7)))
    assert [check for check in checks if not check.ok] == []
    names = {check.check for check in checks}
    wanted = {"machines.workers_killed", "machines.same_flags", "machines.same_cases", "machines.same_mails", "cases.sealed_at_rest"}
    assert wanted | {"patrol.killed_and_resumed", "patrol.stops_cleanly"} <= names
