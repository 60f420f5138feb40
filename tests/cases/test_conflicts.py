"""Nobody handles a case in which they are author or target."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cases import approvals
from tsbot.cases.opened import Opened
from tsbot.cases.opening import open_outside
from tsbot.detect.finding import Kind
from tsbot.errors import ApprovalNeededError, PartyError

Book = Any
TALK = {"title": "User talk:Ann on wiki", "namespace": 3}


@pytest.fixture
def known(book: Book) -> Book:
    book.accounts = {"ann": ("ann_on wiki ", "AnnBot"), "bob": ("Bob",)}
    return book


@pytest.mark.parametrize(
    "flag", [{"by": "Ann on wiki"}, {"by": "AnnBot", "wiki": "dewiki"}, TALK, {**TALK, "title": "User talk:Ann on wiki/2026"}]
)
@pytest.mark.parametrize("act", [("claim",), ("note", "seen"), ("close", "handled"), ("take_up",), ("reopen",), ("mark",), ("hold", 2e9)], ids=lambda act: act[0])
def test_a_party_can_do_nothing(known: Book, flag: dict[str, Any], act: tuple[Any, ...]) -> None:
    case_id = known.case(**flag)
    with pytest.raises(PartyError, match="You are a party to case"):
        known.do("ann", act[0], case_id, *act[1:])
    assert known.acts(case_id) == ["case.opened"]
    known.do("bob", "claim", case_id)


def test_one_flag_of_several_is_enough(known: Book) -> None:
    case_id = known.case(title="Bridge")
    known.do("ann", "claim", case_id)
    known.flag(title="Bridge", by="Ann on wiki")
    with pytest.raises(PartyError):
        known.do("ann", "note", case_id, "it was not me")


def test_a_party_reads_nothing_and_approves_nothing(known: Book) -> None:
    case_id = known.case(by="Ann on wiki", scores=(3, 3, 3))
    with known.write() as connection, pytest.raises(PartyError):
        known.who("ann").reveal(connection, case_id, known.now, "case.revealed")
    with pytest.raises(ApprovalNeededError):
        known.do("bob", "close", case_id, "dismissed", seen=1)
    with pytest.raises(PartyError):
        known.do("ann", "close", case_id, "dismissed", seen=1)
    with known.database.read() as connection:
        assert [one.approved_by for one in approvals.pending(connection, case_id, known.now)] == [None]


@pytest.mark.parametrize("told", [{"author": "Ann_on wiki"}, {"target": "annBot"}])
def test_a_party_to_an_outside_report(known: Book, told: dict[str, str]) -> None:
    with known.write() as connection:
        opened = Opened(text="a report", **told)
        case = open_outside(connection, known.database.key, opened, kind=Kind.HARASSMENT, wiki="enwiki", by="bob", now=known.now)
    with pytest.raises(PartyError):
        known.do("ann", "claim", case.id)
    known.do("bob", "claim", case.id)


def test_whoever_is_not_in_the_settings_is_party_to_nothing(known: Book) -> None:
    known.do("Ann on wiki", "claim", known.case(by="Ann on wiki"))
