"""What every bus promises, as one suite: the database alone, NATS JetStream, and Kafka's protocol."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faststream import AckPolicy

from tsbot.bus.embedded import DatabaseBus
from tsbot.bus.engine import Bus, Delivery
from tsbot.bus.message import Message
from tsbot.bus.opening import open_bus
from tsbot.demo.engines.kafka import MockKafka
from tsbot.demo.engines.nats import Nats
from tsbot.errors import BusUnavailableError, SettingsError
from tsbot.settings import BusSettings
from tsbot.store import claims, ledger
from tsbot.store.database import Database
from tsbot.store.ledger import PendingEvent, Stage
from tsbot.stream.events import Event, EventKind

PATIENCE = 90.0


def messages(number: int, prefix: str = "e") -> list[Message]:
    """So many, on five pages."""
    return [Message(event=f"{prefix}{n}", wiki="enwiki", page=f"p{n % 5}", rev=n, time=1.0) for n in range(number)]


def connected(*buses: Bus) -> None:
    """Wait until all are."""
    deadline = time.monotonic() + PATIENCE
    while not all(bus.status().connected for bus in buses):
        assert time.monotonic() < deadline, [bus.status() for bus in buses]
        time.sleep(0.02)


def take(bus: Bus, until: Callable[[list[str]], bool], done: Callable[[Delivery], bool] = lambda _: True) -> list[str]:
    """Ids as they come, settled as ``done`` says, until it is enough."""
    got: list[str] = []
    deadline = time.monotonic() + PATIENCE
    while not until(got) and time.monotonic() < deadline:
        delivery = bus.receive(0.2)
        if delivery is not None:
            got += delivery.event_ids
            delivery.settle(done(delivery))
    return got


class BusContract(ABC):
    """Buses that are connected to the same broker."""

    @abstractmethod
    @pytest.fixture
    def open(self) -> Iterator[Callable[..., Bus]]:
        """Opens one more bus, as a process of its own would."""

    def publish(self, bus: Bus, some: Sequence[Message]) -> None:
        """Publish, and wait for it."""
        bus.publish(some).result(PATIENCE)

    def test_what_is_published_is_delivered(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        some = messages(120)
        publisher, worker = open(consume=False), open(consume=True)
        self.publish(publisher, some)
        got = take(worker, lambda ids: len(set(ids)) == 120)
        assert set(got) == {message.event for message in some}

    def test_what_is_not_acknowledged_is_delivered_again(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        some = messages(30)
        self.publish(open(consume=False), some)
        worker, refused = open(consume=True), []

        def once_refused(delivery: Delivery) -> bool:
            again = [name for name in delivery.event_ids if name in refused]
            refused.extend(delivery.event_ids)
            return len(again) == len(delivery.event_ids)

        got = take(worker, lambda ids: all(ids.count(message.event) >= 2 for message in some), once_refused)
        assert {name: got.count(name) >= 2 for name in got} == {message.event: True for message in some}

    def test_what_a_worker_had_when_it_went_is_anothers(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        some = messages(10)
        self.publish(open(consume=False), some)
        first = open(consume=True)
        assert take(first, lambda ids: len(ids) > 0, lambda _: False)
        first.close()
        assert set(take(open(consume=True), lambda ids: len(set(ids)) == 10)) == {message.event for message in some}

    def test_events_of_a_page_come_in_their_order(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        some = messages(200)
        publisher, worker = open(consume=False), open(consume=True)
        for start in range(0, 200, 50):
            self.publish(publisher, some[start : start + 50])
        got = take(worker, lambda ids: len(set(ids)) == 200)
        for page in range(5):
            mine = [int(name[1:]) for name in dict.fromkeys(got) if int(name[1:]) % 5 == page]
            assert mine == sorted(mine)


class TestDatabase(BusContract):
    """No broker."""

    @pytest.fixture
    def open(self, database: Database) -> Iterator[Callable[..., Bus]]:
        def opened(*, consume: bool) -> Bus:
            bus = DatabaseBus(database, 50)
            bus.start(consume=consume)
            return bus

        self.database = database
        yield opened

    def publish(self, bus: Bus, some: Sequence[Message]) -> None:
        events = (Event(id=one.event, stream="s", kind=EventKind.EDIT, wiki=one.wiki, time=one.time) for one in some)
        with self.database.write() as connection:
            items = [PendingEvent(event, stage=Stage.FRESH, lane=one.page) for event, one in zip(events, some, strict=True)]
            ledger.add_pending(connection, self.database.key, items)
        super().publish(bus, some)

    def test_what_a_worker_claimed_is_not_delivered_any_more(self, database: Database, open: Callable[..., Bus]) -> None:  # noqa: A002
        worker = open(consume=True)
        self.publish(worker, messages(10))
        with database.write() as connection:
            claims.claim(connection, database.key, "somebody", [f"e{n}" for n in range(5, 10)], 30.0)
        assert worker.receive(0.0) is None


class BrokerContract(BusContract):
    """A broker behind FastStream."""

    settings: BusSettings

    @pytest.fixture
    def open(self) -> Iterator[Callable[..., Bus]]:
        opened: list[Bus] = []

        def open_one(*, consume: bool) -> Bus:
            bus = open_bus(self.settings, None)  # type: ignore[arg-type]
            opened.append(bus)
            bus.start(consume=consume)
            connected(bus)
            return bus

        yield open_one
        for bus in opened:
            bus.close()

    def test_the_policy_of_acknowledgement_is_explicit(self) -> None:
        """FastStream's defaults lose what a worker could not handle."""
        bus: Any = open_bus(self.settings, None)  # type: ignore[arg-type]
        assert bus.ack_policy is AckPolicy.NACK_ON_ERROR
        bus._loop.close()

    def test_what_is_acknowledged_does_not_come_again(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        self.publish(open(consume=False), messages(20))
        first = open(consume=True)
        take(first, lambda ids: len(set(ids)) == 20)
        time.sleep(1.0)  # the acknowledgement is on its way
        first.close()
        second = open(consume=True)
        assert second.receive(5.0) is None

    def test_what_is_none_of_ours_is_counted_and_stops_nothing(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        publisher, worker = open(consume=False), open(consume=True)
        for strange in (Message(v=99, event="newer", wiki="w", page="p"), Message(event="x" * 65, wiki="w", page="p")):
            self.publish(publisher, [strange])
        self.publish(publisher, messages(3))
        assert set(take(worker, lambda ids: len(set(ids)) == 3)) == {"e0", "e1", "e2"}
        deadline = time.monotonic() + PATIENCE
        while worker.status().unknown < 2 and time.monotonic() < deadline:  # another partition's may come later
            if (delivery := worker.receive(0.1)) is not None:
                delivery.settle(True)
        assert worker.status().unknown == 2

    def test_an_address_where_nobody_is_is_trouble_that_passes(self) -> None:
        nobody = ("nats://127.0.0.1:9",) if self.settings.engine == "nats" else ("127.0.0.1:9",)
        bus = open_bus(msgspec.structs.replace(self.settings, servers=nobody), None)  # type: ignore[arg-type]
        bus.start(consume=True)
        deadline = time.monotonic() + PATIENCE
        while not bus.status().trouble and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not bus.status().connected
        assert bus.status().trouble
        with pytest.raises(BusUnavailableError, match="kept"):
            bus.publish(messages(1)).result(PATIENCE)
        bus.close()


@pytest.mark.live
class TestNats(BrokerContract):
    """Debian's nats-server."""

    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        with Nats() as server:
            self.nats = server
            self.settings = BusSettings(engine="nats", servers=(server.address,), ack_wait=2.0, batch=50)
            yield

    def test_what_is_published_twice_is_delivered_once(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        publisher, worker = open(consume=False), open(consume=True)
        for _ in range(2):
            self.publish(publisher, messages(40))
        got = take(worker, lambda ids: len(ids) >= 40)
        extra = worker.receive(1.0)
        assert sorted(got) == sorted(message.event for message in messages(40))
        assert extra is None

    def test_lag_and_redelivery_are_visible(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        publisher, worker = open(consume=False), open(consume=True)
        for message in messages(20):
            self.publish(publisher, [message])
        delivery = worker.receive(PATIENCE)
        assert delivery is not None
        deadline = time.monotonic() + PATIENCE
        while not worker.status().lag and time.monotonic() < deadline:
            time.sleep(0.05)
        assert worker.status().lag == 20
        delivery.settle(False)
        take(worker, lambda ids: len(set(ids)) == 20)
        assert worker.status().redelivered >= len(delivery.event_ids)

    def test_a_broker_that_was_killed_keeps_what_it_was_told(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        publisher, worker = open(consume=False), open(consume=False)
        self.publish(publisher, messages(10))
        self.nats.kill()
        deadline = time.monotonic() + PATIENCE
        while publisher.status().connected and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(BusUnavailableError):
            publisher.publish(messages(1)).result(PATIENCE)
        self.nats.start()
        connected(publisher, worker)
        assert len(set(take(open(consume=True), lambda ids: len(set(ids)) == 10))) == 10

    def test_a_broker_that_lost_everything_is_set_up_anew(self, open: Callable[..., Bus]) -> None:  # noqa: A002
        publisher, worker = open(consume=False), open(consume=True)
        self.publish(publisher, messages(3))
        take(worker, lambda ids: len(set(ids)) == 3)
        self.nats.forget()
        self.nats.start()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.publish(publisher, messages(5, "later"))
                break
            except BusUnavailableError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        wanted = {f"later{n}" for n in range(5)}
        assert wanted <= set(take(worker, lambda ids: wanted <= set(ids)))


@pytest.mark.live
class TestKafka(BrokerContract):
    """The mock of a cluster in librdkafka, which speaks Kafka's protocol."""

    @pytest.fixture(autouse=True)
    def server(self) -> Iterator[None]:
        with MockKafka() as server:
            self.settings = BusSettings(engine="kafka", servers=(server.address,), batch=50, partitions=4)
            yield


@pytest.mark.parametrize("engine", ["nats", "kafka"])
def test_a_missing_package_is_named_with_what_to_install(engine: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"tsbot.bus.{engine}", raising=False)
    monkeypatch.setitem(sys.modules, f"faststream.{engine}", None)
    servers = ("nats://127.0.0.1:4222",) if engine == "nats" else ("127.0.0.1:9092",)
    with pytest.raises(SettingsError, match=rf"pip install 'tsbot\[{engine}\]'"):
        open_bus(BusSettings(engine=engine, servers=servers), database)  # type: ignore[arg-type]


def test_without_a_broker_the_database_is_the_bus(database: Database, tmp_path: Path) -> None:
    assert isinstance(open_bus(BusSettings(), database), DatabaseBus)
