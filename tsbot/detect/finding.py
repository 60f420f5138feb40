"""What the detector says of a text: the words of docs/design, as types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What a text is about, as responders sort it."""

    MASS_VIOLENCE = "mass_violence"
    VIOLENCE = "violence"
    SEXUAL_VIOLENCE = "sexual_violence"
    SELF_HARM = "self_harm"
    MINORS = "minors"
    DOXING = "doxing"
    LEGAL = "legal"
    ATTACK_NAME = "attack_name"
    HARASSMENT = "harassment"
    NONE = "none"


GRAVITY: tuple[Kind, ...] = (
    Kind.MASS_VIOLENCE,
    Kind.SEXUAL_VIOLENCE,
    Kind.VIOLENCE,
    Kind.SELF_HARM,
    Kind.MINORS,
    Kind.DOXING,
    Kind.ATTACK_NAME,
    Kind.LEGAL,
    Kind.HARASSMENT,
    Kind.NONE,
)
"""Gravest first."""

DETECTED: tuple[Kind, ...] = tuple(kind for kind in GRAVITY if kind not in (Kind.HARASSMENT, Kind.NONE))
"""Kinds that a detector gives a probability for."""

PHYSICAL: frozenset[Kind] = frozenset((Kind.VIOLENCE, Kind.MASS_VIOLENCE, Kind.SEXUAL_VIOLENCE, Kind.SELF_HARM))
"""Threats to life or limb; ``Finding.threat`` is the probability of any of them."""


class Stance(StrEnum):
    """How the author stands to the harm (the annotation guideline's values)."""

    INTENT = "intent"
    WISH = "wish"
    INCITEMENT = "incitement"
    REPORT = "report"
    NONE = "none"


class Coverage(StrEnum):
    """How well the detector can judge the language of a text."""

    SCORED = "scored"
    WEAK = "weak"
    UNSCORED = "unscored"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stretch of the judged text that a judgement rests on; offsets in code points, end exclusive."""

    start: int
    end: int
    label: str
    """A kind, or a facet: ``target``, ``when``, ``where``, ``how``, ``ability``, ``conditional``."""


@dataclass(frozen=True, slots=True)
class Facets:
    """The annotated facets of a threat (annotation guideline); specificity is computed from them."""

    target: int = 0
    """0 nobody, 1 "you" or a user name, 2 a group, place or public figure, 3 a specific private person or oneself."""
    when: bool = False
    where: bool = False
    how: bool = False
    ability: bool = False
    conditional: bool = False
    stance: Stance = Stance.NONE

    @property
    def specificity(self) -> int:
        """0-3: (target - 1 if target > 1 else 0) + when + where + how + ability, cut at 3."""
        return min(3, max(0, self.target - 1) + self.when + self.where + self.how + self.ability)


@dataclass(frozen=True, slots=True)
class Finding:
    """The judgement on one text. Scores order and page; they never drop, close or hide anything."""

    kinds: Mapping[Kind, float] = field(default_factory=lambda: MappingProxyType({}))
    """Calibrated probability of each detected kind, 0-1."""
    flagged: tuple[Kind, ...] = ()
    """Kinds above their own threshold, gravest first; each is a flag by itself."""
    specificity: int = 0
    plausibility: int = 0
    imminence: int = 0
    facets: Facets = field(default_factory=Facets)
    evidence: tuple[Evidence, ...] = ()
    language: str = "und"
    """ISO 639 code, ``und`` where no language can be told."""
    coverage: Coverage = Coverage.UNSCORED

    @property
    def threat(self) -> float:
        """Probability of physical harm: the largest of the physical kinds'."""
        return max((p for kind, p in self.kinds.items() if kind in PHYSICAL), default=0.0)

    @property
    def kind(self) -> Kind:
        """The gravest kind above its threshold, or ``none``."""
        return self.flagged[0] if self.flagged else Kind.NONE

    def probability(self, kind: Kind) -> float:
        """Probability of one kind, 0-1."""
        return self.kinds.get(kind, 0.0)
