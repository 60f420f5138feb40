"""The activity index in the pipeline: all edits of the stream, judged or skipped, in the transaction that stores everything else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.trace.index import ActivityIndex


@pytest.fixture
def pipeline(world: Any) -> Any:
    made = world.pipeline(fetch=False)
    made.activity = ActivityIndex(TraceSettings())
    return made


def indexed(world: Any) -> set[str]:
    with world.database.read() as connection:
        return set(connection.scalars(select(t.activity_account.c.name)))


def test_judged_and_skipped_edits_are_indexed(world: Any, make: Any, pipeline: Any) -> None:
    moment = int(world.clock())
    pipeline.take(
        make.batch(
            make.change(user="Judged", timestamp=moment),
            make.change(user="Skipped", wiki="wikidatawiki", timestamp=moment),
            make.change(user="Robot", bot=True, timestamp=moment),
        ),
        "test",
    )
    assert indexed(world) == {"Judged", "Skipped", "Robot"}


def test_two_streams_that_tell_of_one_edit_count_once(world: Any, make: Any, pipeline: Any) -> None:
    moment = int(world.clock())
    change = {"user": "Once", "timestamp": moment, "revision": {"old": 1, "new": 77}}
    pipeline.take(make.batch(make.change(**change)), "test")
    pipeline.take(make.batch(make.change(**change)), "test")
    with world.database.read() as connection:
        assert len(connection.execute(select(t.activity_edit)).all()) == 1


def test_without_an_index_nothing_is_stored(world: Any, make: Any) -> None:
    world.pipeline(fetch=False).take(make.batch(make.change(user="Judged")), "test")
    assert indexed(world) == set()
