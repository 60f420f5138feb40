"""A live stream survives what servers and networks do: each test plays one fault to a real connection."""

from __future__ import annotations

import json
import threading
from email.utils import formatdate
from typing import Any

import msgspec
import pytest

from tsbot.errors import MalformedEventError, SettingsError, StreamUnavailableError
from tsbot.settings import StreamSettings
from tsbot.stream.sse import LiveSource, probe, stream_url
from tsbot.stream.wire import decode


def events(kit: Any, *numbers: int) -> list[bytes]:
    return [kit.sse(kit.recentchange(n)) for n in numbers]


def test_events_arrive_with_a_cursor_after_the_last(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([b":ok\n\n", *events(kit, 1, 2, 3)], then="hold")]
    found = kit.collect(listener.listen(), 3)
    assert found.ids == [1, 2, 3]
    cursor = json.loads(found.cursor)
    assert json.loads(cursor["id"])[0]["offset"] == 1003
    assert cursor["time"] == kit.NOON


def test_it_says_who_it_is_and_what_it_wants(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1), then="hold")]
    kit.collect(listener.listen(streams=("recentchange", "mediawiki.page_change.v1")), 1)
    request = server.requests[0]
    assert request.path == "/v2/stream/recentchange,mediawiki.page_change.v1"
    assert request.headers["user-agent"] == "tsbot-test/0 (https://example.org) urllib3"
    assert request.headers["accept-encoding"] == "identity"


def test_without_a_user_agent_it_does_not_start() -> None:
    with pytest.raises(SettingsError, match="User-Agent"):
        LiveSource("http://127.0.0.1:1/", (), StreamSettings(), user_agent=" ")


def test_a_proxy_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("https_proxy", "socks5://user:word@127.0.0.1:1080")
    with pytest.raises(StreamUnavailableError, match="no HTTP proxy") as raised:
        LiveSource("https://stream.example/", (), StreamSettings(), user_agent="tsbot-test/0")
    assert "word" not in str(raised.value)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_an_event_may_be_split_anywhere(server: Any, listener: Any, kit: Any, size: int) -> None:
    body = b":ok\n\n" + b"".join(kit.sse(kit.recentchange(n, title="Gärten – 庭 𝔤")) for n in (1, 2))
    server.answers = [kit.Answer([body[i : i + size] for i in range(0, len(body), size)], then="hold")]
    found = kit.collect(listener.listen(), 2)
    assert [decode(m).title for m in found.messages] == ["Gärten – 庭 𝔤"] * 2


def test_lines_may_end_in_crlf_split_between_chunks(server: Any, listener: Any, kit: Any) -> None:
    body = b"".join(events(kit, 1, 2)).replace(b"\n", b"\r\n")
    pieces = [piece for line in body.split(b"\r") for piece in (line, b"\r")][:-1]
    server.answers = [kit.Answer([p for p in pieces if p], then="hold")]
    assert kit.collect(listener.listen(), 2).ids == [1, 2]


def test_other_line_separators_do_not_end_a_line(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([kit.sse(kit.recentchange(1, comment="a\u2028b\u0085c"))], then="hold")]
    found = kit.collect(listener.listen(), 1)
    assert decode(found.messages[0]).comment == "a\u2028b\u0085c"


def test_bytes_that_are_no_utf8_cost_their_characters_only(server: Any, listener: Any, kit: Any) -> None:
    damaged = kit.sse(kit.recentchange(1)).replace(b"reply", b"re\xffply\xc3")
    server.answers = [kit.Answer([damaged, *events(kit, 2)], then="hold")]
    found = kit.collect(listener.listen(), 2)
    assert found.ids == [1, 2]
    assert decode(found.messages[0]).comment == "re\ufffdply\ufffd"
    assert len(server.requests) == 1


def test_a_quiet_stream_is_not_held_back(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([b":ok\n\n", *events(kit, 1)], then="hold", pulse=0.02)]
    assert kit.collect(listener.listen(), 1).ids == [1]


def test_duplicates_and_disorder_are_passed_on(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 2, 1, 1, 3), then="hold")]
    assert kit.collect(listener.listen(), 4).ids == [2, 1, 1, 3]


