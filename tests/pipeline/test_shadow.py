"""Shadow mode: a candidate judges along, nothing is flagged by it, and nothing that it does disturbs the patrol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import tsbot.shadow
from tsbot.detect.finding import Finding, Kind
from tsbot.shadow import MOST_DIFFERENCES, NOT_LOADED, Comparison, Difference, Shadow, ShadowReport, compare, reports, store
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

VIOLENCE, DOXING = Kind.VIOLENCE, Kind.DOXING


class Candidate:
    """Flags what has another word, ``narwhal``, and the live detector's word too; fails on ``stumble``."""

    version = "candidate-1"

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before

    def judge(self, texts: Sequence[str], languages: Any = None, fields: Any = None) -> list[Finding]:
        """One finding per text."""
        self.before()
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Finding:
        if "stumble" in text:
            raise RuntimeError(text)
        kinds = ((DOXING,) if "narwhal" in text else ()) + ((VIOLENCE,) if "walrus" in text and "mild" not in text else ())
        return Finding(dict.fromkeys(kinds, 0.8), kinds, language="en")


def shadowed(world: Any, load: Callable[[], Any], **more: Any) -> Any:
    """A pipeline with a candidate."""
    pipeline = world.pipeline(fetch=False)
    pipeline.shadow = Shadow(world.database, load, world.clock, **more)
    return pipeline


def told(world: Any) -> ShadowReport:
    with world.database.read() as connection:
        (report,) = reports(connection)
    return report


def said(make: Any, number: int, comment: str) -> bytes:
    return make.change(comment=comment, title="1", user="127.0.0.1", revision={"old": 1, "new": number})


def test_differences_are_told_with_their_subjects(world: Any, make: Any) -> None:
    pipeline = shadowed(world, Candidate)
    comments = {10: "the walrus", 11: "a walrus, a mild one", 12: "a narwhal", 13: "a walrus and a narwhal", 14: "a seal"}
    pipeline.take(make.batch(*(said(make, number, comment) for number, comment in comments.items())), "test")
    assert pipeline.shadow.close(10)
    report = told(world)
    assert (report.candidate, report.failed, report.skipped) == ("candidate-1", 0, 0)
    doxing, violence = report.diffs
    assert (violence.kind, violence.language, violence.both, violence.only_live, violence.only_candidate) == ("violence", "en", 2, 1, 0)
    assert violence.subjects_only_live == ["enwiki:rev:11"]
    assert (doxing.both, doxing.only_candidate, doxing.subjects_only_candidate) == (0, 2, ["enwiki:rev:12", "enwiki:rev:13"])
    assert report.cleared == 1 + 5  # the seal, and five titles


def test_nothing_is_flagged_by_a_candidate_and_no_text_is_kept(world: Any, make: Any) -> None:
    pipeline = shadowed(world, Candidate)
    pipeline.take(make.batch(said(make, 10, "canary-5512, a narwhal")), "test")
    assert pipeline.shadow.close(10)
    assert world.rows("select count(*) from flag") == [(0,)]
    assert (world.totals().cleared, world.totals().flagged) == (1, 0)
    ((scores, subject),) = world.rows("select scores, subject from shadow_difference")
    assert ("canary" in scores, subject) == (False, "enwiki:rev:10")


def test_texts_that_were_fetched_are_compared_too(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    pipeline.shadow = Shadow(world.database, Candidate, world.clock)
    world.texts.texts = {10: "a narwhal"}
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 10})), "test")
    make.drain(pipeline)
    assert pipeline.shadow.close(10)
    assert world.rows("select field, subject from shadow_difference") == [("text", "enwiki:rev:10")]


def test_a_failure_is_counted_and_disturbs_nothing(world: Any, make: Any) -> None:
    pipeline = shadowed(world, Candidate)
    pipeline.take(make.batch(said(make, 10, "stumble"), said(make, 11, "a narwhal"), said(make, 12, "the walrus")), "test")
    assert pipeline.shadow.close(10)
    assert (world.totals().flagged, world.totals().cleared) == (1, 2)
    report = told(world)
    assert (report.failed, [diff.kind for diff in report.diffs]) == (1, ["doxing", "violence"])


