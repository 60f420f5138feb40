"""How cases look on a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tsbot.cases.case import Case
from tsbot.cases.casebook import CaseLine, FlagEntry, Queue, Record
from tsbot.cases.flag import Flag
from tsbot.cases.opened import Opened
from tsbot.cli.common import harmless
from tsbot.report.wording import shown
from tsbot.view import when

SELF_HARM = "self_harm"
LANES = {SELF_HARM: "Self-harm: people who may need help"}
TIMES = ("opened", "due", "triaged", "reported", "acknowledged", "hidden", "closed", "hold_until", "sealed", "purged")


def plain_case(case: Case) -> dict[str, Any]:
    """A case as JSON has it."""
    return asdict(case)


def plain_line(line: CaseLine) -> dict[str, Any]:
    """A line of the queue as JSON has it."""
    return asdict(line)


def plain_record(record: Record, opened: Opened | None, flags: Sequence[Flag | None]) -> dict[str, Any]:
    """Everything about a case as JSON has it; texts only where they were read."""
    contents = {flag.id: msgspec.to_builtins(flag.content) for flag in flags if flag is not None}
    entries = [
        {name: getattr(entry, name) for name in ("id", "subject", "kind", "field", "priority", "outcomes", "event_time")}
        | {"reasons": msgspec.to_builtins(entry.reasons)}
        | ({"content": contents[entry.id]} if entry.id in contents else {})
        for entry in record.flags
    ]
    return plain_case(record.case) | {
        "lane": record.line.lane,
        "overdue": record.line.overdue,
        "lease": record.line.lease,
        "advice": record.advice,
        "flag_count": record.line.flags,
        "flags": entries,
        "reports": [asdict(one) for one in record.reports],
        "notes": [asdict(one) for one in record.notes],
        "annotations": [{"what": what, "by": by, "time": time} for what, by, time in record.annotations],
        "approvals": [asdict(one) for one in record.approvals],
        "history": [asdict(one) for one in record.history],
        "merged": record.merged,
        "outside_report": msgspec.to_builtins(opened) if opened is not None else None,
    }


def show_queue(console: Console, queue: Queue, now: float) -> None:
    """The queue, lane by lane; self-harm first and apart."""
    if not queue.lines:
        console.print("No cases.")
    lanes = sorted({line.lane for line in queue.lines}, key=lambda lane: (lane != SELF_HARM, lane))
    for lane in lanes:
        console.print(_table([line for line in queue.lines if line.lane == lane], LANES.get(lane, "Cases"), now))
    if queue.more:
        console.print(f"{queue.more} more cases wait behind these (--limit).")
    if queue.overdue:
        console.print(f"{queue.overdue} cases are overdue.")


def _table(lines: Sequence[CaseLine], title: str, now: float) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    for heading in ("priority", "case", "kind", "wiki", "state", "due", "lease", "flags", "held"):
        table.add_column(heading, no_wrap=heading == "case", overflow="fold")
    for line in lines:
        table.add_row(
            str(line.priority),
            line.id[:8],
            line.kind,
            line.wiki,
            line.state + (f" ({line.outcome})" if line.outcome else ""),
            _due(line.due, now),
            line.lease or "-",
            str(line.flags),
            str(line.held or "-"),
        )
    return table


def _due(due: float | None, now: float) -> str:
    if due is None:
        return "-"
    late, minutes = due < now, abs(due - now) / 60
    length = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} d"
    return f"{length} late" if late else f"in {length}"


def show_record(console: Console, record: Record, opened: Opened | None, flags: Sequence[Flag | None], now: float) -> None:
    """Everything about a case."""
    case = record.case
    state = f"{case.state}" + (f" as {case.outcome}" if case.outcome else "")
    console.print(Text.assemble((f"case {case.id}", "bold"), f" of {case.kind} on {case.wiki}, {state}, version {case.version}"))
    console.print(f"  priority {case.priority}, due {_due(record.line.due, now)}, TLP:{case.tlp.upper()}, by {case.source}")
    console.print(f"  lease: {record.line.lease or 'nobody works on it'}")
    times = [f"{name.replace('_', ' ')} {when(getattr(case, name))}" for name in TIMES if name != "due" and getattr(case, name) is not None]
    console.print(f"  {', '.join(times)} (UTC)")
    if case.merged_into:
        console.print(f"  merged into {case.merged_into}")
    for merged in record.merged:
        console.print(f"  took over case {merged}")
    for line in record.advice:
        console.print(Text(f"  > {line}", "italic"))
    if opened is not None:
        _outside(console, opened)
    _flags(console, record, {flag.id: flag for flag in flags if flag is not None})
    for report in record.reports:
        told = "acknowledged" if report.acknowledged is not None else report.state
        console.print(f"  {report.purpose} {report.id[:8]} to {report.recipient}: {told}")
    for note in record.notes:
        console.print(f"  note {note.id} by {note.by} at {when(note.created)}" + ("" if note.text is not None else " (--text shows it)"))
        if note.text is not None:
            console.print(Text(_indented(harmless(note.text))))
    for what, by, time in record.annotations:
        console.print(f"  became {what} (by {by}, {when(time)})")
    for one in record.approvals:
        state = f"approved by {one.approved_by}" if one.approved_by else "waits for a second person"
        console.print(f"  {one.act}, asked for by {one.asked_by}: {state}")
    for entry in record.history:
        console.print(f"  {when(entry.time)}  {entry.act} by {entry.actor}{_details(entry.details)}")


def _details(details: str) -> str:
    found = {name: value for name, value in json.loads(details).items() if name != "version" and value is not None}
    return f" ({', '.join(f'{name} {value}' for name, value in found.items())})" if found else ""


def _outside(console: Console, opened: Opened) -> None:
    for name, value in (("accused", opened.author), ("threatened", opened.target)):
        if value:
            console.print(Text(f"  {name}: {shown(value)}"))
    console.print("  what was reported:")
    console.print(Text(_indented(harmless(opened.text))))


def _flags(console: Console, record: Record, read: dict[str, Flag]) -> None:
    for entry in record.flags:
        became = f", {', '.join(entry.outcomes)}" if entry.outcomes else ""
        console.print(f"  flag {entry.id[:8]} of {entry.kind} on {entry.subject} ({entry.field}), priority {entry.priority}{became}")
        for reason in entry.reasons:
            console.print(f"    {reason.points:+4d}  {reason.words}")
        for line in _next_steps(entry):
            console.print(Text(f"    {line}", "dim"))
        flag = read.get(entry.id)
        if flag is None:
            continue
        if flag.content is None:
            console.print(Text("    The text was destroyed with its key.", "dim"))
            continue
        who = shown(flag.content.user) if flag.content.user else "(withheld)"
        console.print(Text(f"    page: {shown(flag.content.title)}\n    user: {who}"))
        console.print(Text(_indented(harmless(flag.content.excerpt))))
    if record.line.flags > len(record.flags):
        console.print(f"  and {record.line.flags - len(record.flags)} more flags")


def _next_steps(entry: FlagEntry) -> list[str]:
    """What to ask next about a flag."""
    wiki, what, number = entry.subject.split(":", 2)
    return [f"next: tsbot hide suggest {wiki} {number}", f"next: tsbot trace {entry.subject}"] if what == "rev" else []


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
