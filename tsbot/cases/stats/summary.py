"""The statistics of some cases, from rows alone: no database, no clock. docs/statistics.md defines each number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tsbot.cases.stats.rows import DRILL, CaseRow, FlagRow, Scope
from tsbot.cases.stats.rules import Rule, RuleBook
from tsbot.cases.stats.times import Duration, Waits, summary
from tsbot.errors import InputError

OPEN = "open"
"""The outcome of a case that has none yet."""
CLOSED = "closed"
"""The outcome of a case that was closed without one."""
NO_LANGUAGE = "none"
"""The language of a case without flags that nobody reported on the public page or by mail: a person opened it."""
HEARD = ("no", "yes")
"""Whether a person reported a case on the public page or by mail."""
HAND = "hand"
DIMENSIONS = ("wiki", "language", "kind", "outcome", "source", "heard", "month")
MEASURES = ("first_human", "report", "acknowledgement", "hide")
"""What is timed, in the order in which it should happen."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case with what its flags say of it."""

    row: CaseRow
    flags: int
    language: str
    source: str
    edited: float | None
    """Time of its first flagged edit, seconds since the epoch."""

    def dimension(self, name: str) -> str:
        """Its place in one of :data:`DIMENSIONS`."""
        if name == "month":
            return month_of(self.row.opened)
        if name == "outcome":
            return OPEN if self.row.closed is None and self.row.state != CLOSED else self.row.outcome or CLOSED
        if name == "heard":
            return HEARD[self.row.heard is not None]
        return {"wiki": self.row.wiki, "kind": self.row.kind, "language": self.language, "source": self.source}[name]

    def spans(self) -> Mapping[str, tuple[float, float | None]]:
        """Start and end of each measure that has a start."""
        row = self.row
        found: dict[str, tuple[float, float | None]] = {"report": (row.opened, row.reported)}
        if self.source != HAND:  # whoever opened it was the first human
            found["first_human"] = (row.opened, row.triaged)
        if row.reported is not None:
            found["acknowledgement"] = (row.reported, row.acknowledged)
        if self.edited is not None:
            found["hide"] = (self.edited, row.hidden)
        return found


@dataclass(frozen=True, slots=True)
class Group:
    """The cases that agree in the dimensions asked for."""

    key: Mapping[str, str]
    cases: int
    flags: int
    times: Mapping[str, Duration]


@dataclass(frozen=True, slots=True)
class Books:
    """What the accounting says of the whole database, whatever the scope: passages judged, and those in languages not covered."""

    passages: int = 0
    weak: Mapping[str, int] = field(default_factory=dict)
    """Per wiki."""
    unscored: Mapping[str, int] = field(default_factory=dict)
    """Per wiki."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything that `tsbot stats` tells. Drills and merged cases stand in their own counts and nowhere else."""

    scope: Scope
    made: float
    """Seconds since the epoch."""
    cases: int
    flags: int
    drills: int
    merged: int
    counts: Mapping[str, Mapping[str, int]]
    """Cases per dimension, the most frequent first (months in their order)."""
    states: Mapping[str, int]
    became: Mapping[str, int]
    """Cases of which it was ever said; one case can stand in several."""
    coverage: Mapping[str, int]
    """Flags by how well the detector knows their language."""
    unscored_languages: Mapping[str, int]
    """Flags per language that it does not know."""
    times: Mapping[str, Duration]
    groups: tuple[Group, ...]
    rules: tuple[Rule, ...]
    books: Books
    waits: Mapping[str, Waits] = field(default_factory=dict)
    """What the times are made of, for a picture."""


@dataclass
class Gathered:
    """Cases with what their flags say, and what was counted of the flags on the way."""

    cases: list[Case]
    drills: int
    merged: int
    rules: RuleBook
    coverage: Counter[str]
    unscored_languages: Counter[str]


