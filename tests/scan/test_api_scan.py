"""Looking back through the API: the same edits give the same flags, nobody is bothered, and nothing is lost when it is killed."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tsbot.errors import InputError, WikiRefusedError, WikiUnavailableError
from tsbot.scan.job import JobState, forget, forget_old, jobs
from tsbot.scan.keeper import Told
from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.wiki.past import Sought

PAGE = Sought(title="Talk:P1")
ALL = Sought()


def finish(look: Any, sought: Sought = ALL, **asked: Any) -> Told:
    """Scan to the end."""
    *_, last = look.scan().run(look.job(**asked), sought)
    return last


def test_what_was_added_once_is_flagged_for_review_only(look: Any, wiki: Any) -> None:
    wiki.edit(1, "A mill.")
    bad = wiki.edit(1, "A mill. The walrus comes.")
    wiki.edit(1, "A mill. The walrus comes. More.")  # carries the word along, and did not add it
    told = finish(look, PAGE)
    assert look.rows("select subject, source from flag") == [(f"enwiki:rev:{bad}", "scan")]
    assert look.rows("select source, state, due from case_file") == [("scan", "new", None)]
    assert look.rows("select count(*) from report") == [(0,)]
    assert (told.job.state, told.job.counts.edits, told.job.counts.flagged, told.job.counts.new_flags) == (JobState.DONE, 3, 1, 1)


def test_summaries_and_log_entries_are_read_too(look: Any, wiki: Any) -> None:
    edit = wiki.edit(1, "A mill.", comment="the walrus said so")
    entry = wiki.logged("a walrus was here")
    wiki.logged("a walrus was here", kind="patrol")  # a type that is not judged
    finish(look)
    assert {row[0] for row in look.rows("select subject from flag")} == {f"enwiki:rev:{edit}", f"enwiki:log:{entry}"}


def test_a_dry_run_flags_nothing_and_tells_all(look: Any, wiki: Any) -> None:
    bad = wiki.edit(1, "The walrus comes.")
    finds = [one for told in look.scan().run(look.job(dry=True), ALL) for one in told.finds]
    assert [(one.subject, one.kind, one.new) for one in finds] == [(f"enwiki:rev:{bad}", "violence", True)]
    assert look.rows("select count(*) from flag") == [(0,)]
    finish(look, name="job-2")
    again = [one for told in look.scan().run(look.job(dry=True, name="job-3"), ALL) for one in told.finds]
    assert [one.new for one in again] == [False]


def test_done_is_done_and_what_is_new_is_added(look: Any, wiki: Any) -> None:
    wiki.edit(1, "The walrus comes.")
    finish(look)
    before = wiki.requests
    assert finish(look).job.counts.edits == 1
    assert wiki.requests - before <= 2  # nothing but the lists was asked for
    later = wiki.edit(2, "Another walrus.", at=10_000, user="Maple Reader")
    assert finish(look).job.counts.edits == 2
    assert (f"enwiki:rev:{later}",) in look.rows("select subject from flag")


def test_a_forgotten_job_begins_anew_and_flags_nothing_twice(look: Any, wiki: Any) -> None:
    wiki.edit(1, "The walrus comes.")
    finish(look)
    with look.database.write() as connection:
        assert forget(connection, ["job-1"]) == 1
    told = finish(look)
    assert (told.job.counts.flagged, told.job.counts.new_flags) == (1, 0)
    assert look.rows("select count(*) from flag") == [(1,)]


def test_hidden_and_broken_texts_are_counted_and_told(look: Any, wiki: Any) -> None:
    hidden = wiki.edit(1, "The walrus comes.")
    wiki.hidden.add(hidden)
    broken = wiki.edit(2, "It will crash.")
    told = list(look.scan().run(look.job(), ALL))
    assert (told[-1].job.counts.unreadable, told[-1].job.counts.failed) == (1, 1)
    assert [subject for one in told for subject in one.failed] == [f"enwiki:rev:{broken}"]


def test_what_the_wiki_asks_patience_for_is_asked_again(look: Any, wiki: Any) -> None:
    wiki.edit(1, "The walrus comes.")
    wiki.trouble += [WikiUnavailableError("maxlag", 7.0), WikiUnavailableError("maxlag", None)]
    assert finish(look).job.counts.new_flags == 1
    assert look.slept == [7.0, 4.0]


def test_a_wiki_that_stays_away_ends_the_scan_which_goes_on_later(look: Any, wiki: Any) -> None:
    for number in range(8):
        wiki.edit(number, f"The walrus number {number} comes.", user=f"Editor {number}")
    scan = look.scan()
    with pytest.raises(WikiUnavailableError):
        for told in scan.run(look.job(), ALL):
            if told.job.counts.edits >= 2:
                wiki.trouble[:] = [WikiUnavailableError("gone")] * 50
    wiki.trouble.clear()
    assert 2 <= jobs_of(look)[0].counts.edits < 8
    assert finish(look).job.counts.edits == 8


def test_one_refused_revision_is_found_by_halves_and_named_as_trouble(look: Any, wiki: Any) -> None:
    ids = [wiki.edit(number, f"The walrus number {number} comes.") for number in range(4)]
    wiki.refused.add(ids[3])
    with pytest.raises(Exception, match="internal_api_error"):
        finish(look)
    wiki.refused.clear()
    assert finish(look).job.counts.new_flags == 4


def test_a_wiki_that_refuses_everything_is_said_so(look: Any, wiki: Any) -> None:
    wiki.edit(1, "The walrus comes.")
    wiki.trouble.append(WikiRefusedError("The wiki refuses the request (readapidenied).", "readapidenied"))
    with pytest.raises(WikiRefusedError):
        finish(look)


def test_a_page_that_there_is_not(look: Any) -> None:
    with pytest.raises(InputError, match="no such page"):
        finish(look, Sought(title="Talk:Nowhere"))


def test_edits_of_one_page_share_their_texts(look: Any, wiki: Any) -> None:
    wiki.per_request = 100
    for number in range(9):
        wiki.edit(1, f"Line {number}.")
    finish(look, PAGE)
    assert wiki.requests == 1 + 3  # the list; then four texts, three new ones, and two


def test_only_an_author_and_only_a_time(look: Any, wiki: Any) -> None:
    wiki.edit(1, "The walrus comes.", at=1)
    mine = wiki.edit(2, "The walrus comes again.", at=5_000, user="Maple Reader")
    wiki.edit(3, "The walrus comes late.", at=9_000, user="Maple Reader")
    finish(look, Sought(user="Maple Reader", since=1_600_000_100, until=1_600_006_000))
    assert look.rows("select subject from flag") == [(f"enwiki:rev:{mine}",)]
    (edits, log) = wiki.asked
    assert (edits["ucuser"], edits["ucstart"], edits["ucend"]) == ("Maple Reader", "2020-09-13T12:28:20Z", "2020-09-13T14:06:40Z")
    assert (log["leuser"], log["lestart"]) == ("Maple Reader", "2020-09-13T12:28:20Z")


def test_names_and_titles_are_sealed(look: Any, wiki: Any, tmp_path: Any) -> None:
    wiki.edit(1, "A mill.")
    finish(look, PAGE)
    assert jobs_of(look)[0].words == "page Talk:P1"
    look.database.checkpoint()
    assert b"Talk:P1" not in (tmp_path / "tsbot.sqlite").read_bytes()


def test_what_was_asked_is_forgotten_after_a_while(look: Any, wiki: Any) -> None:
    wiki.edit(1, "A mill.")
    finish(look, PAGE)
    done = jobs_of(look)[0].updated
    with look.database.write() as connection:
        assert forget_old(connection, done + 89 * 86400) == 0
        assert forget_old(connection, done + 91 * 86400) == 1
    assert jobs_of(look) == []


def jobs_of(look: Any) -> Any:
    with look.database.read() as connection:
        return jobs(connection, look.database.key)


NAMES = itertools.count()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), kills=st.lists(st.integers(1, 6), max_size=6), same_second=st.booleans())
def test_killed_anywhere_it_finds_the_same(look: Any, wiki: Any, tmp_path: Any, seed: int, kills: list[int], same_second: bool) -> None:
    """A process that dies between two portions loses nothing and counts nothing twice, also where edits share their second."""
    rng = random.Random(seed)
    wiki.revisions.clear()
    wiki.log.clear()
    expected = set()
    for number in range(rng.randrange(4, 18)):
        bad = rng.random() < 0.4
        words = f"Text {number} of {seed}{' walrus' if bad else ''}."
        moment = 100 if same_second else 0
        identity = wiki.edit(number % 5, words, at=moment, user=f"Editor {number}")
        if bad:
            expected.add(f"enwiki:rev:{identity}")
    store = Database(connect(f"sqlite:///{tmp_path / f'kill-{next(NAMES)}.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    look.database = store
    for kill in kills:
        portions = look.scan().run(look.job(), ALL)
        for _ in itertools.islice(portions, kill):
            pass
        portions.close()
    last = finish(look)
    assert {row[0] for row in look.rows("select subject from flag")} == expected
    assert last.job.counts.edits == len(wiki.revisions)
    assert last.job.counts.new_flags == len(expected)
    store.close()
