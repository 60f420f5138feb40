"""The bytes of an SSE answer, made safe for the parser.

``sseclient-py`` delivers a half event when the body ends, and stops at bytes that are no UTF-8. Here whole lines are handed
to it, with what is no UTF-8 replaced, and the end is an error instead of an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

ROOM: Final = 65_536
"""Bytes that the other fields of an event may take beside its data before the event is cut."""


LINE: Final = 1024
"""What a line counts beside its bytes: the parser copies all lines before it for each line of an event."""


class BodyEndedError(Exception):
    """The server ended the answer; the event that was under way, if any, is incomplete and comes again."""


def frames(read: Callable[[], bytes], limit: int) -> Iterator[bytes]:
    """Pieces of the body, each made of whole lines in UTF-8, as soon as the lines are complete. Comments are left out.

    ``read`` returns what has arrived, and nothing at the end. Of an event whose data are longer than ``limit`` bytes, at
    least one byte more than ``limit`` is handed on and the rest is passed over as it arrives; so is the rest of an event of
    thousands of lines. Raises :class:`BodyEndedError` at the end.
    """
    half = bytearray()  # of the line that is under way
    size = 0  # bytes of the event that is under way
    room = limit + ROOM
    open_end = False  # the last line handed on ended in CR, which an LF after it would belong to
    while data := read():
        cut = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not cut:
            half += data[: max(0, room + 1 - len(half))]
            continue
        lines = (bytes(half) + data[:cut]).splitlines(keepends=True)
        half = bytearray(data[cut:])
        whole = []
        for line in lines:
            if line.startswith(b":"):
                # A comment, by which servers keep quiet connections alive. Without it, an empty line would lose itself in a CR.
                if open_end:
                    whole.append(b"\n")
                    open_end = False
                continue
            if line in {b"\n", b"\r\n", b"\r"}:
                size = 0
            elif size + len(line) > room:
                if size < room:
                    whole.append(line[: room - size] + b"\n")
                    open_end = False
                size = room
                continue
            else:
                size += len(line) + LINE
            whole.append(line)
            open_end = line.endswith(b"\r")
        if whole:
            yield _utf8(whole)
    raise BodyEndedError


def _utf8(lines: list[bytes]) -> bytes:
    block = b"".join(lines)
    try:
        block.decode()
    except UnicodeDecodeError:
        return b"".join([line.decode(errors="replace").encode() for line in lines])
    return block
