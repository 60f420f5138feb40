"""Small pictures as SVG text: bars, curves over time, shares with their intervals.

Three sorts of plain marks need no plotting library at run time (matplotlib is heavy, and draws neither for narrow screens nor for dark
ones). All are 320 units wide and grow with the page; colours are classes that the page's style sheet fills, so that they follow light
and dark. A picture names itself and says in words what it shows; its numbers stand in a table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from markupsafe import Markup

WIDTH = 320
LABEL_CHARS = 24
ROW = 30
TICKS = ((60.0, "1 min"), (600.0, "10 min"), (3600.0, "1 h"), (21600.0, "6 h"), (86400.0, "1 d"), (604800.0, "1 wk"), (2592000.0, "30 d"))
"""Where a time axis is marked, in seconds."""
PLOT = (36, 300, 12, 132)
"""Left, right, top and bottom of the area of a curve."""


def bars(identity: str, title: str, words: str, rows: Sequence[tuple[str, float, str]]) -> Markup:
    """One bar a row, as (label, length, what stands at its end); the longest fills the width."""
    most = max((value for _, value, _ in rows), default=0.0) or 1.0

    def marks() -> Iterator[str]:
        for place, (label, value, told) in enumerate(rows):
            y = place * ROW
            yield f'<text x="0" y="{y + 12}">{_short(label)}</text><text class="n" x="{WIDTH}" y="{y + 12}">{escape(told)}</text>'
            yield f'<rect class="track" x="0" y="{y + 17}" width="{WIDTH}" height="7" rx="2"/>'
            yield f'<rect class="mark" x="0" y="{y + 17}" width="{_n(WIDTH * value / most)}" height="7" rx="2"/>'

    return _picture(identity, title, words, ROW * len(rows), marks())


def shares(identity: str, title: str, words: str, rows: Sequence[tuple[str, float, float, float, str]]) -> Markup:
    """One share (0-1) a row with its interval, as (label, share, low, high, what stands at its end)."""

    def marks() -> Iterator[str]:
        for place, (label, value, low, high, told) in enumerate(rows):
            y = place * ROW
            yield f'<text x="0" y="{y + 12}">{_short(label)}</text><text class="n" x="{WIDTH}" y="{y + 12}">{escape(told)}</text>'
            yield f'<rect class="track" x="0" y="{y + 19}" width="{WIDTH}" height="3"/>'
            yield f'<rect class="span" x="{_n(WIDTH * low)}" y="{y + 19}" width="{_n(WIDTH * (high - low))}" height="3"/>'
            yield f'<circle class="mark" cx="{_n(4 + (WIDTH - 8) * value)}" cy="{y + 20.5}" r="4"/>'

    return _picture(identity, title, words, ROW * len(rows), marks())


def curve(identity: str, title: str, words: str, points: Sequence[tuple[float, float]]) -> Markup:
    """The share (0-1) done within a time (seconds), as steps over a logarithmic axis."""
    left, right, top, bottom = PLOT
    longest = max((time for time, _ in points), default=60.0)
    end = next((seconds for seconds, _ in TICKS if seconds >= longest), longest)
    start = min(TICKS[0][0], end / 10)

    def x(seconds: float) -> float:
        return left + (right - left) * math.log(max(seconds, start) / start) / math.log(end / start)

    def y(share: float) -> float:
        return bottom - (bottom - top) * share

    def marks() -> Iterator[str]:
        for share in (0.0, 0.5, 0.9, 1.0):
            yield f'<path class="grid" d="M{left} {_n(y(share))}H{right}"/>'
            if share < 1:  # its line alone: the name would stand on that of 90 %
                yield f'<text class="n" x="{left - 4}" y="{_n(y(share) + 4)}">{share:.0%}</text>'
        taken = -99.0
        for seconds, name in TICKS:
            place = x(seconds)
            if start <= seconds <= end and place - taken >= 44:
                taken = place
                yield f'<text class="m" x="{_n(place)}" y="{bottom + 16}">{name}</text>'
        path, last = f"M{left} {_n(y(0))}", 0.0
        for seconds, share in points:
            path += f"H{_n(x(seconds))}V{_n(y(share))}"
            last = share
        yield f'<path class="line" d="{path}H{right}"/><circle class="mark" cx="{right}" cy="{_n(y(last))}" r="3"/>'

    return _picture(identity, title, words, bottom + 22, marks())


def _picture(identity: str, title: str, words: str, height: int, marks: Iterator[str]) -> Markup:
    head = f'<svg role="img" aria-labelledby="{identity}-t {identity}-d" viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg">'
    named = f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(words)}</desc>'
    return Markup(head + named + "".join(marks) + "</svg>")  # noqa: S704 - every text in it is escaped above


def _short(label: str) -> str:
    return escape(label if len(label) <= LABEL_CHARS else label[: LABEL_CHARS - 1] + "…")


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
