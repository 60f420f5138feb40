"""Flags, cases and the outbox, as one transaction leaves them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tsbot.cases.browse import find_flags, list_flags
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import flag_id
from tsbot.detect.finding import Kind
from tsbot.store.database import Database, connect


def test_a_flag_has_a_deterministic_id_and_a_sealed_body(world: Any, make: Any, tmp_path: Path) -> None:
    pipeline = world.pipeline(fetch=False)
    message = make.change(comment=f"canary-2187 {make.word}", user="Canary-4521", title="Talk:Canary-9981", revision={"old": 1, "new": 2})
    pipeline.take(make.batch(message), "test")
    identity = flag_id("enwiki:rev:2", Kind.VIOLENCE)
    with world.database.read() as connection:
        flag = read_flag(connection, world.database.key, identity)
        assert find_flags(connection, identity[:8]) == find_flags(connection, "enwiki:rev:2") == [identity]
        (line,) = list_flags(connection)
    assert flag is not None
    assert flag.content is not None
    assert (flag.content.user, flag.content.title) == ("Canary-4521", "Talk:Canary-9981")
    span = flag.content.evidence[0]
    assert flag.content.excerpt[span.start : span.end] == make.word
    assert line.specificity == flag.specificity == 2
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("tsbot.sqlite*"))
    assert b"canary" not in stored.lower()


def test_flags_of_one_author_or_page_within_the_window_are_one_case(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(
        make.batch(
            make.change(comment=f"first a {make.word}", user="Example", title="One"),
            make.change(comment=f"again some {make.word} in town", user="Example", title="Two"),
            make.change(comment=f"nobody asked this {make.word}", user="Other", title="Two"),
            make.change(comment=f"{make.word} for dinner", user="Third", title="Three"),
            make.change(comment=f"yellow is no colour of a {make.word}", user="Example", title="Four", timestamp=1_700_200_000),
        ),
        "test",
    )
    sizes = sorted(n for (n,) in world.rows("select count(*) from flag group by case_id"))
    assert sizes == [1, 1, 3]


def test_each_edit_is_written_to_a_recipient_once_and_one_case_is_one_thread(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    first = make.change(comment=f"the {make.word}", user=f"A {make.word}", title="One")
    second = make.change(comment=f"nobody has asked for another {make.word} here", user="Other", title="One")
    pipeline.take(make.batch(first, second, first), "test")
    letters = world.rows("select subject, recipient from report where purpose = 'letter'")
    assert len(letters) == len(set(letters)) == 2
    assert len(world.rows("select distinct case_id from report")) == 1


def test_a_later_stronger_passage_strengthens_the_flag_and_adds_no_letter(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: f"the {make.word}"}
    pipeline.take(make.batch(make.change(comment=f"the {make.word}", revision={"old": 0, "new": 2})), "test")
    make.drain(pipeline)
    assert world.rows("select count(*) from flag") == [(1,)]
    assert world.rows("select count(*) from report where purpose = 'letter'") == [(1,)]


@pytest.mark.sqlite
def test_a_database_locked_by_somebody_else_delays_and_loses_nothing(
    world: Any, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsbot.store.engines.BUSY_SECONDS", 0.05)
    world.database = Database(connect(f"sqlite:///{tmp_path / 'tsbot.sqlite'}"), world.database.key)
    pipeline = world.pipeline(fetch=False)
    blocker = sqlite3.connect(tmp_path / "tsbot.sqlite", isolation_level=None)
    blocker.execute("begin immediate")
    shown = []

    def let_go(_seconds: float) -> None:
        shown.append(pipeline.trouble)
        blocker.close()

    pipeline.sleep = let_go
    pipeline.take(make.batch(make.change()), "test")
    assert len(shown) == 1
    assert "locked" in shown[0]
    assert (world.totals().cleared, pipeline.trouble) == (1, "")
    world.database.close()


@pytest.mark.sqlite
def test_a_full_disk_delays_and_loses_nothing(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    ((pages,),) = world.rows("pragma page_count")
    limit = {"pages": pages}
    @event.listens_for(world.database.engine, "begin")
    def _limit(connection: Any) -> None:
        connection.connection.driver_connection.execute(f"pragma max_page_count = {limit['pages']}")

    def make_room(_seconds: float) -> None:
        assert "disk is full" in pipeline.trouble
        limit["pages"] = 1_000_000

    pipeline.sleep = make_room
    pipeline.take(make.batch(*(make.change(bot=False, comment=f"the {make.word} " + "mild " * 300) for _ in range(40))), "test")
    totals = world.totals()
    assert (totals.flagged, totals.received) == (40, 40)
    assert limit["pages"] == 1_000_000


@pytest.mark.sqlite
def test_a_flood_of_flags_costs_the_database_the_same_per_flag(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    steps = {"thousands": 0}

    @event.listens_for(world.database.engine, "begin")
    def _count(connection: Any) -> None:
        def tick() -> None:
            steps["thousands"] += 1

        connection.connection.driver_connection.set_progress_handler(tick, 1000)

    def cost(flags: int) -> int:
        before = steps["thousands"]
        pipeline.take(make.batch(*(make.change(comment=f"the {make.word}", user="Example") for _ in range(flags))), "test")
        return steps["thousands"] - before

    early = cost(200)
    cost(1000)
    assert cost(200) < 2 * early
    assert world.rows("select count(*) from case_file") == [(1,)]


def test_a_page_is_flagged_for_its_title_once(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    first = make.change(title=f"Talk:The {make.word}")
    later = make.change(title=f"Talk:The {make.word}")
    pipeline.take(make.batch(first, later), "test")
    world.pipeline(fetch=False).take(make.batch(make.change(title=f"Talk:The {make.word}", comment=f"the {make.word}")), "test")
    assert sorted(field for (field,) in world.rows("select field from flag")) == ["summary", "title"]
    assert (world.totals().received, world.totals().flagged) == (3, 3)
