"""How long things take, without forgetting what still waits.

Leaving out the cases that wait would make a team look fast exactly when it is behind. So a case that waits counts as "longer than so
far" (censored), by the product-limit estimate (Kaplan and Meier 1958): at each time t at which something was done,
S(t) = S(before) * (1 - done at t / not done before t and watched until t).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

TINY = 1e-9
"""Rounding that a product of fractions may have picked up."""


@dataclass
class Waits:
    """Durations in seconds: of what was done, and so far of what still waits; how often it will never be done."""

    done: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    never: int = 0

    def add(self, start: float, end: float | None, closed: float | None, now: float) -> None:
        """One case: from ``start`` until ``end``; without an end it waits until ``now``, or never comes if the case was closed.

        A duration below zero, by clocks that disagree, counts as zero.
        """
        if end is not None:
            self.done.append(max(0.0, end - start))
        elif closed is not None:
            self.never += 1
        else:
            self.waiting.append(max(0.0, now - start))


@dataclass(frozen=True, slots=True)
class Duration:
    """A summary in seconds; None where too few are done to say."""

    median: float | None
    p90: float | None
    done: int
    waiting: int
    never: int


def curve(done: Iterable[float], waiting: Iterable[float]) -> list[tuple[float, float]]:
    """The share done within each duration at which something was done, as (seconds, share), ascending."""
    ended = Counter(done)
    watched = sorted([*ended.elements(), *waiting])
    left, share_left, place = len(watched), 1.0, 0
    points = []
    for time in sorted(ended):
        while watched[place] < time:
            place += 1
            left -= 1
        share_left *= 1 - ended[time] / left
        points.append((time, 1 - share_left))
    return points


def quantile(points: Iterable[tuple[float, float]], share: float) -> float | None:
    """The duration within which a share (0-1) is done; None where that is not reached yet."""
    return next((time for time, done in points if done >= share - TINY), None)


def summary(waits: Waits) -> Duration:
    """Median and 90th percentile, with what they rest on."""
    points = curve(waits.done, waits.waiting)
    return Duration(quantile(points, 0.5), quantile(points, 0.9), len(waits.done), len(waits.waiting), waits.never)
