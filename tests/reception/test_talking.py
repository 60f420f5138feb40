"""Answering people: drafts, what an answer may not reveal, check-ins, and the order in which a case is ended."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select, update

from tsbot.cases import lifecycle
from tsbot.cases.acts import Desk, desk
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.closing_order import Step, missing
from tsbot.errors import CaseError, InputError, SettingsError
from tsbot.parts import open_deliverer, open_wikis
from tsbot.reception import answering
from tsbot.reception import hearing as hearings
from tsbot.reception.discretion import Secrets, leaks
from tsbot.reception.hearing import DAY, Hearing
from tsbot.reception.reminding import remind
from tsbot.reception.situations import draft, load_situations, shipped_situations
from tsbot.reception.words import languages, shipped_words
from tsbot.report.deliver import Deliverer
from tsbot.settings import OnCallPerson, OnCallSettings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose

from .conftest import CANARY, House

SECRETS = Secrets(
    reporters=frozenset({"Rosa R", "rosa@example.org"}),
    targets=frozenset({"Tim Target"}),
    accused=frozenset({"Vandal 9"}),
    handlers=frozenset({"Oak 1234", "Alice on wiki"}),
    evidence=("the sealed words of this text are seven or more",),
)


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("Thank you. We work on it.", []),
        ("Dear rosa_R, thank you.", ["reporter"]),
        ("We wrote to rosa@example.org", ["reporter"]),
        ("Tim target was told.", ["target"]),
        ("We blocked Vandal 9.", ["accused"]),
        ("Yours, Oak 1234", ["handler"]),
        ("He wrote: «The sealed words, of this text»", ["evidence"]),
        ("The sealed words of", []),  # four words are nobody's own
        ("Call her at +49 30 901820.", ["personal"]),
    ],
)
def test_an_answer_reveals_neither_reporter_nor_target_nor_evidence_nor_handler(answer: str, what: list[str]) -> None:
    assert [leak.what for leak in leaks(answer, SECRETS)] == what


@dataclass
class Talk:
    house: House
    hearing: Hearing
    who: Desk

    def answer(self, situation: str, text: str = "") -> None:
        with self.house.database.write() as connection:
            words = text or draft(situation, self.hearing, self.house.now)
            case_id = self.hearing.case_id
            answering.answer(connection, self.who, self.house.settings, case_id, self.hearing.id, situation, words, self.house.now)

    def step(self, what: str) -> None:
        with self.house.database.write() as connection:
            answering.step(connection, self.who, self.hearing.case_id, what, self.house.now)

    def note(self, text: str = "what was found") -> None:
        with self.house.database.write() as connection:
            self.who.note(connection, self.hearing.case_id, text, self.house.now)

    def close(self) -> None:
        with self.house.database.write() as connection:
            version = read_case(connection, self.hearing.case_id).version
            self.who.close(connection, self.hearing.case_id, "handled", self.house.now, seen=version)

    def next(self) -> Step | None:
        with self.house.database.read() as connection:
            return missing(connection, self.hearing.case_id)


@pytest.fixture
def talk(house: House) -> Talk:
    hearing = house.take(f"He follows me. {CANARY} and more", mail="rosa@example.org", account="Rosa R", target="Tim Target")
    return Talk(house, hearing, desk("alice", house.database.key, house.settings))


def test_the_order_is_document_act_tell_the_sanctioned_tell_the_reporter(talk: Talk) -> None:
    assert talk.next() is Step.DOCUMENT
    for attempt in (talk.close, lambda: talk.answer("closed"), lambda: talk.step("acted")):
        with pytest.raises(CaseError, match="note"):
            attempt()
    talk.note()
    with pytest.raises(CaseError, match="act on the wiki"):
        talk.step("sanctioned_told")
    talk.step("acted")
    with pytest.raises(CaseError, match="sanctioned"):
        talk.answer("acted")
    talk.step("nobody_sanctioned")
    with pytest.raises(CaseError, match="tell those who reported"):
        talk.close()
    talk.answer("acted")
    assert talk.next() is None
    talk.close()
    with talk.house.database.read() as connection:
        assert read_case(connection, talk.hearing.case_id).state is CaseState.CLOSED


def test_the_stream_closes_no_case_whose_reporters_were_not_told(talk: Talk) -> None:
    with talk.house.database.write() as connection:
        assert lifecycle.settle(connection, talk.hearing.case_id, talk.house.now) is None


def test_an_answer_that_reveals_something_is_not_sent(talk: Talk) -> None:
    with pytest.raises(InputError, match="who reported") as raised:
        talk.answer("received", "Dear Rosa R, we have read it.")
    assert "Rosa" not in str(raised.value)
    with pytest.raises(InputError, match="what is sealed"):
        talk.answer("received", f"You wrote: He follows me. {CANARY}")
    with talk.house.database.read() as connection:
        assert hearings.words(connection, talk.house.database.key, talk.hearing) == []


def test_an_answer_is_told_by_mail_without_its_text(talk: Talk) -> None:
    from tsbot.reception.mailing import compose

    talk.answer("received")
    with talk.house.database.read() as connection:
        rows = [one for one in outbox.listing(connection) if one.subject.endswith(":1")]
        message = compose(connection, talk.house.database.key, talk.house.settings, rows[0], talk.house.now).message
    assert message.subject == f"Reference {talk.hearing.reference}"
    assert "There is an answer for you" in message.text
    assert "https://tell-us.test/l/" in message.text
    assert "We have read your report" not in message.text
    assert message.sender_name == "Trust and Safety"


def test_check_ins_are_kept_and_what_is_late_is_listed(talk: Talk) -> None:
    house = talk.house
    assert talk.hearing.check_in == house.now + 7 * 86400
    talk.answer("more")
    assert house.hearing(talk.hearing.id).check_in == house.now + 14 * 86400
    house.now += 14 * 86400 + 1
    with house.database.read() as connection:
        assert [one.id for one in hearings.waiting(connection, house.now)] == [talk.hearing.id]
        assert answering.waiting_count(connection, house.now) == 1
    talk.answer("delayed")
    with house.database.read() as connection:
        assert answering.waiting_count(connection, house.now) == 0


def test_a_person_who_took_it_back_is_not_written_to(talk: Talk) -> None:
    talk.house.desk.withdraw(talk.hearing).result(60)
    with pytest.raises(CaseError, match="took the report back"):
        talk.answer("received")
    assert talk.next() is None  # and keeps no case open


def test_a_debrief_is_a_sealed_note(talk: Talk) -> None:
    house = talk.house
    with house.database.write() as connection:
        answering.debrief(connection, talk.who, talk.hearing.case_id, CANARY, house.now)
        bodies = connection.scalars(select(t.note.c.body)).all()
    assert all(CANARY.encode() not in body for body in bodies)


@pytest.mark.parametrize("code", [code for code, _ in languages(shipped_words())])
@pytest.mark.parametrize("situation", shipped_situations())
def test_drafts_reveal_nothing_in_any_language(house: House, code: str, situation: str) -> None:
    hearing = house.take("x", language=code)
    assert leaks(draft(situation, hearing, house.now), Secrets()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[situations.unheard]\nends = true\nguidance = ["x"]', "no message"),
        ('[situations.more]\nguidance = ["x"]', "either it ends"),
        ('[situations.more]\nnews_days = 1\nends = true\nguidance = ["x"]', "either it ends"),
        ("[situations.more]\nnews_days = 1\nguidance = []", "guidance"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "situations.toml").write_text(content)
    with pytest.raises(SettingsError, match=words):
        load_situations(tmp_path / "situations.toml")


def _pages(house: House) -> list[str]:
    with house.database.read() as connection:
        return list(connection.scalars(select(t.report.c.recipient).where(t.report.c.purpose == "page").order_by(t.report.c.created)).all())


@pytest.fixture
def reminded(house: House, talk: Talk) -> Callable[[], int]:
    """One look for who is to be reminded, with a desk and somebody on call who sleeps at night."""
    on_call = OnCallSettings(people=(OnCallPerson(name="alice", mail="alice@example.org", quiet="22:00-07:00", zone="UTC"),))
    reception = msgspec.structs.replace(house.settings.reception, remind=("desk@example.org",))
    settings = msgspec.structs.replace(house.settings, reception=reception, oncall=on_call)
    house.settings = settings
    return lambda: remind(house.database, settings, house.now)


def test_who_waits_too_long_is_called_to_mind_once_a_day_by_ids_only(house: House, talk: Talk, reminded: Callable[[], int]) -> None:
    noon = (talk.hearing.check_in or 0) // DAY * DAY + DAY + DAY / 2
    house.now = talk.hearing.check_in or 0
    assert reminded() == 0
    house.now = noon
    assert reminded() == 2
    assert reminded() == 0
    assert sorted(_pages(house)) == ["alice@example.org", "desk@example.org"]
    with house.database.read() as connection:
        (row, *_) = [one for one in outbox.listing(connection) if one.purpose is Purpose.PAGE]
    deliverer = Deliverer(
        house.database, house.settings, {}, account_status=None, clock=lambda: house.now, rng=random.Random(1), simulate=True
    )
    message = deliverer.message(row)
    assert "wait longer for news" in message.text
    assert talk.hearing.reference in message.text
    assert "tsbot hearings due" in message.text
    assert CANARY not in message.text + message.subject
    assert "Rosa" not in message.text
    house.now += DAY
    assert reminded() == 2
    talk.answer("delayed")
    house.now += DAY
    assert reminded() == 0


def test_whatever_delivers_reminds(house: House, talk: Talk, reminded: Callable[[], int]) -> None:
    house.now = (talk.hearing.check_in or 0) + DAY
    deliverer = open_deliverer(
        house.settings, house.database, open_wikis(house.settings), ask_wikis=False, simulate=True, clock=lambda: house.now
    )
    assert deliverer.timers.run_once() > 0
    assert "desk@example.org" in _pages(house)
    assert reminded() == 0


def test_a_key_that_cannot_be_read_keeps_nobody_asleep(house: House, talk: Talk, reminded: Callable[[], int]) -> None:
    with house.database.write() as connection:
        connection.execute(update(t.case).where(t.case.c.id == talk.hearing.case_id).values(data_key=b"broken"))
    house.now = (talk.hearing.check_in or 0) // DAY * DAY + DAY + DAY / 2
    assert reminded() == 2
    assert sorted(_pages(house)) == ["alice@example.org", "desk@example.org"]
    with house.database.read() as connection:
        (row, *_) = [one for one in outbox.listing(connection) if one.purpose is Purpose.PAGE]
    deliverer = Deliverer(
        house.database, house.settings, {}, account_status=None, clock=lambda: house.now, rng=random.Random(1), simulate=True
    )
    assert talk.hearing.case_id in deliverer.message(row).text


def test_quiet_hours_hold_unless_it_reads_as_danger_to_life(house: House, talk: Talk, reminded: Callable[[], int]) -> None:
    house.now = (talk.hearing.check_in or 0) // DAY * DAY + 3 * DAY + 3600  # one in the morning
    assert reminded() == 1
    assert _pages(house) == ["desk@example.org"]
    with house.database.write() as connection:
        hearings.change(connection, talk.hearing, urgent=True)
    assert reminded() == 2
    house.now += 6 * 3600
    assert reminded() == 2


def test_a_reminder_may_be_asked_for_sooner_and_not_later(house: House, talk: Talk) -> None:
    def ask(days: float) -> None:
        with house.database.write() as connection:
            answering.check_in(connection, talk.who, talk.hearing.case_id, talk.hearing.id, days, house.now)

    ask(2)
    assert house.hearing(talk.hearing.id).check_in == house.now + 2 * DAY
    for days in (3, 0, -1):
        with pytest.raises(InputError, match="earlier day"):
            ask(days)
    talk.house.desk.withdraw(talk.hearing).result(60)
    with pytest.raises(CaseError, match="Nobody waits"):
        ask(1)
