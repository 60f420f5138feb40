"""What may be published: counts in which nobody stands out, even to who adds and subtracts.

**The rule.** All cases of a month are parted into *blocks* of at least :data:`K` cases. A number (of a wiki, of a kind on a wiki, a
total) is published only if it is the sum of whole blocks. What can be computed from sums of blocks is again made of whole blocks: no
group of fewer than K cases, and none inside a block, can be told from the published numbers, by whatever adding and
subtracting of rows, columns and totals. Most-wanted numbers are tried first; each that is accepted parts the blocks further, and one
that would leave a part smaller than K is suppressed, also if it is large itself (complementary suppression).

**No two exports together tell more.** Each month is a table of its own; it is published only once all its cases are
:data:`SETTLED_DAYS` days old, and says what had become of each by that age. So a month's numbers stay as they are, whenever and with
whatever other months they are published again, while the cases are not merged or regrouped.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from markupsafe import escape

from tsbot.cases.stats.summary import CLOSED, MEASURES, OPEN, Case, month_of, waits_of
from tsbot.cases.stats.times import summary
from tsbot.report.wording import misleading

K = 10
"""Fewest cases that a published number stands for."""
SETTLED_DAYS = 30
DAY = 86400.0
ALL = "(all)"
"""What a table for people says where a dimension is summed up."""
PUBLIC = ("wiki", "kind", "outcome", "language", "heard")
"""Dimensions of a month's table. ``heard``: whether a person reported the case on the public page or by mail."""
ORDER: tuple[tuple[str, ...], ...] = (
    (),
    ("kind",),
    ("wiki",),
    ("outcome",),
    ("wiki", "kind"),
    ("kind", "outcome"),
    ("wiki", "outcome"),
    ("wiki", "kind", "outcome"),
    # Later ones cannot change what is published of earlier ones: months that were published without these stay as they were.
    ("heard",),
    ("language",),
    ("kind", "heard"),
    ("outcome", "heard"),
    ("language", "heard"),
    ("wiki", "heard"),
    ("wiki", "language"),
    ("kind", "language"),
    ("kind", "outcome", "heard"),
    ("wiki", "kind", "heard"),
    ("kind", "language", "heard"),
)
"""Which numbers are wanted most; totals before parts."""
TIMED = ((), ("kind",))
"""Numbers that get medians."""
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""Characters that make spreadsheets compute what begins with them."""

Cell = tuple[str | None, ...]
"""A value in each of the dimensions; None where it is summed up."""


@dataclass(frozen=True, slots=True)
class PublicRow:
    """One published number, and how long things took in the median, in minutes (two digits), where at least K cases tell."""

    month: str
    cell: Cell
    """As :data:`PUBLIC` has them."""
    cases: int
    minutes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Public:
    """What is published, and how much was not."""

    rows: tuple[PublicRow, ...]
    suppressed: int
    """Numbers above zero that are not published. Not published itself."""


def published(counts: Mapping[Cell, int], order: Sequence[Sequence[int]], k: int = K) -> dict[Cell, int]:
    """Which numbers of a table may be published.

    ``counts`` has the cases per cell; ``order`` the places of the dimensions that each sort of number keeps, most wanted first. Of one
    sort the larger come first. The result has None where a dimension is summed up.
    """
    counts = {cell: number for cell, number in counts.items() if number}
    block = dict.fromkeys(counts, 0)
    size = Counter({0: sum(counts.values())})
    fresh = itertools.count(1)
    accepted: dict[Cell, int] = {}
    for kept in order:
        sums: dict[Cell, list[Cell]] = {}
        for cell in counts:
            sums.setdefault(summed(cell, kept), []).append(cell)
        totals = {name: sum(counts[cell] for cell in cells) for name, cells in sums.items()}
        for name in sorted(sums, key=lambda one: (-totals[one], _named(one))):
            inside: Counter[int] = Counter()
            for cell in sums[name]:
                inside[block[cell]] += counts[cell]
            if any(part < k or 0 < size[whole] - part < k for whole, part in inside.items()):
                continue
            accepted[name] = totals[name]
            # What lies inside becomes a block of its own wherever a block is cut.
            new = {whole: next(fresh) for whole, part in inside.items() if part < size[whole]}
            for cell in sums[name]:
                block[cell] = new.get(block[cell], block[cell])
            for whole, part in new.items():
                size[part] = inside[whole]
                size[whole] -= inside[whole]
    return accepted


def summed(cell: Cell, kept: Sequence[int]) -> Cell:
    """A cell with all but some dimensions summed up."""
    return tuple(value if place in kept else None for place, value in enumerate(cell))


def _named(cell: Cell) -> tuple[str, ...]:
    """What is summed up comes before what is not."""
    return tuple("" if value is None else f"={value}" for value in cell)


def publish(cases: Iterable[Case], now: float, k: int = K) -> Public:
    """The public table of the months that are settled at ``now``."""
    months: dict[str, list[Case]] = {}
    for case in cases:
        months.setdefault(month_of(case.row.opened), []).append(_settled(case))
    rows: list[PublicRow] = []
    suppressed = 0
    for month in sorted(months):
        if _end_of(month) + SETTLED_DAYS * DAY <= now:
            found, left_out = _month(month, months[month], k)
            rows += found
            suppressed += left_out
    return Public(tuple(rows), suppressed)


def _month(month: str, cases: Sequence[Case], k: int) -> tuple[list[PublicRow], int]:
    counts: Counter[Cell] = Counter(tuple(case.dimension(name) for name in PUBLIC) for case in cases)
    order = [[PUBLIC.index(name) for name in kept] for kept in ORDER]
    accepted = published(counts, order, k)
    possible = {summed(cell, kept) for cell in counts for kept in order}
    timed = {frozenset(kept) for kept in TIMED}
    rows = []
    for cell in sorted(accepted, key=_named):
        names = frozenset(name for name, value in zip(PUBLIC, cell, strict=True) if value is not None)
        minutes = _medians([case for case in cases if _is_in(case, cell)], k) if names in timed else {}
        rows.append(PublicRow(month, cell, accepted[cell], minutes))
    return rows, len(possible - set(accepted))


def _is_in(case: Case, cell: Cell) -> bool:
    return all(value in (None, case.dimension(name)) for name, value in zip(PUBLIC, cell, strict=True))


def _settled(case: Case) -> Case:
    """A case as it was at the age of :data:`SETTLED_DAYS` days."""
    row = case.row
    end = row.opened + SETTLED_DAYS * DAY

    def then(time: float | None) -> float | None:
        return time if time is not None and time <= end else None

    closed = then(row.closed)
    settled = replace(
        row,
        triaged=then(row.triaged),
        reported=then(row.reported),
        acknowledged=then(row.acknowledged),
        hidden=then(row.hidden),
        closed=closed,
        state=CLOSED if closed is not None else OPEN,
        outcome=row.outcome if closed is not None else "",
        heard=then(row.heard),
    )
    return replace(case, row=settled)


def _medians(cases: Sequence[Case], k: int) -> dict[str, float]:
    """Medians in minutes of what at least k cases tell, as of the day on which each case was settled."""
    waits = {name: type(some)() for name, some in waits_of((), 0.0).items()}
    for case in cases:
        for name, some in waits_of((case,), case.row.opened + SETTLED_DAYS * DAY).items():
            waits[name].done += some.done
            waits[name].waiting += some.waiting
    found = {}
    for name in MEASURES:
        told = summary(waits[name])
        if told.done >= k and told.median is not None:
            # Of an odd number of cases the median is one case's own time: two digits are enough for everybody else.
            found[name] = float(f"{max(1.0, told.median / 60):.2g}")
    return found


def _end_of(month: str) -> float:
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()


def as_csv(public: Public) -> str:
    """The table for spreadsheets: no cell of it is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(("month", *PUBLIC, "cases", *(f"median_minutes_{name}" for name in MEASURES)))
    for row in public.rows:
        names = (ALL if value is None else harmless_cell(value) for value in row.cell)
        writer.writerow((row.month, *names, row.cases, *(row.minutes.get(name, "") for name in MEASURES)))
    return out.getvalue()