def test_a_huge_event_arrives_whole(server: Any, listener: Any, kit: Any) -> None:
    body = kit.sse(kit.recentchange(1, parsedcomment="x" * 2_000_000))
    server.answers = [kit.Answer([body[i : i + 50_000] for i in range(0, len(body), 50_000)] + events(kit, 2), then="hold")]
    found = kit.collect(listener.listen(), 2)
    assert found.ids == [1, 2]
    assert len(found.messages[0]) > 2_000_000


def test_an_event_over_the_limit_is_cut_and_recognised_as_too_long(server: Any, listener: Any, kit: Any) -> None:
    body = kit.sse(kit.recentchange(1, parsedcomment="é" * 400_000))
    server.answers = [kit.Answer([body[i : i + 50_000] for i in range(0, len(body), 50_000)] + events(kit, 2), then="hold")]
    found = kit.collect(listener.listen(max_event_bytes=100_000), 2)
    assert len(found.messages[0]) == 100_001
    with pytest.raises(MalformedEventError, match="too_long"):
        decode(found.messages[0], 100_000)
    assert msgspec.json.decode(found.messages[1])["id"] == 1002


def test_after_the_regular_cut_it_goes_on_at_once_where_it_was(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1, 2)), kit.Answer(events(kit, 3), then="hold")]
    source = listener.listen()
    assert kit.collect(source, 3).ids == [1, 2, 3]
    assert "last-event-id" not in server.requests[0].headers
    assert json.loads(server.requests[1].headers["last-event-id"])[0]["offset"] == 1002
    assert listener.waits == []
    assert source.status().reconnects == 1


def test_each_connection_is_a_new_one(server: Any, listener: Any, kit: Any) -> None:
    """A connection that a server has ended well may be half closed; using it again would fail now and then."""
    server.answers = [kit.Answer(events(kit, 1), keep=True), kit.Answer(events(kit, 2), then="hold")]
    assert kit.collect(listener.listen(), 2).ids == [1, 2]
    assert server.requests[0].peer != server.requests[1].peer


@pytest.mark.parametrize("how", ["close", "drop"])
def test_half_an_event_is_never_delivered(server: Any, listener: Any, kit: Any, how: str) -> None:
    first, second = events(kit, 1, 2)
    half = second[: second.index(b'"type"')] + b"}"  # the data so far would even be JSON with a bit of luck
    server.answers = [kit.Answer([first, half + b"\n"], then=how), kit.Answer([second], then="hold")]
    assert kit.collect(listener.listen(), 2).ids == [1, 2]
    assert json.loads(server.requests[1].headers["last-event-id"])[0]["offset"] == 1001


def test_silence_is_noticed(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1), then="hold"), kit.Answer(events(kit, 2), then="hold")]
    source = listener.listen(read_deadline=0.2)
    assert kit.collect(source, 2).ids == [1, 2]
    assert "nothing arrived for 0.2 s" in source.status().last_error


def test_a_server_that_says_nothing_at_all_is_noticed(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([], then="hold"), kit.Answer(events(kit, 1), then="hold")]
    assert kit.collect(listener.listen(read_deadline=0.2), 1).ids == [1]
    assert len(listener.waits) == 1


def test_keep_alives_count_as_life(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([b":ok\n\n"], then="hold", pulse=0.02)]
    source = listener.listen(read_deadline=0.4)
    kit.until(lambda: source.status().connected)
    source.read(1, 1.0)
    assert len(server.requests) == 1
    assert source.status().connected


def test_too_many_requests_waits_as_long_as_asked(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [
        kit.Answer(status=429, headers={"Retry-After": "17"}),
        kit.Answer(status=503, headers={"Retry-After": formatdate(listener.now + 40, usegmt=True)}),
        kit.Answer(events(kit, 1), then="hold"),
    ]
    source = listener.listen()
    assert kit.collect(source, 1).ids == [1]
    assert listener.waits == [17.0, 40.0]
    assert source.status().last_error == "the server answered with status 503"


def test_refusals_without_advice_are_waited_out_longer_and_longer(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [*[kit.Answer(status=503)] * 10, kit.Answer(events(kit, 1), then="hold")]
    assert kit.collect(listener.listen(), 1).ids == [1]
    waits = listener.waits
    assert len(waits) == 10
    assert all(2.0**n / 2 <= wait <= 2.0**n for n, wait in enumerate(waits[:7]))
    assert all(60 <= wait <= 120 for wait in waits[7:])


def test_a_429_keeps_the_cursor(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1)), kit.Answer(status=429), kit.Answer(events(kit, 2), then="hold")]
    kit.collect(listener.listen(), 2)
    assert "last-event-id" in server.requests[2].headers


