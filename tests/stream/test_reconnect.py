"""When a live source connects again, and when events may be missing."""

from __future__ import annotations

import json
from random import Random

import pytest

from tsbot.stream.reconnect import Ended, Pace, Position, Resume, Resumed, read_position, rewound, usable_id


def ended(at: float = 0.0, *, uptime: float = 0.0, messages: int = 0, wait: float | None = None) -> Ended:
    return Ended(at=at, uptime=uptime, messages=messages, retry_after=wait)


def test_a_cut_after_fifteen_minutes_is_renewed_at_once() -> None:
    pace = Pace(Random(1))
    assert [pace.wait(ended(900.0 * n, uptime=900.0, messages=50_000)) for n in range(20)] == [0.0] * 20


def test_a_server_that_cuts_after_each_event_is_not_hammered() -> None:
    pace = Pace(Random(1))
    waits = [pace.wait(ended(n, uptime=1.0, messages=1)) for n in range(12)]
    assert waits[:10] == [0.0] * 10
    assert all(wait > 0 for wait in waits[10:])


def test_a_minute_of_uptime_forgets_failures() -> None:
    pace = Pace(Random(1))
    for _ in range(9):
        pace.wait(ended())
    assert pace.wait(ended()) >= 60.0
    assert pace.wait(ended(uptime=60.0)) <= 1.0


def test_waits_grow_to_two_minutes_and_differ_between_clients() -> None:
    waits = {Pace(Random(seed)).wait(ended()) for seed in range(20)}
    assert len(waits) > 10
    pace = Pace(Random(1))
    assert max(pace.wait(ended()) for _ in range(2000)) <= 120.0


def test_what_the_server_asks_for_is_waited() -> None:
    assert Pace(Random(1)).wait(ended(messages=5, wait=33.0)) == 33.0


def test_each_refusal_asks_for_less_and_then_starts_over() -> None:
    assert Resume.BY_ID.refused() is Resume.BY_TIME
    assert Resume.BY_TIME.refused() is Resume.FROM_NOW
    assert Resume.FROM_NOW.refused() is Resume.BY_ID


def test_a_position_is_its_cursor() -> None:
    position = Position(id='[{"topic":"t","offset":3}]', time=12.5, streams=("recentchange",))
    assert read_position(position.encode()) == position
    assert read_position('{"id": "x", "time": 3}') == Position(id="x", time=3.0)
    assert read_position(None) is read_position("nonsense") is None


@pytest.mark.parametrize(("text", "usable"), [("[1]", True), ("a\nb", False), ("é", False), ("x" * 20_000, False)])
def test_only_ids_that_fit_a_header_are_sent_back(text: str, usable: bool) -> None:
    assert usable_id(text) == (text if usable else "")


@pytest.mark.parametrize(
    ("what", "resumed", "expected"),
    [
        ("goes on", Resumed(1000, 1010, 1011, 1001, 1011, False), None),
        ("replays", Resumed(1000, 1010, 1011, 900, 1011, False), None),
        ("expired", Resumed(1000, 1010, 9000, 5000, 9001, False), (1000, 5000, "cursor_expired")),
        ("the server began at its present", Resumed(1000, 1010, 9000, 9001, 9001, False), (1010, 9000, "cursor_expired")),
        ("restart, began at the present", Resumed(1000, 0, 9000, 9001, 9001, False), (1000, 9000, "cursor_expired")),
        ("short outage of a quiet wiki", Resumed(1000, 8999, 9000, 9500, 9500, False), None),
        ("recorded events of another time", Resumed(1000, 99_990, 99_991, 5000, 99_992, False), (1000, 5000, "cursor_expired")),
        ("an event of the future", Resumed(1000, 1010, 1011, 5000, 1012, False), (1000, 5000, "cursor_expired")),
        ("refused, with overlap", Resumed(1000, 1010, 1020, 990, 1021, True), None),
        ("refused, without overlap", Resumed(1000, 1010, 1020, 1015, 1021, True), (1000, 1015, "cursor_refused")),
    ],
)
def test_gaps(what: str, resumed: Resumed, expected: tuple[float, float, str] | None) -> None:
    gap = resumed.gap(gap_after=120.0)
    assert (None if gap is None else (gap.since, gap.until, gap.reason)) == expected, what


class TestRewound:
    """Resuming by Wikimedia's ids as they are would skip events."""

    def test_timestamps_go_back_and_quiet_topics_get_one(self) -> None:
        text = '[{"topic":"eqiad.a","partition":0,"timestamp":50001},{"topic":"codfw.a","partition":0,"offset":-1}]'
        assert json.loads(rewound(text, 50.0, 10.0)) == [
            {"topic": "eqiad.a", "partition": 0, "timestamp": 40000},
            {"topic": "codfw.a", "partition": 0, "timestamp": 40000},
        ]

    def test_offsets_of_messages_are_kept(self) -> None:
        text = '[{"topic":"eqiad.a","partition":0,"offset":17}]'
        assert json.loads(rewound(text, 50.0, 10.0)) == json.loads(text)

    def test_a_topic_that_lags_behind_is_not_moved_forward(self) -> None:
        text = '[{"topic":"eqiad.a","partition":0,"timestamp":20000}]'
        assert json.loads(rewound(text, 50.0, 10.0))[0]["timestamp"] == 20000

    @pytest.mark.parametrize("text", ["17", "abc", '{"a":1}', "[1]", ""])
    def test_other_ids_are_kept(self, text: str) -> None:
        assert rewound(text, 50.0, 10.0) == text
