"""A Kafka cluster on loopback without Kafka: the mock in librdkafka, which the confluent-kafka wheel carries. It keeps nothing."""

from __future__ import annotations

import sys
import time

from confluent_kafka import Producer

from tsbot.demo.engines.server import Server


class MockKafka(Server):
    """One broker, in a process of its own; it speaks Kafka's protocol to any client. Started again it is another, empty one."""

    program = "the mock of a Kafka cluster"

    @property
    def address(self) -> str:
        """For ``bus.servers``."""
        return (self.folder / "address").read_text()

    def prepare(self) -> None:
        """Nothing is needed."""

    def command(self) -> list[str]:
        """This module."""
        return [sys.executable, "-m", __spec__.name if __spec__ else __name__, str(self.folder / "address")]

    def answers(self) -> bool:
        """Whether it said where it is."""
        return (self.folder / "address").exists()


def main() -> None:
    """Run until killed."""
    producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = producer.list_topics(timeout=10).brokers.values()
    with open(sys.argv[1], "w", encoding="utf-8") as file:  # noqa: PTH123 -- atomic enough: one short write
        file.write(",".join(f"{broker.host}:{broker.port}" for broker in brokers))
    while True:
        producer.poll(1.0)
        time.sleep(1.0)


if __name__ == "__main__":
    main()
