"""What is known of an answer while wikis are still asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tsbot.settings import Settings
from tsbot.store.database import Database
from tsbot.trace.answer import Trace
from tsbot.trace.question import Asked, Tracer
from tsbot.wiki.budget import Budget

NOW = datetime(2026, 3, 20, tzinfo=UTC).timestamp()


def asked(database: Database, farm: Any, name: str) -> tuple[list[Trace], Trace]:
    """What was told before the answer, and the answer."""
    told: list[Trace] = []
    tracer = Tracer(Settings(), database, farm, Budget(None), lambda: NOW, lambda _seconds: None, early=told.append)
    return told, tracer.ask(Asked(name, "lime", "case 12"))


def test_it_grows_until_it_is_what_the_answer_says(database: Database, farm: Any) -> None:
    told, answer = asked(database, farm, "Plain Facts 1")
    assert [len(one.where) for one in told] == sorted(len(one.where) for one in told)
    edits = [sum(place.seen for place in one.where) for one in told]
    assert edits == sorted(edits)
    assert edits[-1] == 12
    assert sorted(place.wiki for place in told[-1].where) == sorted(place.wiki for place in answer.where)
    assert (told[-1].timeline, told[-1].hours, told[-1].id) == (answer.timeline, answer.hours, answer.id)
    assert not any(one.candidates for one in told)


def test_nothing_is_told_of_a_hidden_account_nor_of_anybody_else(database: Database, farm: Any) -> None:
    farm.hidden.add("Plain Facts 1")
    told, answer = asked(database, farm, "Plain Facts 1")
    assert not any(one.where or one.timeline for one in told)
    assert answer.where == ()
    told, _ = asked(database, farm, "Plain Facts 2")
    assert {one.subject.name for one in told} == {"Plain Facts 2"}


def test_a_wiki_that_is_down_is_named_early(database: Database, farm: Any) -> None:
    farm.down.add("dewiki")
    told, _ = asked(database, farm, "Plain Facts 1")
    assert [silent.wiki for silent in told[-1].silent] == ["dewiki"]
