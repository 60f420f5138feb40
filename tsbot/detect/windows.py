"""Which stretches of a text the encoder reads: all of a short one, of a longer one what stands around its worst sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsbot.text.normalise import Batch

WHOLE = 400
"""Width of a text that is read as a whole, and most width of a window: about a hundred pieces."""
MOST = 3
"""Windows of one text."""
_WIDE_FROM = 0x2E80
_WIDE_CHAR = re.compile("[\u2e80-\U0010ffff]")
_WIDE = 2.5
"""An ideograph, kana or Hangul syllable is as much to read as so many letters."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text: offsets in the raw text, and sentences of the batch (ends exclusive)."""

    start: int
    end: int
    first: int
    last: int


def width(text: str) -> float:
    """How much there is to read: characters, those of the wide scripts counted more."""
    if text.isascii():
        return float(len(text))
    return len(text) + (_WIDE - 1) * len(_WIDE_CHAR.findall(text))


def windows_around(batch: Batch, owner: int, raw: str, peaks: Sequence[int], most: int = MOST) -> list[Window]:
    """At most so many windows of ``raw`` to be read; ``peaks`` are its worst sentences (of the batch), worst first.

    A window is a sentence with as many of its neighbours as fit. Of a sentence that does not fit the beginning is taken.
    """
    first, last = (int(place) for place in np.searchsorted(batch.owners, (owner, owner + 1)))
    if width(raw) <= WHOLE:
        return [Window(0, len(raw), first, last)]
    found: list[Window] = []
    for peak in peaks:
        if any(window.first <= peak < window.last for window in found):
            continue
        found.append(_grown(batch, raw, (first, last), peak))
        if len(found) == most:
            break
    return found


def _grown(batch: Batch, raw: str, among: tuple[int, int], peak: int) -> Window:
    start, end = sentence_span(batch, peak, raw)
    end = _cut(raw, start, end)
    low, high = peak, peak + 1
    grew = True
    while grew:
        grew = False
        if low > among[0]:
            before, _ = sentence_span(batch, low - 1, raw)
            if width(raw[before:end]) <= WHOLE:
                start, low, grew = before, low - 1, True
        if high < among[1]:
            _, after = sentence_span(batch, high, raw)
            if width(raw[start:after]) <= WHOLE:
                end, high, grew = after, high + 1, True
    return Window(start, end, low, high)


def sentence_span(batch: Batch, index: int, raw: str) -> tuple[int, int]:
    """Where a sentence stands in the raw text, with the punctuation behind it."""
    start, end = batch.raw_span(int(batch.sentences[index]), int(batch.sentences[index + 1]))
    while end < len(raw) and not raw[end].isalnum() and not raw[end].isspace():
        end += 1
    return start, end


def _cut(raw: str, start: int, end: int) -> int:
    """The end of what of ``raw[start:end]`` fits into a window."""
    end = min(end, start + WHOLE)
    if width(raw[start:end]) <= WHOLE:
        return end
    used = 0.0
    for place in range(start, end):
        used += _WIDE if ord(raw[place]) >= _WIDE_FROM else 1.0
        if used > WHOLE:
            return place
    return end


def worst_first(values: NDArray[np.float64], first: int) -> list[int]:
    """Sentences of one text, from ``first`` on, with the highest margin first."""
    return [first + int(index) for index in np.argsort(-values, kind="stable")[: 2 * MOST]]
