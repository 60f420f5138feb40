"""Gaps of the stream, filled from the wikis' own lists."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tsbot.backfill import AGAIN, Backfill
from tsbot.errors import WikiUnavailableError
from tsbot.store import ledger
from tsbot.stream.source import Batch, Gap
from tsbot.wiki.budget import Budget

NOTICED = 1_700_000_000.0
SETTLE = 30.0
URL = "https://en.wikipedia.org"


@dataclass
class Lists:
    """Lists of recent changes, by wiki; an exception is raised instead of an answer."""

    changes: dict[str, list[dict[str, Any]] | Exception]
    sites: Any = field(default_factory=lambda: SimpleNamespace(base=lambda wiki, server_url="": server_url))
    asked: list[str] = field(default_factory=list)

    def get(self, wiki: str, parameters: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What ``list=recentchanges`` answers."""
        self.asked.append(wiki)
        answer = self.changes[wiki]
        if isinstance(answer, Exception):
            raise answer
        return {"query": {"recentchanges": answer}}


def change(number: int, comment: str = "mild") -> dict[str, Any]:
    return {
        "rcid": number,
        "type": "edit",
        "ns": 1,
        "title": f"Talk:Example {number}",
        "timestamp": "2023-11-14T22:13:20Z",
        "user": f"Editor {number}",
        "comment": comment,
        "revid": 500 + number,
        "old_revid": 499,
    }


def backfill(world: Any, lists: Lists) -> Backfill:
    wikis = dict.fromkeys(lists.changes, URL)
    return Backfill(world.database, lists, Budget(None), "live", lambda: wikis, SETTLE)  # type: ignore[arg-type]


def tend(filling: Backfill, pipeline: Any, now: float) -> None:
    """Until nothing is under way any more."""
    for _ in range(500):
        filling.tend(now)
        for messages in filling.arrived():
            pipeline.take(Batch(messages), filling.name)
        if filling._thread is None or (not filling._thread.is_alive() and filling._found.empty()):
            return
        time.sleep(0.005)
    raise AssertionError("the back-fill never ended")


@pytest.fixture
def pipeline(world: Any) -> Any:
    """A pipeline with an open gap."""
    world.clock.now = NOTICED
    made = world.pipeline(fetch=False)
    made.take(Batch(gaps=(Gap(NOTICED - 600, NOTICED, "silence"),)), "live")
    return made


def gaps(world: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = world.rows("select filled, note from gap")
    return found


def test_a_gap_is_filled_once_the_active_wikis_are_known(world: Any, make: Any, pipeline: Any) -> None:
    pipeline.take(make.batch(make.change(revision={"old": 499, "new": 501})), "live")
    lists = Lists({"enwiki": [change(1), change(2, f"the {make.word}")]})
    filling = backfill(world, lists)
    tend(filling, pipeline, NOTICED + SETTLE - 1)
    assert lists.asked == []
    for _ in range(2):
        tend(filling, pipeline, NOTICED + SETTLE)
    assert gaps(world) == [(NOTICED + SETTLE, "1 wikis asked")]
    totals = world.totals()
    assert (totals.cleared, totals.flagged, totals.skipped) == (1, 1, {"same_revision": 1})
    assert world.rows("select source from flag") == [("backfill",)]


@pytest.mark.parametrize("trouble", [WikiUnavailableError("503"), RuntimeError("unexpected")])
def test_a_wiki_that_fails_keeps_the_gap_open_and_the_others_are_asked_all_the_same(
    world: Any, pipeline: Any, trouble: Exception
) -> None:
    lists = Lists({"enwiki": trouble, "dewiki": [change(1)]})
    filling = backfill(world, lists)
    for _ in range(3):
        tend(filling, pipeline, NOTICED + SETTLE)
    assert lists.asked.count("dewiki") == 1
    assert gaps(world) == [(None, "")]
    assert world.totals().cleared == 1
    lists.changes["enwiki"] = [change(2)]
    for _ in range(2):
        tend(filling, pipeline, NOTICED + SETTLE + AGAIN)
    assert gaps(world) == [(NOTICED + SETTLE + AGAIN, "2 wikis asked")]
    assert world.totals().cleared == 2


def test_a_gap_half_filled_is_filled_anew_by_the_next_process_without_counting_twice(world: Any, pipeline: Any) -> None:
    lists = Lists({"enwiki": [change(1)], "dewiki": WikiUnavailableError("503")})
    tend(backfill(world, lists), pipeline, NOTICED + SETTLE)
    lists.changes["dewiki"] = []
    later = world.pipeline(fetch=False)
    filling = backfill(world, lists)
    for _ in range(2):
        tend(filling, later, NOTICED + SETTLE)
    assert gaps(world) == [(NOTICED + SETTLE, "2 wikis asked")]
    totals = world.totals()
    assert (totals.received, totals.duplicates) == (1, 1)


def test_a_gap_of_another_source_is_left_alone(world: Any, pipeline: Any) -> None:
    with world.database.write() as connection:
        ledger.record_gaps(connection, "twin", [Gap(1.0, 2.0, "silence")], NOTICED)
    lists = Lists({"enwiki": []})
    filling = backfill(world, lists)
    for _ in range(2):
        tend(filling, pipeline, NOTICED + SETTLE)
    assert world.rows("select source, filled is null from gap order by id") == [("live", 0), ("twin", 1)]
