"""Who works on a case; ``leases.txt`` has the stories."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tsbot.cases import leases
from tsbot.errors import CaseError, CaseTakenError

Book = Any
STORIES = [story for story in Path(__file__).with_name("leases.txt").read_text(encoding="utf-8").split("\n\n") if story.strip()]


def lines(story: str) -> list[list[str]]:
    return [[part.strip() for part in line.split("|")] for line in story.splitlines() if line and not line.startswith("#")]


def do(book: Book, case_id: str, who: str, what: str) -> None:
    if what in ("claim", "take"):
        book.do(who, "claim", case_id, take_over=what == "take")
    elif what == "note":
        book.do(who, "note", case_id, "seen")
    else:
        with book.write() as connection:
            (leases.heartbeat if what == "beat" else leases.release)(connection, case_id, who, book.now)


@pytest.mark.parametrize("story", STORIES, ids=range(len(STORIES)))
def test_stories(book: Book, story: str) -> None:
    start = book.now
    case_id = book.case()
    for minute, who, what, answer in lines(story):
        if what == "clock":
            start += float(answer) * 60
            continue
        book.now = start + float(minute) * 60
        said = "ok"
        try:
            do(book, case_id, who, what)
        except CaseError as error:
            said = str(error)
        assert answer in said, f"{minute} {who} {what}: {said}"


def test_the_log_tells_who_took_what_from_whom_and_no_sign_of_life(book: Book) -> None:
    case_id = book.case()
    version = book[case_id].version
    for who, what in (("ann", "claim"), ("ann", "claim"), ("ann", "beat"), ("bob", "take"), ("bob", "back")):
        do(book, case_id, who, what)
    assert book.acts(case_id) == ["case.opened", "case.claimed", "case.triaged", "case.taken_over", "case.released"]
    assert book.rows("select details from audit where act = 'case.taken_over'") == [('{"from":"ann","version":2}',)]
    assert book[case_id].version == version + 1, "only that it was looked at is a change of the case"


def test_of_two_that_claim_at_once_one_gets_it(book: Book) -> None:
    case_id = book.case()
    gate = threading.Barrier(2)
    said: dict[str, str] = {}

    def claim(who: str) -> None:
        gate.wait()
        try:
            book.do(who, "claim", case_id)
            said[who] = "ok"
        except CaseTakenError as error:
            said[who] = str(error)

    threads = [threading.Thread(target=claim, args=(who,)) for who in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = book[case_id].lease_by
    (loser,) = {"ann", "bob"} - {winner}
    assert (said[winner], f"{winner} works on case" in said[loser]) == ("ok", True)
