"""How strongly evidence speaks, in words; what could make it a coincidence; whether it looks like imitation.

The scale is a verbal scale of likelihood ratios as forensic science uses it (ENFSI guideline 2015): how much more probable the evidence
is if one person is behind both accounts than if two are. It is no probability that they are one person: that also depends on how many
others there are, and therefore the expected number of strangers who look as similar stands with every link.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

VERY_STRONG, STRONG, MODERATE, WEAK = math.log(100_000), math.log(1_000), math.log(100), math.log(10)
"""Least log-likelihood ratios of the tiers."""
FAMILIES = {
    "pages": "where", "topics": "where", "sections": "where", "targets": "where", "phrases": "text", "style": "text", "summaries": "habits",
    "workflow": "habits", "hours": "time", "dates": "time", "names": "name", "opposition": "relation",
}  # fmt: skip
"""Kinds of one family are not independent of each other."""
COPIED = ("pages", "topics", "sections", "targets", "phrases", "style", "names")
"""What whoever wants to be taken for another can see and copy; of style, the phrases."""
HARD = ("summaries", "workflow", "hours")
"""What is hard to copy, because it takes long and is not seen at a glance; and a style that differs in spite of all."""
SPEAKS = math.log(2)
"""A kind supports a link from this log-likelihood ratio on."""
# Set where 2 % of the true pairs of the labelled investigations would be taken for imitation.
_COPIED_LEAST, _HARD_MOST, _NAME_LEAST = 2.0, -1.2, 1.0
_LOOK_ALIKE_HARD_MOST = -0.5
"""The same for a name that was made to look like the other: who has several accounts numbers them, who frames somebody copies letters."""

WORDING = {
    "very strong": "the evidence is consistent with one person, very strongly",
    "strong": "the evidence is consistent with one person, strongly",
    "moderate": "the evidence is consistent with one person, moderately",
    "weak": "the evidence is consistent with one person, weakly",
    "insufficient": "no evidence worth naming, or only one independent kind of it",
    "against": "the evidence speaks against one person",
    "imitation": "the evidence is consistent with imitation: what can be copied is alike, what is hard to copy is not",
}


def families(kinds: Mapping[str, float]) -> set[str]:
    """Independent families that support a link."""
    return {FAMILIES[kind] for kind, value in kinds.items() if value >= SPEAKS}


def imitation(kinds: Mapping[str, float], *, look_alike: bool = False) -> bool:
    """Whether a link rests on a name and on what is easily copied, and what is hard to copy speaks against it.

    ``look_alike`` says that one name is the other in letters that look like its own.
    """
    copied = sum(max(0.0, kinds.get(kind, 0.0)) for kind in COPIED)
    hard = sum(kinds.get(kind, 0.0) for kind in HARD) + min(0.0, kinds.get("style", 0.0))
    most = _LOOK_ALIKE_HARD_MOST if look_alike else _HARD_MOST
    return copied >= _COPIED_LEAST and hard <= most and kinds.get("names", 0.0) >= _NAME_LEAST


def tier(log_lr: float, kinds: Mapping[str, float], *, look_alike: bool = False) -> str:
    """The tier of a link. Whatever the sum, a link needs two independent families of evidence."""
    if imitation(kinds, look_alike=look_alike):
        return "imitation"
    if log_lr <= -WEAK:
        return "against"
    if log_lr < WEAK or len(families(kinds)) < 2:
        return "insufficient"
    if log_lr >= VERY_STRONG:
        return "very strong"
    return "strong" if log_lr >= STRONG else "moderate" if log_lr >= MODERATE else "weak"


def expected_coincidences(log_lr: float, strangers: int) -> float:
    """How many of so many strangers look at least as similar, at most: of a likelihood ratio R, at most 1/R of them reach it."""
    return strangers * math.exp(-max(0.0, min(log_lr, 700.0)))
