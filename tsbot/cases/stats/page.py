"""The statistics as a page with pictures, for the team: one file, nothing is fetched, nothing runs in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tsbot.cases.stats import svg
from tsbot.cases.stats.summary import DIMENSIONS, MEASURES, Statistics
from tsbot.cases.stats.times import curve

SHOWN = 20
"""Bars of a picture; the table beside it has all."""
HEADINGS = {
    "wiki": "Cases per wiki",
    "language": "Cases per language",
    "kind": "Cases per kind",
    "outcome": "Cases per outcome",
    "source": "Cases per source",
    "heard": "Cases that people reported",
    "month": "Cases per month",
    "first_human": "Time to the first human",
    "report": "Time to the first letter",
    "acknowledgement": "Time to its acknowledgement",
    "hide": "Time from the edit to its hiding",
}
PLOTTED = ("month", "kind", "outcome", "wiki", "language", "source", "heard")


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, what it shows in words, and its numbers."""

    id: str
    title: str
    words: str
    picture: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def page(found: Statistics) -> str:
    """The page as HTML."""
    environment = Environment(
        loader=PackageLoader("tsbot.cases.stats", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    figures = [*_counts(found), *_waits(found), *_rules(found), *_coverage(found)]
    made = datetime.fromtimestamp(found.made, UTC).strftime("%Y-%m-%d %H:%M")
    return environment.get_template("page.html.j2").render(found=found, figures=figures, made=made, scope=_scope(found))


def _scope(found: Statistics) -> str:
    since, until = found.scope.since, found.scope.until
    days = [None if time is None else datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d") for time in (since, until and until - 1)]
    words = " ".join(f"{name} {day}" for name, day in zip(("from", "to"), days, strict=True) if day)
    return f"{words or 'of all times'}, {found.scope.wiki or 'all wikis'}"


def _counts(found: Statistics) -> Iterator[Figure]:
    assert set(PLOTTED) == set(DIMENSIONS)
    for name in PLOTTED:
        yield _bars(name, HEADINGS[name], found.counts[name], "cases", newest=name == "month")
    yield _bars("became", "What became of cases", found.became, "cases")


def _bars(name: str, title: str, counts: Mapping[str, int], unit: str, *, newest: bool = False) -> Figure:
    all_rows = [*counts.items()]
    shown = all_rows[-SHOWN:] if newest else all_rows[:SHOWN]
    words = f"{title}: " + ("; ".join(f"{label} {number:,}" for label, number in shown[:5]) or "none")
    words += f"; and {len(all_rows) - 5} more in the table." if len(all_rows) > 5 else "."
    picture = svg.bars(name, title, words, [(label, number, f"{number:,}") for label, number in shown])
    return Figure(name, title, words, picture, (name.replace("_", " "), unit), tuple((label, f"{number:,}") for label, number in all_rows))


def _waits(found: Statistics) -> Iterator[Figure]:
    for name in MEASURES:
        waits, told = found.waits[name], found.times[name]
        points = curve(waits.done, waits.waiting)
        title = HEADINGS[name]
        middle = "half are not done yet" if told.median is None else f"half are done within {_minutes(told.median)} minutes"
        words = f"{title}: {told.done:,} done, {told.waiting:,} still wait and count as longer than so far, {told.never:,} never; {middle}."
        rows = [(f"{share:.0%}", _minutes(time)) for time, share in _thinned(points)]
        yield Figure(name, title, words, svg.curve(name, title, words, points), ("share done", "within minutes"), tuple(rows))


def _thinned(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The first point at or above each tenth, and the last one."""
    passed = 0
    for point in points:
        tenths = int(point[1] * 10 + 1e-9)
        if tenths > passed or point == points[-1]:
            passed = tenths
            yield point


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.3g}" if seconds < 60000 else f"{seconds / 60:,.0f}"


def _rules(found: Statistics) -> Iterator[Figure]:
    judged = sorted((rule for rule in found.rules if rule.judged), key=lambda rule: (-rule.judged, rule.detector, rule.rule))
    title = "How often each rule was right"
    words = f"{title}: of flags that people labelled or wikis hid, with 95 % intervals; no random sample. {len(judged)} rules."
    rows, marks = [], []
    for rule in judged:
        value, low, high = rule.precision or 0.0, rule.low or 0.0, rule.high or 0.0
        marks.append((rule.rule, value, low, high, f"{value:.0%} of {rule.judged:,}"))
        numbers = (f"{number:,}" for number in (rule.right, rule.wrong_kind, rule.false_alarm, rule.unknown))
        rows.append((rule.detector, rule.rule, *numbers, f"{value:.2f} ({low:.2f}-{high:.2f})"))
    columns = ("detector", "rule", "right", "wrong kind", "false alarm", "unknown", "precision")
    yield Figure("rules", title, words, svg.shares("rules", title, words, marks[:SHOWN]), columns, tuple(rows))


def _coverage(found: Statistics) -> Iterator[Figure]:
    books = found.books
    weak, unscored = sum(books.weak.values()), sum(books.unscored.values())
    counts = {"judged by models": max(0, books.passages - weak - unscored), "by phrases only": weak, "language not covered": unscored}
    yield _bars("coverage", "Passages judged, of all times", counts, "passages")
    yield _bars("unscored", "Flags in languages that the detector does not know", found.unscored_languages, "flags")
