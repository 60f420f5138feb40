"""What a broker is told of an event: that it is there, and nothing of what it says.

A broker's log outlives what a wiki hides. So a message names the event, its wiki, its revision or log entry, and when it was; the page only
by its keyed fingerprint, since titles can be attacks. The event itself lies sealed in the database, where a worker reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tsbot.cases import outcomes
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event

VERSION: Final = 1
MOST_BYTES: Final = 1000
"""A message that is longer, for each of its events, is none of ours."""
MOST_TOGETHER: Final = 50
"""Events in one message: few enough for workers to share what came together."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One event, by its ids."""

    v: int = VERSION
    event: str
    """``meta.id``; also what a broker tells repetitions by."""
    wiki: str
    page: str
    """The lane of its page (:func:`tsbot.cases.outcomes.lane`)."""
    rev: int | None = None
    log: int | None = None
    time: float = 0.0
    """When it happened on the wiki, in seconds since the epoch."""

    @property
    def key(self) -> str:
        """What stays in order."""
        return f"{self.wiki}|{self.page}"


def message_of(key: MasterKey, event: Event) -> Message:
    """What is published of an event."""
    return Message(
        event=event.id, wiki=event.wiki, page=outcomes.lane(key, event), rev=event.rev_id or None, log=event.log_id or None, time=event.time
    )


def encode(message: Message) -> bytes:
    """As JSON."""
    return msgspec.json.encode(message)


def encode_many(messages: Sequence[Message]) -> bytes:
    """Several events in one message, for brokers that ask for no key of each: a list of what :func:`encode` makes."""
    return encode(messages[0]) if len(messages) == 1 else msgspec.json.encode(messages)


_read = msgspec.json.Decoder(Message | list[Message]).decode


def decode(data: bytes) -> list[Message] | None:
    """What :func:`encode` or :func:`encode_many` made; None for what is no message of ours, or of a newer version."""
    if len(data) > MOST_TOGETHER * MOST_BYTES:
        return None
    try:
        found = _read(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    messages = found if isinstance(found, list) else [found]
    if len(data) > MOST_BYTES * len(messages) or not all(one.v == VERSION and 0 < len(one.event) <= 64 for one in messages):
        return None
    return messages
