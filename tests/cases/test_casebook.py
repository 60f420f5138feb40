"""The queue and the record of a case, notes, and cases opened by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cases.case import CaseState
from tsbot.cases.casebook import queue, record
from tsbot.cases.handling import shipped_handling
from tsbot.cases.notes import LONGEST, notes_of
from tsbot.cases.opened import Opened, read_opened
from tsbot.cases.opening import adopt, open_outside
from tsbot.detect.finding import Kind
from tsbot.errors import CaseError, InputError

Book = Any
CANARY = "canary-5512"


def listed(book: Book, **more: Any) -> Any:
    with book.database.read() as connection:
        return queue(connection, book.now, **more)


def ids(book: Book, **more: Any) -> list[str]:
    return [line.id for line in listed(book, **more).lines]


def test_by_priority_then_by_what_is_due_first(book: Book) -> None:
    low, high, second = (book.case(Kind.LEGAL, scores=scores) for scores in ((0, 0, 0), (3, 3, 3), (0, 0, 0)))
    book.set(second, due=book.now + 1)
    assert ids(book) == [high, second, low]


def test_low_priorities_wait_and_are_counted(book: Book) -> None:
    for _ in range(4):
        book.case(Kind.LEGAL, scores=(0, 0, 0))
    first = book.case(Kind.VIOLENCE, scores=(3, 3, 3))
    found = listed(book, limit=1)
    assert ([line.id for line in found.lines], found.more, found.overdue) == ([first], 4, 0)
    book.now += 86400 * 365
    assert listed(book, limit=1).overdue == 5


def test_a_queue_can_be_narrowed(book: Book) -> None:
    one, two = book.case(Kind.SELF_HARM), book.case(Kind.LEGAL, wiki="dewiki")
    book.do("ann", "claim", two)
    book.do("ann", "close", two, "handled")
    book.do("ann", "claim", one)
    for more, found in (
        ({}, [one]), ({"states": [CaseState.CLOSED]}, [two]), ({"lane": "self_harm"}, [one]), ({"lane": "general"}, []),
        ({"wiki": "dewiki"}, []), ({"kind": "self_harm"}, [one]), ({"mine": "ann"}, [one]), ({"mine": "bob"}, []), ({"kind": "'"}, []),
    ):  # fmt: skip
        assert ids(book, **more) == found, more


def test_a_due_time_of_a_clock_that_was_wrong_is_due_now(book: Book) -> None:
    case_id = book.case()
    book.set(case_id, due=book.now + 1e9)
    (line,) = listed(book).lines
    assert (line.due, line.overdue) == (book.now, True)


def test_a_record_tells_reasons_history_and_advice_and_nothing_sealed(book: Book) -> None:
    flag = book.flag(Kind.SELF_HARM, by=f"User {CANARY}", title=f"Talk:{CANARY}", text=f"so long {CANARY}")
    book.file(flag)
    book.do("ann", "note", flag.case_id, f"note {CANARY}")
    book.hide(flag)
    with book.database.read() as connection:
        found = record(connection, book.database.key, book[flag.case_id], book.now)
        assert [note.text for note in notes_of(connection, book.database.key, flag.case_id, reveal=True)] == [f"note {CANARY}"]
    assert CANARY not in repr(found)
    assert sum(reason.points for reason in found.flags[0].reasons) == flag.priority
    assert [entry.act for entry in found.history] == ["case.opened", "case.noted", "case.triaged"]
    assert found.annotations == (("hidden", "stream", book.now),)
    assert [one.purpose for one in found.reports] == ["letter"]
    assert found.line.lane == "self_harm"
    for words in ("Never label the person in public", "Point to help privately", "Blocking and removal need discretion"):
        assert any(words in line for line in found.advice)


def test_nothing_of_notes_and_reports_stands_in_clear(book: Book, tmp_path: Any) -> None:
    case_id = book.case()
    book.do("ann", "note", case_id, f"note {CANARY}")
    told = Opened(text=f"report {CANARY}", author=f"A {CANARY}", target=f"T {CANARY}")
    with book.write() as connection:
        open_outside(connection, book.database.key, told, kind=Kind.HARASSMENT, wiki="enwiki", by="ann", now=book.now)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("tsbot.sqlite*"))
    assert CANARY.encode() not in stored


def test_a_note_moved_to_another_row_does_not_open(book: Book) -> None:
    from tsbot.errors import KeyFileError

    case_id = book.case()
    for text in ("one", "two"):
        book.do("ann", "note", case_id, text)
    with book.database.write() as connection:
        connection.exec_driver_sql("update note set body = (select body from note where id = 1) where id = 2")
    with book.database.read() as connection, pytest.raises(KeyFileError):
        notes_of(connection, book.database.key, case_id, reveal=True)


@pytest.mark.parametrize("text", ["", " \n", "x" * (LONGEST + 1)], ids=["empty", "blank", "endless"])
def test_no_note_at_all(book: Book, text: str) -> None:
    with pytest.raises(InputError):
        book.do("ann", "note", book.case(), text)


@pytest.mark.parametrize("text", ["\ud800 half", "\x00 nothing", "\u202e turned", "=1+1", "😀" * 100])
def test_a_strange_note_is_kept(book: Book, text: str) -> None:
    case_id = book.case()
    book.do("ann", "note", case_id, text)
    with book.database.read() as connection:
        (note,) = notes_of(connection, book.database.key, case_id, reveal=True)
    assert note.text == text.strip().replace("\ud800", "?")


def test_without_its_key_a_case_takes_no_note(book: Book) -> None:
    case_id = book.case()
    book.set(case_id, data_key=None)
    with pytest.raises(CaseError, match="destroyed"):
        book.do("ann", "note", case_id, "late")


# -- by hand -----------------------------------------------------------------------------------------------------------------


def outside(book: Book, **more: Any) -> Any:
    told = Opened(text=more.pop("text", "somebody wrote to us"), author=more.pop("author", ""), target=more.pop("target", ""))
    with book.write() as connection:
        return open_outside(connection, book.database.key, told, **{"kind": Kind.HARASSMENT, "wiki": "enwiki", "by": "ann", "now": book.now} | more)


def test_an_outside_report_is_a_case_without_flags_that_the_stream_never_closes(book: Book) -> None:
    case = outside(book, text="line\nline", author="Example")
    assert (case.state, case.source, case.triaged) == (CaseState.OPEN, "intake", book.now)
    assert case.priority > 0
    with book.database.read() as connection:
        assert read_opened(connection, book.database.key, case.id) == Opened(text="line\nline", author="Example")
    from tsbot.cases import lifecycle

    with book.write() as connection:
        assert lifecycle.settle(connection, case.id, book.now) is None
    assert book.acts(case.id) == ["case.opened"]


@pytest.mark.parametrize(
    "more",
    [{"text": " "}, {"text": "x" * 200_001}, {"wiki": ""}, {"wiki": "en wiki"}, {"wiki": "enwiki\n"}, {"kind": Kind.NONE}, {"kind": Kind.MINORS}],
)
def test_an_outside_report_that_cannot_be_taken(book: Book, more: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        outside(book, **more)
    assert book.rows("select count(*) from case_file") == [(0,)]


def test_what_a_person_points_at_is_worked_on(book: Book) -> None:
    new, closed = book.case(), book.case()
    book.do("ann", "claim", closed)
    book.do("ann", "close", closed, "handled")
    with book.write() as connection:
        adopt(connection, {new, closed}, by="bob", now=book.now)
    assert (book[new].state, book[closed].state) == (CaseState.OPEN, CaseState.CLOSED)
    assert book.acts(new) == ["case.opened", "case.taken_up", "case.pointed_at"]


def test_every_kind_is_handled() -> None:
    assert set(shipped_handling().kinds) == set(Kind) - {Kind.NONE}
