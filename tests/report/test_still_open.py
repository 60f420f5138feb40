"""What is not done is not forgotten: letters that wait while their case is acknowledged, closed, opened again, or purged under way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from tsbot.cases import approvals, disclosures, lifecycle
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.purge import purge_case
from tsbot.detect.finding import Kind
from tsbot.errors import ApprovalNeededError
from tsbot.report.acknowledge import acknowledge
from tsbot.report.message import OutboundMessage
from tsbot.settings import PageSettings, Recipient, ReportSettings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
CASE = "0c5e1a2b-0000-4000-8000-000000000001"


def configured(desk: Desk) -> Any:
    report = ReportSettings(reporter_contact="reporter@example.org", recipients={"default": (Recipient(to="desk@example.org"),)})
    return desk.settings(report=report, page=PageSettings(mail=("duty@example.org",)))


def pages(desk: Desk) -> int:
    return sum(row.purpose is Purpose.PAGE for row in desk.rows())


def acknowledged(desk: Desk, identity: str) -> None:
    with desk.database.write() as connection:
        assert acknowledge(connection, desk.database.key, desk.row(identity), by="emergency", actor="test", now=desk.clock())


def state(desk: Desk) -> CaseState:
    with desk.database.read() as connection:
        return read_case(connection, CASE).state


def test_a_case_whose_second_letter_waits_is_not_closed_by_the_stream(desk: Desk) -> None:
    settings = configured(desk)
    deliverer = desk.deliverer(settings)
    (first,) = desk.file(desk.flag(), settings)
    deliverer.run_once()
    desk.release(first)
    deliverer.run_once()
    acknowledged(desk, first)
    (second,) = desk.file(desk.flag(rev_id=101), settings)
    deliverer.run_once()
    with desk.database.write() as connection:
        for flag in connection.scalars(select(t.flag.c.id)).all():
            connection.execute(t.outcome.insert().values(flag_id=flag, what="hidden", time=desk.clock(), event_id=flag))
        assert lifecycle.settle(connection, CASE, desk.clock()) is None
    assert (state(desk), desk.row(second).state) == (CaseState.ACKNOWLEDGED, ReportState.HELD)
    desk.clock.now += 15 * 60
    deliverer.run_once()
    assert pages(desk) == 1
    desk.release(second)
    deliverer.run_once()
    acknowledged(desk, second)
    assert state(desk) is CaseState.CLOSED


@pytest.mark.parametrize("opened_again", [False, True])
def test_the_timers_of_a_closed_case_stand_still_until_it_is_opened_again(desk: Desk, opened_again: bool) -> None:
    settings = configured(desk)
    deliverer = desk.deliverer(settings)
    desk.file(desk.flag(), settings)
    deliverer.run_once()
    with desk.database.write() as connection:
        lifecycle.move(connection, CASE, CaseState.CLOSED, by="anna", now=desk.clock(), outcome="handled")
    desk.clock.now += 3600
    deliverer.run_once()
    with desk.database.read() as connection:
        assert outbox.escalated(connection, desk.clock(), 10) == []
    assert pages(desk) == 0
    if opened_again:
        with desk.database.write() as connection:
            lifecycle.move(connection, CASE, CaseState.OPEN, by="anna", now=desk.clock())
    deliverer.run_once()
    assert pages(desk) == opened_again


def test_a_letter_that_dies_in_a_closed_case_is_told_once_that_is_opened_again(desk: Desk) -> None:
    settings = configured(desk)
    deliverer = desk.deliverer(settings)
    (identity,) = desk.file(desk.flag(), settings)
    deliverer.run_once()
    desk.release(identity)
    with desk.database.write() as connection:
        connection.execute(update(t.report).values(channel="gone"))
        lifecycle.move(connection, CASE, CaseState.CLOSED, by="anna", now=desk.clock(), outcome="handled")
    deliverer.run_once()
    assert (desk.row(identity).state, pages(desk)) == (ReportState.DEAD, 0)
    with desk.database.write() as connection:
        lifecycle.move(connection, CASE, CaseState.OPEN, by="anna", now=desk.clock())
    desk.clock.now += 60
    deliverer.run_once()
    assert pages(desk) == 1


def test_what_left_while_its_case_was_purged_is_on_record(desk: Desk) -> None:
    class Slow:
        def send(self, message: OutboundMessage) -> None:
            with desk.database.write() as connection:
                assert purge_case(connection, CASE, why="early", by="anna", now=desk.clock()) is not None

    settings = configured(desk)
    deliverer = desk.deliverer(settings, {"spool": Slow()})
    (identity,) = desk.file(desk.flag(), settings)
    deliverer.run_once()
    desk.release(identity)
    deliverer.run_once()
    with desk.database.read() as connection:
        assert "report.sent" in [entry.act for entry in audit.entries(connection, obj=identity)]
        assert {entry.what for entry in disclosures.listing(connection)} == {"user_name", "account_status"}
    assert desk.row(identity).last_error == outbox.PURGED
    assert deliverer.run_once() == 0


def test_what_was_approved_of_a_letter_does_not_hold_for_what_it_has_become(desk: Desk) -> None:
    settings, rules = configured(desk), approvals.rules(("send_report",))
    flag = desk.flag()
    (identity,) = desk.file(flag, settings)
    desk.deliverer(settings).run_once()
    with desk.database.write() as connection, pytest.raises(ApprovalNeededError):
        approvals.need(connection, "send_report", identity, "anna", desk.clock(), rules)
    with desk.database.write() as connection:
        assert len(approvals.approve(connection, identity, "berta", desk.clock())) == 1
    desk.file(desk.flag(Kind.SELF_HARM), settings)  # another flag on the same edit: the letter is written anew
    with desk.database.write() as connection, pytest.raises(ApprovalNeededError):
        approvals.need(connection, "send_report", identity, "anna", desk.clock(), rules)




def test_no_draft_of_a_letter_that_was_withdrawn_stays_in_the_spool(desk: Desk) -> None:
    settings = configured(desk)
    deliverer = desk.deliverer(settings)
    (identity,) = desk.file(desk.flag(), settings)
    deliverer.run_once()
    assert set(desk.spooled()) == {identity}
    with desk.database.write() as connection:  # another process did that
        assert outbox.withdraw(connection, identity, "another kind, say people")
    deliverer.run_once()
    assert desk.spooled() == {}
