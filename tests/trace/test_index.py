"""The activity index: what goes in, what comes out, what the wiki takes back, and what is trimmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.trace import lookup as lookup_module
from tsbot.trace.activity import Account
from tsbot.trace.index import DAY, ActivityIndex, account_number, digest, edit_number, page_number, time_of
from tsbot.trace.lookup import Lookup
from tsbot.trace.upkeep import trim
from tsbot.wiki.titles import canonical, twin

NOW = 1_780_000_000.0
SETTINGS = TraceSettings()


def edit(number: int, user: str | None, title: str, *, wiki: str = "enwiki", age: float = 3600.0, **fields: Any) -> Event:
    told = {"namespace": 0, "comment": "", "title": title, "user": user, "rev_id": number, **fields}
    return Event(id=f"e{number}", stream="s", kind=EventKind.EDIT, wiki=wiki, time=NOW - age, **told)


def feed(database: Database, events: Sequence[Event], index: ActivityIndex | None = None, now: float = NOW) -> ActivityIndex:
    index = index or ActivityIndex(SETTINGS)
    with database.write() as connection:
        added = index.add(connection, events, now)
    index.remember(added)
    return index


def known(database: Database, *names: str) -> dict[str, Account]:
    with database.read() as connection:
        return Lookup(connection).edits(names, 100)


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def titles(account: Account) -> list[str]:
    return [title for edit in account.edits for title in edit.pages]


def test_what_an_account_did_comes_out_in_the_order_of_time(database: Database) -> None:
    feed(database, [edit(7, "A", "Mill", age=10), edit(5, "A", "Weir", age=500, wiki="dewiki"), edit(6, "B", "Mill")])
    found = known(database, "A", "Nobody")
    assert list(found) == ["A"]
    assert [(one.wiki, one.pages, one.rev_id, one.timestamp.timestamp()) for one in found["A"].edits] == [
        ("dewiki", ("Weir",), 5, NOW - 500),
        ("enwiki", ("Mill",), 7, NOW - 10),
    ]


def test_telling_twice_changes_nothing_in_any_process(database: Database) -> None:
    events = [edit(1, "A", "Mill"), edit(2, "B", "Mill")]
    for _ in range(2):
        index = feed(database, events)
        feed(database, events, index)
    assert (count(database, t.activity_edit), count(database, t.activity_account), count(database, t.activity_page)) == (2, 2, 1)


def test_what_was_rolled_back_is_put_in_again(database: Database) -> None:
    index = ActivityIndex(SETTINGS)
    with pytest.raises(RuntimeError), database.write() as connection:
        index.add(connection, [edit(1, "A", "Mill")], NOW)
        raise RuntimeError
    feed(database, [edit(1, "A", "Mill")], index)
    assert titles(known(database, "A")["A"]) == ["Mill"]


@pytest.mark.parametrize(
    "event",
    [
        edit(1, None, "Mill"),
        edit(1, "A", "Mill", wiki="outwiki"),
        edit(1, "A", "Mill", wiki="strangewiki"),
        edit(1, "A", "Mill", age=91 * DAY),
        edit(1, "A", "Mill", age=-2 * DAY),
        msgspec.structs.replace(edit(1, "A", "Mill"), kind=EventKind.CATEGORIZE),
    ],
    ids=["hidden name", "opted out", "unknown wiki", "too old", "clock ahead", "no edit"],
)
def test_what_is_not_indexed(database: Database, event: Event) -> None:
    settings = TraceSettings(skip_wikis=("outwiki",))
    feed(database, [event], ActivityIndex(settings, lambda event: event.wiki != "strangewiki"))
    assert count(database, t.activity_edit) == 0


@pytest.mark.parametrize("wanted", [True, False])
def test_bots_are_indexed_unless_the_settings_say_no(database: Database, wanted: bool) -> None:
    assert TraceSettings().index_bots
    feed(database, [edit(1, "A", "Mill", bot=True)], ActivityIndex(TraceSettings(index_bots=wanted)))
    assert ("A" in known(database, "A")) is wanted


def other(kind: EventKind, title: str, **fields: Any) -> Event:
    return Event(id="o", stream="s", kind=kind, wiki="enwiki", time=NOW, title=title, namespace=0, **fields)


@pytest.mark.parametrize(
    ("event", "left"),
    [
        (other(EventKind.VISIBILITY, "Mill", rev_id=1, user_visible=False), ["Weir"]),
        (other(EventKind.VISIBILITY, "Mill", rev_id=1, user_visible=True, text_visible=False), ["Mill", "Weir"]),
        (other(EventKind.VISIBILITY, "Mill", rev_id=99, user_visible=False), ["Mill", "Weir"]),
        (other(EventKind.DELETION, "Mill"), ["Weir"]),
        (other(EventKind.LOG, "Mill", log_type="delete", log_action="delete"), ["Weir"]),
        (other(EventKind.LOG, "Mill", log_type="delete", log_action="restore"), ["Mill", "Weir"]),
    ],
    ids=["author hidden", "text hidden", "another revision", "page deleted", "deletion in the log", "restored"],
)
@pytest.mark.parametrize("same_batch", [True, False])
def test_what_the_wiki_takes_back_goes(database: Database, event: Event, left: list[str], same_batch: bool) -> None:
    edits = [edit(1, "A", "Mill", age=20), edit(2, "A", "Weir", age=10)]
    if same_batch:
        feed(database, [*edits, event])
    else:
        feed(database, [event], feed(database, edits))
    assert titles(known(database, "A")["A"]) == left


@pytest.mark.parametrize(("log_type", "title"), [("renameuser", "Benutzer:Old"), ("renameuser", "User:Old")])
def test_a_renamed_account_stays_one(database: Database, log_type: str, title: str) -> None:
    index = feed(database, [edit(1, "Old", "Mill", age=30)])
    feed(database, [other(EventKind.LOG, title, log_type=log_type, log_action="renameuser", new_name="New")], index)
    feed(database, [edit(2, "New", "Weir", age=20)], index)
    assert list(known(database, "Old", "New")) == ["New"]
    assert titles(known(database, "New")["New"]) == ["Mill", "Weir"]


def test_a_name_that_comes_back_after_a_rename_is_somebody_else(database: Database) -> None:
    rename = other(EventKind.LOG, "User:Old", log_type="renameuser", log_action="renameuser", new_name="New")
    feed(database, [edit(1, "Old", "Mill"), rename, edit(2, "Old", "Weir")])
    assert {name: titles(account) for name, account in known(database, "Old", "New").items()} == {"Old": ["Weir"], "New": ["Mill"]}


def holders(database: Database, name: str) -> lookup_module.Holders:
    with database.read() as connection:
        found = Lookup(connection)
        return found.holders(found.edits([name], 100).get(name) or Account(name, ()))


def test_who_shares_pages_or_a_name(database: Database) -> None:
    feed(
        database,
        [
            edit(1, "Plain Facts 1", "Mill"),
            edit(2, "Second", "Talk:Mill", namespace=1),
            edit(3, "Third", "Fair"),
            edit(4, "P1ain Facts 7", "Elsewhere", wiki="frwiki"),
            edit(5, "Fourth", "Mill", wiki="dewiki"),
        ],
    )
    found = {one.account: one for one in holders(database, "Plain Facts 1").found}
    assert {name: one.why for name, one in found.items()} == {"Second": ("page",), "P1ain Facts 7": ("name",)}
    assert found["Second"].pages == ("enwiki|Mill",)


def test_fifty_thousand_on_one_page_are_passed_over(database: Database) -> None:
    crowd = [edit(number, f"~2026-{number}-1", "Main sandbox") for number in range(1, 1200)]
    feed(database, [*crowd, edit(5000, "A", "Main sandbox"), edit(5001, "A", "Mill"), edit(5002, "B", "Mill")])
    result = holders(database, "A")
    assert [one.account for one in result.found] == ["B"]
    assert result.crowded == ("enwiki|Main sandbox",)


def test_fifty_thousand_temporary_accounts_on_one_page_cost_as_much_as_two_hundred(database: Database) -> None:
    """The page's editors are not read, and the accounts that share nothing else are no candidates."""
    page = page_number("enwiki", "Main sandbox")
    rows = [{"page": page, "account": account_number(f"~2026-{number}-1")} for number in range(50_000)]
    with database.write() as connection:
        connection.execute(t.activity_touch.insert(), rows)
    feed(database, [edit(1, "A", "Main sandbox"), edit(2, "A", "Mill"), edit(3, "B", "Mill")])
    read: list[int] = []
    with database.read() as connection:
        lookup = Lookup(connection)
        account = lookup.edits(["A"], 100)["A"]
        batches = lookup._batches
        lookup._batches = lambda *words: [read.append(1) or row for row in batches(*words)]  # type: ignore[method-assign, func-returns-value]
        found = lookup.holders(account)
    assert ([one.account for one in found.found], found.crowded) == (["B"], ("enwiki|Main sandbox",))
    assert len(read) < 2 * lookup_module.MOST_HOLDERS