def test_a_refused_cursor_is_replaced_by_the_time(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [
        kit.Answer(events(kit, 1)),
        kit.Answer(status=400),
        kit.Answer(events(kit, 1, 2)),
        kit.Answer(events(kit, 3), then="hold"),
    ]
    found = kit.collect(listener.listen(rewind=60.0), 4)
    assert found.ids == [1, 1, 2, 3]
    assert "last-event-id" not in server.requests[2].headers
    assert server.requests[2].path.endswith(f"?since={int(kit.NOON - 60) * 1000}")
    assert "last-event-id" in server.requests[3].headers  # an id that the server itself gave is used again
    assert found.gaps == []  # event 1 came again: nothing is missing


def test_a_refused_cursor_without_overlap_is_a_gap(server: Any, listener: Any, kit: Any) -> None:
    later = kit.sse(kit.recentchange(2, at=kit.NOON + 30))
    server.answers = [
        kit.Answer(events(kit, 1)),
        kit.Answer(status=400),
        kit.Answer(status=400),
        kit.Answer([later], then="hold"),
    ]
    listener.now = kit.NOON + 40
    found = kit.collect(listener.listen(), 2)
    (gap,) = found.gaps
    assert (gap.since, gap.until, gap.reason) == (kit.NOON, kit.NOON + 30, "cursor_refused")
    assert "since" not in server.requests[3].path  # the time was refused as well


def test_a_server_that_refuses_everything_does_not_cost_the_place(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1)), *[kit.Answer(status=400)] * 3, kit.Answer(events(kit, 2), then="hold")]
    assert kit.collect(listener.listen(), 2).ids == [1, 2]
    assert "last-event-id" in server.requests[4].headers


def test_an_error_event_is_no_message(server: Any, listener: Any, kit: Any) -> None:
    complaint = b'event: error\ndata: {"message": "offset out of range"}\n\n'
    server.answers = [kit.Answer(events(kit, 1)), kit.Answer([complaint]), kit.Answer(events(kit, 2), then="hold")]
    source = listener.listen()
    assert kit.collect(source, 2).ids == [1, 2]
    assert "since=" in server.requests[2].path


def test_a_sign_in_page_is_no_stream(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([b"<html>\n\n"], content_type="text/html"), kit.Answer(events(kit, 1), then="hold")]
    source = listener.listen()
    assert kit.collect(source, 1).ids == [1]
    assert "no event stream" in source.status().last_error


def test_a_jump_in_time_after_a_reconnection_is_a_gap(server: Any, listener: Any, kit: Any) -> None:
    jump = kit.sse(kit.recentchange(2, at=kit.NOON + 600))
    server.answers = [kit.Answer(events(kit, 1)), kit.Answer([jump, *events(kit, 3)], then="hold")]
    listener.now = kit.NOON + 1000
    found = kit.collect(listener.listen(gap_after=120.0), 3)
    (gap,) = found.gaps
    assert (gap.since, gap.until, gap.reason) == (kit.NOON, kit.NOON + 600, "cursor_expired")


def test_a_jump_in_time_on_one_connection_is_no_gap(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer([*events(kit, 1), kit.sse(kit.recentchange(2, at=kit.NOON + 600))], then="hold")]
    listener.now = kit.NOON + 1000
    found = kit.collect(listener.listen(json.dumps({"id": "[1]", "time": kit.NOON - 1})), 2)
    assert (found.ids, found.gaps) == ([1, 2], [])


def test_a_restart_goes_on_from_the_stored_cursor(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1), then="hold"), kit.Answer(events(kit, 2), then="hold")]
    first = listener.listen()
    cursor = kit.collect(first, 1).cursor
    first.close()
    found = kit.collect(listener.listen(cursor), 1)
    assert found.ids == [2]
    assert json.loads(server.requests[1].headers["last-event-id"])[0]["offset"] == 1001


