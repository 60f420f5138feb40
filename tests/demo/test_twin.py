"""The twin answers as stream.wikimedia.org does."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import urllib3

from tsbot.demo.serving import Behaviour
from tsbot.demo.twin import Twin
from tsbot.errors import DemoError

RC = "mediawiki.recentchange"
VISIBILITY = "mediawiki.revision-visibility-change"


def numbers(messages):
    return [message.data["id"] for message in messages]


def test_a_stream_begins_with_a_comment_and_carries_what_comes_after(twin, open_stream, event):
    twin.publish(event(1))
    stream = open_stream(twin, RC)
    assert stream.status == 200
    assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    lines = stream.lines()
    assert [next(lines), next(lines)] == [":ok", ""]
    twin.publish(event(2))
    assert next(lines) == "event: message"
    assert next(lines).startswith('id: [{"topic":"eqiad.mediawiki.recentchange","partition":0,"timestamp":')
    assert json.loads(next(lines).removeprefix("data: "))["id"] == 2
    assert next(lines) == ""


def test_an_event_has_a_complete_meta(twin, open_stream, event):
    stream = open_stream(twin, "recentchange")  # short for mediawiki.recentchange
    twin.publish(event(1))
    [message] = stream.take(1)
    assert message.data["$schema"] == "/mediawiki/recentchange/1.0.0"
    assert set(message.data["meta"]) == {
        "uri", "request_id", "id", "dt", "domain", "stream", "topic", "partition", "offset",
    }  # fmt: skip
    assert message.data["meta"]["stream"] == RC


def test_an_id_names_the_timestamp_after_the_event_and_the_other_topics(twin, open_stream, event):
    stream = open_stream(twin, f"{RC},{VISIBILITY}")
    twin.publish(event(1, dt="2026-01-01T00:00:00.500Z"))
    twin.publish(event(2, stream=VISIBILITY, dt="2026-01-01T00:00:01Z"))
    first, second = stream.take(2)
    assert first.id == [
        {"topic": f"eqiad.{RC}", "partition": 0, "timestamp": 1767225600501},
        {"topic": f"codfw.{RC}", "partition": 0, "offset": -1},
        {"topic": f"eqiad.{VISIBILITY}", "partition": 0, "offset": -1},
        {"topic": f"codfw.{VISIBILITY}", "partition": 0, "offset": -1},
    ]
    assert second.id[0] == first.id[0]
    assert second.id[2] == {"topic": f"eqiad.{VISIBILITY}", "partition": 0, "timestamp": 1767225601001}


def test_one_connection_carries_only_the_streams_asked_for(twin, open_stream, event):
    stream = open_stream(twin, VISIBILITY)
    twin.publish(event(1))
    twin.publish(event(2, stream=VISIBILITY))
    assert numbers(stream.take(1)) == [2]


@pytest.mark.parametrize("since", ["2026-01-01T00:00:02Z", "2026-01-01T00:00:02.000Z", "1767225602000"])
def test_since_starts_at_that_time(twin, open_stream, event, since):
    for number in range(5):
        twin.publish(event(number, dt=f"2026-01-01T00:00:0{number}Z"))
    assert numbers(open_stream(twin, f"{RC}?since={since}").take(3)) == [2, 3, 4]


def test_last_event_id_resumes_after_the_event_and_wins_over_since(twin, open_stream, event):
    for number in range(5):
        twin.publish(event(number, dt=f"2026-01-01T00:00:0{number}Z"))
    seen = open_stream(twin, f"{RC}?since=0").take(3)
    resumed = open_stream(twin, f"{RC}?since=0", last_event_id=seen[-1].raw_id)
    assert numbers(resumed.take(2)) == [3, 4]


def test_a_timestamp_id_skips_what_shares_the_millisecond(twin, open_stream, event):
    for number in range(3):
        twin.publish(event(number, dt="2026-01-01T00:00:00.123Z"))
    twin.publish(event(3, dt="2026-01-01T00:00:00.124Z"))
    [first] = open_stream(twin, f"{RC}?since=0").take(1)
    assert numbers(open_stream(twin, RC, last_event_id=first.raw_id).take(1)) == [3]


def test_an_offset_id_resumes_exactly(twin, open_stream, event):
    twin.behaviour = Behaviour(offset_ids=True, keep_alive=None)
    for number in range(3):
        twin.publish(event(number, dt="2026-01-01T00:00:00.123Z"))
    [first] = open_stream(twin, f"{RC}?since=0").take(1)
    assert first.id[0] == {"topic": f"eqiad.{RC}", "partition": 0, "offset": 1}
    assert numbers(open_stream(twin, RC, last_event_id=first.raw_id).take(2)) == [1, 2]


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        ("no-such-stream", None, 400),
        (f"{RC},no-such-stream", None, 400),
        (f"{RC}?since=yesterday", None, 400),
        (RC, "not json", 400),
        (RC, '[{"topic":"eqiad.mediawiki.page-delete","partition":0,"offset":1}]', 400),
        ("../elsewhere", None, 404),
    ],
)
def test_what_cannot_be_served_is_refused(twin, open_stream, path, header, status):
    stream = open_stream(twin, path, last_event_id=header)
    assert stream.status == status
    assert json.loads(stream.body())["title"]


def test_too_many_connections_are_refused_until_one_leaves(twin, open_stream):
    twin.behaviour = Behaviour(max_connections=1, retry_after=7, keep_alive=None)
    first = open_stream(twin, RC)
    refused = open_stream(twin, RC)
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "7"
    first.close()
    deadline = time.monotonic() + 5
    while twin.connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_stream(twin, RC).status == 200


def test_it_can_be_told_to_refuse(twin, open_stream):
    twin.behaviour = Behaviour(refuse=503, retry_after=1)
    stream = open_stream(twin, RC)
    assert (stream.status, stream.headers["Retry-After"]) == (503, "1")


def test_a_connection_ends_after_a_number_of_events_and_the_next_goes_on(twin, open_stream, event):
    twin.behaviour = Behaviour(cut_after_events=2, keep_alive=None)
    for number in range(5):
        twin.publish(event(number, dt=f"2026-01-01T00:00:0{number}Z"))
    seen = list(open_stream(twin, f"{RC}?since=0").messages())
    assert numbers(seen) == [0, 1]
    assert numbers(open_stream(twin, RC, last_event_id=seen[-1].raw_id).messages()) == [2, 3]


def test_a_connection_ends_after_a_time(twin, open_stream):
    twin.behaviour = Behaviour(cut_after_seconds=0.05, keep_alive=None)
    assert open_stream(twin, RC).body() == b":ok\n\n"


def test_a_connection_can_break_inside_an_event(twin, open_stream, event):
    twin.behaviour = Behaviour(cut_after_events=1, cut_mid_event=True, keep_alive=None)
    twin.publish(event(1, dt="2026-01-01T00:00:00Z"))
    stream = open_stream(twin, f"{RC}?since=0")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        list(stream.messages())


def test_an_event_may_come_in_small_pieces(twin, open_stream, event):
    twin.behaviour = Behaviour(chunk=3, keep_alive=None)
    twin.publish(event(1, dt="2026-01-01T00:00:00Z") | {"title": "Grüße, 世界"})
    [message] = open_stream(twin, f"{RC}?since=0").take(1)
    assert message.data["title"] == "Grüße, 世界"


def test_a_quiet_stream_is_kept_alive_with_comments(twin, open_stream):
    twin.behaviour = Behaviour(keep_alive=0.02)
    lines = open_stream(twin, RC).lines()
    assert [next(lines) for _ in range(6)] == [":ok", "", ":", "", ":", ""]


def test_canaries_come_on_every_topic_of_every_stream(twin, open_stream):
    stream = open_stream(twin, f"{RC},{VISIBILITY}")
    twin.behaviour = Behaviour(canary_every=0.05)
    messages = stream.take(4)
    assert {message.data["meta"]["domain"] for message in messages} == {"canary"}
    assert {message.data["meta"]["topic"] for message in messages} == {
        f"{datacentre}.{name}" for datacentre in ("eqiad", "codfw") for name in (RC, VISIBILITY)
    }
    assert [set(position) for position in messages[-1].id] == [{"topic", "partition", "timestamp"}] * 4


def test_datagrams_of_the_wikis_become_events(twin, open_stream):
    stream = open_stream(twin, RC)
    datagram = {"_uri": "http://127.0.0.1:8801/wiki/Page", "_request_id": "r", "id": 5, "wiki": "enwiki"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"not json", ("127.0.0.1", twin.udp_port))
        sender.sendto(json.dumps(datagram).encode(), ("127.0.0.1", twin.udp_port))
    [message] = stream.take(1)
    assert message.data["id"] == 5
    assert message.data["meta"]["domain"] == "127.0.0.1:8801"
    assert message.data["meta"]["request_id"] == "r"
    assert not [name for name in message.data if name.startswith("_")]
    assert twin.rejected_datagrams == 1


def test_events_are_kept_in_a_file_that_can_be_published_again(tmp_path: Path, open_stream, event):
    recorded = tmp_path / "events.jsonl"
    with Twin(log_file=recorded) as first:
        first.publish(event(1))
        first.publish(event(2))
    with Twin() as second:
        assert second.publish_file(recorded) == 2
        again = open_stream(second, f"{RC}?since=0").take(2)
        assert [message.data["meta"]["id"] for message in again] == [
            json.loads(line)["meta"]["id"] for line in recorded.read_text().splitlines()
        ]


def test_an_event_without_a_stream_is_no_event(twin):
    with pytest.raises(ValueError, match="stream"):
        twin.publish({"id": 1})


def test_a_port_in_use_is_named(twin):
    with pytest.raises(DemoError, match=str(twin.http_port)):
        Twin(http_port=twin.http_port).start()


def test_stopping_ends_open_connections(open_stream):
    twin = Twin()
    twin.start()
    stream = open_stream(twin, RC)
    twin.stop()
    twin.stop()
    with pytest.raises(urllib3.exceptions.HTTPError):
        list(stream.lines())


def test_it_runs_as_a_process(tmp_path: Path, event):
    recorded = tmp_path / "events.jsonl"
    recorded.write_text(json.dumps(event(7)) + "\n")
    command = [sys.executable, "-m", "tsbot.demo.twin", "--publish", str(recorded)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            with urllib3.PoolManager() as pool:
                response = pool.request("GET", f"{url}{RC}?since=0", preload_content=False, timeout=10.0)
                text = b""
                while b'"id":7' not in text:
                    text += response.read1(4096)
                response.close()
            process.stdin.close()  # the end of its input ends it
            assert process.wait(10) == 0
        finally:
            process.send_signal(signal.SIGKILL)
