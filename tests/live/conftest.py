"""The real wikis, once for all live tests.

Nothing here skips: where MediaWiki is missing, the tests fail and say what to install.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tsbot.demo.serving import Behaviour
from tsbot.demo.wikis import WikiFamily
from tsbot.demo.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[World]:
    """Wikis, event stream and mail sink. The ready-made wikis are kept in pytest's cache between runs."""
    cache = request.config.cache.mkdir("tsbot-wikis")
    with World(tmp_path_factory.mktemp("world"), cache=cache, behaviour=Behaviour()) as running:
        yield running


@pytest.fixture(scope="session")
def family(world: World) -> WikiFamily:
    """metawiki, enwiki and dewiki, running."""
    return world.family


Matches = Callable[[dict[str, Any]], bool]


class Events:
    """What reached the twin since the test began."""

    def __init__(self, world: World) -> None:
        self._entries = world.twin.log.entries
        self._start = len(self._entries)

    def all(self, stream: str = "") -> list[dict[str, Any]]:
        """Events so far, of one stream or of all."""
        events = [json.loads(entry.data) for entry in self._entries[self._start :]]
        return [event for event in events if stream in ("", event["meta"]["stream"])]

    def wait_for(self, stream: str, matches: Matches, patience: float = 10.0) -> dict[str, Any]:
        """The first event of a stream that matches."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for event in self.all(stream):
                if matches(event):
                    return event
            time.sleep(0.02)
        raise AssertionError(f"no such event in {stream}; there are {[event['meta']['stream'] for event in self.all()]}")


@pytest.fixture
def events(world: World) -> Events:
    """The events of the wikis from now on."""
    return Events(world)
