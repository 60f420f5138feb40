"""Letters on their way through the outbox: each in its recipient's language, under its row's policy, with what is known by then."""

from __future__ import annotations

from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from tsbot.errors import SettingsError
from tsbot.settings import PageSettings, Recipient, ReportSettings
from tsbot.store import tables as t

Desk = Any
NOW = 1_790_000_000.0


def report(**more: Any) -> ReportSettings:
    return ReportSettings(reporter_contact="reporter@example.org", reporter_name="Patrol desk", **more)


def read(desk: Desk, identity: str) -> tuple[str, str]:
    """Subject and text of a letter in the spool."""
    mail = message_from_string(desk.spooled()[identity], policy=default)
    return mail["Subject"], mail.get_content()


def test_two_recipients_of_one_edit_read_it_in_their_languages(desk: Desk) -> None:
    both = (Recipient(to="a@example.org", language="de", excerpt=True), Recipient(to="b@example.org", language="ar"))
    settings = desk.settings(report=report(recipients={"violence": both}))
    first, second = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    subject, text = read(desk, first)
    assert subject == "[TS] Meldung 0c5e1a2b"
    assert text.startswith("Gemeldet von: Patrol desk\n")
    assert "\nWas geschrieben wurde\n> I will come to your office tomorrow and hurt you\n" in text
    subject, text = read(desk, second)
    assert subject == "[TS] بلاغ \u20680c5e1a2b\u2069"
    assert text.startswith("المبلِّغ: \u2068Patrol desk\u2069\n")
    assert "hurt you" not in text


def test_a_role_reads_its_letters_in_the_language_of_the_settings(desk: Desk) -> None:
    settings = desk.settings(report=report(languages={"emergency": "fr"}))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert read(desk, identity)[1].startswith("Signalé par : Patrol desk\n")


def test_a_letter_keeps_the_language_that_it_was_written_in(desk: Desk) -> None:
    german = desk.settings(report=report(languages={"default": "de"}))
    (identity,) = desk.file(desk.flag(), german)
    desk.deliverer(german).run_once()
    english = desk.deliverer(desk.settings())
    assert english.message(desk.row(identity)).text.startswith("Gemeldet von")


def test_pages_have_a_language_of_their_own(desk: Desk) -> None:
    settings = desk.settings(page=PageSettings(mail=("duty@example.org",), language="es"))
    identities = desk.file(desk.flag(scores=(3, 3, 3)), settings)
    deliverer = desk.deliverer(settings)
    (page,) = [row for row in map(desk.row, identities) if row.recipient == "duty@example.org"]
    message = deliverer.message(page)
    assert message.subject == "[TS] aviso 0c5e1a2b"
    assert message.text.startswith("Un caso espera a una persona.\n")


@pytest.mark.parametrize(("column", "value"), [("attempts", 3), ("drill", True)])
def test_a_row_says_how_its_letter_is_put(desk: Desk, column: str, value: Any) -> None:
    (identity,) = desk.file(desk.flag(user="Somebody"))
    desk.deliverer().run_once()
    with desk.database.write() as connection:
        connection.execute(update(t.report).values(**{column: value}))
    message = desk.deliverer().message(desk.row(identity))
    assert "Somebody" in message.text
    assert message.text.startswith("EXERCISE: ") == (column == "drill")
    assert message.subject.startswith("[TS] EXERCISE: ") == (column == "drill")


def test_a_letter_says_what_the_wiki_has_done_by_then(desk: Desk) -> None:
    flag = desk.flag()
    with desk.database.write() as connection:
        for what, time in (("blocked", NOW - 1), ("hidden", NOW - 3), ("hidden", NOW + 9), ("something_else", NOW)):
            connection.execute(insert(t.outcome).values(flag_id=flag.id, what=what, time=time, event_id=f"e{time}"))
    (identity,) = desk.file(flag)
    desk.deliverer().run_once()
    lines = read(desk, identity)[1].splitlines()
    done = lines.index("Hidden on the wiki: 2026-09-21 14:13:17 UTC")
    assert lines[done + 1 : done + 3] == ["Account blocked: 2026-09-21 14:13:19 UTC", ""]


def test_a_further_letter_of_a_case_says_that_it_is_one(desk: Desk) -> None:
    words = "This is about a further edit of a case that was reported to you before."
    (first,) = desk.file(desk.flag(rev_id=100))
    deliverer = desk.deliverer()
    deliverer.run_once()
    desk.release(first)
    deliverer.run_once()
    desk.clock.now += 10
    (second,) = desk.file(desk.flag(rev_id=101))
    deliverer.run_once()
    assert [words in read(desk, identity)[1] for identity in (first, second)] == [False, True]


def test_letters_of_the_settings_are_the_ones_that_leave(desk: Desk) -> None:
    folder: Path = desk.folder / "letters"
    folder.mkdir()
    (folder / "emergency.txt.j2").write_text('{{ say("case", letter.case_id) }}\n', encoding="utf-8")
    settings = desk.settings(report=report(templates="letters"))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert read(desk, identity)[1] == "Case: 0c5e1a2b-0000-4000-8000-000000000001\n"


def test_a_folder_of_letters_that_is_not_there_stops_delivery_before_it_begins(desk: Desk) -> None:
    with pytest.raises(SettingsError, match=r"report\.templates"):
        desk.deliverer(desk.settings(report=report(templates="nowhere")))
