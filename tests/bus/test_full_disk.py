"""A broker whose disk is full: what it does not take is kept and told later, and nothing that it took is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tsbot.bus.message import Message
from tsbot.bus.opening import open_bus
from tsbot.demo.engines.nats import Nats
from tsbot.errors import BusUnavailableError
from tsbot.settings import BusSettings
from tsbot.store.database import Database

PATIENCE = 90.0
ROOM = 100_000
"""Bytes that the broker may keep."""


class SmallNats(Nats):
    """A server with little room, which is to it what a full disk is."""

    def command(self) -> list[str]:
        path = self.folder / "small.conf"
        path.write_text(f'jetstream {{ store_dir: "{self.folder / "jetstream"}", max_file_store: {ROOM} }}\n')
        words = super().command()
        at = words.index("--jetstream")
        return [*words[:at], "--config", str(path)]


@pytest.fixture
def server() -> Iterator[SmallNats]:
    with SmallNats() as running:
        yield running


@pytest.mark.live
def test_what_a_full_broker_refuses_is_told_once_there_is_room(server: SmallNats, database: Database) -> None:
    settings = BusSettings(engine="nats", servers=(server.address,), ack_wait=2.0, batch=50)
    publisher, worker = open_bus(settings, database), open_bus(settings, database)
    publisher.start(consume=False)
    worker.start(consume=True)
    told: list[Message] = []
    kept: list[Message] = []
    try:
        made = iter([Message(event=f"e{n}", wiki="enwiki", page=f"p{n % 5}", rev=n, time=1.0) for n in range(5000)])
        deadline = time.monotonic() + PATIENCE
        while not kept and time.monotonic() < deadline:
            some = [next(made) for _ in range(20)]
            try:
                publisher.publish(some).result(PATIENCE)
                told += some
            except BusUnavailableError as error:
                if told:  # not before both are connected
                    assert "did not take" in str(error)
                    kept += some
                time.sleep(0.05)
        assert told
        assert kept

        got: set[str] = set()
        wanted = {message.event for message in told + kept}
        again = 0.0
        while not wanted <= got:
            assert time.monotonic() < deadline + PATIENCE, len(wanted - got)
            if kept and time.monotonic() > again:  # as a listener does, which has them in the database
                again = time.monotonic() + 0.2
                try:
                    publisher.publish(kept).result(PATIENCE)
                    kept = []
                except BusUnavailableError:
                    pass
            delivery = worker.receive(0.2)
            if delivery is not None:
                got.update(delivery.event_ids)
                delivery.settle(True)
        assert kept == []
    finally:
        publisher.close()
        worker.close()
