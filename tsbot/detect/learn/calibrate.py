"""From margins to probabilities and thresholds, on examples that no stage has learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tsbot.detect.finding import DETECTED, PHYSICAL, Kind
from tsbot.detect.learn.datasets import Example
from tsbot.detect.learn.fit_encoder import NOTABLE
from tsbot.detect.model import Calibration, Line

NATURAL_RATE = 0.003
"""Share of comments with a threat in Wikipedia talk (Jigsaw's sample of 159,571 comments has 478)."""
ORDINARY = "talk"
"""The data set of ordinary talk comments."""
WIKI_THREATS = ("annotated/jigsaw", "jigsaw/threat")
READ_SHARE, OTHER_SHARE = 0.12, 0.2
"""Share of ordinary talk comments at which the encoder glances, and the least share of ordinary texts of other languages: of those the
n-grams know less."""
NOT_GLANCED = 0.001
"""Share of what is worth reading that a glance may pass over."""
MISSED, SLACK, FEWEST = 0.03, 0.5, 8
"""Share of a language's threats that may stay below its gate, how far the gate is lowered yet, and fewest texts to tell it by."""
OWN_GATE = ("en",)
"""Languages whose gate is set by ordinary talk alone."""
ORDINARY_ELSEWHERE = ("interface", "germeval/other")
FALSE_RATE = 0.001
"""Share of ordinary talk comments that may be flagged; the threshold is set for it."""
ALIKE_FALSE_RATE = 0.2
"""Share of harmless sentences written to look like threats that may be flagged."""
LEAST_THRESHOLD, MOST_THRESHOLD = 0.02, 0.8
SURE_THRESHOLD = 0.5
OTHER_FALSE_RATE = 0.01
"""Share of harmless sentences with which another kind may be flagged."""
Floats = NDArray[np.float64]
ENCODER_BOUNDS = (0.2, 3.0)


def gate_of(examples: Sequence[Example], ngrams: Floats) -> float:
    """Margin of the n-grams from which a text is read."""
    ordinary = ngrams[[example.source == ORDINARY and example.held_out for example in examples]]
    return float(np.quantile(ordinary, 1 - READ_SHARE)) if len(ordinary) else 0.0


def gates_of(examples: Sequence[Example], ngrams: Floats, gate: float) -> dict[str, float]:
    """The same for other languages: nearly all threats of their sentences pass it, and some share of ordinary texts in any case."""
    gates: dict[str, float] = {}
    for language in sorted({example.language for example in examples}):
        mine = [example.language == language and example.held_out for example in examples]
        threats = ngrams[[own and example.source == "sentences/threat" for own, example in zip(mine, examples, strict=True)]]
        ordinary = ngrams[[own and example.source in ORDINARY_ELSEWHERE for own, example in zip(mine, examples, strict=True)]]
        if language not in OWN_GATE and len(threats) >= FEWEST:
            most = float(np.quantile(ordinary, 1 - OTHER_SHARE)) if len(ordinary) >= FEWEST else gate
            gates[language] = round(min(most, float(np.quantile(threats, MISSED)) - SLACK), 4)
    return gates


def calibrate(
    examples: Sequence[Example],
    encoder: Floats,
    glances: Floats,
    ngrams: Floats,
    patterns: Floats,
    gate: float,
    gates: dict[str, float],
    others: dict[Kind, Floats],
) -> tuple[Calibration, dict[Kind, float]]:
    """Calibration and thresholds from held-out examples; margins are minus infinity for what was not read.

    The weights of the stages are those of a logistic regression on all held-out texts that are read; the intercept is moved so
    that in ordinary talk with its natural share of threats the expected number of threats is right.
    """
    labels = np.array([example.threat for example in examples])
    read = np.isfinite(encoder)
    numbers = np.stack([encoder, np.clip(ngrams, -10, 10), patterns], axis=1)
    weights = (1.0, 0.0, 0.0)
    if 0 < labels[read].sum() < read.sum():
        fitted = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(numbers[read], labels[read])
        weights = tuple(max(0.0, float(value)) for value in fitted.coef_[0])  # type: ignore[assignment]
    cut = _glance_cut(examples, encoder, glances)
    glanced = read
    read = read & ((glances >= cut) | (patterns > 0))
    score = np.full(len(examples), -np.inf)
    score[read] = numbers[read] @ np.array(weights)
    ordinary = np.array([example.source == ORDINARY for example in examples])
    threats = labels & np.array([example.source in WIKI_THREATS for example in examples])
    intercept = _natural_intercept(score[ordinary], score[threats])
    calibration = Calibration(
        encoder=round(weights[0], 5),
        ngrams=round(weights[1], 5),
        pattern=round(weights[2], 5),
        intercept=round(intercept, 5),
        gate=round(gate, 5),
        gates=gates,
        unread=_unread_line(labels, ngrams, ordinary, threats),
        glance=cut,
        glanced=_unread_line(labels, np.where(glanced, glances, -np.inf), ordinary, threats),
        others={kind: _line(examples, margins, kind) for kind, margins in others.items()},
    )
    alike = np.array([example.sort not in ("", "name") for example in examples]) & read
    threshold = _threshold(score[ordinary] + intercept, score[alike] + intercept)
    return calibration, {kind: threshold if kind in PHYSICAL else SURE_THRESHOLD for kind in DETECTED}


def _glance_cut(examples: Sequence[Example], encoder: Floats, glances: Floats) -> float:
    """Margin of a glance below which hardly anything lies that the whole encoder finds."""
    found = [
        glance
        for example, margin, glance in zip(examples, encoder, glances, strict=True)
        if margin > 0 and max((example.answers.get(name, 0.0) for name in NOTABLE), default=0.0) >= 0.5
    ]
    return round(float(np.quantile(found, NOT_GLANCED)), 4) if found else -np.inf


def _unread_line(labels: NDArray[np.bool_], margins: Floats, ordinary: NDArray[np.bool_], threats: NDArray[np.bool_]) -> Line:
    """Probability of harm from n-grams or a glance alone, for what the encoder does not read."""
    known = np.isfinite(margins)
    slope = 1.0
    if 0 < labels[known].sum() < known.sum():
        fitted = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(margins[known, None], labels[known])
        slope = max(0.1, float(fitted.coef_[0][0]))
    intercept = _natural_intercept(slope * margins[ordinary & known], slope * margins[threats & known])
    return Line(slope=round(slope, 5), intercept=round(intercept, 5))


def _natural_intercept(ordinary: Floats, threats: Floats) -> float:
    """The intercept with which the mean probability is the natural rate, by bisection."""
    if not len(ordinary) or not len(threats):
        return 0.0

    def rate(intercept: float) -> float:
        one, other = (float(np.mean(1 / (1 + np.exp(-np.clip(some + intercept, -60, 60))))) for some in (ordinary, threats))
        return (1 - NATURAL_RATE) * one + NATURAL_RATE * other

    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) < NATURAL_RATE else (low, middle)
    return (low + high) / 2


def _threshold(ordinary: Floats, alike: Floats) -> float:
    """The probability above which few ordinary comments lie, and not too many sentences that look like threats."""
    if len(ordinary) < 1000 or len(alike) < 100:
        return SURE_THRESHOLD
    logit = max(float(np.quantile(ordinary, 1 - FALSE_RATE, method="higher")), float(np.quantile(alike, 1 - ALIKE_FALSE_RATE)))
    return round(float(np.clip(1 / (1 + np.exp(-logit)), LEAST_THRESHOLD, MOST_THRESHOLD)), 4)


def _line(examples: Sequence[Example], margins: Floats, kind: Kind) -> Line:
    """A line that reaches one half where so many harmless sentences would be flagged, and not below even odds."""
    names = kind is Kind.ATTACK_NAME
    harmless = [
        margin
        for example, margin in zip(examples, margins, strict=True)
        if example.answers.get(kind) == 0.0 and np.isfinite(margin) and (example.sort == "name" or not names)
    ]
    cut = float(np.quantile(harmless, 1 - OTHER_FALSE_RATE)) if len(harmless) >= 100 else 0.0
    return Line(slope=1.0, intercept=round(-max(cut, 0.0), 5))
