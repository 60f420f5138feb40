"""Numbers of evidence for pairs, and their sums: log-likelihood ratios of one person against two."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tsbot.trace.evidence.catalogue import WITH_NAMES, build
from tsbot.trace.gallery import Gallery
from tsbot.trace.sparse import Floats
from tsbot.trace.weights import Model, Weights

COHORT = 400
"""Accounts with which similarities are compared to be normalised."""
_CHUNK = 50
_LEAST_DEVIATION = 1e-3


@dataclass(frozen=True, slots=True)
class Scores:
    """Some accounts against all; natural logarithms."""

    total: Floats
    """Shape (rows, accounts)."""
    kinds: dict[str, Floats]
    """Each of that shape: what every kind adds. What they do not sum up to is the same for every pair."""


class Measured:
    """All numbers of evidence of a gallery."""

    def __init__(self, gallery: Gallery, without: Collection[str] = ()) -> None:
        self.gallery = gallery
        self.left_out = tuple(sorted({*without, *(() if gallery.names_shown else WITH_NAMES)}))
        self.evidence = build(gallery, without)
        self._cohort = cohort([account.name for account in gallery.accounts])
        self._norms = {evidence.kind: self._norm(position) for position, evidence in enumerate(self.evidence) if evidence.normalised}
        self.names = [name for evidence in self.evidence for name in _names(evidence.kind, evidence.features, evidence.normalised)]

    def numbers(self, rows: Sequence[int]) -> dict[str, Floats]:
        """Every number by name, of shape (rows, accounts)."""
        some = list(rows)
        numbers: dict[str, Floats] = {}
        for evidence in self.evidence:
            values = evidence.compare(some)
            for position, feature in enumerate(evidence.features):
                name = f"{evidence.kind}.{feature}"
                numbers[name] = values[position]
                if feature in evidence.normalised:
                    mean, deviation = (part[position] for part in self._norms[evidence.kind])
                    one = (values[position] - mean[some][:, None]) / deviation[some][:, None]
                    other = (values[position] - mean[None, :]) / deviation[None, :]
                    numbers[f"{name}.z"] = 0.5 * (one + other)
        return numbers

    def _norm(self, position: int) -> tuple[Floats, Floats]:
        """Mean and standard deviation of every account's similarities to the cohort: two arrays (features, accounts)."""
        evidence = self.evidence[position]
        size, features = self.gallery.size, len(evidence.features)
        sums, squares, counts = (np.zeros((features, size)) for _ in range(3))
        for start in range(0, len(self._cohort), _CHUNK):
            rows = self._cohort[start : start + _CHUNK]
            values = evidence.compare(rows)
            values[:, np.arange(len(rows)), rows] = np.nan  # nobody is compared with himself
            known = ~np.isnan(values)
            counts += known.sum(axis=1)
            filled = np.where(known, values, 0.0)
            sums += filled.sum(axis=1)
            squares += (filled**2).sum(axis=1)
        mean = sums / np.maximum(counts, 1)
        return mean, np.sqrt(np.maximum(squares / np.maximum(counts, 1) - mean**2, 0.0)) + _LEAST_DEVIATION


def cohort(names: Sequence[str]) -> list[int]:
    """Positions of a sample of accounts that does not depend on their order."""
    order = sorted(range(len(names)), key=lambda position: hashlib.blake2b(names[position].encode(), digest_size=8).digest())
    return sorted(order[:COHORT])


def score(measured: Measured, weights: Weights, rows: Sequence[int]) -> Scores:
    """Log-likelihood ratios of some accounts against all."""
    total, kinds = add_up(weights.model(measured.left_out, measured.gallery.source), measured.numbers(rows))
    return Scores(total, kinds)


def add_up(model: Model, numbers: dict[str, Floats]) -> tuple[Floats, dict[str, Floats]]:
    """The log-likelihood ratios, and each kind's part of them."""
    kinds: dict[str, Floats] = {}
    for name, values in numbers.items():
        curve = model.curves.get(name)
        if curve is not None:
            kind = name.partition(".")[0]
            kinds[kind] = kinds.get(kind, 0.0) + curve(values)
    total: Floats = np.sum(list(kinds.values()), axis=0) + model.intercept
    return total, kinds


def _names(kind: str, features: Sequence[str], normalised: Collection[str]) -> list[str]:
    return [name for feature in features for name in ([f"{kind}.{feature}"] + ([f"{kind}.{feature}.z"] if feature in normalised else []))]
