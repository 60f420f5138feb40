"""What goes over the broker: ids, and back again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.bus.message import MOST_TOGETHER, Message, decode, encode, encode_many, message_of
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event, EventKind

SECRET = "canary-3141"


def event(**more: object) -> Event:
    texts = dict.fromkeys(("title", "user", "comment", "new_name", "log_type", "log_action", "server_url"), SECRET)
    return Event(**{"id": "e", "stream": "s", "kind": EventKind.EDIT, "wiki": "enwiki", "time": 5.0, "rev_id": 7, **texts, **more})  # type: ignore[arg-type]


def test_a_message_holds_nothing_that_an_event_says() -> None:
    wire = encode(message_of(MasterKey(b"k" * 32), event()))
    assert SECRET.encode() not in wire
    assert json.loads(wire) | {"page": ""} == {"v": 1, "event": "e", "wiki": "enwiki", "page": "", "rev": 7, "log": None, "time": 5.0}


def test_without_the_master_key_a_page_cannot_be_guessed() -> None:
    one, two = (message_of(MasterKey(secret * 32), event()).page for secret in (b"k", b"x"))
    assert one != two


IDS = st.text("abc-123", min_size=1, max_size=64)
MESSAGES = st.builds(Message, event=IDS, wiki=st.just("enwiki"), page=st.just("p"), rev=st.integers(1, 2**53))


@given(MESSAGES)
def test_what_is_sent_comes_back(message: Message) -> None:
    assert decode(encode(message)) == [message]


@given(st.lists(MESSAGES, min_size=1, max_size=MOST_TOGETHER))
def test_what_is_sent_together_comes_back(messages: list[Message]) -> None:
    assert decode(encode_many(messages)) == messages


STRANGE = (
    *(b"", b"{", b"[1]", b"\xff\xfe", b"[" * 900, b'{"event": "e"}'),
    *(b'{"event":"","wiki":"w","page":"p"}', b'{"v":2,"event":"e","wiki":"w","page":"p"}'),
    encode_many([Message(event="e", wiki="w", page="p"), Message(v=2, event="f", wiki="w", page="p")]),
    *(encode(Message(event="e" * 65, wiki="w", page="p")), encode(Message(event="e", wiki="w" * 1000, page="p"))),
)


@pytest.mark.parametrize("data", STRANGE)
def test_what_is_none_of_ours_is_none(data: bytes) -> None:
    assert decode(data) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_none(data: bytes) -> None:
    decode(data)


def test_more_together_than_is_ever_sent_is_not_looked_at() -> None:
    one = encode(Message(event="e" * 36, wiki="enwiki", page="p"))
    assert decode(b"[" + b",".join([one + b" " * 700] * MOST_TOGETHER) + b"]") is not None
    assert decode(b"[" + b",".join([one + b" " * 850] * (MOST_TOGETHER + 10)) + b"]") is None