def test_a_restart_after_a_long_time_shows_the_gap(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 2), then="hold")]
    found = kit.collect(listener.listen(json.dumps({"id": "[]", "time": kit.NOON - 9000})), 1)
    assert [(gap.since, gap.until) for gap in found.gaps] == [(kit.NOON - 9000, kit.NOON)]


def test_a_first_event_made_after_the_restart_shows_the_gap_before_it(server: Any, listener: Any, kit: Any) -> None:
    listener.now = kit.NOON - 10
    server.answers = [kit.Answer(events(kit, 2), then="hold")]
    found = kit.collect(listener.listen(json.dumps({"id": "[]", "time": kit.NOON - 9000})), 1)
    assert [(gap.since, gap.until) for gap in found.gaps] == [(kit.NOON - 9000, kit.NOON - 10)]


def test_a_cursor_of_other_streams_is_used_by_its_time_only(server: Any, listener: Any, kit: Any) -> None:
    cursor = json.dumps({"id": "[1]", "time": kit.NOON, "streams": ["mediawiki.page-delete"]})
    server.answers = [kit.Answer(events(kit, 1), then="hold")]
    kit.collect(listener.listen(cursor), 1)
    assert "last-event-id" not in server.requests[0].headers
    assert "since=" in server.requests[0].path


@pytest.mark.parametrize("cursor", ["", "nonsense", '{"id": 3}', '{"id": "a\\u0000b\\u2028", "time": 0}'])
def test_an_unusable_cursor_starts_from_now(server: Any, listener: Any, kit: Any, cursor: str) -> None:
    server.answers = [kit.Answer(events(kit, 1), then="hold")]
    assert kit.collect(listener.listen(cursor), 1).ids == [1]
    assert "last-event-id" not in server.requests[0].headers


def test_a_slow_pipeline_slows_the_reading(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, *range(50)), then="hold")]
    source = listener.listen(queue=5)
    assert kit.until(lambda: source.status().queued == 5)
    assert not kit.until(lambda: source.status().queued > 5, seconds=0.1)
    assert kit.collect(source, 50).ids == list(range(50))


def test_a_full_queue_does_not_wait_for_a_full_batch(server: Any, listener: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, *range(50)), then="hold")]
    source = listener.listen(queue=5)
    kit.until(lambda: source.status().queued == 5)
    assert len(source.read(500, 60.0).messages) == 5


@pytest.mark.parametrize("queue", [5, 500])
def test_closing_ends_the_thread_at_once(server: Any, listener: Any, kit: Any, queue: int) -> None:
    """While it waits for bytes, and while it waits for room in the queue."""
    server.answers = [kit.Answer(events(kit, *range(50)), then="hold")]
    source = listener.listen(read_deadline=600.0, queue=queue)
    kit.until(lambda: source.status().queued == min(queue, 50))
    source.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "tsbot-stream"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://stream.example.org/v2/stream/", "https://stream.example.org/v2/stream/a,b"),
        ("https://stream.example.org/v2/stream", "https://stream.example.org/v2/stream/a,b"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/a,b"),
        ("http://127.0.0.1:8000/v2/stream/recentchange", "http://127.0.0.1:8000/v2/stream/recentchange"),
    ],
)
def test_stream_names_are_appended_to_a_base_address(address: str, expected: str) -> None:
    assert stream_url(address, ("a", "b")) == expected


def test_a_stream_can_be_probed(server: Any, kit: Any) -> None:
    server.answers = [kit.Answer(events(kit, 1), then="hold"), kit.Answer(status=403), kit.Answer(status=404)]
    probe(server.url + "recentchange", 5.0, user_agent="tsbot-test/0")
    with pytest.raises(StreamUnavailableError, match="status 403"):
        probe(server.url + "recentchange", 5.0)
    probe(server.url, 5.0)  # the base address is no stream, but somebody is there


def test_a_probe_without_network_says_so(server: Any) -> None:
    url = server.url
    server.stop()
    server.stop = lambda: None
    with pytest.raises(StreamUnavailableError, match=r"Cannot reach 127\.0\.0\.1:\d+: no connection"):
        probe(url, 1.0, user_agent="tsbot-test/0")
