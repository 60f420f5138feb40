"""Recorded events: a file of lines, compressed or not, or standard input.

A file may be ``.jsonl``, ``.ndjson`` or ``.json`` (one message per line), the same with ``.zst`` or ``.gz`` after it, or a
recording of an SSE stream. The cursor of a file is JSON: ``{"offset": bytes of the decompressed data, "head": fingerprint of
its first bytes, "size": how many of them}``. A file with another beginning, or shorter than the offset, is read anew.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import select
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec
import zstandard

from tsbot.errors import StreamUnavailableError
from tsbot.stream.lines import Lines
from tsbot.stream.source import Batch, SourceStatus

_CHUNK: Final = 1 << 18
_COMPRESSED_CHUNK: Final = 1 << 15
_HEAD: Final = 4096
_READ_ERRORS: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)


class _Cursor(msgspec.Struct):
    offset: int
    head: str
    size: int


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _ZstdReader:
    """Reads the frames of a ``.zst`` file one after the other. Raises ``EOFError`` at the end of a file that was cut."""

    def __init__(self, file: BinaryIO, follow: bool) -> None:
        self._file = file
        self._follow = follow
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = b""

    def read(self, _size: int, /) -> bytes:
        """The next bytes, as many as a piece of the file gives; empty at the end."""
        while True:
            if not self._input:
                self._input = self._file.read(_COMPRESSED_CHUNK)
            if not self._input:
                if self._frame is not None and not self._follow:
                    raise EOFError("the file ends in the middle of a zstd frame")
                return b""
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            data = self._frame.decompress(self._input)
            self._input = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = None
            if data:
                return data


class FileSource:
    """A recorded file as a :class:`~tsbot.stream.source.Source`.

    ``follow`` waits at the end for more, as ``tail -f`` does (not for ``.gz``); a line without its newline then waits too.
    Otherwise such a line is delivered at the end as it is, and if it is not whole JSON, the cursor stays before it. A file
    that is damaged in the middle ends there, and :meth:`status` says why.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        max_event_bytes: int = 16_000_000,
        follow: bool = False,
        poll: float = 0.1,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(path)
        self.name = f"file:{self._path.resolve()}"
        self._limit = max_event_bytes
        self._follow = follow
        self._poll = poll
        self._monotonic = monotonic
        self._sleep = sleep
        self._file: BinaryIO | None = None
        self._reader: _Reader | None = None
        self._lines = Lines(max_event_bytes)
        self._head = b""
        self._fingerprint = ""
        self._ended = False
        self._error = ""

    def start(self, cursor: str | None) -> None:
        """Open the file after ``cursor``. Raises :class:`StreamUnavailableError` if it cannot be opened."""
        if cursor is not None:
            try:
                after = msgspec.json.decode(cursor, type=_Cursor)
            except msgspec.DecodeError:
                after = None
            if after is not None and self._resume(after):
                return
        self._open()
        self._lines = Lines(self._limit)
        self._lines.feed(self._head)

    def read(self, limit: int, wait: float) -> Batch:
        """See :class:`~tsbot.stream.source.Source`; ``wait`` matters only while following."""
        messages: list[bytes] = []
        before = self._lines.offset
        deadline = self._monotonic() + wait
        while len(messages) < limit:
            if lines := self._lines.take(limit - len(messages)):
                message = self._lines.message
                messages += [found for line in lines if (found := message(line)) is not None]
            elif self._ended:
                break
            elif data := self._next():
                self._lines.feed(data)
            elif self._ended or not self._follow:
                messages += self._finish()
                break
            else:
                left = deadline - self._monotonic()
                if left <= 0:
                    break
                self._sleep(min(left, self._poll))
        cursor = self._cursor() if self._lines.offset != before else None
        return Batch(messages=messages, cursor=cursor, ended=self._ended)

    def status(self) -> SourceStatus:
        """Connected while the file is open and has more."""
        return SourceStatus(connected=self._reader is not None and not self._ended, last_error=self._error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = self._reader = None

    def _open(self) -> None:
        self.close()
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise StreamUnavailableError(f"Cannot open the recorded stream {self._path}: {error.strerror}") from error
        match self._path.suffix:
            case ".zst":
                self._reader = _ZstdReader(self._file, self._follow)
            case ".gz":
                self._reader = gzip.GzipFile(fileobj=self._file)
            case _:
                self._reader = self._file
        self._ended, self._error, self._head = False, "", b""
        while len(self._head) < _HEAD and (data := self._next()):
            self._head += data
        self._fingerprint = ""

    def _resume(self, after: _Cursor) -> bool:
        """Open the file and go to the cursor's place; False if this is another file than the one it belongs to."""
        self._open()
        if _fingerprint(self._head[: after.size]) != after.head or not 0 <= after.size <= _HEAD or after.offset < 0:
            return False
        passed = len(self._head)
        data = self._head
        if self._reader is self._file is not None and after.offset > passed:
            size = self._path.stat().st_size
            if size < after.offset:
                return False
            self._file.seek(after.offset)
            data, passed = b"", after.offset
        while passed < after.offset:
            data = self._next()
            if not data:
                return False
            passed += len(data)
        self._lines = Lines(self._limit, after.offset)
        self._lines.feed(data[len(data) - (passed - after.offset) :])
        return True

    def _next(self) -> bytes:
        """The next bytes; empty at the (present) end. Damage is noted and ends the source."""
        if self._reader is None:
            raise StreamUnavailableError("The recorded stream is not open: start() comes first.")
        try:
            return self._reader.read(_CHUNK)
        except _READ_ERRORS as error:
            self._error = f"the file is damaged or unreadable: {type(error).__name__}"
            self._ended = True
            return b""

    def _finish(self) -> list[bytes]:
        """Deliver a last line that has no newline."""
        self._ended = True
        line = self._lines.half()
        message = self._lines.message(line) if line else None
        if message is None:
            return []
        if _is_json(message):
            self._lines.accept_half()
        return [message]

    def _cursor(self) -> str:
        if not self._fingerprint:
            self._fingerprint = _fingerprint(self._head[:_HEAD])
        size = min(len(self._head), _HEAD)
        cursor = _Cursor(offset=self._lines.offset, head=self._fingerprint, size=size)
        return msgspec.json.encode(cursor).decode()


class StdinSource:
    """Standard input (or another file descriptor) as a source: no resuming, ends with the input."""

    name = "stdin"

    def __init__(self, fd: int = 0, *, max_event_bytes: int = 16_000_000) -> None:
        self._fd = fd
        self._lines = Lines(max_event_bytes)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN | select.POLLHUP)
        self._ended = False
        self._error = ""

    def start(self, cursor: str | None) -> None:
        """Nothing to prepare: what was read of a pipe before cannot be read again, whatever the cursor."""

    def read(self, limit: int, wait: float) -> Batch:
        """See :class:`~tsbot.stream.source.Source`; the cursor is always None."""
        messages: list[bytes] = []
        deadline = time.monotonic() + wait
        while len(messages) < limit:
            if lines := self._lines.take(limit - len(messages)):
                messages += [found for line in lines if (found := self._lines.message(line)) is not None]
                continue
            if self._ended or not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                break
            self._take_in(messages)
        return Batch(messages=messages, ended=self._ended)

    def status(self) -> SourceStatus:
        """Connected until the input ends."""
        return SourceStatus(connected=not self._ended, last_error=self._error)

    def close(self) -> None:
        """The descriptor is its owner's to close."""

    def _take_in(self, messages: list[bytes]) -> None:
        try:
            data = os.read(self._fd, _CHUNK)
        except OSError as error:
            self._error = f"standard input cannot be read: {error.strerror}"
            data = b""
        if data:
            self._lines.feed(data)
            return
        self._ended = True
        half = self._lines.half()
        message = self._lines.message(half) if half else None
        if message is not None:
            messages.append(message)


def _fingerprint(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


def _is_json(message: bytes) -> bool:
    try:
        msgspec.json.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
