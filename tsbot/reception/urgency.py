"""Reading reports with the detector, to tell what reads as danger to life.

A report tells of threats more often than it makes them, and the detector holds back with what is only told. So a small probability is
enough here. All that comes of it is that emergency numbers stand first and that somebody looks sooner; nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case

from tsbot.cases import lifecycle
from tsbot.cases.case import CaseState, read_case
from tsbot.cases.priority import Reason, bounded, shipped_table
from tsbot.detect.detector import Detector
from tsbot.detect.finding import GRAVITY, PHYSICAL, Finding, Kind
from tsbot.reception.hearing import Hearing, change
from tsbot.store import tables as t

ENOUGH = 0.05
"""Probability of physical harm from which a report reads as danger to life."""
PASSAGE = 2_000
"""Characters judged at once."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the detector makes of a report."""

    urgent: bool = False
    minors: bool = False
    kind: Kind = Kind.HARASSMENT
    """The gravest that it reads; never ``minors``, of which nothing is stored elsewhere: that stands by itself."""
    priority: int = 0
    language: str = "und"


def read(detector: Detector, texts: Sequence[str], most_chars: int) -> list[Reading]:
    """Read reports together."""
    pieces = [list(_pieces(text[:most_chars])) for text in texts]
    findings = iter(detector.judge([piece for some in pieces for piece in some]))
    return [_reading([next(findings) for _ in some]) for some in pieces]


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that end at a space where there is one."""
    start = 0
    while start < len(text):
        end = start + PASSAGE
        if end < len(text):
            space = text.rfind(" ", start + PASSAGE // 2, end)
            end = space + 1 if space > 0 else end
        yield text[start:end]
        start = end


def _reading(findings: Sequence[Finding]) -> Reading:
    if not findings:
        return Reading()
    table = shipped_table()
    worst = max(findings, key=lambda one: one.threat)
    urgent = worst.threat >= ENOUGH
    minors = any(Kind.MINORS in one.flagged for one in findings)
    flagged = {kind for one in findings for kind in one.flagged} - {Kind.MINORS}
    if urgent and not flagged & PHYSICAL:
        flagged.add(max(PHYSICAL, key=worst.probability))
    kind = min({Kind.HARASSMENT, *flagged}, key=GRAVITY.index)
    points = max(table.kinds[kind], table.kinds[Kind.MINORS] if minors else 0)
    reasons = (Reason(f"kind.{kind}", points, f"the kind {kind}"), table.reason("by_hand"))
    near = table.bounds.near_imminence if urgent else 0
    return Reading(urgent, minors, kind, bounded(kind, near, reasons, table).value, findings[0].language)


def note(connection: Connection, hearing: Hearing, reading: Reading, now: float, urgent_by: float) -> None:
    """Write down what was read: a case gets a graver kind and a higher priority by it, never a lower one."""
    c = t.hearing.c
    values: dict[str, object] = {"judged": now, "urgent": hearing.urgent or reading.urgent, "minors": hearing.minors or reading.minors}
    if reading.urgent and hearing.check_in is not None:
        values["check_in"] = min(hearing.check_in, urgent_by)
    values["priority"] = case((c.priority < reading.priority, reading.priority), else_=c.priority)
    change(connection, hearing, **values)
    if reading.kind is Kind.HARASSMENT and not reading.urgent and not reading.minors:
        return  # as it is without being read
    mine = read_case(connection, hearing.case_id, lock=True)
    graver = GRAVITY.index(reading.kind) < GRAVITY.index(mine.kind)
    if mine.state is not CaseState.CLOSED and (graver or reading.priority > mine.priority):
        lifecycle.flagged(connection, mine, hearing.id, reading.kind, reading.priority, now)
