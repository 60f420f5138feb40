"""What carries messages from listeners to workers, as both see it.

Whatever a bus loses, doubles or reorders costs time and nothing else: what it tells of lies in the database, where a worker claims it once
and in order (:mod:`tsbot.store.claims`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from tsbot.bus.message import Message


@dataclass(frozen=True)
class Delivery:
    """Some messages, to be acknowledged together once what they led to is committed."""

    event_ids: tuple[str, ...]
    redelivered: int
    """How many of them the broker says it had delivered before."""
    unknown: int
    """Messages that were none of ours."""
    settle: Callable[[bool], None]
    """To be called once, from any thread: True acknowledges, False has them delivered again."""


@dataclass(frozen=True, slots=True)
class BusStatus:
    """How a bus is doing."""

    connected: bool
    lag: int | None = None
    """Messages that the broker holds undelivered or unacknowledged; None where it does not say."""
    redelivered: int = 0
    """Events that this process was told of again."""
    unknown: int = 0
    """Messages that were none of ours, to this process."""
    trouble: str = ""
    """Why it is not connected: a class of error, no content."""


class Bus(Protocol):
    """A broker, or what stands in for one."""

    def start(self, *, consume: bool) -> None:
        """Connect, now or as soon as that is possible. ``consume`` also asks for messages."""

    def publish(self, messages: Sequence[Message]) -> Future[None]:
        """Have workers told; fails with ``BusUnavailableError`` where the broker does not confirm all of them."""

    def receive(self, wait: float) -> Delivery | None:
        """The next messages, waiting up to ``wait`` seconds; None if none came."""

    def status(self) -> BusStatus:
        """How it is doing."""

    def close(self) -> None:
        """Disconnect; what was not acknowledged is delivered again, to whoever asks."""
