"""Recorded events from files and standard input."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tsbot.errors import MalformedEventError, StreamUnavailableError
from tsbot.stream.lines import Lines
from tsbot.stream.replay import FileSource, StdinSource
from tsbot.stream.source import Batch
from tsbot.stream.wire import decode

LINES = [b'{"id":%d}' % number for number in range(1000)]
BODY = b"\n".join(LINES) + b"\n"


def compressed(suffix: str, body: bytes) -> bytes:
    match suffix:
        case ".zst":
            half = len(body) // 2  # two frames, as when a recorder was restarted
            return b"".join(zstandard.ZstdCompressor().compress(part) for part in (body[:half], body[half:]))
        case ".gz":
            return gzip.compress(body)
        case _:
            return body


def batches(source: Any, cursor: str | None = None, limit: int = 300) -> list[Batch]:
    source.start(cursor)
    found = []
    while not found or not found[-1].ended:
        found.append(source.read(limit, 1.0))
    source.close()
    return found


def messages(found: list[Batch]) -> list[bytes]:
    return [message for batch in found for message in batch.messages]


@pytest.mark.parametrize("suffix", [".jsonl", ".zst", ".gz"])
def test_a_file_is_read_to_its_end(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    path.write_bytes(compressed(suffix, BODY))
    assert messages(batches(FileSource(path))) == LINES


@pytest.mark.parametrize("suffix", [".jsonl", ".zst", ".gz"])
@pytest.mark.parametrize("limit", [1, 7, 999, 5000])
def test_reading_goes_on_after_any_batch(tmp_path: Path, suffix: str, limit: int) -> None:
    path = tmp_path / f"events{suffix}"
    path.write_bytes(compressed(suffix, BODY))
    source = FileSource(path)
    source.start(None)
    first = source.read(limit, 0.0)
    source.close()
    assert list(first.messages) + messages(batches(FileSource(path), first.cursor)) == LINES


def test_a_finished_file_gives_nothing_again_and_then_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(BODY)
    cursor = batches(FileSource(path), limit=1000)[-1].cursor or batches(FileSource(path), limit=1000)[0].cursor
    assert messages(batches(FileSource(path), cursor)) == []
    with path.open("ab") as file:
        file.write(b'{"id":"new"}\n')
    assert messages(batches(FileSource(path), cursor)) == [b'{"id":"new"}']


@pytest.mark.parametrize("other", [b'{"other":1}\n' + BODY, BODY[: len(BODY) // 2]])
@pytest.mark.parametrize("suffix", [".jsonl", ".zst"])
def test_another_file_under_the_same_name_is_read_from_its_beginning(tmp_path: Path, suffix: str, other: bytes) -> None:
    path = tmp_path / f"events{suffix}"
    path.write_bytes(compressed(suffix, BODY))
    cursor = batches(FileSource(path), limit=1000)[0].cursor
    path.write_bytes(compressed(suffix, other))
    assert messages(batches(FileSource(path), cursor)) == other.splitlines()


@pytest.mark.parametrize("cursor", ["", "nonsense", '{"offset": -1, "head": "", "size": 0}', '{"id": "[]", "time": 3}'])
def test_an_unusable_cursor_reads_from_the_beginning(tmp_path: Path, cursor: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(BODY)
    assert messages(batches(FileSource(path), cursor)) == LINES


def test_a_last_line_without_newline_is_delivered_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"id":1}\n{"id":2}')
    (batch,) = batches(FileSource(path))
    assert messages([batch]) == [b'{"id":1}', b'{"id":2}']
    assert messages(batches(FileSource(path), batch.cursor)) == []


def test_a_half_written_last_line_is_delivered_and_read_again_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"id":1}\n{"id":')
    (batch,) = batches(FileSource(path))
    assert messages([batch]) == [b'{"id":1}', b'{"id":']
    with path.open("ab") as file:
        file.write(b"2}\n")
    assert messages(batches(FileSource(path), batch.cursor)) == [b'{"id":2}']


@pytest.mark.parametrize("suffix", [".jsonl", ".zst"])
def test_following_waits_for_the_rest_of_a_line(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    compressor = zstandard.ZstdCompressor().compressobj()

    def append(data: bytes) -> None:
        with path.open("ab") as file:
            file.write(compressor.compress(data) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) if suffix == ".zst" else data)

    append(b'{"id":1}\n{"id"')
    source = FileSource(path, follow=True, poll=0.01)
    source.start(None)
    assert list(source.read(10, 0.05).messages) == [b'{"id":1}']
    append(b":2}\n")
    batch = source.read(1, 5.0)
    assert (list(batch.messages), batch.ended) == ([b'{"id":2}'], False)
    source.close()


def test_recorded_sse_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "events.txt"
    path.write_bytes(b':ok\n\nevent: message\r\nid: [{"offset":1}]\r\ndata: {"id":1}\r\n\r\ndata:{"id":2}\n\ndata:\nretry: 3\n\nwhat?\n')
    assert messages(batches(FileSource(path))) == [b'{"id":1}', b'{"id":2}', b"what?"]


@pytest.mark.parametrize("prefix", [b"", b"data: "])
def test_an_over_long_line_is_cut_and_recognised(tmp_path: Path, prefix: bytes) -> None:
    path = tmp_path / "events.jsonl"
    fits, long = b"{" + b"y" * 99_999, b"{" + b"x" * 3_000_000
    path.write_bytes(b"\n".join(prefix + line for line in (b'{"id":1}', fits, long, b'{"id":2}')) + b"\n")
    source = FileSource(path, max_event_bytes=100_000)
    source.start(None)
    found = [source.read(1, 0.0) for _ in range(4)]
    source.close()
    assert [len(message) for message in messages(found)] == [8, 100_000, 100_001, 8]
    with pytest.raises(MalformedEventError, match="too_long"):
        decode(found[2].messages[0], 100_000)
    assert messages(batches(FileSource(path), found[2].cursor)) == [b'{"id":2}']


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
def test_a_damaged_file_gives_what_it_can_and_says_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    body = b"".join(b'{"id":"%s"}\n' % os.urandom(16).hex().encode() for _ in range(20_000))
    whole = compressed(suffix, body)
    path.write_bytes(whole[: int(len(whole) * 0.9)])
    source = FileSource(path)
    found = messages(batches(source))
    assert found[:-1] == body.splitlines()[: len(found) - 1]
    assert len(found) > 1000
    assert "damaged" in source.status().last_error


def test_a_missing_file_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(StreamUnavailableError, match="No such file"):
        FileSource(tmp_path / "none.jsonl").start(None)


def test_an_empty_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.touch()
    assert batches(FileSource(path)) == [Batch(messages=[], ended=True)]


def test_standard_input_is_read_as_it_comes() -> None:
    out, into = os.pipe()
    source = StdinSource(out)
    source.start(None)
    os.write(into, b'{"id":1}\n{"id"')
    first = source.read(10, 0.01)
    assert (list(first.messages), first.ended, first.cursor) == ([b'{"id":1}'], False, None)
    os.write(into, b":2}\n{half")
    os.close(into)
    second = source.read(10, 5.0)
    assert (list(second.messages), second.ended) == ([b'{"id":2}', b"{half"], True)
    os.close(out)


def test_standard_input_may_be_larger_than_a_pipe() -> None:
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(BODY * 50)

    writer = threading.Thread(target=write)
    writer.start()
    assert messages(batches(StdinSource(out))) == LINES * 50
    writer.join()
    os.close(out)


@given(
    lines=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=30),
    cuts=st.lists(st.integers(0, 400), max_size=20),
    limit=st.integers(1, 8),
)
def test_lines_and_offsets_do_not_depend_on_how_bytes_arrive(lines: list[bytes], cuts: list[int], limit: int) -> None:
    body = b"".join(line + b"\n" for line in lines)
    edges = sorted({0, len(body), *(min(cut, len(body)) for cut in cuts)})
    splitter = Lines(limit=1000)
    found: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        splitter.feed(body[start:end])
        while some := splitter.take(limit):
            found += some
            assert body[: splitter.offset] == b"".join(line + b"\n" for line in found)
    assert found == lines
    assert json.dumps(splitter.offset) == str(len(body))
