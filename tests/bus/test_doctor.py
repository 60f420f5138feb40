"""What the doctor says of many machines."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import update

from tsbot.bus.roster import GONE, Membership
from tsbot.demo.engines.nats import Nats
from tsbot.doctor import State
from tsbot.doctor_machines import check_broker, check_machines
from tsbot.settings import BusSettings, Settings
from tsbot.store import engines, ledger
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.ledger import PendingEvent, Stage
from tsbot.stream.events import Event, EventKind


def join(database: Database, role: str, *, ahead: float = 0.0, broker: bool = True) -> str:
    member = Membership(database, role, lambda: time.time() + ahead)
    member.beat(0.0, broker=broker)
    return member.name


def worrying(database: Database) -> dict[str, str]:
    return {one.check: one.words for one in check_machines(database) if one.state is not State.OK and one.remedy}


def test_a_patrol_alone_needs_no_machines(database: Database) -> None:
    assert list(check_machines(database)) == []


def test_all_is_well_with_one_of_each(database: Database) -> None:
    for role, broker in (("listen", True), ("work", True), ("work", True), ("deliver", False)):
        join(database, role, broker=broker)
    found = list(check_machines(database))
    assert {one.check: one.words for one in found} == {
        "machines.listen": "1 running",
        "machines.work": "2 running",
        "machines.deliver": "1 running",
    }
    assert {one.state for one in found} == {State.OK}


def test_a_role_that_nobody_has_is_a_problem(database: Database) -> None:
    join(database, "work")
    found = {one.check: one for one in check_machines(database)}
    assert found["machines.listen"].state is found["machines.deliver"].state is State.PROBLEM
    assert "tsbot listen" in found["machines.listen"].remedy


def test_who_is_silent_has_a_wrong_clock_or_no_broker_is_named(database: Database) -> None:
    silent, wrong, cut_off = join(database, "work"), join(database, "work", ahead=90.0), join(database, "listen", broker=False)
    join(database, "deliver", broker=False)
    with database.write() as connection:
        now = engines.now(connection)
        connection.execute(update(t.worker).where(t.worker.c.name == silent).values(seen=now - GONE - 1))
    found = worrying(database)
    assert set(found) == {"machines.gone", "machines.clock", "machines.broker"}
    assert silent in found["machines.gone"]
    assert f"{wrong} by +90 s" in found["machines.clock"]
    assert cut_off in found["machines.broker"]


def test_events_that_wait_too_long_for_a_worker_are_told(database: Database) -> None:
    waits, begun = (Event(id=name, stream="s", kind=EventKind.EDIT, wiki="enwiki", time=1.0, rev_id=1) for name in "ef")
    with database.write() as connection:
        items = [PendingEvent(waits, stage=Stage.FRESH), PendingEvent(begun, stage=Stage.FETCHING)]
        ledger.add_pending(connection, database.key, items)
        connection.execute(update(t.pending).values(queued=engines.now(connection) - 1200))
    assert worrying(database) == {"machines.backlog": "1 events wait for a worker, the oldest for 20 min"}


def test_without_a_broker_in_the_settings_none_is_asked() -> None:
    assert list(check_broker(Settings())) == []


@pytest.mark.live
def test_whether_the_broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsbot.doctor_machines.CONNECT_SECONDS", 5.0)
    with Nats() as server:
        settings = Settings(bus=BusSettings(engine="nats", servers=(server.address,)))
        (well,) = check_broker(settings)
        assert well.state is State.OK
        server.stop()
        (ill,) = check_broker(settings)
        assert ill.state is State.PROBLEM
        assert "does not answer" in ill.words
        assert ill.remedy
