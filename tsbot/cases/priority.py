"""The place of a flag in the queue of people: points of the finding and of its context, added up, each with its reason.

The points stand in ``priority.toml``. A priority is the sum of its reasons' points, so that it can be followed with a pencil; what
holds the sum within its bounds is a reason too. It orders, it never drops or hides (docs/priority.md).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tsbot.cases.context import ARTICLES, TOPICS, USER_TALK, Context
from tsbot.datafiles import data_file
from tsbot.detect.finding import PHYSICAL, Coverage, Finding, Kind
from tsbot.errors import SettingsError
from tsbot.text.passage import Field

SHIPPED = Path(__file__).with_name("priority.toml")
MOST = 100
BOUNDS = ("raised", "bounded")
"""Names of the reasons that hold a sum within its bounds."""
RISKS = ("high_revert_risk", "low_revert_risk")
REASONS = (
    "near", "weak_language", "article_prose", "plot", "lyrics", "quotation", "template", "warning", "block_message", "user_talk", *TOPICS,
    "new_account", "established_account", "earlier_author", "earlier_page", "repeated", "by_hand", *RISKS,
)  # fmt: skip
"""Reasons that the table must have, in the order in which they are told."""

Points = Annotated[int, Meta(ge=-MOST, le=MOST)]


class Reason(msgspec.Struct, frozen=True):
    """Something that moves a priority. ``name`` is that of the table, or of a bound."""

    name: str
    points: int
    words: str


@dataclass(frozen=True, slots=True)
class Priority:
    """A place in the queue: 0 to 100, the sum of the points of its reasons."""

    value: int
    reasons: tuple[Reason, ...]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    points: Points
    words: str
    most: Annotated[int, Meta(ge=0, le=MOST)] = 0


class _Scores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    specificity: Annotated[int, Meta(ge=0, le=20)]
    plausibility: Annotated[int, Meta(ge=0, le=20)]
    imminence: Annotated[int, Meta(ge=0, le=20)]
    probability: Annotated[int, Meta(ge=0, le=20)]


class _Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    near_imminence: Annotated[int, Meta(ge=1, le=3)]
    first: Annotated[int, Meta(gt=0, le=MOST)]
    visible_emergency: Annotated[int, Meta(gt=0, le=MOST)]
    visible: Annotated[int, Meta(gt=0, le=MOST)]


class _Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    new_days: float
    new_edits: int
    established_days: float
    established_edits: int
    low_risk: Annotated[float, Meta(ge=0, le=1)]
    high_risk: Annotated[float, Meta(ge=0, le=1)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of points."""

    kinds: dict[Kind, Annotated[int, Meta(ge=0, le=MOST)]]
    scores: _Scores
    bounds: _Bounds
    limits: _Limits
    reasons: dict[str, _Row]

    def reason(self, name: str, count: int = 1) -> Reason:
        """A reason of the table, counted ``count`` times."""
        row = self.reasons[name]
        points = row.points * count
        if row.most:
            points = max(-row.most, min(row.most, points))
        return Reason(name, points, row.words.replace("{n}", str(count)))


