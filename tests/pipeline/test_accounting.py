"""Each distinct event ends in exactly one of skipped, cleared, flagged, outcome and failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.intake import redrivable
from tsbot.stream.events import Event, EventKind


def test_an_edit_is_cleared_once_its_text_was_judged(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {100_001: "old and new mild words", 7: "old"}
    pipeline.take(make.batch(make.change(revision={"old": 7, "new": 100_001})), "test")
    assert world.totals().pending == 1
    make.drain(pipeline)
    assert (world.totals().cleared, world.totals().pending) == (1, 0)


def test_an_added_word_is_flagged_and_a_word_that_stood_there_is_not(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {1: "mild words", 2: f"mild words\n\nthe {make.word} again", 3: f"mild words\n\nthe {make.word} again\n\nmore"}
    pipeline.take(make.batch(make.change(revision={"old": 1, "new": 2}), make.change(revision={"old": 2, "new": 3})), "test")
    make.drain(pipeline)
    totals = world.totals()
    assert (totals.flagged, totals.cleared) == (1, 1)
    assert world.rows("select subject, kind, field from flag") == [("enwiki:rev:2", "violence", "text")]


@pytest.mark.parametrize("where", ["comment", "user"])
def test_summary_and_name_are_judged_without_the_text(world: Any, make: Any, where: str) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(make.change(**{where: f"the {make.word}"}), make.change()), "test")
    totals = world.totals()
    assert (totals.flagged, totals.cleared, totals.pending) == (1, 1, 0)


def test_an_edit_flagged_for_its_summary_still_has_its_text_judged(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {5: "mild"}
    pipeline.take(make.batch(make.change(comment=f"the {make.word}", revision={"old": 0, "new": 5})), "test")
    assert (world.totals().flagged, world.totals().pending) == (0, 1)
    assert world.rows("select field from flag") == [("summary",)]
    make.drain(pipeline)
    assert (world.totals().flagged, world.totals().cleared, world.totals().pending) == (1, 0, 0)
    assert world.texts.requests == 1


def test_skipped_events_are_counted_by_rule(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    messages = [
        make.change(bot=True),
        make.change(wiki="wikidatawiki", meta={"domain": "www.wikidata.org"}),
        make.change(type="categorize"),
        make.change(meta={"domain": "canary"}),
        make.change(type="log", log_id=3, log_type="thanks", log_action="thank"),
    ]
    pipeline.take(make.batch(*messages), "test")
    totals = world.totals()
    assert totals.skipped == {"bot": 1, "wiki": 1, "categorize": 1, "canary": 1, "log_type": 1}
    assert totals.received == 5


def test_a_repeated_event_is_a_duplicate_within_a_batch_between_batches_and_after_a_restart(world: Any, make: Any) -> None:
    message = make.change(comment=f"the {make.word}")
    first = world.pipeline(fetch=False)
    first.take(make.batch(message, message), "test")
    first.take(make.batch(message), "test")
    world.pipeline(fetch=False).take(make.batch(message, make.change()), "test")
    totals = world.totals()
    assert (totals.received, totals.duplicates, totals.flagged, totals.cleared) == (2, 3, 1, 1)


def test_two_streams_about_one_edit_are_one_revision(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    page_change = {
        "$schema": "/mediawiki/page/change/1.2.0",
        "meta": {"id": "other", "dt": "2023-11-14T22:13:20Z", "domain": "en.wikipedia.org", "stream": "mediawiki.page_change.v1"},
        "page_change_kind": "edit",
        "wiki_id": "enwiki",
        "dt": "2023-11-14T22:13:20Z",
        "page": {"page_id": 1, "page_title": "Talk:Example", "namespace_id": 1},
        "performer": {"user_text": "Editor", "groups": ["*", "user"], "is_bot": False},
        "revision": {"rev_id": 55, "rev_parent_id": 54},
    }
    pipeline.take(make.batch(make.change(revision={"old": 54, "new": 55}), json.dumps(page_change).encode()), "test")
    assert (world.totals().cleared, world.totals().skipped) == (1, {"same_revision": 1})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"{half a li", "not_json"),
        (b"\xff\xfe", "not_utf8"),
        (b"[1]", "not_an_object"),
        (b'{"$schema":"/mediawiki/recentchange/9.0.0","meta":{"id":"x"},"wiki":"enwiki"}', "unknown_schema"),
    ],
)
def test_malformed_messages_are_dead_letters_with_a_reason(world: Any, make: Any, message: bytes, reason: str) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(message, message, make.change()), "test")
    totals = world.totals()
    assert (totals.failed, totals.duplicates, totals.cleared) == (1, 1, 1)
    assert world.rows("select reason from dead_letter") == [(reason,)]


def test_what_is_found_in_a_log_entry_without_a_number_is_not_lost(world: Any, make: Any) -> None:
    log = {"type": "log", "log_id": 0, "log_type": "block", "log_action": "block", "revision": None}
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(make.change(comment=f"the {make.word}", **log), make.change(comment="mild", **log)), "test")
    assert (world.totals().failed, world.totals().flagged, world.totals().cleared) == (1, 0, 1)
    assert world.rows("select reason from dead_letter") == [("no_subject",)]


def test_no_stream_slips_in_an_event_as_it_is(world: Any, make: Any) -> None:
    forged = redrivable(Event(id="f", stream="hand", kind=EventKind.EDIT, wiki="enwiki", time=0.0, rev_id=5, comment=f"the {make.word}"))
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(forged, b"\x00rubbish", make.change()), "live:https://stream.example/")
    assert (world.totals().received, world.totals().failed, world.totals().cleared) == (3, 2, 1)
    pipeline.redrive(None, 1000)
    assert (world.totals().failed, world.totals().flagged) == (2, 0)


def test_an_event_of_an_unknown_wiki_is_a_dead_letter_and_can_be_driven_again(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    pipeline.take(make.batch(make.change(wiki="elsewhere", comment=f"the {make.word}")), "test")
    assert world.rows("select reason, wiki from dead_letter") == [("unknown_wiki", "elsewhere")]
    again = world.pipeline(fetch=False)
    assert again.redrive(None, last=10**9) == 1
    assert (world.totals().failed, world.totals().flagged) == (1, 0)
    again.intake.known_wiki = lambda event: True
    assert again.redrive("unknown_wiki", last=10**9) == 1
    assert (world.totals().received, world.totals().failed, world.totals().flagged) == (1, 0, 1)


def test_events_without_user_length_comment_or_with_strange_ones_are_judged(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    bare = json.loads(make.change())
    for name in ("user", "length", "comment", "namespace", "server_name"):
        del bare[name]
    marks = make.change(comment="\u0301" * 500, user="\u202eexample")
    lone = make.change().replace(b"a mild remark", b"\\ud800 remark")
    pipeline.take(make.batch(json.dumps(bare).encode(), marks, lone), "test")
    assert world.totals().cleared == 3


def test_a_text_that_the_detector_fails_on_takes_no_other_with_it(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {1: "crash", 2: f"the {make.word}", 3: "mild"}
    pipeline.take(make.batch(*(make.change(revision={"old": 0, "new": n}) for n in (1, 2, 3)), make.change(comment="crash")), "test")
    make.drain(pipeline)
    totals = world.totals()
    assert (totals.flagged, totals.cleared, totals.failed) == (1, 1, 2)
    assert world.rows("select distinct reason from dead_letter") == [("judge_failed",)]


def test_revisions_hidden_or_deleted_before_the_fetch_are_skipped_by_their_own_rules(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.hidden = {2}
    pipeline.take(make.batch(make.change(revision={"old": 1, "new": 2}), make.change(revision={"old": 1, "new": 3})), "test")
    make.drain(pipeline)
    assert world.totals().skipped == {"hidden_before_fetch": 1, "deleted_before_fetch": 1}


def test_a_wiki_that_fails_for_a_while_costs_nothing(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: f"the {make.word}"}
    world.texts.trouble = [WikiUnavailableError("503", 5.0), WikiUnavailableError("html")]
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 2})), "test")
    make.drain(pipeline, world.clock)
    assert (world.totals().flagged, world.texts.requests) == (1, 3)


def test_a_wiki_that_never_answers_leaves_a_dead_letter_that_can_be_driven_again(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: f"the {make.word}"}
    world.texts.trouble = [WikiUnavailableError("down") for _ in range(3)]
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 2})), "test")
    make.drain(pipeline, world.clock)
    assert world.rows("select reason from dead_letter") == [("fetch_failed",)]
    later = world.pipeline()
    later.redrive(None, last=10**9)
    make.drain(later)
    assert (world.totals().failed, world.totals().flagged, world.totals().received) == (0, 1, 1)


def test_one_refused_revision_does_not_poison_its_batch(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {2: "mild", 3: "mild"}
    world.texts.trouble = [WikiRefusedError("no", "badid"), WikiRefusedError("no", "badid")]
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 2}), make.change(revision={"old": 0, "new": 3})), "test")
    make.drain(pipeline, world.clock)
    assert (world.totals().failed, world.totals().cleared) == (1, 1)
    assert world.rows("select reason, detail from dead_letter") == [("wiki_refused", "badid")]
