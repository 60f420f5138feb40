"""Attempts that filters stopped go through the books like all other events."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.intake import redrivable
from tsbot.stream.events import Event, EventKind


def attempt(number: int, text: str, **more: Any) -> bytes:
    """An attempt as the watch hands it in."""
    fields: dict[str, Any] = {
        "id": f"attempt-{number}",
        "stream": "filter.abuselog",
        "kind": EventKind.ATTEMPT,
        "wiki": "enwiki",
        "server_url": "https://en.wikipedia.org",
        "domain": "en.wikipedia.org",
        "time": 1_700_000_000.0,
        "title": "Talk:Mill",
        "namespace": 1,
        "user": "Grey Pebble",
        "abuse_id": number,
        "text": text,
    }
    return redrivable(Event(**fields | more))


def test_they_are_flagged_once_with_their_cursor(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    batch = make.batch(attempt(1, f"A {make.word}."), attempt(2, "A mill."), cursor="[5.0, 2]")
    for _ in range(2):
        pipeline.take(batch, "abuselog.enwiki")
    assert world.rows("select subject, source from flag") == [("enwiki:abuse:1", "filter")]
    assert world.rows("select source, position from cursor") == [("abuselog.enwiki", "[5.0, 2]")]
    totals = world.totals()
    assert (totals.received, totals.duplicates, totals.flagged, totals.cleared) == (2, 2, 1, 1)


@pytest.mark.parametrize(("age", "pages"), [(60.0, 1), (100_000.0, 0)], ids=["fresh", "old"])
def test_a_fresh_one_may_wake_somebody(world: Any, make: Any, age: float, pages: int) -> None:
    from tsbot.settings import PageSettings, Settings

    world.settings = Settings(data_dir=world.settings.data_dir, page=PageSettings(mail=("on-call@example.org",)))
    world.pipeline().take(make.batch(attempt(1, f"A {make.word}.", time=world.clock.now - age)), "abuselog.enwiki")
    assert world.rows("select count(*) from report where purpose = 'page'") == [(pages,)]
    assert world.rows("select count(*) from report where purpose = 'letter'") == [(1,)]


def test_a_stream_cannot_pretend_to_be_one(world: Any, make: Any) -> None:
    world.pipeline().take(make.batch(attempt(1, f"A {make.word}.")), "stream")
    assert world.rows("select count(*) from flag") == [(0,)]
    assert world.totals().failed == 1