def gather(rows: Sequence[CaseRow], flags: Iterable[FlagRow]) -> Gathered:
    """Bring cases and their flags together, in one pass over the flags. Drills and merged cases are counted and left out."""
    known = {row.id: row for row in rows}
    rules, coverage, unscored = RuleBook(), Counter[str](), Counter[str]()
    number: Counter[str] = Counter()
    gravest: dict[str, FlagRow] = {}
    first: dict[str, FlagRow] = {}
    drills = {row.id for row in rows if row.drill}
    for flag in flags:
        row = known.get(flag.case_id)
        if row is None:  # opened after the cases were read
            continue
        if flag.source == DRILL:
            drills.add(row.id)
        if row.id in drills or row.merged:
            continue
        number[row.id] += 1
        # Of equals the one that was edited first, then the smaller id, whatever the order of rows.
        gravest[row.id] = min(flag, gravest.get(row.id, flag), key=lambda one: (-one.priority, one.event_time, one.id))
        first[row.id] = min(flag, first.get(row.id, flag), key=lambda one: (one.event_time, one.id))
        rules.note(flag, row)
        coverage[flag.coverage] += 1
        if flag.coverage == "unscored":
            unscored[flag.language] += 1
    cases = [_case(row, number[row.id], gravest.get(row.id), first.get(row.id)) for row in rows if row.id not in drills and not row.merged]
    return Gathered(cases, len(drills), sum(row.merged and row.id not in drills for row in rows), rules, coverage, unscored)


def _case(row: CaseRow, flags: int, gravest: FlagRow | None, first: FlagRow | None) -> Case:
    if gravest is None or first is None:
        return Case(row, 0, row.spoken or NO_LANGUAGE, row.source, None)
    # The source of a case that the machine opened is that of its first flag; what a person opened stays a person's.
    source = first.source if row.source == "patrol" else row.source
    return Case(row, flags, gravest.language, source, first.event_time)


def summarise(gathered: Gathered, books: Books, *, scope: Scope, by: Sequence[str], now: float) -> Statistics:
    """Count. ``by`` names the dimensions that cases are grouped in. Raises ``InputError`` for one that there is not."""
    for name in by:
        if name not in DIMENSIONS:
            raise InputError(f"There is no dimension {name}. The dimensions are {', '.join(DIMENSIONS)}.")
    cases = gathered.cases
    groups: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        groups.setdefault(tuple(case.dimension(name) for name in by), []).append(case)
    waits = waits_of(cases, now)
    return Statistics(
        scope=scope,
        made=now,
        cases=len(cases),
        flags=sum(case.flags for case in cases),
        drills=gathered.drills,
        merged=gathered.merged,
        counts={name: _counted(Counter(case.dimension(name) for case in cases), in_order=name == "month") for name in DIMENSIONS},
        states=_counted(Counter(case.row.state for case in cases)),
        became=_counted(Counter(what for case in cases for what in case.row.became)),
        coverage=_counted(gathered.coverage),
        unscored_languages=_counted(gathered.unscored_languages),
        times={name: summary(some) for name, some in waits.items()},
        groups=tuple(_group(by, key, groups[key], now) for key in sorted(groups, key=lambda key: (-len(groups[key]), key))),
        rules=tuple(gathered.rules.rules()),
        books=books,
        waits=waits,
    )


def waits_of(cases: Iterable[Case], now: float) -> dict[str, Waits]:
    """The durations of each measure."""
    waits = {name: Waits() for name in MEASURES}
    for case in cases:
        for name, (start, end) in case.spans().items():
            waits[name].add(start, end, case.row.closed, now)
    return waits


def _group(by: Sequence[str], key: tuple[str, ...], cases: Sequence[Case], now: float) -> Group:
    times = {name: summary(some) for name, some in waits_of(cases, now).items()}
    return Group(dict(zip(by, key, strict=True)), len(cases), sum(case.flags for case in cases), times)


def _counted(counts: Counter[str], *, in_order: bool = False) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (0 if in_order else -pair[1], pair[0])))


def month_of(time: float) -> str:
    """The month of a time (seconds since the epoch) in UTC, as ``2026-03``."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m")
