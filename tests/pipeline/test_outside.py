"""Outside scores of flagged revisions: they come later, move the priority, and hold nothing up."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tsbot.cases.outside import ATTEMPTS, LONGEST_WAIT, Asker, AskingThread
from tsbot.errors import WikiUnavailableError
from tsbot.wiki.scores import ScoresUnavailableError


@dataclass
class Oracle:
    """A service that knows some revisions; ``trouble`` is raised instead of answering."""

    known: dict[int, float] = field(default_factory=dict)
    trouble: list[WikiUnavailableError] = field(default_factory=list)
    asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    name: str = "oracle"

    def scores(self, wiki: str, rev_ids: Sequence[int]) -> Mapping[int, float | None]:
        """Answer from memory."""
        self.asked.append((wiki, tuple(rev_ids)))
        if self.trouble:
            raise self.trouble.pop(0)
        return {rev_id: self.known.get(rev_id) for rev_id in rev_ids}


@dataclass
class Scene:
    world: Any
    make: Any
    oracle: Oracle
    asker: Asker

    def flag(self, rev_id: int, namespace: int = 0, said: str = "the walrus") -> None:
        message = self.make.change(comment=f"{said} {rev_id}", namespace=namespace, revision={"old": 1, "new": rev_id})
        self.world.pipeline(fetch=False).take(self.make.batch(message), "test")

    def priority(self, rev_id: int) -> tuple[int, set[str]]:
        ((value, reasons),) = self.world.rows(f"select priority, reasons from flag where subject = 'enwiki:rev:{rev_id}'")
        found = json.loads(reasons)
        assert sum(reason["points"] for reason in found) == value
        return value, {reason["name"] for reason in found}


@pytest.fixture
def scene(world: Any, make: Any) -> Scene:
    oracle = Oracle()
    return Scene(world, make, oracle, Asker(world.database, oracle, (0,), world.clock))


def test_a_score_moves_the_priority(scene: Scene) -> None:
    for rev_id, risk in ((10, 0.99), (20, 0.01), (30, 0.5)):
        scene.oracle.known[rev_id] = risk
        scene.flag(rev_id)
    before = {rev_id: scene.priority(rev_id)[0] for rev_id in (10, 20, 30)}
    assert scene.asker.run_once() == 3
    after = {rev_id: scene.priority(rev_id)[0] - before[rev_id] for rev_id in (10, 20, 30)}
    assert after == {10: 3, 20: -3, 30: 0}
    assert "high_revert_risk" in scene.priority(10)[1]
    rows = scene.world.rows("select subject, service, score, due from revision_score")
    assert {(f"enwiki:rev:{rev_id}", "oracle", risk, None) for rev_id, risk in scene.oracle.known.items()} == {*rows}
    assert scene.asker.run_once() == 0
    assert scene.oracle.asked == [("enwiki", (10, 20, 30))]


def test_unknown_moves_nothing_and_is_not_asked_again(scene: Scene) -> None:
    scene.flag(10)
    before = scene.priority(10)
    assert scene.asker.run_once() == 1
    assert scene.asker.run_once() == 0
    assert scene.priority(10) == before
    assert scene.world.rows("select score, attempts, due from revision_score") == [(None, 1, None)]


def test_only_articles_are_asked_about(scene: Scene) -> None:
    scene.flag(10, namespace=1)
    assert scene.asker.run_once() == 0
    assert scene.oracle.asked == []
    everything = Asker(scene.world.database, scene.oracle, (), scene.world.clock)
    scene.flag(20, namespace=3)
    assert everything.run_once() == 1


def test_trouble_is_waited_out(scene: Scene) -> None:
    clock = scene.world.clock
    scene.oracle.known[10] = 0.99
    scene.oracle.trouble = [WikiUnavailableError("busy", 600.0)]
    scene.flag(10)
    assert scene.asker.run_once() == 0
    clock.now += 599
    assert scene.asker.run_once() == 0
    clock.now += 1
    assert scene.asker.run_once() == 1
    assert "high_revert_risk" in scene.priority(10)[1]


def test_what_was_answered_before_the_trouble_counts(scene: Scene) -> None:
    scene.flag(10)
    scene.flag(20)
    scene.oracle.trouble = [ScoresUnavailableError("busy", None, {10: 0.99})]
    assert scene.asker.run_once() == 1
    assert "high_revert_risk" in scene.priority(10)[1]
    assert scene.world.rows("select subject from revision_score where due is not null") == [("enwiki:rev:20",)]


def test_a_service_that_never_answers_is_given_up(scene: Scene) -> None:
    scene.flag(10)
    before = scene.priority(10)
    scene.oracle.trouble = [WikiUnavailableError("silent") for _ in range(ATTEMPTS + 5)]
    for _ in range(ATTEMPTS + 5):
        scene.asker.run_once()
        scene.world.clock.now += LONGEST_WAIT
    assert len(scene.oracle.asked) == ATTEMPTS
    assert scene.world.rows("select score, due from revision_score") == [(None, None)]
    assert scene.priority(10) == before


def test_a_flag_that_grows_stronger_keeps_its_score(scene: Scene) -> None:
    world, make = scene.world, scene.make
    pipeline = world.pipeline()
    world.texts.texts = {10: "quite another walrus, said at length"}
    scene.oracle.known[10] = 0.99
    pipeline.take(make.batch(make.change(user="A walrus", namespace=0, comment="", revision={"old": 0, "new": 10})), "test")
    scene.asker.run_once()
    assert "high_revert_risk" in scene.priority(10)[1]
    pipeline.detector = Stronger(pipeline.detector)
    make.drain(pipeline)
    assert world.rows("select field, specificity from flag") == [("text", 3)]
    assert "high_revert_risk" in scene.priority(10)[1]


@dataclass
class Stronger:
    """Says all of another detector, with the highest specificity."""

    other: Any
    version: str = "stronger"

    def judge(self, *args: Any, **more: Any) -> Any:
        """As the other."""
        return [replace(found, specificity=3) for found in self.other.judge(*args, **more)]


def test_a_thread_outlives_every_trouble(scene: Scene) -> None:
    answered = threading.Event()
    calls = []

    class Moody:
        def run_once(self, stopped: Any = None) -> int:
            calls.append(1)
            if len(calls) < 3:
                raise RuntimeError("trouble")
            answered.set()
            return 0

    thread = AskingThread(Moody(), poll=0.001)  # type: ignore[arg-type]
    thread.start()
    assert answered.wait(5)
    assert thread.stop(5)


def test_nobody_is_asked_about_an_exercise(scene: Scene) -> None:
    scene.flag(10)
    with scene.world.database.write() as connection:
        connection.exec_driver_sql("update flag set source = 'drill'")
    assert scene.asker.run_once() == 0
    assert scene.oracle.asked == []
