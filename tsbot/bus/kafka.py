"""Kafka: one topic of ids, keyed by page; the partitions are shared out among the workers' group."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any, ClassVar

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import BaseSecurity, SASLScram512

from tsbot.bus.broker import ACK_POLICY, BrokerBus
from tsbot.bus.message import Message, encode
from tsbot.settings import BusSettings

MOST_AT_ONCE = 1000
COLLECT_MS = 200
SESSION_MS = 15_000
"""A worker that is silent for so long loses its partitions."""


class KafkaBus(BrokerBus):
    """Kafka behind FastStream. Offsets are committed once what they led to is."""

    # A group waits for members that died without a word before it shares out the partitions anew.
    connect_seconds: ClassVar[float] = 4 * SESSION_MS / 1000

    def __init__(self, settings: BusSettings) -> None:
        super().__init__(settings)
        self._broker: KafkaBroker | None = None
        self._subscriber: Any = None
        self._highest: dict[Any, int] = {}
        """The next offset of each partition that was not seen yet; what lies before it comes again."""

    @property
    def topic(self) -> str:
        """Where ids are published."""
        return f"{self.settings.name}.events"

    @property
    def ack_policy(self) -> AckPolicy:
        """When a message counts as handled."""
        return ACK_POLICY

    async def connect(self, *, consume: bool) -> None:
        """Connect, make the topic where it is missing, and join the group."""
        security = _security(self.settings)
        await self._declare()
        broker = KafkaBroker(
            list(self.settings.servers),
            security=security,
            enable_idempotence=True,
            logger=None,
        )
        self._broker = broker
        if consume:
            subscriber = broker.subscriber(
                self.topic,
                group_id=f"{self.settings.name}-workers",
                batch=True,
                max_records=self.settings.batch,
                batch_timeout_ms=COLLECT_MS,
                auto_offset_reset="earliest",
                session_timeout_ms=SESSION_MS,
                heartbeat_interval_ms=SESSION_MS // 5,
                ack_policy=self.ack_policy,
            )

            @subscriber
            async def on_messages(_bodies: Any, message: KafkaMessage) -> None:
                records: Any = message.raw_message
                await self.handle([(record.value or b"", self._again(record)) for record in records])

            self._subscriber = subscriber
        await broker.start()

    async def send(self, messages: Sequence[Message]) -> None:
        """Publish each under its page, so that a page stays in one partition."""
        broker, limit = self._needed, asyncio.Semaphore(MOST_AT_ONCE)

        async def one(message: Message) -> None:
            async with limit:
                await broker.publish(encode(message), self.topic, key=message.key.encode())

        await asyncio.gather(*(one(message) for message in messages))

    async def check(self) -> int | None:
        """What waits in this worker's partitions."""
        if not await self._needed.ping(timeout=5.0):
            raise KafkaError
        consumer = getattr(self._subscriber, "consumer", None)
        if consumer is None:
            return None
        lag = 0
        for partition in consumer.assignment():
            lag += max(0, (consumer.highwater(partition) or 0) - await consumer.position(partition))
        return lag

    async def disconnect(self) -> None:
        """Leave the group and close."""
        broker, self._broker, self._subscriber = self._broker, None, None
        if broker is None:
            return
        producer: Any = broker.config.producer
        try:
            await broker.stop()
        finally:
            await producer.disconnect()  # a group that is slow to let go must not keep it

    @property
    def _needed(self) -> KafkaBroker:
        if self._broker is None:
            raise KafkaError
        return self._broker

    def _again(self, record: Any) -> bool:
        """Whether this process has seen a record before."""
        partition = (record.topic, record.partition)
        again: bool = record.offset < self._highest.get(partition, 0)
        self._highest[partition] = max(record.offset + 1, self._highest.get(partition, 0))
        return again

    async def _declare(self) -> None:
        options: dict[str, Any] = {"bootstrap_servers": list(self.settings.servers)}
        if self.settings.tls:
            options |= {"security_protocol": "SASL_SSL" if self.settings.user else "SSL", "ssl_context": _context(self.settings)}
        if self.settings.user:
            options |= {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": self.settings.user}
            options |= {"sasl_plain_password": self.settings.password}
            options.setdefault("security_protocol", "SASL_PLAINTEXT")
        admin = AIOKafkaAdminClient(**options)
        try:
            await admin.start()
            if self.topic not in await admin.list_topics():
                new = NewTopic(self.topic, num_partitions=self.settings.partitions, replication_factor=self.settings.replicas)
                await admin.create_topics([new])
        except TopicAlreadyExistsError:
            return
        except KafkaConnectionError:
            raise
        except (KafkaError, AttributeError) as error:  # AttributeError: a cluster that names no controller
            # It may be forbidden to us, or left to the first who publishes; if the topic is missing, that will show.
            structlog.get_logger().debug("bus.no_topic_made", error=type(error).__name__)
        finally:
            await admin.close()


def _context(settings: BusSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.ca_file or None)


def _security(settings: BusSettings) -> BaseSecurity | None:
    context = _context(settings) if settings.tls else None
    if settings.user:
        return SASLScram512(settings.user, settings.password, ssl_context=context, use_ssl=settings.tls)
    return BaseSecurity(ssl_context=context, use_ssl=True) if settings.tls else None
