"""Two cases that are one, and one that is two."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cases import joining, lifecycle
from tsbot.cases.case import CaseState
from tsbot.cases.casebook import record
from tsbot.cases.filing import read_flag
from tsbot.cases.notes import notes_of
from tsbot.detect.finding import Kind
from tsbot.errors import CaseError, InputError
from tsbot.report.links import flag_links
from tsbot.report.prepare import Writer
from tsbot.store import outbox

Book = Any


def write_letters(book: Book) -> None:
    writer = Writer(book.database, book.settings, flag_links, lambda: book.now)
    with book.database.read() as connection:
        fresh = outbox.fresh(connection, book.now, 100)
    for report in fresh:
        writer.prepare(report)


def letter(book: Book, identity: str) -> Any:
    writer = Writer(book.database, book.settings, flag_links, lambda: book.now)
    with book.database.read() as connection:
        row = outbox.get(connection, identity)
        assert row is not None
        return writer.read(connection, row)


def merge(book: Book, source: str, into: str) -> Any:
    with book.write() as connection:
        return joining.merge(connection, book.database.key, book[source], book[into], by="ann", now=book.now)


def split(book: Book, case_id: str, *flags: str) -> Any:
    with book.write() as connection:
        return joining.split(connection, book.database.key, book[case_id], flags, by="ann", now=book.now)


def excerpt(book: Book, flag: str) -> tuple[str, str]:
    with book.database.read() as connection:
        found = read_flag(connection, book.database.key, flag)
    assert found is not None
    assert found.content is not None
    return found.case_id, found.content.excerpt


def test_merging_keeps_flags_letters_notes_and_what_they_say(book: Book) -> None:
    one, two = book.flag(Kind.LEGAL, text="the first of all texts"), book.flag(Kind.SELF_HARM, text="nothing like that one")
    letters = book.file(one) + book.file(two)
    write_letters(book)
    before = [letter(book, identity) for identity in letters]
    book.do("bob", "note", one.case_id, "said by bob")
    book.now += 60
    merged = merge(book, one.case_id, two.case_id)
    assert (merged.id, merged.kind, merged.priority, merged.triaged) == (two.case_id, Kind.SELF_HARM, two.priority, book.now - 60)
    assert [excerpt(book, flag.id) for flag in (one, two)] == [
        (two.case_id, "the first of all texts"), (two.case_id, "nothing like that one")
    ]  # fmt: skip
    assert [letter(book, identity) for identity in letters] == before
    with book.database.read() as connection:
        assert [note.text for note in notes_of(connection, book.database.key, merged.id, reveal=True)] == ["said by bob"]
        assert record(connection, book.database.key, merged, book.now).merged == (one.case_id,)
    left = book[one.case_id]
    assert (left.state, left.outcome, left.merged_into) == (CaseState.CLOSED, "merged", two.case_id)
    assert book.flag(by="Editor 1").case_id == two.case_id, "what comes later joins the merged case"
    with pytest.raises(CaseError, match=f"merged into {two.case_id[:8]}"):
        book.do("ann", "note", one.case_id, "late")


def test_a_letter_that_is_being_written_while_its_case_is_merged_can_be_read(book: Book) -> None:
    one, two = book.flag(), book.flag()
    (identity,) = book.file(one)
    writer = Writer(book.database, book.settings, flag_links, lambda: book.now)
    with book.database.read() as connection:
        report = outbox.get(connection, identity)
    assert report is not None
    merge(book, one.case_id, two.case_id)
    writer.prepare(report)
    assert letter(book, identity).flag_ids == (one.id,)


def test_the_stricter_and_the_graver_of_two_hold(book: Book) -> None:
    one, two = book.case(Kind.SELF_HARM, scores=(3, 3, 3)), book.case(Kind.LEGAL, scores=(0, 0, 0))
    book.set(one, hold_until=book.now + 1e6)
    merged = merge(book, one, two)
    assert (merged.tlp, merged.kind, merged.hold_until) == ("red", Kind.SELF_HARM, book.now + 1e6)
    assert merged.due is not None
    assert merged.due - book.now <= 600


def test_what_cannot_be_merged(book: Book) -> None:
    one, two = book.case(), book.case()
    with pytest.raises(InputError, match="itself"):
        merge(book, one, one)
    with book.write() as connection:
        lifecycle.move(connection, two, CaseState.CLOSED, by="ann", now=book.now, outcome="handled")
    for source, into in ((one, two), (two, one)):
        with pytest.raises(CaseError, match="Reopen it first"):
            merge(book, source, into)


def test_splitting_keeps_flags_letters_and_what_they_say(book: Book) -> None:
    flags = [book.flag(Kind.VIOLENCE, by="Example", text=text) for text in ("an apple a day", "bread and butter", "cheese and wine")]
    case_id = flags[0].case_id
    letters = [identity for flag in flags for identity in book.file(flag)]
    write_letters(book)
    before = [letter(book, identity) for identity in letters]
    new = split(book, case_id, flags[1].id)
    assert (new.state, new.kind, new.priority) == (CaseState.TRIAGE, Kind.VIOLENCE, flags[1].priority)
    assert [excerpt(book, flag.id) for flag in flags] == [
        (case_id, "an apple a day"), (new.id, "bread and butter"), (case_id, "cheese and wine")
    ]  # fmt: skip
    assert [letter(book, identity) for identity in letters] == before
    assert book.rows(f"select count(*) from report where case_id = '{new.id}'") == [(1,)]
    assert book.acts(case_id)[-1] == "case.split"


def test_flags_on_one_edit_stay_together(book: Book) -> None:
    book.flag(by="Example")
    one, two = book.flag(Kind.VIOLENCE, by="Example", rev_id=7), book.flag(Kind.DOXING, by="Example", rev_id=7)
    new = split(book, one.case_id, two.id)
    assert {excerpt(book, flag.id)[0] for flag in (one, two)} == {new.id}
    assert new.kind is Kind.VIOLENCE


def test_a_part_whose_letter_was_sent_is_reported(book: Book) -> None:
    one, two = book.flag(by="Example"), book.flag(by="Example")
    (identity,) = book.file(one)
    write_letters(book)
    with book.write() as connection:
        outbox.release(connection, identity, "ann", book.now)
        outbox.mark_sent(connection, identity, book.now)
    book.now += 60
    new = split(book, two.case_id, one.id)
    assert (new.state, new.reported) == (CaseState.REPORTED, book.now - 60)


def test_what_cannot_be_split(book: Book) -> None:
    one, two, other = book.flag(by="Example"), book.flag(by="Example"), book.flag()
    for flags, named in (((one.id, two.id), "leave others"), ((), "Name some"), ((other.id,), "has no flag"), (("'; --",), "has no flag")):
        with pytest.raises(InputError, match=named):
            split(book, one.case_id, *flags)
    with book.write() as connection, pytest.raises(InputError, match="No flag"):
        joining.flags_named(connection, one.case_id, ["ffff"])


def test_there_and_back_again(book: Book) -> None:
    flags = [book.flag(by="Example", scores=(n, 1, 0)) for n in range(3)]
    case = book[flags[0].case_id]
    new = split(book, case.id, flags[2].id)
    assert book[case.id].priority == flags[1].priority
    merged = merge(book, new.id, case.id)
    assert (merged.priority, merged.kind) == (case.priority, case.kind)
    assert book.rows("select count(distinct case_id) from flag") == [(1,)]
