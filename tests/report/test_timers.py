"""Timers on an outbox: each step once, through kill -9 and beside others, and no more pages than people can bear."""

from __future__ import annotations

import email
import importlib.util
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from tsbot.detect.finding import Kind
from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.acknowledge import acknowledge
from tsbot.report.message import OutboundMessage
from tsbot.report.reminders import resend
from tsbot.report.timers import Timers
from tsbot.settings import OnCallPerson, OnCallSettings, Recipient, ReleaseRule, ReportSettings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
SCRIPT = Path(__file__).with_name("dying_timer.py")
QUARTER = 900.0
HOUR = 3600.0
DUTY, OTHER = OnCallPerson(name="duty", mail="duty@example.org"), OnCallPerson(name="other", mail="other@example.org")
TO_DESK = Recipient(to="desk@example.org", second="second@example.org", excerpt=True)


def configured(desk: Desk, *people: OnCallPerson, **more: Any) -> Any:
    report = ReportSettings(reporter_contact="reporter@example.org", recipients={"default": (TO_DESK,)})
    return desk.settings(report=msgspec.structs.replace(report, **more), oncall=OnCallSettings(people=people or (DUTY,)))


def automatic(desk: Desk, **more: Any) -> Any:
    return configured(desk, release={kind.value: ReleaseRule() for kind in Kind}, **more)


class Tray:
    """A channel that keeps what it gets, and refuses what goes to some."""

    def __init__(self, *refused: str) -> None:
        self.got: list[OutboundMessage] = []
        self.refused = refused
        self.down = False

    def send(self, message: OutboundMessage) -> None:
        if self.down and message.purpose is not Purpose.PAGE:
            raise DeliveryDeferredError("test: 451")
        if message.recipient in self.refused:
            raise DeliveryRefusedError("test: 550")
        self.got.append(message)


def purposes(desk: Desk, purpose: Purpose) -> list[Any]:
    return [row for row in desk.rows() if row.purpose is purpose]


def case(number: int) -> str:
    return f"0c5e1a2b-0000-4000-8000-{number:012}"


# -- what is sent -----------------------------------------------------------------------------------------------------------