def load_table(path: Path = SHIPPED) -> Table:
    """Read a table of points. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for kind in Kind:
        if (kind in table.kinds) == (kind is Kind.NONE):
            raise SettingsError(f"{path.name}: kinds.{kind} is {'no kind of a flag' if kind is Kind.NONE else 'missing'}.")
    if wrong := set(REASONS) ^ set(table.reasons):
        raise SettingsError(f"{path.name}: reasons.{min(wrong)} is {'unknown' if min(wrong) in table.reasons else 'missing'}.")
    for name, row in table.reasons.items():
        if not row.words.strip():
            raise SettingsError(f"{path.name}: reasons.{name}.words is empty.")
    if not table.bounds.visible <= table.bounds.visible_emergency < table.bounds.first:
        raise SettingsError(f"{path.name}: [bounds] must ascend: visible, visible_emergency, first.")
    return table


@data_file("priority", SHIPPED)
def shipped_table() -> Table:
    """The table of the package."""
    return load_table()


def prioritise(finding: Finding, kind: Kind, context: Context, table: Table | None = None) -> Priority:
    """The priority of a flag of ``kind``, from what the text says and what is known around it."""
    table = table or shipped_table()
    reasons = [*_of_finding(finding, kind, table), *of_context(context, table)]
    return bounded(kind, finding.imminence, reasons, table)


def _of_finding(finding: Finding, kind: Kind, table: Table) -> Iterator[Reason]:
    yield Reason(f"kind.{kind}", table.kinds[kind], f"the kind {kind}")
    probability = finding.probability(kind)
    yield Reason("probability", round(table.scores.probability * probability), f"probability {probability:.2f}")
    for name, grade, each in (
        ("specificity", finding.specificity, table.scores.specificity),
        ("plausibility", finding.plausibility, table.scores.plausibility),
        ("imminence", finding.imminence, table.scores.imminence),
    ):
        yield Reason(name, grade * each, f"{name} {grade} of 3")
    if _comes_first(kind, finding.imminence, table):
        yield table.reason("near")
    if finding.coverage is not Coverage.SCORED:
        yield table.reason("weak_language")


def of_context(context: Context, table: Table | None = None) -> Iterator[Reason]:
    """What the context adds and takes."""
    table = table or shipped_table()
    for name, holds in _holding(context, table.limits):
        if holds:
            yield table.reason(name, int(holds))
    yield from of_risk(context.revert_risk, table)


def _holding(context: Context, limits: _Limits) -> Iterator[tuple[str, int]]:
    """Which reasons hold, and how often."""
    in_text = context.field is Field.TEXT
    yield "article_prose", in_text and context.namespace == ARTICLES
    yield "plot", context.section == "plot"
    yield "lyrics", "lyrics" in (context.section, context.markup)
    yield "quotation", context.quoted or context.markup == "quote"
    yield "template", context.markup == "template"
    yield "warning", "warning" in (context.section, context.markup)
    yield "block_message", context.administrative
    yield "user_talk", in_text and context.namespace == USER_TALK
    for topic in TOPICS:
        # One reason for the page: a university's church is no more in danger than a church.
        yield topic, topic in context.topics[:1]
    fresh = context.account_days is not None and context.account_days < limits.new_days
    few = context.edit_count is not None and context.edit_count <= limits.new_edits
    yield "new_account", bool(context.temporary) or fresh or few
    many = context.edit_count is not None and context.edit_count >= limits.established_edits
    aged = context.account_days is not None and context.account_days >= limits.established_days
    yield "established_account", many and aged and not context.temporary
    yield "earlier_author", context.earlier_author
    yield "earlier_page", context.earlier_page
    yield "repeated", context.repeated
    yield "by_hand", context.by_hand


def of_risk(risk: float | None, table: Table | None = None) -> tuple[Reason, ...]:
    """What an outside model's probability of a revert adds or takes; nothing where it is unknown."""
    table = table or shipped_table()
    if risk is None or table.limits.low_risk < risk < table.limits.high_risk:
        return ()
    return (table.reason("high_revert_risk" if risk >= table.limits.high_risk else "low_revert_risk"),)


def bounded(kind: Kind, imminence: int, reasons: Iterable[Reason], table: Table | None = None) -> Priority:
    """The sum of reasons, held within the bounds of the kind; reasons of an earlier bound are replaced."""
    table = table or shipped_table()
    kept = [reason for reason in reasons if reason.name not in BOUNDS and (reason.points or reason.name.startswith("kind."))]
    value = sum(reason.points for reason in kept)
    bounds = table.bounds
    if _comes_first(kind, imminence, table):
        low, high, why = bounds.first, MOST, "a near threat to life or limb comes first"
    else:
        low, high = bounds.visible_emergency if kind in PHYSICAL or kind is Kind.MINORS else bounds.visible, bounds.first - 1
        why = "nothing may make a flag of this kind vanish"
    if value < low:
        kept.append(Reason("raised", low - value, why))
    elif value > high:
        why = "a priority ends here" if high == MOST else "what is above belongs to near threats to life or limb"
        kept.append(Reason("bounded", high - value, why))
    return Priority(max(low, min(high, value)), tuple(kept))


def with_risk(kind: Kind, imminence: int, reasons: Sequence[Reason], risk: float | None, table: Table | None = None) -> Priority:
    """A stored priority once an outside model's answer is known."""
    others = [reason for reason in reasons if reason.name not in RISKS]
    return bounded(kind, imminence, [*others, *of_risk(risk, table)], table)


def _comes_first(kind: Kind, imminence: int, table: Table) -> bool:
    return kind in PHYSICAL and imminence >= table.bounds.near_imminence
