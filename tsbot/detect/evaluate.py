"""Figures of a detector on examples that it has not seen, and the fitted scale for plausibility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from tsbot.detect.assess import plausibility_numbers
from tsbot.detect.datasets import Example
from tsbot.detect.detector import PatternDetector
from tsbot.detect.finding import PHYSICAL, Finding
from tsbot.detect.weights import Scale

LEAST = {"ability": 0.7, "when": 0.6, "where": 0.5, "how": 0.1, "self_harm": 0.5, "specificity": 0.0}
MOST = {"exclamations": 0.0, "capitals": 0.0, "conditional": 0.0, "wish": 0.0}
"""Bounds on the coefficients of plausibility."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of figures."""

    name: str
    texts: int
    value: float
    unit: str


def quadratic_kappa(truth: Sequence[int], judged: Sequence[int], grades: int = 4) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968); 1 where all agree on one grade."""
    table = np.zeros((grades, grades))
    for one, other in zip(truth, judged, strict=True):
        table[one, other] += 1
    steps = np.arange(grades)
    weights = (steps[:, None] - steps[None, :]) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1)
    disagreement = float((weights * expected).sum())
    return 1.0 if disagreement == 0 else 1 - float((weights * table).sum()) / disagreement


def average_precision(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the precision-recall curve as a step function."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    ranks = np.arange(1, len(labels) + 1)
    return float((hits[labels[order]] / ranks[labels[order]]).mean()) if labels.any() else 0.0


def evaluate(detector: PatternDetector, examples: Sequence[Example]) -> list[Row]:
    """Recall per source of threats, false flags per source of harmless texts, kinds, and agreement of the grades."""
    findings = detector.judge([example.text for example in examples])
    flagged = np.array([any(kind in PHYSICAL for kind in finding.flagged) for finding in findings], dtype=bool)
    scores = np.array([finding.threat for finding in findings])
    labels = np.array([example.threat for example in examples], dtype=bool)
    rows = [Row("average precision, all", len(examples), average_precision(labels, scores), "")]
    for source in sorted({example.source for example in examples}):
        member = np.array([example.source == source for example in examples])
        for truth, name in ((True, "threats flagged"), (False, "harmless flagged")):
            some = member & (labels == truth)
            if some.any():
                rows.append(Row(f"{name}, {source}", int(some.sum()), 100 * float(flagged[some].mean()), "%"))
    rows += _grades(examples, findings)
    return rows


def _grades(examples: Sequence[Example], findings: Sequence[Finding]) -> list[Row]:
    rows = []
    pairs = [(example, finding) for example, finding in zip(examples, findings, strict=True) if example.plausibility is not None]
    kinds = [(example.kind, finding.kind) for example, finding in pairs if example.kind is not None and finding.flagged]
    if kinds:
        rows.append(Row("kind right, of flagged", len(kinds), 100 * sum(a == b for a, b in kinds) / len(kinds), "%"))
    for name in ("specificity", "plausibility", "imminence"):
        found = [(round(getattr(example, name)), getattr(finding, name)) for example, finding in pairs if finding.flagged]
        if found:
            kappa = quadratic_kappa([a for a, _ in found], [b for _, b in found])
            rows.append(Row(f"{name}, quadratic kappa, flagged threats", len(found), kappa, ""))
    return rows


def fit_plausibility(detector: PatternDetector, examples: Sequence[Example], ridge: float = 3.0) -> Scale:
    """A ridge regression of plausibility on the numbers of a finding, cut where agreement is best.

    ``detector`` must flag everything (thresholds near 0), so that every annotated threat has facets.
    """
    graded = [example for example in examples if example.plausibility is not None]
    if len(graded) < 20:
        return Scale(coefficients={"ability": 1.0, "when": 1.0, "how": 0.5, "self_harm": 1.0}, intercept=1.0, cuts=(0.5, 1.5, 2.5))
    findings = detector.judge([example.text for example in graded])
    numbers = [
        plausibility_numbers(finding.facets, finding.kind, finding.threat, example.text)
        for example, finding in zip(graded, findings, strict=True)
    ]
    names = sorted(numbers[0])
    table = np.array([[row[name] for name in names] for row in numbers])
    truth = np.array([example.plausibility for example in graded], dtype=float)
    mean, spread = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-6)
    scaled = (table - mean) / spread
    # What is known beforehand bounds what few texts may teach: a time never makes a threat less plausible.
    low = np.array([LEAST.get(name, -np.inf) for name in names]) * spread
    high = np.array([MOST.get(name, np.inf) for name in names]) * spread
    system = np.vstack((scaled, np.sqrt(ridge) * np.eye(len(names))))
    target = np.concatenate((truth - truth.mean(), np.zeros(len(names))))
    slopes = lsq_linear(system, target, bounds=(low, np.maximum(high, low + 1e-9))).x
    values = scaled @ slopes + truth.mean()
    cuts = _best_cuts(values, [round(value) for value in truth])
    coefficients = {name: round(float(slope / width), 6) for name, slope, width in zip(names, slopes, spread, strict=True)}
    intercept = float(truth.mean() - (slopes * mean / spread).sum())
    return Scale(coefficients=coefficients, intercept=round(intercept, 6), cuts=cuts)


def _best_cuts(values: NDArray[np.float64], truth: Sequence[int]) -> tuple[float, float, float]:
    """Cuts among the quantiles of the values with the highest kappa."""
    steps = np.unique(np.round(np.quantile(values, np.linspace(0.02, 0.98, 25)), 3))
    best, chosen = -1.0, (0.5, 1.5, 2.5)
    for i, low in enumerate(steps):
        for j in range(i + 1, len(steps)):
            for k in range(j + 1, len(steps)):
                cuts = (float(low), float(steps[j]), float(steps[k]))
                kappa = quadratic_kappa(truth, np.searchsorted(cuts, values, side="right").tolist())
                if kappa > best:
                    best, chosen = kappa, cuts
    return chosen