def test_of_an_account_with_very_many_edits_the_latest_are_read(database: Database) -> None:
    account = account_number("Tireless")
    rows = [{"account": account, "id": edit_number(NOW - n, "enwiki", n), "page": n % 9, "rev": n, "digest": 0} for n in range(1, 20_001)]
    with database.write() as connection:
        connection.execute(t.activity_edit.insert(), rows)
        connection.execute(t.activity_wiki.insert(), [{"id": 1, "name": "enwiki", "base": "https://en.test"}])
        connection.execute(t.activity_page.insert(), [{"id": number, "wiki": 1, "title": f"Page {number}"} for number in range(9)])
    with database.read() as connection:
        (found,) = Lookup(connection).edits(["Tireless", "Nobody"], 40).values()
    assert [one.rev_id for one in found.edits] == list(range(40, 0, -1))


def test_own_user_pages_point_at_nobody(database: Database) -> None:
    feed(database, [edit(1, "A", "Benutzer:A", namespace=2, wiki="dewiki"), edit(2, "B", "Benutzer:A", namespace=2, wiki="dewiki")])
    assert holders(database, "A").found == ()


def test_old_edits_are_trimmed_with_the_accounts_and_pages_that_nothing_is_left_of(database: Database) -> None:
    index = feed(database, [edit(1, "A", "Mill"), edit(2, "A", "Weir"), edit(3, "B", "Weir")])
    later = NOW + 80 * DAY
    feed(database, [msgspec.structs.replace(edit(4, "A", "Fair"), time=later)], index, later)
    assert trim(database, SETTINGS, NOW + 91 * DAY).edits == 3
    assert (count(database, t.activity_account), count(database, t.activity_page)) == (1, 1)
    assert titles(known(database, "A")["A"]) == ["Fair"]
    # What was trimmed comes in again when it comes again.
    feed(database, [msgspec.structs.replace(edit(5, "B", "Weir"), time=NOW + 92 * DAY)], index, NOW + 92 * DAY)
    assert titles(known(database, "B")["B"]) == ["Weir"]


