"""The same stages on many machines: one listener, several workers, and whatever the bus between them does."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tsbot.bus.embedded import DatabaseBus
from tsbot.bus.engine import Bus, BusStatus, Delivery
from tsbot.bus.listen import Listener, Teller
from tsbot.bus.message import Message, encode, message_of
from tsbot.bus.roster import Membership, present
from tsbot.bus.work import POISON, Worker
from tsbot.errors import BusUnavailableError, InputError, LeaseLostError, StoreBusyError
from tsbot.intake import redrivable
from tsbot.parts import Stop
from tsbot.patrol import _reigning
from tsbot.settings import BusSettings
from tsbot.store import claims, ledger, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.store.ledger import Stage
from tsbot.store.locks import LISTENER, Reign
from tsbot.stream.events import Event, EventKind
from tsbot.stream.source import Batch

SETTINGS = BusSettings(batch=50, lease=3.0, forgotten_after=1.0, page_patience=5.0)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.live), pytest.param("mariadb", marks=pytest.mark.live)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each database in turn."""
    name = f"test_{uuid.uuid4().hex}"
    url = f"sqlite:///{tmp_path / name}" if request.param == "sqlite" else request.getfixturevalue(request.param).create(name)
    store = Database(connect(url), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    yield store
    store.close()


@dataclass
class UnreliableBus:
    """Delivers what was published in any order, some of it twice, some of it never, and again what was not acknowledged."""

    rng: random.Random
    forgets: float = 0.0
    doubles: float = 0.0
    shuffles: bool = False
    connected: bool = True
    queue: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    published: list[Message] = field(default_factory=list)

    def start(self, *, consume: bool) -> None: ...

    def close(self) -> None: ...

    def publish(self, messages: Sequence[Message]) -> Future[None]:
        done: Future[None] = Future()
        if not self.connected:
            done.set_exception(BusUnavailableError("down"))
            return done
        self.published += messages
        for message in messages:
            copies = 0 if self.rng.random() < self.forgets else 2 if self.rng.random() < self.doubles else 1
            self.queue += [message.event] * copies
        if self.shuffles:
            self.rng.shuffle(self.queue)
        done.set_result(None)
        return done

    def receive(self, wait: float) -> Delivery | None:
        if not self.queue or not self.connected:
            return None
        size = self.rng.randint(1, 20)
        some, self.queue = self.queue[:size], self.queue[size:]

        def settle(done: bool) -> None:
            (self.acknowledged if done else self.queue).extend(some)

        return Delivery(tuple(dict.fromkeys(some)), 0, 0, settle)

    def status(self) -> BusStatus:
        return BusStatus(self.connected)


class Machines:
    """One world's listener and workers, each as a process of its own would open it."""

    def __init__(self, world: Any, bus: Bus | None = None) -> None:
        self.world = world
        self.bus = bus or DatabaseBus(world.database, SETTINGS.batch)
        self.stop = Stop()

    def listener(self) -> Listener:
        pipeline = self.world.pipeline(fetch=False, load=False)
        member = Membership(self.world.database, "listen", self.world.clock)
        reign = Reign(self.world.database, LISTENER, member.name, SETTINGS.lease)
        return Listener(self.world.settings, self.world.database, pipeline, None, self.bus, member, reign)  # type: ignore[arg-type]

    def listening(self) -> Listener:
        """One that has its turn."""
        listener = self.listener()
        assert listener._wait_for_turn(self.stop)
        return listener

    def worker(self, **more: Any) -> Worker:
        pipeline = self.world.pipeline(load=False)
        return Worker(self.world.database, pipeline, self.bus, SETTINGS, Membership(self.world.database, "work", self.world.clock), **more)

    def drain(self, *workers: Worker) -> None:
        """Have workers take turns until nothing is pending."""
        for turn in range(3000):
            for worker in workers:
                worker._tended = float("-inf")
                worker.turn(self.stop)
            with self.world.database.read() as connection:
                if turn > 2 and not ledger.totals(connection).pending:
                    return
        raise AssertionError(f"still pending: {self.world.rows('select event_id, stage, attempts, lease_by from pending')}")

    def expire(self, worker: Worker) -> None:
        """The worker is silent for longer than its lease lasts."""
        with self.world.database.write() as connection:
            connection.execute(update(t.worker).where(t.worker.c.name == worker.member.name).values(seen=1.0))


def told(listener: Listener, messages: Sequence[bytes], cursor: str | None = None) -> None:
    """What a listener does with a batch."""
    listener._accept(Batch(messages, cursor), "test")
    for _ in range(3):
        listener.teller.tend(listener.monotonic())


def results(world: Any) -> dict[str, Any]:
    """What people would see, however it came about."""
    totals = world.totals()
    cases = world.rows("select case_id, subject from flag order by case_id, subject")
    return {
        "flags": world.rows("select id, subject, kind, probability, priority from flag order by id"),
        "incidents": sorted(tuple(subject for _, subject in group) for _, group in itertools.groupby(cases, key=lambda row: row[0])),
        "reports": world.rows("select id, subject, kind, recipient, message_id from report order by id"),
        "outcomes": world.rows("select flag_id, what from outcome order by flag_id, what"),
        "counts": (totals.received, totals.flagged, totals.cleared, totals.outcome, totals.failed, totals.pending, dict(totals.skipped)),
        "passages": totals.passages,
    }


def traffic(world: Any, make: Any, number: int = 60) -> list[bytes]:
    """Edits of some pages, a few of them flagged, outcomes of some, log entries, a broken line, repetitions.

    Flags on one page are by one author and in texts: of others, which comes first would decide on what they are grouped by.
    """
    messages: list[bytes] = []
    for n in range(number):
        unlike = hashlib.sha256(str(n).encode()).hexdigest()
        world.texts.texts[1000 + n] = unlike + (f" and a {make.word}" if n % 7 < 2 else "")
        last = n - n % 7  # the flagged edit at or before this one
        fields: dict[str, Any] = {"title": f"Talk:Page {n % 5}", "user": f"Editor {n % 11}", "revision": {"old": 0, "new": 1000 + n}}
        if n % 7 < 2:
            fields |= {"title": f"Talk:Flagged {last}", "user": f"Writer {last}"}
        elif n % 7 == 3:
            fields |= {"title": f"Talk:Said {n}", "user": f"Sayer {n}", "comment": f"the {make.word} {unlike}"}
        messages.append(make.change(**fields, bot=n % 10 == 9, timestamp=1_700_000_000 + n))
        if n % 14 == 0:
            messages.append(make.visibility(1000 + n, text=False))
        if n % 12 == 3:
            messages.append(make.change(type="log", log_id=5000 + n, log_type="block", log_action="block", title=f"User:Writer {last}"))
    return [*messages, b"{broken", *messages[:5]]


@pytest.fixture
def expected(make: Any, tmp_path: Path, world: Any) -> tuple[list[bytes], dict[str, Any]]:
    """Traffic, and what one process makes of it."""
    messages = traffic(world, make)
    store = Database(connect(f"sqlite:///{tmp_path / 'one.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(store)
    store.check_key()
    alone = type(world)(store, world.settings, world.texts, world.clock)
    pipeline = alone.pipeline()
    for start in range(0, len(messages), 20):
        pipeline.take(Batch(messages[start : start + 20]), "test")
        make.drain(pipeline)
    found = results(alone)
    store.close()
    assert found["counts"][1] > 5
    assert found["outcomes"]
    return messages, found


def work_off(machines: Machines, messages: Sequence[bytes], workers: int = 2) -> None:
    listener = machines.listening()
    crew = [machines.worker() for _ in range(workers)]
    for start in range(0, len(messages), 20):
        told(listener, messages[start : start + 20])
        for worker in crew:
            worker.turn(machines.stop)
    machines.drain(*crew)


def test_two_workers_make_of_the_stream_what_one_process_makes(world: Any, expected: Any) -> None:
    messages, found = expected
    work_off(Machines(world), messages)
    assert results(world) == found


@pytest.mark.parametrize(
    "faults",
    [{"doubles": 0.5}, {"forgets": 0.3}, {"shuffles": True}, {"forgets": 1.0}, {"doubles": 0.4, "forgets": 0.2, "shuffles": True}],
    ids=" ".join,
)
def test_a_broker_that_forgets_doubles_and_reorders_changes_nothing(world: Any, expected: Any, faults: dict[str, Any]) -> None:
    messages, found = expected
    work_off(Machines(world, UnreliableBus(random.Random(7), **faults)), messages)
    assert results(world) == found


def test_what_a_filter_stopped_goes_the_same_way_and_a_stream_cannot_pretend_to_be_one(world: Any, make: Any) -> None:
    bus = UnreliableBus(random.Random(1))
    machines = Machines(world, bus)
    fields = {"stream": "filter.abuselog", "kind": EventKind.ATTEMPT, "wiki": "enwiki", "time": 1.0, "title": "Talk:Mill", "namespace": 1}
    attempts = [redrivable(Event(id=f"attempt-{n}", abuse_id=n, text=f"A {make.word}.", **fields)) for n in (1, 2)]  # type: ignore[arg-type]
    listener, worker = machines.listening(), machines.worker()
    listener._accept(Batch(attempts[:1], "[5.0, 1]"), "abuselog.enwiki")
    listener._accept(Batch((), "[9.0, 1]"), "abuselog.enwiki")
    listener._accept(Batch(attempts[1:]), "stream")
    listener.teller.tend(0.0)
    machines.drain(worker)
    assert world.rows("select subject, source from flag") == [("enwiki:abuse:1", "filter")]
    with world.database.read() as connection:
        assert ledger.load_cursor(connection, "abuselog.enwiki") == "[9.0, 1]"
    assert [message.event for message in bus.published] == ["attempt-1"]
    assert (world.totals().flagged, world.totals().failed) == (1, 1)


def test_what_a_broker_is_told_holds_ids_and_nothing_of_what_they_say(world: Any, make: Any) -> None:
    bus = UnreliableBus(random.Random(1))
    machines = Machines(world, bus)
    secret = "canary-2718"
    told(machines.listening(), [make.change(title=f"Talk:{secret}", user=f"User {secret}", comment=f"said {secret}")])
    (message,) = bus.published
    wire = encode(message)
    assert secret.encode() not in wire
    assert set(json.loads(wire)) == {"v", "event", "wiki", "page", "rev", "log", "time"}
    assert message.key == f"enwiki|{message.page}"


def test_events_of_one_page_have_one_key_whatever_stream_tells_of_them(world: Any, make: Any) -> None:
    pipeline = world.pipeline(fetch=False)
    got = pipeline.intake.sort([make.change(title="Talk:A"), make.change(title="Talk:A"), make.change(title="Talk:B")])
    one, two, other = (message_of(world.database.key, event).key for event in got.events)
    assert one == two != other


def test_a_message_is_acknowledged_after_the_commit_and_never_before(world: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = UnreliableBus(random.Random(1))
    machines = Machines(world, bus)
    told(machines.listening(), [make.change(comment=f"the {make.word}", meta={"id": "event-x"})])
    worker = machines.worker()
    monkeypatch.setattr("tsbot.bus.work.random.uniform", lambda *_: 0.0)
    real = worker.pipeline.handle

    def cut_off(items: Any) -> int:
        assert bus.acknowledged == []
        real(items)
        assert bus.acknowledged == [], "committed, and still not acknowledged"
        raise StoreBusyError("the line is cut after the commit")

    monkeypatch.setattr(worker.pipeline, "handle", cut_off)
    worker.turn(machines.stop)
    assert bus.acknowledged == []
    assert bus.queue == ["event-x"]
    assert len(world.rows("select id from flag")) == 1
    monkeypatch.setattr(worker.pipeline, "handle", real)
    machines.drain(worker)
    assert set(bus.acknowledged) == {"event-x"}
    assert len(world.rows("select id from flag")) == 1
    assert world.totals().flagged == 1


def test_what_a_dead_worker_had_another_one_finishes_once(world: Any, expected: Any) -> None:
    messages, found = expected
    machines = Machines(world, UnreliableBus(random.Random(3)))
    listener = machines.listening()
    told(listener, messages)
    dead = machines.worker()
    for _ in range(3):
        dead.turn(machines.stop)
    machines.expire(dead)
    alive = machines.worker()
    alive.turn(machines.stop)
    dead.turn(machines.stop)  # it was only asleep, and its texts arrive now
    machines.drain(alive, dead)
    assert results(world) == found


def test_a_text_that_kills_every_worker_is_a_dead_letter_and_takes_no_other_with_it(world: Any, make: Any) -> None:
    machines = Machines(world, UnreliableBus(random.Random(3)))
    told(machines.listening(), [make.change(meta={"id": f"event-{n}"}, comment="deadly" if n == 3 else "mild") for n in range(8)])

    class Killed(BaseException):
        """As abrupt as SIGKILL."""

    deaths = 0
    for _ in range(20):
        worker = machines.worker()
        real = worker.pipeline.detector.judge

        def judge(texts: Any, *args: Any, real: Any = real, **more: Any) -> Any:
            if "deadly" in texts:
                raise Killed
            return real(texts, *args, **more)

        worker.pipeline.detector.judge = judge  # type: ignore[method-assign]
        try:
            machines.drain(worker)
            break
        except Killed:
            deaths += 1
            machines.expire(worker)
    assert deaths == SETTINGS.attempts
    assert world.rows("select event_id, reason from dead_letter") == [("event-3", POISON)]
    totals = world.totals()
    assert (totals.failed, totals.cleared + sum(totals.skipped.values()), totals.pending) == (1, 7, 0)


def test_while_the_broker_is_down_events_are_stored_and_worked_off(world: Any, expected: Any) -> None:
    messages, found = expected
    bus = UnreliableBus(random.Random(1), connected=False)
    machines = Machines(world, bus)
    listener = machines.listening()
    told(listener, messages)
    assert listener.teller.untold > 0
    worker = machines.worker()
    with world.database.write() as connection:
        connection.execute(update(t.pending).values(queued=1.0))
    machines.drain(worker)
    assert worker.recovered > 0
    bus.connected = True
    listener.teller.tend(listener.monotonic() + 60)
    listener.teller.tend(listener.monotonic() + 60)
    assert listener.teller.untold == 0
    machines.drain(worker)
    assert results(world) == found


def test_the_next_listener_tells_what_a_dead_one_stored_and_did_not_tell(world: Any, make: Any) -> None:
    bus = UnreliableBus(random.Random(1))
    machines = Machines(world, bus)
    dead = machines.listening()
    dead.pipeline.accept(Batch([make.change(meta={"id": "event-x"})], "cursor"), "test")
    with world.database.write() as connection:
        connection.execute(update(t.lease).values(until=1.0))
    machines.listening().teller.tend(0.0)
    assert [message.event for message in bus.published] == ["event-x"]


def test_of_two_listeners_started_by_mistake_one_stands_by_and_effects_are_once(world: Any, expected: Any) -> None:
    messages, found = expected
    machines = Machines(world)
    first = machines.listening()
    second = machines.listener()
    assert not second.reign.begin(), "somebody else has the lease"
    told(first, messages[:30])
    with world.database.write() as connection:  # the first one is asleep for longer than its lease
        connection.execute(update(t.lease).values(until=1.0))
    assert second._wait_for_turn(machines.stop)
    told(second, messages)
    with pytest.raises(LeaseLostError, match="taken over"):
        first._accept(Batch(messages), "test")
    machines.drain(machines.worker())
    assert results(world) == {**found, "counts": found["counts"]}


def test_a_batch_whose_commit_was_not_confirmed_is_counted_once(world: Any, expected: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    messages, found = expected
    machines = Machines(world)
    listener = machines.listening()
    real, cut = world.database.write, iter([True])

    class Cut:
        """A transaction that is committed, and the line cut before anybody says so."""

        def __enter__(self) -> Any:
            self.manager = real()
            return self.manager.__enter__()

        def __exit__(self, *about: Any) -> Any:
            self.manager.__exit__(*about)
            if about[0] is None and next(cut, False):
                raise StoreBusyError("does not answer")

    monkeypatch.setattr(world.database, "write", Cut)
    told(listener, messages)
    monkeypatch.setattr(world.database, "write", real)
    machines.drain(machines.worker())
    assert results(world) == found


def test_a_worker_with_a_wrong_clock_goes_by_the_databases(world: Any, expected: Any) -> None:
    messages, found = expected
    machines = Machines(world)
    listener = machines.listening()
    wrong = machines.worker()
    for offset in (-86_400.0, 86_400.0):
        local = Membership(world.database, "work", lambda offset=offset: 1_790_000_000.0 + offset)  # type: ignore[misc]
        local.beat(0.0, broker=True)
        with world.database.read() as connection:
            (row,) = [one for one in present(connection) if one.name == local.name]
            from tsbot.store import engines

            assert abs(local.clock() - engines.now(connection)) < 60
        assert abs(row.skew) > 3600
    wrong.member.local = lambda: 4_000_000_000.0
    told(listener, messages)
    right = machines.worker()
    machines.drain(wrong, right)
    assert results(world) == found


def test_a_worker_that_stops_gives_back_what_it_had(world: Any, make: Any) -> None:
    machines = Machines(world, UnreliableBus(random.Random(1)))
    told(machines.listening(), [make.change() for _ in range(5)])
    worker = machines.worker()
    worker.member.beat(0.0, broker=True)
    worker.take([name for (name,) in world.rows("select event_id from pending")])
    worker._give_back()
    assert world.rows("select stage, attempts, lease_by from pending") == [(Stage.FETCHING.value, 0, None)] * 5
    with world.database.read() as connection:
        assert "work" not in {one.role for one in present(connection)}
        assert len(claims.lost(connection, SETTINGS.lease, forgotten=-1.0, limit=10)) == 5


def test_a_patrol_takes_up_what_listeners_and_workers_left(world: Any, expected: Any) -> None:
    messages, found = expected
    machines = Machines(world, UnreliableBus(random.Random(1)))
    told(machines.listening(), messages)
    worker = machines.worker()
    worker.turn(machines.stop)
    worker._give_back()
    patrol = world.pipeline()
    for _ in range(200):
        patrol.fetch(0.05)
        if not patrol.pending:
            break
    assert results(world) == found


def test_a_teller_keeps_the_order_of_what_the_broker_did_not_take() -> None:
    bus = UnreliableBus(random.Random(1), connected=False)
    teller = Teller(bus)
    teller.tell([Message(event=str(n), wiki="w", page="p") for n in range(3000)])
    teller.tend(0.0)
    teller.tend(0.0)
    assert teller.untold == 3000
    bus.connected = True
    for at in range(2, 9):
        teller.tend(float(at))
    assert [message.event for message in bus.published] == [str(n) for n in range(3000)]
    assert (teller.untold, teller.told) == (0, 3000)


def test_a_patrol_and_a_listener_do_not_read_into_one_database(world: Any) -> None:
    machines = Machines(world)
    listener = machines.listening()
    with pytest.raises(InputError, match="listener or another patrol"), _reigning(world.settings, world.database):
        pass
    listener.reign.end()
    with _reigning(world.settings, world.database):
        assert not machines.listener().reign.begin()
    assert machines.listener().reign.begin()
