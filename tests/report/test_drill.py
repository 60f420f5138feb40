"""Exercises: the whole chain, marked, timed, and gone afterwards."""

from __future__ import annotations

import email
import email.policy
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from tsbot.cases.browse import list_flags
from tsbot.detect.finding import Kind
from tsbot.drill import LEGS, NOBODY, Drill, Drilled, Plan
from tsbot.errors import DeliveryRefusedError, InputError
from tsbot.report.acknowledge import acknowledge
from tsbot.settings import OnCallPerson, OnCallSettings, Recipient, ReportSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.outbox import ReportState

Desk = Any
StartSink = Callable[..., Any]
KINDS = [kind for kind in Kind if kind is not Kind.NONE]


Sleep = Callable[[float], object]


def drilled(desk: Desk, plan: Plan | None = None, settings: Any = None, sleep: Sleep | None = None, **more: Any) -> Drilled:
    settings = settings or desk.settings()

    def pass_time(seconds: float) -> None:
        desk.clock.now += seconds

    deliverer = desk.deliverer(settings, **more)
    return Drill(desk.database, settings, deliverer, desk.clock, sleep or pass_time).run(plan or Plan(), "operator")


@pytest.mark.parametrize("kind", KINDS)
def test_every_leg_is_reached_and_timed(desk: Desk, kind: Kind) -> None:
    done = drilled(desk, Plan(kind=kind))
    assert [leg.name for leg in done.legs] == list(LEGS)
    assert all(leg.seconds is not None and leg.seconds >= 0 for leg in done.legs)
    assert done.complete
    assert [report["recipient"] for report in done.reports] == [NOBODY]
    assert json.loads(done.to_json())["complete"] is True


def test_it_says_that_it_is_an_exercise_and_where_to_answer(desk: Desk) -> None:
    report = ReportSettings(reporter_contact="reporter@example.org", ack_address="reports@example.org")
    drilled(desk, Plan(keep=True), desk.settings(report=report))
    (text,) = desk.spooled().values()
    mail = email.message_from_string(text, policy=email.policy.default)
    assert mail["Subject"].startswith("EXERCISE [TS] report ")
    assert "reports+ack-" in mail["Reply-To"]
    assert mail.get_content().startswith("EXERCISE - EXERCISE")
    assert "Acknowledgement code: ack-" in mail.get_content()


def test_nothing_of_it_is_left_but_bare_rows(desk: Desk) -> None:
    done = drilled(desk)
    assert desk.spooled() == {}
    (row,) = desk.rows()
    assert (row.drill, row.body, row.step_due) == (True, None, None)
    with desk.database.read() as connection:
        case = connection.execute(select(t.case)).mappings().one()
        assert list_flags(connection) == []
        assert [entry.act for entry in audit.entries(connection)] == [
            "drill.started",
            "report.released",
            "report.acknowledged",
            "drill.ended",
        ]
        assert audit.verify(connection) is None
    assert (case["id"], case["source"], case["state"], case["outcome"]) == (done.case, "drill", "closed", "drill")
    assert case["data_key"] is None
    assert case["purged"] is not None


def test_two_exercises_and_a_real_flag_have_nothing_to_do_with_each_other(desk: Desk) -> None:
    first, second = drilled(desk), drilled(desk)
    assert first.case != second.case
    desk.file(desk.flag(case="0c5e1a2b-0000-4000-8000-000000000009"))
    with desk.database.read() as connection:
        assert len(list_flags(connection)) == 1


def test_it_goes_to_real_recipients_only_if_asked_to(desk: Desk) -> None:
    settings = desk.settings(report=ReportSettings(recipients={"default": (Recipient(to="desk@example.org"),)}))
    assert [report["recipient"] for report in drilled(desk, settings=settings).reports] == [NOBODY]
    assert [report["recipient"] for report in drilled(desk, Plan(to_recipients=True), settings).reports] == ["desk@example.org"]


def test_it_goes_to_the_address_for_exercises_by_mail(desk: Desk, start_sink: StartSink) -> None:
    sink = start_sink()
    report = ReportSettings(reporter_contact="reporter@example.org", drill_address="drill@example.org")
    done = drilled(desk, settings=desk.settings(report=report, mail=sink.mail("none")))
    assert done.complete
    assert [envelope.rcpt_tos for envelope in sink.taken] == [["drill@example.org"]]


