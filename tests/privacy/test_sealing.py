"""Once the wiki has hidden a text, our copies of it are gone; names and links stay."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from tsbot.cases import outcomes
from tsbot.report.sealing import seal_hidden
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field

Desk = Any
DAY = 86400.0
CANARY = "canary seven three nine one"


def hide(desk: Desk, rev_id: int = 100, *, text: bool = True, comment: bool = True, user: bool = True) -> int:
    """What the pipeline does with a change of visibility; each argument says whether that is still visible."""
    event = Event(
        id=f"visibility-{rev_id}-{desk.clock()}", stream="mediawiki.revision-visibility-change", kind=EventKind.VISIBILITY, wiki="enwiki",
        time=desk.clock(), rev_id=rev_id, text_visible=text, comment_visible=comment, user_visible=user,
    )  # fmt: skip
    with desk.database.write() as connection:
        outcomes.record(connection, desk.database.key, event, desk.clock())
        return seal_hidden(connection, desk.database.key, event, desk.clock())


def letter(desk: Desk) -> str:
    (report,) = desk.reports()
    return str(desk.deliverer().message(report).text)


def test_a_hidden_text_goes_out_of_flag_letter_and_spool(desk: Desk) -> None:
    flag = desk.flag()
    desk.deliverer().run_once()
    assert CANARY in letter(desk)
    assert CANARY in "".join(desk.spooled().values())
    assert hide(desk, text=False) == 1
    content = desk.read(flag).content
    assert (content.excerpt, content.evidence) == ("", ())
    assert (content.user, content.title, content.rev_id) == ("Canarius Example", "Talk:Canary house", 100)
    assert CANARY not in letter(desk)
    assert "Canarius Example" in letter(desk)
    assert "oldid=100" in letter(desk)
    desk.deliverer().run_once()
    (draft,) = desk.spooled().values()
    assert CANARY not in draft
    assert draft.startswith("X-Tsbot-State: held")
    assert desk.case(flag.case_id).sealed == desk.clock()
    with desk.database.read() as connection:
        *_, entry = audit.entries(connection, obj=flag.case_id)
    assert (entry.actor, entry.act, entry.details) == ("tsbot", "case.sealed", '{"flags":1,"letters":1}')


def test_a_letter_that_was_sent_to_the_spool_is_written_anew_without_the_text(desk: Desk) -> None:
    desk.flag()
    desk.send()
    hide(desk, text=False)
    desk.deliverer().run_once()
    (sent,) = desk.spooled().values()
    assert CANARY not in sent
    assert "oldid=100" in sent
    assert not sent.startswith("X-Tsbot-State")


def test_a_letter_that_was_taken_out_of_the_spool_does_not_come_back(desk: Desk) -> None:
    desk.flag()
    desk.send()
    for path in desk.settings.spool_path.iterdir():
        path.unlink()
    hide(desk, text=False)
    desk.deliverer().run_once()
    assert desk.spooled() == {}


def test_a_letter_not_written_yet_is_written_without_the_text(desk: Desk) -> None:
    desk.flag()
    hide(desk, text=False)
    desk.deliverer().run_once()
    assert CANARY not in letter(desk)


def test_a_text_hidden_while_its_letter_is_being_written_is_not_in_it(desk: Desk) -> None:
    desk.flag()
    deliverer = desk.deliverer()
    find = deliverer.writer.links

    def meanwhile(flag: Any) -> Any:
        deliverer.writer.links = find
        hide(desk, text=False)
        return find(flag)

    deliverer.writer.links = meanwhile
    deliverer.run_once()
    assert CANARY not in letter(desk)


@pytest.mark.parametrize(
    ("where", "hidden", "goes"),
    [
        (Field.TEXT, {"text": False}, True),
        (Field.TEXT, {"comment": False}, False),
        (Field.TEXT, {"user": False}, False),
        (Field.TEXT, {}, False),
        (Field.SUMMARY, {"comment": False}, True),
        (Field.SUMMARY, {"text": False}, False),
        (Field.USER, {"user": False}, True),
    ],
)
def test_it_goes_only_where_what_was_flagged_is_hidden(desk: Desk, where: Field, hidden: dict[str, bool], goes: bool) -> None:
    flag = desk.flag(where=where)
    assert hide(desk, **hidden) == int(goes)
    assert (desk.read(flag).content.excerpt == "") == goes
    assert (desk.case(flag.case_id).sealed is not None) == goes


def test_other_edits_of_the_case_keep_their_texts(desk: Desk) -> None:
    first, second = desk.flag(100), desk.flag(101)
    assert first.case_id == second.case_id
    hide(desk, 100, text=False)
    assert CANARY in desk.read(second).content.excerpt


def test_hidden_twice_or_after_the_purge_is_nothing_new(desk: Desk) -> None:
    flag = desk.flag()
    assert hide(desk, text=False) == 1
    desk.clock.now += 1
    assert hide(desk, text=False) == 0
    desk.close(flag.case_id)
    desk.clock.now += 7 * DAY
    desk.keeper().run()
    assert hide(desk, text=False) == 0


def test_a_held_case_is_sealed_when_the_hold_has_ended(desk: Desk) -> None:
    flag = desk.flag()
    desk.set(flag.case_id, hold_until=desk.clock() + DAY)
    assert hide(desk, text=False) == 0
    assert CANARY in desk.read(flag).content.excerpt
    desk.clock.now += DAY
    assert desk.keeper().run().sealed == 1
    assert desk.read(flag).content.excerpt == ""
    assert desk.case(flag.case_id).hold_until is None
    with desk.database.read() as connection:
        assert [entry.act for entry in audit.entries(connection, obj=flag.case_id)][-2:] == ["hold.ended", "case.sealed"]


def test_where_the_settings_say_so_nothing_is_sealed_even_after_a_hold(desk: Desk) -> None:
    keep = msgspec.structs.replace(desk.settings.cases, seal_when_hidden=False)
    desk.settings = msgspec.structs.replace(desk.settings, cases=keep)
    flag = desk.flag()
    desk.set(flag.case_id, hold_until=desk.clock() + DAY)
    hide(desk, text=False)
    desk.clock.now += DAY
    assert desk.keeper().run().sealed == 0
    assert CANARY in desk.read(flag).content.excerpt


def test_the_old_ciphertext_is_not_in_the_files_any_more(desk: Desk) -> None:
    desk.flag()
    desk.deliverer().run_once()
    with desk.database.read() as connection:
        bodies = [connection.scalar(select(t.flag.c.body)), connection.scalar(select(t.report.c.body))]
    hide(desk, text=False)
    assert desk.database.checkpoint()
    files = b"".join(desk.files().values())
    assert not any(body in files for body in bodies)
