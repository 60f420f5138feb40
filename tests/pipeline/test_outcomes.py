"""What wikis do about flags comes back by the stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsbot.cases.filing import read_flag


def log(make: Any, kind: str, action: str, title: str, **more: Any) -> bytes:
    return make.change(type="log", log_id=more.pop("log_id", 900), log_type=kind, log_action=action, title=title, revision=None, **more)


@pytest.fixture
def flagged(world: Any, make: Any) -> Any:
    """A pipeline with one flag: revision 55 by Example Person on Talk:Walruses, found in its summary."""
    pipeline = world.pipeline(fetch=False)
    message = make.change(
        comment=f"the {make.word}", user="Example Person", title="Talk:Walruses", revision={"old": 54, "new": 55}, meta={"id": "the edit"}
    )
    pipeline.take(make.batch(message), "test")
    return pipeline


def test_hiding_the_flagged_field_is_the_outcome_hidden(world: Any, make: Any, flagged: Any) -> None:
    flagged.take(make.batch(make.visibility(55, text=False), make.visibility(55, comment=False), make.visibility(55)), "test")
    assert world.totals().outcome == 3
    assert [what for (what,) in world.rows("select what from outcome order by id")] == ["partly_hidden", "hidden", "shown"]


def test_a_change_of_visibility_that_concerns_no_flag_is_skipped(world: Any, make: Any, flagged: Any) -> None:
    flagged.take(make.batch(make.visibility(56, text=False)), "test")
    assert (world.totals().outcome, world.totals().skipped) == (0, {"no_flag": 1})


@pytest.mark.parametrize(
    ("kind", "action", "title", "what"),
    [
        ("delete", "delete", "Talk:Walruses", "page_deleted"),
        ("block", "block", "User:Example Person", "blocked"),
        ("block", "reblock", "Benutzer:Example Person", "blocked"),
        ("block", "unblock", "User:Example Person", "unblocked"),
        ("globalauth", "setstatus", "User:Example Person@global", "unlocked"),
    ],
)
def test_deletions_blocks_and_locks_are_outcomes(
    world: Any, make: Any, flagged: Any, kind: str, action: str, title: str, what: str
) -> None:
    wiki = {"wiki": "metawiki", "meta": {"domain": "meta.wikimedia.org"}} if kind == "globalauth" else {}
    flagged.take(make.batch(log(make, kind, action, title, **wiki)), "test")
    assert world.totals().outcome == 1
    assert world.rows("select what from outcome") == [(what,)]


@pytest.mark.parametrize("params", [{"added": ["locked"], "removed": []}, ["locked, hidden", "(none)"]])
def test_a_global_lock_is_told_from_its_parameters_old_and_new(world: Any, make: Any, flagged: Any, params: Any) -> None:
    message = log(make, "globalauth", "setstatus", "User:Example Person@global", log_params=params, wiki="metawiki")
    flagged.take(make.batch(message), "test")
    assert world.rows("select what from outcome") == [("locked",)]


def test_a_block_of_somebody_else_is_an_ordinary_log_entry(world: Any, make: Any, flagged: Any) -> None:
    flagged.take(make.batch(log(make, "block", "block", "User:Somebody Else")), "test")
    assert (world.totals().outcome, world.totals().cleared) == (0, 1)


def test_the_log_of_a_revision_deletion_is_an_outcome(world: Any, make: Any, flagged: Any) -> None:
    message = json.loads(log(make, "delete", "revision", "Talk:Walruses"))
    message["log_params"] = {"type": "revision", "ids": ["55", "56"], "ofield": 0, "nfield": 1}
    flagged.take(make.batch(json.dumps(message).encode()), "test")
    assert world.rows("select what from outcome") == [("revision_deleted",)]


def test_a_log_comment_that_flags_counts_as_flagged_even_if_it_is_an_outcome_too(world: Any, make: Any, flagged: Any) -> None:
    flagged.take(make.batch(log(make, "block", "block", "User:Example Person", comment=f"said {make.word}", log_id=77)), "test")
    assert (world.totals().flagged, world.totals().outcome) == (2, 0)
    assert world.rows("select what from outcome") == [("blocked",)]
    assert ("enwiki:log:77",) in world.rows("select subject from flag")


def test_an_outcome_that_overtakes_its_edit_waits_for_it(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {55: f"the {make.word}"}
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 55})), "test")
    pipeline.take(make.batch(make.visibility(55, text=False)), "test")
    assert world.totals().pending == 2
    make.drain(pipeline)
    assert (world.totals().flagged, world.totals().outcome, world.totals().pending) == (1, 1, 0)


def test_an_outcome_that_waits_for_an_edit_survives_a_restart(world: Any, make: Any) -> None:
    world.texts.texts = {55: f"the {make.word}"}
    pipeline = world.pipeline()
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 55}), make.visibility(55, text=False)), "test")
    later = world.pipeline()
    make.drain(later)
    assert (world.totals().flagged, world.totals().outcome, world.totals().pending) == (1, 1, 0)


def test_an_outcome_whose_edit_is_cleared_is_skipped(world: Any, make: Any) -> None:
    pipeline = world.pipeline()
    world.texts.texts = {55: "mild"}
    pipeline.take(make.batch(make.change(revision={"old": 0, "new": 55}), make.visibility(55, text=False)), "test")
    make.drain(pipeline)
    assert (world.totals().cleared, world.totals().skipped, world.totals().pending) == (1, {"no_flag": 1}, 0)


def test_outcomes_are_annotations_of_the_case_once_each(world: Any, make: Any, flagged: Any) -> None:
    flagged.take(make.batch(make.visibility(55, comment=False), log(make, "block", "block", "User:Example Person")), "test")
    flagged.take(make.batch(make.visibility(55), make.visibility(55, comment=False)), "test")
    became = world.rows('select what, "by" from annotation order by id')
    assert became == [("hidden", "stream"), ("blocked", "stream"), ("shown", "stream")]
    assert world.rows("select distinct case_id from annotation") == world.rows("select id from case_file")
    assert world.rows("select count(*) from audit where act = 'case.annotated'") == [(3,)]


@pytest.mark.parametrize("seals", [True, False])
def test_what_the_wiki_hid_is_destroyed_here_at_once_if_the_settings_say_so(world: Any, make: Any, flagged: Any, seals: bool) -> None:
    flagged.seal_when_hidden = seals
    flagged.take(make.batch(make.visibility(55, text=False)), "test")
    ((flag,),) = world.rows("select id from flag")
    with world.database.read() as connection:
        assert make.word in read_flag(connection, world.database.key, flag).content.excerpt, "the summary is still visible"
    flagged.take(make.batch(make.visibility(55, comment=False)), "test")
    with world.database.read() as connection:
        assert (read_flag(connection, world.database.key, flag).content.excerpt == "") == seals
    assert (world.rows("select sealed from case_file") == [(None,)]) != seals