def test_a_wiki_that_opts_out_is_forgotten(database: Database) -> None:
    feed(database, [edit(number, f"A{number}", f"P{number}", wiki="dewiki" if number % 2 else "enwiki") for number in range(1, 60)])
    assert trim(database, TraceSettings(skip_wikis=("dewiki",)), NOW).edits == 30
    assert (count(database, t.activity_edit), count(database, t.activity_account), count(database, t.activity_page)) == (29, 29, 29)


def test_an_index_that_is_switched_off_is_emptied(database: Database) -> None:
    feed(database, [edit(1, "A", "Mill")])
    trim(database, TraceSettings(index=False), NOW)
    assert count(database, t.activity_edit) == count(database, t.activity_account) == 0


def test_how_many_accounts_is_estimated_without_counting(database: Database) -> None:
    for start in range(0, 6000, 2000):
        feed(database, [edit(start + number, f"Name {start + number}", "Mill") for number in range(1, 2001)])
    with database.read() as connection:
        assert Lookup(connection).accounts() == pytest.approx(6000, rel=0.15)
        assert len(Lookup(connection).others(100, ["Name 5"])) == pytest.approx(100, abs=30)


@given(st.integers(0, 2**31 - 1), st.text(max_size=20), st.integers(1, 2**40))
def test_the_number_of_an_edit_tells_its_time(time: int, wiki: str, rev_id: int) -> None:
    assert time_of(edit_number(time, wiki, rev_id)) == time
    assert edit_number(time, wiki, rev_id) < 2**63


def test_digests_tell_equal_summaries() -> None:
    assert digest("/* Water */ True version") == digest("/* Other */ true version ") != digest("another")
    assert digest("/* only a heading */") == digest("") == 0


@pytest.mark.parametrize(
    ("namespace", "title", "expected", "other"),
    [
        (0, "Mühle: Geschichte", "Mühle: Geschichte", None),
        (1, "Diskussion:Mühle", "Talk:Mühle", "Mühle"),
        (3, "Benutzer Diskussion:A:B", "User talk:A:B", "User:A:B"),
        (2, "Benutzer:A", "User:A", "User talk:A"),
        (0, "Mill", "Mill", "Talk:Mill"),
        (101, "Portal Diskussion:X", "Portal Diskussion:X", None),
    ],
)
def test_titles(namespace: int, title: str, expected: str, other: str | None) -> None:
    assert canonical(namespace, title) == expected
    if other:
        assert twin(expected) == other


def test_nothing_of_a_summary_is_stored(database: Database) -> None:
    feed(database, [edit(1, "A", "Mill", comment="canary words 7391")])

    def dump(connection: Connection) -> str:
        return repr([connection.execute(select(table)).all() for table in (t.activity_edit, t.activity_page, t.activity_account)])

    with database.read() as connection:
        assert "canary" not in dump(connection)
    assert replace(known(database, "A")["A"].edits[0]).summary == ""
