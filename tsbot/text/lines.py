"""Which lines are new, wherever the others have moved to, and which old lines stood in their place."""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

_INDENTATION = " \t\r:*#"
"""Not part of what a line says: a reply that is indented anew was not written anew."""


class Hunk(NamedTuple):
    """A run of new lines and the old lines that it replaces (none: both old offsets are equal)."""

    start: int
    end: int
    old_start: int
    old_end: int


def line_hunks(old: str, new: str) -> list[Hunk]:
    """Runs of lines of ``new`` that are not lines of ``old``, in order; offsets in code points, without the last break.

    Lines are compared without indentation and counted: a line that stands twice in ``new`` and once in ``old`` is new
    once. Blank lines are never new by themselves. Linear in the length of both texts.
    """
    old_lines, new_lines = old.split("\n"), new.split("\n")
    old_keys = [line.strip(_INDENTATION) for line in old_lines]
    places: dict[str, list[int]] = {}
    for index in range(len(old_keys) - 1, -1, -1):  # backwards, so that pop() gives the first place
        places.setdefault(old_keys[index], []).append(index)
    kept = bytearray(len(old_lines))
    matched: list[int | None] = []
    for line in new_lines:
        key = line.strip(_INDENTATION)
        stack = places.get(key)
        if not key:
            matched.append(-1)
        elif stack:
            index = stack.pop()
            kept[index] = 1
            matched.append(index)
        else:
            matched.append(None)

    gone = _Gone(old_keys, kept)
    starts = _starts(new_lines)
    old_starts = _starts(old_lines)
    hunks: list[Hunk] = []
    previous = -1
    index = 0
    while index < len(new_lines):
        match = matched[index]
        if match is not None:
            previous = match if match >= 0 else previous
            index += 1
            continue
        first = last = index
        while index < len(new_lines) and (matched[index] is None or matched[index] == -1):
            if matched[index] is None:
                last = index
            index += 1
        end = starts[last] + len(new_lines[last])
        following = matched[index] if index < len(new_lines) else len(old_lines)
        place = gone.take(previous, len(old_lines) if following is None else following)
        if place is None:
            hunks.append(Hunk(starts[first], end, 0, 0))
        else:
            old_first, old_last = place
            hunks.append(Hunk(starts[first], end, old_starts[old_first], old_starts[old_last] + len(old_lines[old_last])))
    return hunks


def _starts(lines: list[str]) -> list[int]:
    return list(accumulate((len(line) + 1 for line in lines), initial=0))


class _Gone:
    """Runs of old lines that are no longer there; each is handed out once."""

    def __init__(self, keys: list[str], kept: bytearray) -> None:
        self._keys = keys
        self._kept = kept

    def take(self, previous: int, following: int) -> tuple[int, int] | None:
        """First and last line of the run after line ``previous``, else of the run before line ``following``."""
        first, last = previous + 1, previous
        while last + 1 < len(self._keys) and not self._kept[last + 1]:
            last += 1
        if first > last or not any(self._keys[first : last + 1]):
            first, last = following, following - 1
            while first > 0 and not self._kept[first - 1]:
                first -= 1
        while first <= last and not self._keys[last]:
            last -= 1
        while first <= last and not self._keys[first]:
            first += 1
        if first > last:
            return None
        self._kept[first : last + 1] = b"\1" * (last + 1 - first)
        return first, last
