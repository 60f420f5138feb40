"""The queue between the reading thread and the pipeline is bounded in messages and in bytes."""

from __future__ import annotations

import threading

from tsbot.stream.inbox import Inbox, Received
from tsbot.stream.reconnect import Position, read_position
from tsbot.stream.source import Gap


def item(number: int, size: int = 10, gap: Gap | None = None) -> Received:
    return Received(b"x" * size, Position(id=str(number), time=float(number)), gap)


def test_a_batch_carries_the_last_position_and_all_gaps() -> None:
    inbox, gap = Inbox(10), Gap(1.0, 2.0, "cursor_expired")
    for number in range(4):
        inbox.put(item(number, gap=gap if number == 1 else None))
    batch = inbox.take(3, 0.0)
    assert (len(batch.messages), batch.gaps) == (3, (gap,))
    assert read_position(batch.cursor) == Position(id="2", time=2.0)
    assert inbox.take(3, 0.0).gaps == ()
    assert inbox.take(3, 0.0).cursor is None


def test_full_of_bytes_is_full_and_ends_the_waiting_for_a_batch() -> None:
    inbox = Inbox(1000, most_bytes=100)
    writer = threading.Thread(target=lambda: [inbox.put(item(n, 60)) for n in range(5)])
    writer.start()
    sizes = [len(inbox.take(500, 60.0).messages) for _ in range(4)]
    inbox.close()
    writer.join()
    assert sizes == [1, 1, 1, 1]


def test_one_message_is_let_in_whatever_its_size() -> None:
    inbox = Inbox(10, most_bytes=100)
    assert inbox.put(item(1, 1000))
    assert len(inbox.take(1, 0.0).messages) == 1


def test_a_closed_queue_takes_nothing_more_and_gives_what_it_has() -> None:
    inbox = Inbox(10)
    inbox.put(item(1))
    inbox.close()
    assert not inbox.put(item(2))
    assert len(inbox.take(5, 60.0).messages) == 1