def as_json(public: Public) -> str:
    """The same as JSON, with the rule that it was made by; null where a dimension is summed up."""
    rows = [
        {"month": row.month, **dict(zip(PUBLIC, row.cell, strict=True)), "cases": row.cases, "median_minutes": row.minutes}
        for row in public.rows
    ]
    return json.dumps({"k": K, "settled_days": SETTLED_DAYS, "rows": rows}, ensure_ascii=True, indent=1) + "\n"


def harmless_cell(text: str) -> str:
    """A text that no spreadsheet computes and no terminal obeys: a formula gets an apostrophe, what would steer becomes U+FFFD."""
    plain = "".join("\ufffd" if misleading(char) or char in "\r\n\t" else char for char in text)
    return f"'{plain}" if text.lstrip(" ")[:1] in FORMULA or plain.lstrip(" ")[:1] in FORMULA else plain


def as_html(public: Public) -> str:
    """The same as a page that can be put anywhere: it fetches nothing, runs nothing and links nowhere."""
    headings = ("month", *PUBLIC, "cases", *(f"median minutes: {name.replace('_', ' ')}" for name in MEASURES))
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    lines = []
    for row in public.rows:
        names = (ALL if value is None else harmless_cell(value) for value in row.cell)
        cells = (row.month, *names, f"{row.cases:,}", *(str(row.minutes.get(name, "")) for name in MEASURES))
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    empty = "" if lines else "<p>No month is settled yet.</p>"
    return PAGE.format(k=K, days=SETTLED_DAYS, head=head, rows="\n".join(lines), empty=empty)


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Threats and harassment: cases in numbers</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 1rem; }} .wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; }}
th, td {{ text-align: start; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid; }}</style>
</head>
<body>
<h1>Threats and harassment: cases in numbers</h1>
<p>Each number stands for at least {k} cases; what would stand for fewer is left out, and so is what would tell it by subtraction. A
month says what had become of its cases after {days} days. "heard" says whether a person reported the case themselves.</p>
{empty}<div class="wide" tabindex="0" role="region" aria-label="Numbers"><table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
</body>
</html>
"""
WRITERS: Mapping[str, Callable[[Public], str]] = {".csv": as_csv, ".json": as_json, ".html": as_html}
"""By ending of the file's name."""
