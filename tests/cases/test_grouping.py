"""Which flags are one case, and what a flag does to a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event

from tsbot.cases.case import CaseState
from tsbot.cases.grouping import Windows
from tsbot.detect.finding import Kind
from tsbot.store import tables as t

Book = Any
HOUR = 3600.0
LONG = "the quick brown fox jumps over the lazy dog and then it runs away into the deep dark forest"
TALK = {"title": "User talk:Example Admin", "namespace": 3}


@pytest.mark.parametrize(
    ("first", "second", "after", "one"),
    [
        ({}, {}, 0, False),
        ({"by": "Example"}, {"by": "Example"}, 23 * HOUR, True),
        ({"by": "Example"}, {"by": "Example"}, 25 * HOUR, False),
        ({"by": "Example"}, {"by": "Example", "wiki": "dewiki"}, 23 * HOUR, True),
        ({"title": "Bridge"}, {"title": "Bridge"}, 0.9 * HOUR, True),
        ({"title": "Bridge"}, {"title": "Bridge"}, 1.1 * HOUR, False),
        ({"title": "Bridge"}, {"title": "Bridge", "wiki": "dewiki"}, 0, False),
        (TALK, {"title": "User:Example Admin/notes", "namespace": 2}, 5 * HOUR, True),
        (TALK, {"title": "User:Example Admin/notes", "namespace": 2}, 7 * HOUR, False),
        (TALK, {"title": "User talk:Other Admin", "namespace": 3}, 0, False),
        (TALK, {"title": "Talk:Example Admin", "namespace": 1}, 0, False),
        ({"text": LONG}, {"text": LONG + "!", "wiki": "dewiki"}, 23 * HOUR, True),
        ({"text": LONG}, {"text": LONG + "!"}, 25 * HOUR, False),
        ({"text": "see you there"}, {"text": "see you there", "wiki": "dewiki"}, 500, True),
        ({"text": "see you there"}, {"text": "see you there"}, 700, False),
        ({"by": "Example"}, {"by": "Example"}, -23 * HOUR, True),
    ],
)  # fmt: skip
def test_what_flags_have_in_common(book: Book, first: dict[str, Any], second: dict[str, Any], after: float, one: bool) -> None:
    a = book.flag(**first)
    book.now += after
    b = book.flag(**second)
    assert (a.case_id == b.case_id) == one


def test_ones_own_user_page_is_no_target(book: Book) -> None:
    book.flag(by="Example", title="User:Example", namespace=2)
    book.flag(by="Example", title="User talk:Example/archive", namespace=3)
    book.flag(by="Other", title="User talk:Example", namespace=3)
    assert book.rows("select target_index is null from flag order by event_time, id").count((1,)) == 2


def test_an_edit_whose_author_and_title_are_withheld_is_one_case_all_the_same(book: Book) -> None:
    first = book.flag(user=None, title="", rev_id=5)
    assert book.flag(Kind.DOXING, user=None, title="", rev_id=5).case_id == first.case_id


def test_exercises_keep_apart(book: Book) -> None:
    real, drill = book.flag(by="Example"), book.flag(by="Example", source="drill")
    assert real.case_id != drill.case_id
    assert book.flag(by="Example", source="drill").case_id == drill.case_id
    assert book.flag(by="Example").case_id == real.case_id


def test_a_flag_joins_an_open_case_before_it_reopens_one(book: Book) -> None:
    closed = book.flag(by="Example")
    book.do("ann", "claim", closed.case_id)
    book.do("ann", "close", closed.case_id, "handled")
    page = book.flag(title="Bridge")
    assert book.flag(by="Example", title="Bridge").case_id == page.case_id
    assert book[closed.case_id].state is CaseState.CLOSED


def test_what_comes_again_reopens_its_case(book: Book) -> None:
    first = book.flag(Kind.DOXING, by="Example")
    book.hide(first)
    assert book[first.case_id].state is CaseState.CLOSED
    book.now += HOUR
    again = book.flag(Kind.DOXING, by="Example")
    case = book[first.case_id]
    assert (again.case_id, case.state, case.outcome, case.closed) == (first.case_id, CaseState.NEW, None, None)
    assert case.due is not None
    assert book.acts(case.id) == ["case.opened", "case.annotated", "case.closed", "case.reopened", "case.flagged"]
    assert book.became(case.id) == [("hidden", "stream")], "what became of it the first time stays known"


def test_what_has_no_key_any_more_is_never_reopened(book: Book) -> None:
    first = book.flag(by="Example")
    book.set(first.case_id, state="closed", outcome="dismissed", closed=book.now, due=None, data_key=None, purged=book.now)
    assert book.flag(by="Example").case_id != first.case_id


def test_the_priority_of_a_case_is_that_of_its_highest_flag(book: Book) -> None:
    low = book.flag(by="Example", scores=(0, 0, 0))
    high = book.flag(by="Example", scores=(3, 3, 1))
    book.flag(by="Example", scores=(0, 1, 0))
    assert low.priority < book[low.case_id].priority == high.priority


def test_what_an_outside_model_says_moves_the_case_too(book: Book) -> None:
    from tsbot.cases.outside import reprioritise

    flag = book.flag(scores=(3, 3, 1))
    for risk, higher in ((0.99, 1), (0.01, -1)):
        with book.write() as connection:
            reprioritise(connection, flag.subject, risk)
        moved = book[flag.case_id].priority - flag.priority
        assert moved * higher > 0


def test_a_flood_is_one_case_and_one_message_and_costs_per_flag_what_a_single_one_costs(book: Book) -> None:
    """10,000 flags; most are laid beside the real ones in the database, as only their number matters.

    Counted are the steps of SQLite's machine; other databases do not tell theirs, and statements are counted.
    """
    steps = {"count": 0}

    def tick(*_: Any) -> None:
        steps["count"] += 1

    if book.database.engine.dialect.name == "sqlite":

        @event.listens_for(book.database.engine, "begin")
        def _count(connection: Any) -> None:
            connection.connection.driver_connection.set_progress_handler(tick, 100)
    else:
        event.listen(book.database.engine, "before_cursor_execute", tick)

    def flood(flags: int) -> int:
        before = steps["count"]
        for _ in range(flags):
            book.now += 0.01
            book.file(book.flag(text=LONG))
        return steps["count"] - before

    flood(20)
    early = flood(40)
    with book.database.write() as connection:
        (like,) = connection.execute(t.flag.select().limit(1)).mappings().all()
        more = range(10_000 - 20 - 40 - 40)
        names = [{"id": f"copy-{n}", "subject": f"enwiki:rev:{10**6 + n}", "account_index": n.to_bytes(16, "big")} for n in more]
        connection.execute(t.flag.insert(), [dict(like) | {"event_time": book.now} | name for name in names])
    assert flood(40) < 1.5 * early
    assert book.rows("select count(*), count(distinct case_id) from flag") == [(10_000, 1)]
    assert book.rows("select count(*), count(distinct recipient) from report") == [(1, 1)]
    book.now += HOUR
    flood(3)
    assert book.rows("select count(*) from report") == [(2,)], "an hour later it is told once that it goes on"


def test_a_flood_of_different_texts_by_one_author_has_bounded_follow_ups(book: Book) -> None:
    for _ in range(30):
        book.file(book.flag(by="Example"))
    assert book.rows("select count(distinct case_id) from flag") == [(1,)]
    assert book.rows("select count(*) from report") == [(1 + book.settings.report.follow_ups,)]


def test_windows_are_settings(book: Book) -> None:
    book.windows = replace(Windows(), author=60.0)
    first = book.flag(by="Example")
    book.now += 61
    assert book.flag(by="Example").case_id != first.case_id
