"""Charts of an answer as shapes that a template draws: nothing of them needs a script or a colour to be read. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CELL, GAP, LABEL, HEAD = 26, 2, 44, 20
"""Pixels of the chart of hours."""
BARS_WIDE, BARS_HIGH, FOOT = 720, 120, 22
SHADES = 5
BARS = 120
"""Bars drawn at most; of longer times the latest."""


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a weekday. ``shade`` is 0 (nothing) to 5."""

    x: int
    y: int
    day: int
    hour: int
    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A day or month."""

    x: float
    y: float
    width: float
    height: float
    when: str
    count: int


@dataclass(frozen=True, slots=True)
class Hours:
    """The chart of hours by weekdays."""

    cells: tuple[Cell, ...]
    most: int
    width: int = LABEL + 24 * (CELL + GAP)
    height: int = HEAD + 7 * (CELL + GAP)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The chart of edits per day or month."""

    bars: tuple[Bar, ...]
    most: int
    cut: int
    """Days or months before the first bar that are not drawn."""
    width: int = BARS_WIDE
    height: int = BARS_HIGH + FOOT


def hours_chart(counts: Sequence[Sequence[int]]) -> Hours:
    """From edits per weekday (0: Monday) and hour, UTC."""
    most = max((count for row in counts for count in row), default=0)
    darkest = max(most, SHADES)  # of few edits none is dark: they say little
    cells = [
        Cell(LABEL + hour * (CELL + GAP), HEAD + day * (CELL + GAP), day, hour, count, -(-count * SHADES // darkest))
        for day, row in enumerate(counts)
        for hour, count in enumerate(row)
    ]
    return Hours(tuple(cells), most)


def timeline_chart(counts: Sequence[tuple[str, int]]) -> Timeline:
    """From edits per day or month."""
    drawn = counts[-BARS:]
    most = max((count for _, count in drawn), default=0)
    step = BARS_WIDE / max(len(drawn), 24)
    bars = []
    for number, (when, count) in enumerate(drawn):
        height = BARS_HIGH * count / most if most else 0.0
        bars.append(Bar(round(number * step, 2), round(BARS_HIGH - height, 2), round(step * 0.8, 2), round(height, 2), when, count))
    return Timeline(tuple(bars), most, len(counts) - len(drawn))
