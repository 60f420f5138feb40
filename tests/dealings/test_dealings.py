"""Where a phrase came from, and where two accounts met, on a wiki in memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hide.conftest import MemoryWiki
from tsbot.dealings.meeting import meet
from tsbot.dealings.phrase import find
from tsbot.errors import InputError


def wiki_of(texts: list[str]) -> tuple[Any, list[int]]:
    wiki = MemoryWiki()
    return wiki, [wiki.edit("Talk:X", text, user=f"User {number}") for number, text in enumerate(texts)]


@given(st.integers(1, 400), st.data())
def test_the_edit_that_brought_it_and_the_one_that_took_it_out_are_found(length: int, data: Any) -> None:
    came = data.draw(st.integers(0, length - 1))
    went = data.draw(st.integers(came + 1, length))
    seen = data.draw(st.integers(came, went - 1))
    wiki, ids = wiki_of([f"text {at}{' The  Phrase here' if came <= at < went else ''}" for at in range(length)])
    found = find(wiki, ids[seen], "the phrase HERE")
    assert found.first.rev_id == ids[came]
    assert found.before == (ids[came - 1] if came else 0)
    assert found.last == ids[went - 1]
    assert (found.gone.rev_id if found.gone else None) == (ids[went] if went < length else None)
    assert found.looked_at == len(set(wiki.read)) == len(wiki.read)  # each text once


def test_of_five_thousand_revisions_few_are_read() -> None:
    wiki, ids = wiki_of([f"text {at}{' the phrase' if 1234 <= at < 4321 else ''}" for at in range(5000)])
    asked: list[int] = []
    texts = wiki.texts

    def counted(rev_ids: Any) -> Any:
        asked.append(len(rev_ids))
        return texts(rev_ids)

    wiki.texts = counted
    found = find(wiki, ids[3000], "the phrase")
    assert found.first.rev_id == ids[1234]
    assert found.last == ids[4320]
    # Besides, one request for the wiki, one for the revision, and eleven for a history of 5,000 (500 each).
    assert len(asked) + 13 <= 20
    assert max(asked) <= 50


def test_a_phrase_that_is_not_there_is_an_error() -> None:
    wiki, ids = wiki_of(["one", "two"])
    with pytest.raises(InputError, match="does not stand"):
        find(wiki, ids[0], "three")
    with pytest.raises(InputError, match="no such revision"):
        find(wiki, 999, "three")
    with pytest.raises(InputError, match="at least"):
        find(wiki, ids[0], " o ")


def test_where_two_accounts_met() -> None:
    wiki = MemoryWiki()
    wiki.edit("Talk:Alone", "x", user="Ann")
    start = wiki.edit("Harbour", "good", user="Ann")
    bad = wiki.edit("Harbour", "bad", user="Bob")
    back = wiki.undo("Harbour", start, user="Ann")
    again = wiki.undo("Harbour", bad, user="Bob")
    contact = wiki.edit("User talk:Ann", "Why?", user="Bob")
    met = meet(wiki, "ann", "Bob", wiki.now)
    assert met.accounts == ("Ann", "Bob")
    assert [(page.title, page.edits, page.first) for page in met.pages] == [("Harbour", (2, 2), "Ann")]
    assert [(one.by, one.rev_id) for one in met.contacts] == [("Bob", contact)]
    assert [(one.by, one.of, one.rev_id) for one in met.reverts] == [("Bob", "Ann", again), ("Ann", "Bob", back)]
    assert met.complete


@pytest.mark.parametrize("names", [("Ann", "ann"), ("", "Bob"), ("Ann", " _ ")])
def test_it_takes_two(names: tuple[str, str]) -> None:
    with pytest.raises(InputError, match="two accounts"):
        meet(MemoryWiki(), *names, 0.0)
