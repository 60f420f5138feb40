"""Orders of events and processes that are rare and must not unbalance the books or leave something waiting for ever."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tsbot.cases.filing import read_flag
from tsbot.detect.finding import Finding, Kind
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState


def test_letters_that_fail_again_are_driven_once_a_call(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(b"{half a li", b"[1]"), "test")
    ((last,),) = world.rows("select max(id) from dead_letter")
    assert pipeline.redrive(None, last) == 2
    assert pipeline.redrive(None, last) == 0, "the same letters came back below the line"
    assert (world.totals().received, world.totals().failed) == (2, 2)


def test_two_letters_about_one_revision_are_one_revision_when_driven_again(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.intake.known_wiki = lambda event: False
    same = {"revision": {"old": 1, "new": 2}, "comment": f"the {make.word}"}
    pipeline.take(make.batch(make.change(**same), make.change(**same)), "test")
    pipeline.intake.known_wiki = lambda event: True
    assert pipeline.redrive(None, last=10**9) == 2
    totals = world.totals()
    assert (totals.received, totals.flagged, totals.failed, totals.skipped) == (2, 1, 0, {"same_revision": 1})


def test_an_outcome_of_an_edit_that_broke_the_detector_does_not_wait_for_ever(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    pipeline.take(make.batch(make.change(comment="crash", revision={"old": 1, "new": 55}), make.visibility(55, text=False)), "test")
    totals = world.totals()
    assert (totals.failed, totals.skipped, totals.pending) == (1, {"no_flag": 1}, 0)


def test_an_outcome_does_not_wait_for_edits_that_come_after_it(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    page = "Project:Busy page"
    world.texts.texts = dict.fromkeys(range(1, 30), "mild")

    def edit(number: int) -> bytes:
        message: bytes = make.change(title=page, revision={"old": 0, "new": number})
        return message

    deletion = make.change(type="log", log_id=900, log_type="delete", log_action="delete", title=page, revision=None)
    pipeline.take(make.batch(edit(1), deletion), "test")
    for number in range(2, 20):
        # There is always an edit of the page whose text is still to come.
        assert pipeline.fetcher is not None
        pipeline.fetcher.submit()
        results = pipeline.fetcher.collect(wait=5.0)
        pipeline.take(make.batch(edit(number)), "test")
        pipeline._finish(results)
        assert pipeline.fetching == 1
    totals = world.totals()
    assert (totals.pending, totals.cleared) == (1, 19)


def test_an_event_that_two_processes_finish_is_counted_once(world: Any, make: Any) -> None:
    world.texts.texts = {5: f"the {make.word}", 6: "mild"}
    by_hand = world.pipeline()
    messages = [make.change(revision={"old": 0, "new": number}) for number in (5, 6)]
    by_hand.take(make.batch(*messages, make.visibility(5, text=False)), "hand")
    patrol = world.pipeline()  # starts while the other still waits for the wiki
    make.drain(by_hand)
    make.drain(patrol)
    totals = world.totals()
    assert (totals.flagged, totals.cleared, totals.outcome, totals.pending) == (1, 1, 1, 0)


def test_an_edit_whose_time_lies_in_the_future_is_fetched_now(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {5: f"the {make.word}"}
    pipeline.take(make.batch(make.change(timestamp=4_000_000_000, revision={"old": 0, "new": 5})), "test")
    make.drain(pipeline)
    assert world.totals().flagged == 1


@pytest.mark.parametrize("text", ["lone \ud800 walrus", "nul \x00 walrus", "walrus " + "\u0301" * 3000])
def test_strange_code_points_in_a_fetched_text_stop_nothing(world: Any, make: Any, text: str) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {5: text, 6: "mild"}
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 5}), make.change(revision={"old": 0, "new": 6})), "test")
    make.drain(pipeline)
    assert (world.totals().flagged, world.totals().cleared) == (1, 1)


def test_a_text_that_cannot_be_compared_is_a_dead_letter_and_takes_no_other_with_it(
    world: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.texts.fetch

    def fetch(wiki: str, refs: list[RevisionRef]) -> list[FetchedRevision]:
        return [FetchedRevision(ref, RevisionState.PRESENT, text=5) if ref.rev_id == 5 else real(wiki, [ref])[0] for ref in refs]  # type: ignore[arg-type]

    monkeypatch.setattr(world.texts, "fetch", fetch)
    pipeline = world.pipeline()
    world.texts.texts = {6: f"the {make.word}"}
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 5}), make.change(revision={"old": 0, "new": 6})), "test")
    make.drain(pipeline)
    assert (world.totals().flagged, world.totals().failed) == (1, 1)


@pytest.mark.parametrize(("kind", "action"), [("block", "block"), ("delete", "delete")])
def test_a_log_entry_whose_target_is_withheld_concerns_no_flag(world: Any, make: Any, kind: str, action: str) -> None:
    pipeline = world.pipeline(fetch=False)
    withheld = json.loads(make.change(comment=f"the {make.word}", title=""))
    del withheld["user"]
    pipeline.take(make.batch(json.dumps(withheld).encode()), "test")
    pipeline.take(make.batch(make.change(type="log", log_id=9, log_type=kind, log_action=action, title="", revision=None)), "test")
    assert world.totals().flagged == 1
    assert world.rows("select what from outcome") == []


def test_a_passage_about_minors_is_kept_under_no_kind(world: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = world.pipeline(fetch=False)
    judge = pipeline.detector.judge

    def both(*args: Any, **more: Any) -> list[Finding]:
        return [replace(found, flagged=(Kind.VIOLENCE, Kind.MINORS)) if found.flagged else found for found in judge(*args, **more)]

    monkeypatch.setattr(pipeline.detector, "judge", both)
    pipeline.take(make.batch(make.change(comment=f"the {make.word}")), "test")
    identities = [identity for (identity,) in world.rows("select id from flag")]
    assert len(identities) == 2
    with world.database.read() as connection:
        flags = [read_flag(connection, world.database.key, identity) for identity in identities]
    assert [flag.content.excerpt for flag in flags if flag and flag.content] == ["", ""]