def test_a_text_that_the_live_detector_failed_on_is_not_compared(world: Any, make: Any) -> None:
    pipeline = shadowed(world, Candidate)
    pipeline.take(make.batch(said(make, 10, "crash"), said(make, 11, "a narwhal")), "test")
    assert pipeline.shadow.close(10)
    assert world.totals().failed == 1
    assert [diff.kind for diff in told(world).diffs] == ["doxing"]


def test_a_candidate_that_cannot_be_loaded_is_counted(world: Any, make: Any) -> None:
    def load() -> Any:
        raise RuntimeError("no such model")

    pipeline = shadowed(world, load)
    pipeline.take(make.batch(said(make, 10, "the walrus")), "test")
    assert pipeline.shadow.close(10)
    assert world.totals().flagged == 1
    assert (told(world).candidate, told(world).failed) == (NOT_LOADED, 2)


def test_a_slow_candidate_misses_passages_and_holds_nobody_up(world: Any, make: Any) -> None:
    go = threading.Event()
    pipeline = shadowed(world, lambda: Candidate(lambda: go.wait(20)), waiting=1)
    for number in range(10, 20):
        pipeline.take(make.batch(said(make, number, "the walrus")), "test")
    assert world.totals().flagged == 10
    go.set()
    assert pipeline.shadow.close(10)
    report = told(world)
    judged = sum(diff.both for diff in report.diffs)
    assert 1 <= judged <= 3
    assert report.skipped == 2 * (10 - judged)


def test_a_candidate_that_hangs_is_left_alone(world: Any, make: Any) -> None:
    go = threading.Event()
    pipeline = shadowed(world, lambda: Candidate(lambda: go.wait(20)))
    pipeline.take(make.batch(said(make, 10, "the walrus")), "test")
    assert not pipeline.shadow.close(0.1)
    assert world.totals().flagged == 1
    go.set()


def test_what_cannot_be_stored_is_counted_as_missed(world: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = tsbot.shadow.store, []

    def busy(*words: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("busy")
        real(*words)

    monkeypatch.setattr(tsbot.shadow, "store", busy)
    pipeline = shadowed(world, Candidate)
    for number in (10, 11):
        pipeline.take(make.batch(said(make, number, "the walrus")), "test")
    assert pipeline.shadow.close(10)
    report = told(world)
    assert (report.skipped, sum(diff.both for diff in report.diffs)) == (2, 1)


def event(number: int) -> Event:
    return Event(id=str(number), stream="test", kind=EventKind.EDIT, wiki="enwiki", time=1.0, rev_id=number)


@pytest.mark.parametrize(
    ("live", "candidate", "expected", "differ"),
    [
        ((), (), {"cleared"}, False),
        ((VIOLENCE,), (VIOLENCE,), {"both.violence"}, False),
        ((VIOLENCE, DOXING), (DOXING, VIOLENCE), {"both.violence", "both.doxing"}, False),
        ((VIOLENCE,), (), {"live.violence"}, True),
        ((), (DOXING,), {"candidate.doxing"}, True),
        ((VIOLENCE,), (VIOLENCE, DOXING), {"both.violence", "candidate.doxing"}, True),
        ((VIOLENCE,), None, {"failed"}, False),
    ],
)
def test_comparing(live: tuple[Kind, ...], candidate: tuple[Kind, ...] | None, expected: set[str], differ: bool) -> None:
    passage = Passage(Field.SUMMARY, "text")
    theirs = None if candidate is None else Finding(flagged=candidate, language="de")
    found = compare([(event(1), passage, Finding(flagged=live, language="en"))], [theirs])
    assert found.counts == {(what, "en"): 1 for what in expected}
    assert bool(found.differences) is differ


def test_differences_without_end_are_only_counted(world: Any) -> None:
    one = Difference(event(1), Passage(Field.SUMMARY, "text"), Finding(), Finding(flagged=(VIOLENCE,)))
    with world.database.write() as connection:
        for _ in range(2):
            found = Comparison(differences=[one] * (MOST_DIFFERENCES - 10))
            found.counts["candidate.violence", "en"] = len(found.differences)
            store(connection, "c", "l", found, 1.0)
    assert world.rows("select count(*) from shadow_difference") == [(MOST_DIFFERENCES,)]
    assert told(world).diffs[0].only_candidate == 2 * (MOST_DIFFERENCES - 10)
