"""How often each rule of the detector was right, as far as people and wikis say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from tsbot.cases.annotations import What
from tsbot.cases.labels import Verdict
from tsbot.cases.priority import BOUNDS
from tsbot.cases.stats.rows import CaseRow, FlagRow

Z = 1.959964
"""Half width of the middle 95 % of a normal distribution, in standard deviations."""
EVERYWHERE = frozenset((*BOUNDS, "probability"))
"""Reasons that tell nothing of a rule: every flag has a probability."""


class Truth(StrEnum):
    """What a flag turned out to be."""

    RIGHT = "right"
    WRONG_KIND = "wrong_kind"
    """It is something, and something else."""
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"


OF_VERDICT = {
    Verdict.RIGHT.value: Truth.RIGHT,
    Verdict.WRONG_SCORE.value: Truth.RIGHT,
    Verdict.WRONG_KIND.value: Truth.WRONG_KIND,
    Verdict.FALSE_ALARM.value: Truth.FALSE_ALARM,
}
CONFIRMING = frozenset((What.HIDDEN.value, What.REVISION_DELETED.value))
"""What a wiki does only to what should not be read. A deleted page or a blocked author may have been about something else."""


def truth(flag: FlagRow, case: CaseRow) -> tuple[Truth, bool]:
    """What a flag turned out to be, and whether a person said so of this very flag.

    The last label counts. Without one: a case that people called a false positive, then one that the recipient passed on, then what the
    wiki hid.
    """
    if flag.verdict is not None:
        return OF_VERDICT.get(flag.verdict, Truth.UNKNOWN), True
    if What.FALSE_POSITIVE in case.became or case.outcome == What.FALSE_POSITIVE:
        return Truth.FALSE_ALARM, False
    if What.PASSED_ON in case.became or flag.became & CONFIRMING:
        return Truth.RIGHT, False
    return Truth.UNKNOWN, False


def rules_of(flag: FlagRow) -> Iterator[str]:
    """The rules that a flag stands for: its kind, the field and language class it was found in, its reasons, labels of its evidence."""
    yield f"kind.{flag.kind}"
    yield f"field.{flag.field}"
    yield f"coverage.{flag.coverage}"
    for reason in sorted(set(flag.reasons)):
        if reason not in EVERYWHERE and not reason.startswith("kind."):
            yield f"reason.{reason}"
    for label in sorted(set(flag.evidence)):
        yield f"evidence.{label}"


@dataclass(frozen=True, slots=True)
class Rule:
    """How often one rule of one version of the detector was right.

    ``precision`` is right / (right + wrong_kind + false_alarm), with the interval of Wilson (1927) at 95 %; None where nothing was judged.
    """

    detector: str
    rule: str
    right: int
    wrong_kind: int
    false_alarm: int
    unknown: int
    by_people: int
    """How many of the judged were labelled by a person; the others are taken from outcomes."""
    precision: float | None
    low: float | None
    high: float | None


@dataclass
class RuleBook:
    """Counts flags by rule."""

    _counts: Counter[tuple[str, str, Truth]] = field(default_factory=Counter)
    _labelled: Counter[tuple[str, str]] = field(default_factory=Counter)

    def note(self, flag: FlagRow, case: CaseRow) -> None:
        """Count a flag."""
        what, labelled = truth(flag, case)
        for rule in rules_of(flag):
            self._counts[flag.detector, rule, what] += 1
            self._labelled[flag.detector, rule] += labelled and what is not Truth.UNKNOWN

    def rules(self) -> list[Rule]:
        """All rules, by version and name."""
        found = []
        for detector, rule in sorted({(detector, rule) for detector, rule, _ in self._counts}):
            right, wrong, false, unknown = (self._counts[detector, rule, what] for what in Truth)
            judged = right + wrong + false
            low, high = wilson(right, judged) if judged else (None, None)
            value = right / judged if judged else None
            found.append(Rule(detector, rule, right, wrong, false, unknown, self._labelled[detector, rule], value, low, high))
        return found


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The score interval of a share at 95 % (Wilson 1927); honest for few trials and for shares near 0 and 1."""
    share = hits / of
    centre = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(0.0, centre - half), min(1.0, centre + half)