def test_a_page_carries_ids_only(desk: Desk) -> None:
    settings = configured(desk)
    (identity,) = desk.file(desk.flag(user="Beispielkonto", title="Talk:Zebra crossing"), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.clock.now += QUARTER
    deliverer.run_once()
    (page,) = tray.got
    assert page.reason == "unreleased"
    assert f"Report: {identity}\n" in page.text
    for word in ("Beispielkonto", "Zebra", "violence", "examplewiki", "office"):
        assert word not in page.text + page.subject


def test_a_reminder_says_what_it_is_quotes_nothing_and_is_of_the_same_thread(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.clock.now += HOUR
    deliverer.run_once()
    letter, reminder = tray.got
    assert "your office" in letter.text
    assert "your office" not in reminder.text
    assert (reminder.recipient, reminder.purpose) == ("second@example.org", Purpose.REMINDER)
    assert reminder.text.startswith("The report below was sent to desk@example.org at 2026-09-21 ")
    assert reminder.in_reply_to == letter.message_id == f"<{identity}@example.org>"
    assert reminder.subject == letter.subject
    assert "Reported user: Example" in reminder.text


def test_a_second_reminder_to_the_same_address_follows_the_first(desk: Desk) -> None:
    """Threads keep their order: what the second address gets of one case, it gets as one thread."""
    settings = automatic(desk, recipients={"default": (TO_DESK, Recipient(to="other@example.org", second="second@example.org"))})
    desk.file(desk.flag(), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.clock.now += HOUR
    deliverer.run_once()
    reminders = [message for message in tray.got if message.purpose is Purpose.REMINDER]
    assert [message.recipient for message in reminders] == ["second@example.org"] * 2
    assert reminders[1].in_reply_to == reminders[0].message_id


def test_no_reminder_overtakes_a_letter_of_its_thread(desk: Desk) -> None:
    settings = automatic(desk, recipients={"violence": (TO_DESK,), "self_harm": (Recipient(to="second@example.org"),)})
    desk.file(desk.flag(), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.file(desk.flag(Kind.SELF_HARM, rev_id=200), settings)
    tray.down = True
    deliverer.run_once()
    desk.clock.now += HOUR
    deliverer.run_once()
    assert [row.attempts for row in desk.rows() if row.recipient == "second@example.org"] == [2, 0]
    tray.down = False
    desk.clock.now += 120
    deliverer.run_once()
    first, second = (message for message in tray.got if message.recipient == "second@example.org")
    assert (first.purpose, second.purpose) == (Purpose.LETTER, Purpose.REMINDER)
    assert second.in_reply_to == first.message_id


def test_the_outcome_of_each_step_is_in_the_audit_log(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings, {"spool": Tray()})
    deliverer.run_once()
    for _ in range(4):
        desk.clock.now += HOUR
        deliverer.run_once()
    with desk.database.read() as connection:
        acts = [(entry.actor, entry.act, entry.details) for entry in audit.entries(connection, obj=identity)]
        assert audit.verify(connection) is None
    assert acts == [
        ("tsbot", "report.escalated", '{"messages":1,"reason":"unacknowledged","step":1,"to":"second"}'),
        ("tsbot", "report.escalated", '{"messages":1,"reason":"unacknowledged","step":2,"to":"on_call"}'),
    ]


# -- few pages ----------------------------------------------------------------------------------------------------------------


def test_what_falls_due_together_is_one_page(desk: Desk) -> None:
    settings = configured(desk)
    filed = [desk.file(desk.flag(rev_id=number, case=case(number)), settings)[0] for number in range(1, 31)]
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.clock.now += QUARTER
    deliverer.run_once()
    (page,) = tray.got
    assert sum(identity in page.text for identity in filed) == 20
    assert "and 10 more" in page.text
    assert {desk.row(identity).step for identity in filed} == {1}


def test_the_letters_of_one_case_wake_people_once(desk: Desk) -> None:
    settings = configured(desk)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    for number in range(1, 6):
        desk.file(desk.flag(rev_id=number), settings)
        deliverer.run_once()
        desk.clock.now += 60
    for _ in range(30):
        desk.clock.now += 60
        deliverer.run_once()
    assert [message.reason for message in tray.got] == ["unreleased"]
    desk.clock.now += 10 * 60
    deliverer.run_once()
    assert len(tray.got) == 2


def test_a_thread_is_waited_for_once(desk: Desk) -> None:
    settings = automatic(desk)
    for number in range(1, 6):
        desk.file(desk.flag(rev_id=number), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    desk.clock.now += HOUR
    deliverer.run_once()
    assert [message.recipient for message in tray.got] == ["desk@example.org"] * 5 + ["second@example.org"]


def test_a_purged_case_is_waited_for_no_more(desk: Desk) -> None:
    settings = configured(desk)
    (identity,) = desk.file(desk.flag(), settings)
    with desk.database.write() as connection:
        connection.execute(update(t.case).values(data_key=None))
    desk.clock.now += QUARTER
    assert desk.deliverer(settings).timers.run_once() == 0
    assert desk.row(identity).step_due is None


def test_simulating_tells_nobody(desk: Desk) -> None:
    settings = configured(desk)
    desk.file(desk.flag(), settings)
    desk.clock.now += QUARTER
    desk.deliverer(settings, simulate=True).run_once()
    assert purposes(desk, Purpose.PAGE) == []


def test_nobody_to_tell_is_said_and_asked_again(desk: Desk, logged: list[Any]) -> None:
    settings = desk.settings()
    (identity,) = desk.file(desk.flag(), settings)
    desk.clock.now += QUARTER
    deliverer = desk.deliverer(settings)
    deliverer.run_once()
    assert [entry["id"] for entry in logged if entry["event"] == "report.nobody_to_tell"] == [identity]
    assert desk.row(identity).step_due == desk.clock.now + 1800


# -- dead ---------------------------------------------------------------------------------------------------------------------


def test_a_dead_letter_wakes_on_call_in_the_same_breath(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    tray = Tray("desk@example.org")
    desk.deliverer(settings, {"spool": tray}).run_once()
    assert [(message.recipient, message.reason) for message in tray.got] == [("duty@example.org", "dead")]
    assert desk.row(identity).state is ReportState.DEAD
    with desk.database.write() as connection:
        assert outbox.retry(connection, identity, desk.clock())
    desk.deliverer(settings, {"spool": tray}).run_once()
    assert [message.reason for message in tray.got] == ["dead", "dead"]


def test_a_page_that_cannot_be_delivered_is_told_to_the_others_once(desk: Desk) -> None:
    settings = configured(desk, DUTY, OTHER)
    desk.file(desk.flag(), settings)
    tray = Tray("duty@example.org")
    deliverer = desk.deliverer(settings, {"spool": tray})
    desk.clock.now += QUARTER
    for _ in range(5):
        deliverer.run_once()
    assert {message.recipient for message in tray.got} == {"other@example.org"}
    assert [message.reason for message in tray.got] == ["unreleased", "dead"]


def test_when_no_page_arrives_it_ends_all_the_same(desk: Desk) -> None:
    settings = configured(desk, DUTY, OTHER)
    desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings, {"spool": Tray("duty@example.org", "other@example.org")})
    desk.clock.now += QUARTER
    for _ in range(10):
        deliverer.run_once()
    assert [row.state for row in purposes(desk, Purpose.PAGE)] == [ReportState.DEAD] * 4


# -- once more ----------------------------------------------------------------------------------------------------------------


def test_sending_once_more_is_a_further_letter_of_the_thread(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    tray = Tray()
    deliverer = desk.deliverer(settings, {"spool": tray})
    deliverer.run_once()
    for _ in range(2):
        desk.clock.now += 60
        with desk.database.write() as connection:
            assert resend(connection, desk.database.key, desk.row(identity), settings, by="operator", now=desk.clock())
        deliverer.run_once()
    first, second, third = tray.got
    assert len({message.message_id for message in tray.got}) == 3
    assert second.in_reply_to == third.in_reply_to == first.message_id
    assert second.text.startswith("The report below was sent to you at")
    assert "your office" in second.text


# -- once, whatever happens -----------------------------------------------------------------------------------------------------


def dying_settings(desk: Desk) -> Any:
    spec = importlib.util.spec_from_file_location("dying_timer", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.settings_of(str(desk.folder))


@pytest.mark.parametrize(
    ("sent", "point", "noted", "handed_over"),
    [
        (False, "before the commit", False, False),
        (False, "before sending", True, False),
        (False, "after sending", True, True),
        (True, "before the commit", False, False),
        (True, "before sending", True, False),
        (True, "after sending", True, True),
    ],
)
def test_killed_while_escalating(desk: Desk, sent: bool, point: str, noted: bool, handed_over: bool) -> None:
    """A page about an unreleased letter, and a letter to a second address: filed whole or not at all, and shown once."""
    settings = dying_settings(desk)
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    if sent:
        desk.release(identity)
        desk.deliverer(settings).run_once()
    before = set(desk.spooled())
    desk.clock.now += HOUR if sent else QUARTER
    with desk.database.read() as connection:
        head = audit.head(connection).number
    words = [sys.executable, str(SCRIPT), str(desk.folder), repr(desk.clock.now), point, str(head)]
    done = subprocess.run(words, check=False, capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert (desk.row(identity).step == 1) == noted
    assert (set(desk.spooled()) > before) == handed_over
    for _ in range(2):
        desk.deliverer(settings).run_once()
    (message,) = set(desk.spooled()) - before
    assert desk.row(message).state is ReportState.SENT
    assert email.message_from_string(desk.spooled()[message])["To"] == ("second@example.org" if sent else "duty@example.org")
    assert len(desk.rows()) == 2
    with desk.database.read() as connection:
        assert [entry.act for entry in audit.entries(connection) if entry.act == "report.escalated"] == ["report.escalated"]
        assert audit.verify(connection) is None


def test_two_deliverers_at_once_take_each_step_once(desk: Desk) -> None:
    """Two whose locks do not know of each other, as on two machines: the rows themselves decide."""
    settings = configured(desk)
    for number in range(1, 9):
        desk.file(desk.flag(rev_id=number, case=case(number)), settings)
    desk.clock.now += QUARTER
    start = threading.Barrier(4)
    trouble: list[BaseException] = []

    def work() -> None:
        timers = Timers(desk.database, settings, desk.clock)
        start.wait()
        try:
            for _ in range(3):
                timers.run_once()
        except BaseException as error:
            trouble.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert len(purposes(desk, Purpose.PAGE)) == 1
    assert {row.step for row in purposes(desk, Purpose.LETTER)} == {1}


def test_a_step_that_somebody_else_took_meanwhile_is_not_taken(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"spool": Tray()}).run_once()
    seen = desk.row(identity)
    with desk.database.write() as connection:
        assert outbox.stepped(connection, seen, 1, seen.step_due + 60)
        assert not outbox.stepped(connection, seen, 1, seen.step_due + 60)
    seen = desk.row(identity)
    with desk.database.write() as connection:
        acknowledge(connection, desk.database.key, seen, by="desk", actor="test", now=desk.clock())
        assert not outbox.stepped(connection, seen, 2, None)


def test_the_case_is_told_when_its_letter_left_and_when_it_was_read(desk: Desk) -> None:
    settings = automatic(desk)
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"spool": Tray()}).run_once()

    def told() -> tuple[Any, ...]:
        with desk.database.read() as connection:
            return tuple(connection.execute(select(t.case.c.state, t.case.c.reported, t.case.c.acknowledged)).one())

    left = desk.clock.now
    assert told() == ("reported", left, None)
    desk.clock.now += 60
    with desk.database.write() as connection:
        acknowledge(connection, desk.database.key, desk.row(identity), by="desk", actor="test", now=desk.clock())
    assert told() == ("acknowledged", left, desk.clock.now)