def test_simulated_nothing_leaves(desk: Desk) -> None:
    done = drilled(desk, simulate=True)
    assert [leg.name for leg in done.legs if leg.seconds is None] == ["handed over", "acknowledged"]
    assert done.complete
    assert desk.spooled() == {}
    assert [row.state for row in desk.rows()] == [ReportState.WITHDRAWN]
    assert desk.deliverer().run_once() == 0


class Refusing:
    """A channel that does not work."""

    def send(self, message: Any) -> None:
        raise DeliveryRefusedError("test: 550")


def test_a_leg_that_is_not_reached_is_told_and_wakes_nobody(desk: Desk) -> None:
    settings = desk.settings(oncall=OnCallSettings(people=(OnCallPerson(name="duty", mail="duty@example.org"),)))
    done = drilled(desk, settings=settings, channels={"spool": Refusing()})
    assert not done.complete
    assert [leg.name for leg in done.legs if leg.seconds is None] == ["handed over", "acknowledged"]
    assert len(desk.rows()) == 1


def test_with_real_recipients_the_timers_run_and_say_exercise(desk: Desk) -> None:
    """Nobody answers for two hours: the second address is written to, all of it marked."""
    recipients = {"default": (Recipient(to="desk@example.org", second="second@example.org"),)}
    report = ReportSettings(reporter_contact="reporter@example.org", recipients=recipients)

    def pass_time(_: float) -> None:
        desk.clock.now += 300

    done = drilled(desk, Plan(to_recipients=True, wait=7200, keep=True), desk.settings(report=report), pass_time)
    assert [leg.name for leg in done.legs if leg.seconds is None] == ["acknowledged"]
    mails = [email.message_from_string(text, policy=email.policy.default) for text in desk.spooled().values()]
    assert sorted(str(mail["To"]) for mail in mails) == ["desk@example.org", "second@example.org"]
    assert all("EXERCISE [TS] report" in mail["Subject"] and mail.get_content().startswith("EXERCISE") for mail in mails)


def test_it_waits_for_somebody_to_answer(desk: Desk) -> None:
    def answer(_: float) -> None:
        desk.clock.now += 10
        for row in desk.rows():
            if row.state is ReportState.SENT and row.acknowledged is None:
                with desk.database.write() as connection:
                    acknowledge(connection, desk.database.key, row, by="emergency", actor="test", now=desk.clock())

    done = drilled(desk, Plan(wait=60), sleep=answer)
    leg = next(leg for leg in done.legs if leg.name == "acknowledged")
    assert (leg.seconds, leg.note) == (10, "by emergency")
    assert done.complete


def test_what_was_broken_off_is_cleared_away_by_the_next(desk: Desk) -> None:
    def killed(_: float) -> None:
        raise KeyboardInterrupt

    settings = desk.settings()
    drill = Drill(desk.database, settings, desk.deliverer(settings), desk.clock, killed)
    with desk.database.write() as connection:
        case = drill._file(connection, Plan(), "operator", desk.clock())
    desk.clock.now += 2 * 86400
    drilled(desk)
    with desk.database.read() as connection:
        assert connection.scalar(select(t.case.c.data_key).where(t.case.c.id == case)) is None


def test_a_kind_that_nobody_is_told_of_cannot_be_exercised(desk: Desk) -> None:
    settings = desk.settings(report=ReportSettings(recipients={"legal": ()}))
    with pytest.raises(InputError, match="Nobody is told of legal"):
        drilled(desk, Plan(kind=Kind.LEGAL, to_recipients=True), settings)
    with desk.database.read() as connection:
        assert connection.execute(select(t.case)).first() is None


def test_beside_a_running_patrol(desk: Desk) -> None:
    """Whichever of the two deliverers comes first hands it over; the exercise sees it arrive."""
    settings = desk.settings()
    patrol = desk.deliverer(settings, clock=time.time)
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            patrol.run_once()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        drill = Drill(desk.database, settings, desk.deliverer(settings, clock=time.time), time.time, time.sleep)
        assert drill.run(Plan(keep=True), "operator").complete
    finally:
        ended.set()
        thread.join()
    assert len(desk.spooled()) == 1
