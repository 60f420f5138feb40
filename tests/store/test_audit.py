"""The audit log: whatever is done to it afterwards is noticed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, delete, select, update
from sqlalchemy.pool import StaticPool

from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.audit import START, Head
from tsbot.store.database import Database

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | names
acts = st.tuples(names, names, names, st.floats(0, 4e9), st.dictionaries(names, values, max_size=3))
logs = st.lists(acts, min_size=1, max_size=6)


@contextmanager
def written(log: list[tuple[str, str, str, float, dict[str, audit.Value]]]) -> Iterator[Connection]:
    """A database with these acts and nothing else."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    t.metadata.create_all(engine, tables=[t.audit, t.fact])
    with engine.begin() as connection:
        for actor, act, obj, now, details in log:
            audit.record(connection, actor, act, obj, now, details)
        yield connection
    engine.dispose()


@given(logs)
def test_what_was_written_holds_and_says_what_it_was_told(log: list) -> None:  # type: ignore[type-arg]
    with written(log) as connection:
        head = audit.head(connection)
        assert audit.verify(connection) is None
        assert audit.verify(connection, head) is None
        assert Head.parse(str(head)) == head
        said = [(entry.actor, entry.act, entry.object, entry.time, json.loads(entry.details)) for entry in audit.entries(connection)]
        assert said == log


CHANGES = {
    "time": lambda value: value + 1.0,
    "actor": lambda value: f"{value}x",
    "act": lambda value: f"{value}x",
    "object": lambda value: f"{value}x",
    "details": lambda value: f"{value} ",
    "previous": lambda value: ("1" if value[0] == "0" else "0") + value[1:],
    "hash": lambda value: ("1" if value[0] == "0" else "0") + value[1:],
}


@given(logs, st.integers(min_value=0), st.sampled_from(sorted(CHANGES)))
def test_a_change_is_noticed_where_it_was_made(log: list, at: int, column: str) -> None:  # type: ignore[type-arg]
    number = at % len(log) + 1
    with written(log) as connection:
        before = connection.scalar(select(t.audit.c[column]).where(t.audit.c.number == number))
        connection.execute(update(t.audit).where(t.audit.c.number == number).values({column: CHANGES[column](before)}))
        broken = audit.verify(connection)
        assert broken is not None
        assert broken.number == number


@given(logs, st.integers(min_value=0))
def test_a_removed_entry_is_missed(log: list, at: int) -> None:  # type: ignore[type-arg]
    number = at % len(log) + 1
    with written(log) as connection:
        connection.execute(delete(t.audit).where(t.audit.c.number == number))
        broken = audit.verify(connection)
        assert broken is not None
        assert broken.number == number


@given(logs, st.integers(min_value=0), st.integers(min_value=0))
def test_swapped_entries_are_noticed(log: list, at: int, by: int) -> None:  # type: ignore[type-arg]
    first, second = at % len(log) + 1, (at + by) % len(log) + 1
    with written(log) as connection:
        for number, other in ((first, -1), (second, first), (-1, second)):
            connection.execute(update(t.audit).where(t.audit.c.number == number).values(number=other))
        broken = audit.verify(connection)
        assert (broken is None) == (first == second)


@given(logs, st.integers(min_value=0))
def test_a_cut_off_end_is_noticed_by_who_kept_the_head(log: list, at: int) -> None:  # type: ignore[type-arg]
    number = at % len(log)
    with written(log) as connection:
        kept = audit.head(connection)
        connection.execute(delete(t.audit).where(t.audit.c.number > number))
        assert audit.verify(connection) is not None, "the noted head was not changed with it"
        cut = audit.head(connection)
        connection.execute(update(t.fact).where(t.fact.c.name == audit.HEAD).values(value=str(cut)))
        assert audit.verify(connection) is None, "within itself the chain holds: that is why a head is kept elsewhere"
        broken = audit.verify(connection, kept)
        assert broken is not None
        assert broken.number == number + 1


@given(logs, logs)
def test_a_chain_that_was_written_anew_is_noticed_by_who_kept_the_head(log: list, other: list) -> None:  # type: ignore[type-arg]
    with written(log) as connection:
        kept = audit.head(connection)
    with written(other) as connection:
        assert audit.verify(connection) is None
        # Another log of the same beginning is the same log, gone on.
        assert (audit.verify(connection, kept) is None) == (other[: len(log)] == log)


@pytest.mark.parametrize("text", ["", "1", "x:" + START, "1:abc", "1:" + "G" * 64])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no head|invalid literal"):
        Head.parse(text)


def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    def write(name: str) -> None:
        for number in range(20):
            with database.write() as connection:
                audit.record(connection, name, "case.claimed", str(number), 1.0)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("anna", "bela", "chris")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        assert audit.verify(connection) is None
        assert audit.head(connection).number == 60


def test_an_act_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as connection:
        audit.record(connection, "anna", "case.claimed", "1", 1.0)
        raise RuntimeError
    with database.write() as connection:
        audit.record(connection, "anna", "case.claimed", "2", 1.0)
        assert audit.verify(connection) is None
        assert [entry.object for entry in audit.latest(connection)] == ["2"]
