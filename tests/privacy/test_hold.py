"""Legal hold: two people, an end, and no purge meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from tsbot.cases import hold as holds
from tsbot.cases.purge import purge_case
from tsbot.cases.retention import held_cases, shipped_retention
from tsbot.errors import InputError, TsbotError
from tsbot.store import audit

Desk = Any
DAY = 86400.0


class NotApprovedError(TsbotError):
    """Nobody else has approved."""


class Asked:
    """Approves, and remembers what it was asked."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str, str]] = []

    def __call__(self, connection: Connection, act: str, obj: str, by: str, now: float) -> None:
        self.acts.append((act, obj, by))


def refuse(connection: Connection, act: str, obj: str, by: str, now: float) -> None:
    raise NotApprovedError(act)


def hold(desk: Desk, case: str, days: float, need: Any = None) -> None:
    until = desk.clock() + days * DAY
    with desk.database.write() as connection:
        table = shipped_retention()
        holds.hold(connection, case, until, by="anna", now=desk.clock(), need=need or Asked(), table=table)


def test_a_held_case_is_kept_until_the_day_and_no_longer(desk: Desk) -> None:
    flag = desk.flag()
    desk.close(flag.case_id)
    hold(desk, flag.case_id, 30)
    with desk.database.read() as connection:
        assert held_cases(connection, desk.clock()) == [(flag.case_id, desk.clock() + 30 * DAY)]
    desk.clock.now += 30 * DAY - 1
    assert desk.keeper().run().cases == ()
    with pytest.raises(InputError, match="legal hold"):
        desk.keeper().purge_one(flag.case_id, by="anna", need=Asked())
    with desk.database.write() as connection:
        assert purge_case(connection, flag.case_id, why="test", by="tsbot", now=desk.clock()) is None
    assert desk.read(flag).content is not None
    desk.clock.now += 1
    assert [one.case for one in desk.keeper().run().cases] == [flag.case_id]
    with desk.database.read() as connection:
        assert held_cases(connection, desk.clock()) == []


def test_it_takes_two_people_to_set_and_to_lift_and_both_are_in_the_log(desk: Desk) -> None:
    case = desk.flag().case_id
    with pytest.raises(NotApprovedError, match="legal_hold"):
        hold(desk, case, 30, refuse)
    assert desk.case(case).hold_until is None
    asked = Asked()
    hold(desk, case, 30, asked)
    with pytest.raises(NotApprovedError, match="legal_hold"), desk.database.write() as connection:
        holds.lift(connection, case, by="anna", now=desk.clock(), need=refuse)
    assert desk.case(case).hold_until is not None
    with desk.database.write() as connection:
        holds.lift(connection, case, by="anna", now=desk.clock(), need=asked)
    assert asked.acts == [("legal_hold", case, "anna"), ("legal_hold", case, "anna")]
    assert desk.case(case).hold_until is None
    with desk.database.read() as connection:
        entries = [(entry.actor, entry.act) for entry in audit.entries(connection, obj=case)]
    assert entries == [("anna", "hold.set"), ("anna", "hold.lifted")]


@pytest.mark.parametrize("days", [-1, 0, 366.1, 4000])
def test_a_hold_has_an_end_that_is_not_far(desk: Desk, days: float) -> None:
    case = desk.flag().case_id
    with pytest.raises(InputError, match="at most 366 days"):
        hold(desk, case, days)


def test_what_is_not_there_cannot_be_held_or_lifted(desk: Desk) -> None:
    case = desk.flag().case_id
    with pytest.raises(InputError, match="There is no case"):
        hold(desk, "nothing", 30)
    with pytest.raises(InputError, match="no legal hold"), desk.database.write() as connection:
        holds.lift(connection, case, by="anna", now=desk.clock(), need=Asked())
    desk.keeper().purge_one(case, by="anna", need=Asked())
    with pytest.raises(InputError, match="nothing left to keep"):
        hold(desk, case, 30)
