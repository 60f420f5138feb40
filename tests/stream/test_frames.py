"""What goes to the SSE parser: whole lines in UTF-8, no end, and never more than an event may hold."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tsbot.stream.frames import ROOM, BodyEndedError, frames


def through(chunks: list[bytes], limit: int = 1000) -> list[bytes]:
    left = iter([*chunks, b""])
    found = []
    pieces = frames(lambda: next(left), limit)
    with pytest.raises(BodyEndedError):
        while True:
            found.append(next(pieces))
    return found


def test_lines_are_handed_on_as_soon_as_they_are_whole() -> None:
    assert through([b":ok\n", b"\nda", b"ta: 1\n\nid", b": 2"]) == [b"\n", b"data: 1\n\n"]


@pytest.mark.parametrize("line", [b"y" * 20_000 + b"\n", b"y" * 5_000_000 + b"\n"])
def test_an_event_over_the_limit_takes_no_more_memory_than_that(line: bytes) -> None:
    """Of many lines or of one, in chunks: what goes on is bounded, and the next event is whole again."""
    body = b"data: x\n" + line * (5_000_000 // len(line) + 1) + b"\ndata: next\n\n"
    passed = b"".join(through([body[i : i + 10_000] for i in range(0, len(body), 10_000)], limit=100_000))
    assert 100_000 < len(passed) < 100_000 + ROOM + 100
    assert passed.endswith(b"\n\ndata: next\n\n")


def test_an_event_of_a_million_lines_is_cut_too() -> None:
    """The parser's work grows with the square of the lines."""
    passed = b"".join(through([b"data: x\n" * 1_000_000, b"\n:still here\n" * 3, b"data: next\n\n"], limit=16_000_000))
    assert 1000 < passed.count(b"\n") < 20_000
    assert passed.endswith(b"\n\n\ndata: next\n\n")


@example([b"\r", b":\n\n"])
@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\r", b"\n", b"\r\n", "é\u2028".encode()])))
def test_nothing_is_lost_but_what_is_no_utf8_and_the_half_line_at_the_end(chunks: list[bytes]) -> None:
    body = b"".join(chunks)
    whole = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    passed = b"".join(through([chunk for chunk in chunks if chunk]))
    passed.decode()
    lines = [line for line in whole.splitlines() if not line.startswith(b":")]
    assert len(passed.splitlines()) == len(lines)
    assert [line.decode(errors="replace") for line in lines] == [line.decode() for line in passed.splitlines()]
