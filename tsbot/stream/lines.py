"""Bytes to lines, with the place after each line, for recorded streams."""

from __future__ import annotations

from collections import deque
from typing import Final

_SSE_FIELDS: Final = (b"event:", b"id:", b"retry:", b":")
_PREFIX_ROOM: Final = len(b"data: ")


class Lines:
    """Splits what it is fed into lines and knows the byte offset after the last line taken.

    Of a line longer than ``limit`` bytes only the first ``limit`` are held in memory (and a few more, so that whoever
    looks sees that it was longer); the rest is passed over as it arrives.
    """

    def __init__(self, limit: int, offset: int = 0) -> None:
        self._limit = limit
        self._fed = offset
        self._blocks: deque[tuple[list[bytes], int]] = deque()  # lines, and the offset after the last of them
        self._taken = 0  # lines of the first block that were taken
        self._half: list[bytes] = []
        self._half_size = 0
        self.offset = offset
        """Byte offset after the last line that was taken, its newline included."""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes."""
        start = self._fed
        self._fed += len(data)
        cut = data.rfind(b"\n")
        if cut < 0:
            self._hold(data)
            return
        first = 0
        if self._half:
            end = data.index(b"\n")
            self._hold(data[:end])
            self._blocks.append(([b"".join(self._half)], start + end + 1))
            self._half, self._half_size = [], 0
            first = end + 1
        if first <= cut:
            self._blocks.append((data[first:cut].split(b"\n"), start + cut + 1))
        self._hold(data[cut + 1 :])

    def take(self, limit: int) -> list[bytes]:
        """Up to ``limit`` whole lines without their newlines; empty if there is none."""
        if not self._blocks:
            return []
        lines, end = self._blocks[0]
        some = lines[self._taken : self._taken + limit] if self._taken or len(lines) > limit else lines
        self._taken += len(some)
        if self._taken == len(lines):
            self._blocks.popleft()
            self._taken = 0
            self.offset = end
        else:
            self.offset += sum(map(len, some)) + len(some)
        return some

    def half(self) -> bytes:
        """The last line if no newline ended it, and forget it. ``offset`` stays before it until :meth:`accept_half`."""
        line = b"".join(self._half)
        self._half, self._half_size = [], 0
        return line

    def accept_half(self) -> None:
        """Count everything fed as taken."""
        self.offset = self._fed

    def message(self, line: bytes) -> bytes | None:
        """The message of a line: the line itself, or what stands after ``data:`` in a recorded SSE stream; None if nothing.

        Messages over the limit are cut one byte above it. A message on several ``data:`` lines, which EventStreams never
        sends, counts as several.
        """
        line = line.strip()
        if line[:1] != b"{":
            if line.startswith(b"data:"):
                line = line[5:].lstrip()
            elif line.startswith(_SSE_FIELDS):
                return None
            if not line:
                return None
        return line[: self._limit + 1] if len(line) > self._limit else line

    def _hold(self, data: bytes) -> None:
        room = self._limit + 1 + _PREFIX_ROOM - self._half_size
        if room > 0 and data:
            self._half.append(data[:room])
            self._half_size += min(room, len(data))
