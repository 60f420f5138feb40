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
IMITATION = "imitation"
"""The tier of two accounts that imitation explains best, and what the evidence for that is called."""
COPIED = ("pages", "topics", "sections", "targets", "phrases", "style", "names")
"""What whoever wants to be taken for another can see and copy; of style, the phrases."""
COPIED_LEAST = 2.0
"""So much of it is a likeness that needs an explanation."""
SPEAKS = math.log(2)
"""A kind supports a link from this log-likelihood ratio on."""

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


def alike(kinds: Mapping[str, float]) -> bool:
    """Whether so much of what can be copied is alike that it needs an explanation: one person, or imitation."""
    return sum(max(0.0, kinds.get(kind, 0.0)) for kind in COPIED) >= COPIED_LEAST


def tier(log_lr: float, kinds: Mapping[str, float], *, imitation: bool = False) -> str:
    """The tier of a link. Whatever the sum, a link needs two independent families of evidence.

    ``imitation`` says that imitation explains better than one person what is alike (:mod:`tsbot.trace.imitation`).
    """
    if imitation and alike(kinds):
        return IMITATION
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
