"""When an account was active: counts for a timeline and for hours by weekday. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

DAYS = 100
"""A timeline of more days is told in months."""


def timeline(times: Iterable[float]) -> tuple[tuple[str, int], ...]:
    """Edits per day, or per month where they span more than :data:`DAYS`; days and months without edits in between included."""
    moments = sorted(datetime.fromtimestamp(time, UTC) for time in times)
    if not moments:
        return ()
    first, last = moments[0].date(), moments[-1].date()
    if (last - first).days < DAYS:
        days = Counter(moment.date() for moment in moments)
        return tuple(((day := first + timedelta(days=number)).isoformat(), days[day]) for number in range((last - first).days + 1))
    months = Counter((moment.year, moment.month) for moment in moments)
    start, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    return tuple((f"{month // 12}-{month % 12 + 1:02}", months[month // 12, month % 12 + 1]) for month in range(start, end + 1))


def hours(times: Iterable[float]) -> tuple[tuple[int, ...], ...]:
    """Edits per weekday (0: Monday) and hour, UTC."""
    counts = [[0] * 24 for _ in range(7)]
    for time in times:
        moment = datetime.fromtimestamp(time, UTC)
        counts[moment.weekday()][moment.hour] += 1
    return tuple(map(tuple, counts))
