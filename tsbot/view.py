"""What terminals show: the live view of the patrol, and lists of flags. Numbers and ids only."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tsbot.cases.browse import FlagLine
from tsbot.store.ledger import Totals
from tsbot.stream.source import SourceStatus

RATE_WINDOW = 10.0
"""Seconds over which events a second are averaged."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the view shows at one moment."""

    time: float
    totals: Totals
    source: SourceStatus
    source_name: str
    lag: float | None
    """Seconds between the newest event and now; None before the first event."""
    queue: int
    """Edits waiting for their text."""
    budget: int | None
    """Requests that may be made at once; None where there is no limit."""
    reports: dict[str, int]
    """Reports per state."""
    last_gap: tuple[float, float, str] | None
    """Since, until, reason."""
    trouble: str = ""


class Rate:
    """Events a second, over the last seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def note(self, time: float, received: int) -> float:
        """Add a reading; the average rate over the window."""
        self._points.append((time, received))
        while len(self._points) > 2 and time - self._points[0][0] > RATE_WINDOW:
            self._points.popleft()
        (start, first), (end, last) = self._points[0], self._points[-1]
        return (last - first) / (end - start) if end > start else 0.0


def render(shown: Snapshot, rate: float) -> RenderableType:
    """The view as something that Rich draws."""
    totals = shown.totals
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", justify="right")
    table.add_column()
    state = Text("connected", "green") if shown.source.connected else Text(shown.source.last_error or "connecting ...", "yellow")
    table.add_row("stream", Text.assemble(shown.source_name, "  ", state))
    table.add_row("events", f"{rate:,.1f} a second, lag {_seconds(shown.lag)}, {shown.source.reconnects} reconnections")
    table.add_row("received", f"{totals.received:,} ({totals.duplicates:,} duplicates apart)")
    skipped = sum(totals.skipped.values())
    rules = sorted(totals.skipped.items(), key=lambda pair: -pair[1])[:6]
    table.add_row("skipped", f"{skipped:,}  " + ", ".join(f"{rule} {n:,}" for rule, n in rules))
    table.add_row("cleared", f"{totals.cleared:,}")
    table.add_row("flagged", Text(f"{totals.flagged:,}", "bold red" if totals.flagged else ""))
    table.add_row("outcomes", f"{totals.outcome:,}")
    table.add_row("failed", Text(f"{totals.failed:,}", "yellow" if totals.failed else ""))
    unscored, weak = sum(totals.unscored.values()), sum(totals.weak.values())
    table.add_row("languages", f"{unscored:,} texts in languages that cannot be judged, {weak:,} judged by phrases only")
    budget = "no limit" if shown.budget is None else f"{shown.budget:,} requests at once"
    table.add_row("queue", f"{totals.pending:,} pending, {shown.queue:,} texts to fetch; budget: {budget}")
    table.add_row("reports", ", ".join(f"{n:,} {state}" for state, n in sorted(shown.reports.items())) or "none")
    table.add_row("last gap", _gap(shown.last_gap))
    parts: list[RenderableType] = [table]
    if shown.trouble:
        parts.append(Text(shown.trouble, "bold red"))
    if shown.reports.get("held"):
        parts.append(Text("Reports wait for release: tsbot reports list --state held", "bold"))
    return Panel(Group(*parts), title="tsbot patrol", subtitle="Ctrl-C stops; nothing is lost")


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f} s" if value < 3600 else f"{value / 3600:,.1f} h"


def _gap(gap: tuple[float, float, str] | None) -> str:
    if gap is None:
        return "none"
    since, until, reason = gap
    return f"{_seconds(max(0.0, until - since))} ({reason})"


def when(time: float) -> str:
    """A time as people read it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")


def flag_table(lines: Sequence[FlagLine]) -> Table:
    """Flags as a table that fits 80 columns; the outcomes have a column where there are any."""
    caption = "S/P/I: specificity, plausibility, imminence (0-3); * judged by phrases only"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), caption=caption)
    for heading in ("priority", "flag", "subject", "kind", "S/P/I", "lang.", "edited (UTC)", "found"):
        table.add_column(heading, no_wrap=heading not in {"subject", "kind"}, overflow="fold")
    acted = any(line.outcomes for line in lines)
    if acted:
        table.add_column("outcome", overflow="fold")
    for line in lines:
        took = line.created - line.event_time
        table.add_row(
            str(line.priority),
            line.id[:8],
            line.subject,
            line.kind + ("" if line.field == "text" else f" ({line.field})"),
            f"{line.specificity}/{line.plausibility}/{line.imminence}",
            line.language + {"scored": "", "weak": "*"}.get(line.coverage, "?"),
            when(line.event_time)[5:16],
            f"+{took:.1f} s" if took < 3600 else f"+{took / 3600:.0f} h",
            *([", ".join(line.outcomes)] if acted else []),
        )
    return table
