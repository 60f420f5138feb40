"""NATS JetStream: one stream of ids, some in each message, and one durable consumer that all workers share."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Sequence
from typing import Any

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from faststream.security import BaseSecurity, SASLPlaintext
from nats.errors import ConnectionClosedError
from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType

from tsbot.bus.broker import ACK_POLICY, BrokerBus
from tsbot.bus.message import MOST_TOGETHER, Message, encode_many
from tsbot.settings import BusSettings

DUPLICATE_WINDOW = 600.0
"""Seconds within which the broker drops what is published twice."""
KEEP = 7 * 86400.0
"""Seconds after which the broker forgets what nobody took; workers find it in the database."""
MOST_AT_ONCE = 250
"""Publishes under way at once."""
COLLECT = 1.0
"""Seconds for which a request for messages stands; those that are there are answered at once."""


class NatsBus(BrokerBus):
    """JetStream behind FastStream. A message is deleted by the broker when it is acknowledged."""

    def __init__(self, settings: BusSettings) -> None:
        super().__init__(settings)
        self.stream = JStream(
            name=settings.name,
            subjects=[f"{settings.name}.>"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=KEEP,
            num_replicas=settings.replicas,
            duplicate_window=DUPLICATE_WINDOW,
        )
        self._broker: NatsBroker | None = None

    @property
    def subject(self) -> str:
        """Where ids are published."""
        return f"{self.settings.name}.events"

    @property
    def durable(self) -> str:
        """The consumer that workers share."""
        return f"{self.settings.name}-workers"

    @property
    def ack_policy(self) -> AckPolicy:
        """When a message counts as handled."""
        return ACK_POLICY

    async def connect(self, *, consume: bool) -> None:
        """Connect, and declare stream and consumer."""
        broker = NatsBroker(
            list(self.settings.servers),
            security=_security(self.settings),
            max_reconnect_attempts=3,
            reconnect_time_wait=1,
            connect_timeout=3,
            ping_interval=5,
            logger=None,
        )
        self._broker = broker
        if consume:
            config = ConsumerConfig(ack_wait=self.settings.ack_wait, max_deliver=-1, max_ack_pending=20 * self.settings.batch)
            subscriber = broker.subscriber(
                self.subject,
                stream=self.stream,
                durable=self.durable,
                config=config,
                pull_sub=PullSub(batch_size=max(1, self.settings.batch // MOST_TOGETHER), timeout=COLLECT, batch=True),
                ack_policy=self.ack_policy,
            )

            @subscriber
            async def on_messages(_bodies: Any, message: NatsMessage) -> None:
                raw: Any = message.raw_message
                await self.handle([(one.data, one.metadata.num_delivered > 1) for one in raw])

        await broker.start()
        if not consume:
            await self._declare()

    async def send(self, messages: Sequence[Message]) -> None:
        """Publish some at a time, under a name of their events, so that the broker drops repetitions."""
        limit = asyncio.Semaphore(MOST_AT_ONCE)

        async def publish(some: Sequence[Message]) -> None:
            async with limit:
                headers = {"Nats-Msg-Id": _name(some)}
                await self._needed.publish(encode_many(some), self.subject, stream=self.settings.name, headers=headers, timeout=5.0)

        await asyncio.gather(*(publish(messages[n : n + MOST_TOGETHER]) for n in range(0, len(messages), MOST_TOGETHER)))

    async def check(self) -> int | None:
        """What waits and what is under way at all workers; fails where stream or consumer are gone."""
        connection: Any = self._needed._connection
        if not connection.is_connected:
            raise ConnectionClosedError
        jetstream = self._jetstream()
        if not self._consume:
            await jetstream.stream_info(self.settings.name)
            return None
        found = await jetstream.consumer_info(self.settings.name, self.durable)
        return (found.num_pending or 0) + (found.num_ack_pending or 0)

    async def disconnect(self) -> None:
        """Close the connection."""
        broker, self._broker = self._broker, None
        if broker is None:
            return
        connection: Any = broker._connection
        try:
            await broker.stop()
        finally:
            if connection is not None:  # stopping drains, which a connection that is down refuses
                await connection.close()

    @property
    def _needed(self) -> NatsBroker:
        if self._broker is None:
            raise ConnectionClosedError
        return self._broker

    def _jetstream(self) -> Any:
        connection: Any = self._needed._connection
        return connection.jetstream()

    async def _declare(self) -> None:
        """A listener has no subscriber that would declare the stream."""
        config = self.stream.config
        await self._jetstream().add_stream(config=config, subjects=[f"{self.settings.name}.>"])


def _name(messages: Sequence[Message]) -> str:
    """The same for the same events."""
    ids = [message.event for message in messages]
    return ids[0] if len(ids) == 1 else hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _security(settings: BusSettings) -> BaseSecurity | None:
    context = ssl.create_default_context(cafile=settings.ca_file or None) if settings.tls else None
    if settings.user:
        return SASLPlaintext(settings.user, settings.password, ssl_context=context, use_ssl=settings.tls)
    return BaseSecurity(ssl_context=context, use_ssl=True) if settings.tls else None
