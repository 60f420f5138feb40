"""Fitting the weights of evidence on labelled cases: a monotone additive logistic regression.

The log-likelihood ratio is a sum of piecewise linear curves that never fall, all fitted together: where two kinds say the same, they
share what they weigh. The objective is the logarithmic cost at a prior far below one half (Brummer and du Preez 2006), since candidates are
many; every person has the same weight, however many accounts he has. Calibration follows on cases that the curves have
not seen. docs/tracing.md names data and figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tsbot.trace.figures import Flags
from tsbot.trace.sparse import Floats
from tsbot.trace.weights import Curve, Model

PRIOR = 0.001
_RIDGE = 1.0
_LEAST_STEP = 1e-3
_ROUNDS = 150


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labelled pairs."""

    numbers: dict[str, Floats]
    """By name, one entry per pair; not a number where there is nothing."""
    same: Flags
    weights: Floats
    """Of both classes, relative to each other within a class."""


def half(person: str) -> int:
    """0 or 1 by a hash: which half of the persons one belongs to, the same everywhere."""
    return hashlib.sha256(person.encode()).digest()[0] & 1


def knots(numbers: Floats, same: Flags) -> Floats:
    """Where a curve may bend: quantiles of all pairs, of those of one person, and of what is not the most frequent value."""
    known = ~np.isnan(numbers)
    if not known.any():
        return np.zeros(1)
    values, positive = numbers[known], numbers[known & same]
    usual = np.median(values)
    rare = values[np.abs(values - usual) > 1e-9]
    points = [np.quantile(values, [0.02, 0.25, 0.5, 0.75, 0.95, 0.99])]
    if len(positive):
        points.append(np.quantile(positive, [0.05, 0.25, 0.5, 0.75, 0.95]))
    if len(rare):
        points.append(np.quantile(rare, [0.05, 0.5, 0.95]))
    # As they are written into the file: what differs by less is one knot.
    ordered = np.unique(np.round(np.concatenate(points), 6))
    least = _LEAST_STEP * (ordered[-1] - ordered[0])
    kept = [ordered[0]]
    for point in ordered[1:]:
        if point - kept[-1] > least:
            kept.append(point)
    return np.array(kept)


def fit_curves(pairs: Pairs, without: Sequence[str], prior: float = PRIOR, ridge: float = _RIDGE) -> Model:
    """Curves that make labelled pairs most probable; not calibrated yet."""
    from scipy.optimize import minimize  # noqa: PLC0415 - only fitting needs it

    names = list(pairs.numbers)
    bends = [knots(pairs.numbers[name], pairs.same) for name in names]
    blocks = [_steps(pairs.numbers[name], points) for name, points in zip(names, bends, strict=True)]
    design = np.concatenate(blocks, axis=1)
    free = np.concatenate([np.arange(block.shape[1]) == 0 for block in blocks])
    same = pairs.same
    weight = np.where(same, prior / pairs.weights[same].sum(), (1 - prior) / pairs.weights[~same].sum()) * pairs.weights
    sign = np.where(same, 1.0, -1.0)
    shift = np.log(prior / (1 - prior))
    penalty = np.append(np.full(design.shape[1], ridge * prior / max(1.0, pairs.weights[same].sum())), 0.0)

    def cost(point: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ point[:-1].astype(np.float32) + point[-1] + shift)
        slope = -sign * weight / (1 + np.exp(np.minimum(margin, 60.0)))
        gradient = np.append(design.T @ slope.astype(np.float32), slope.sum())
        value = float((weight * np.logaddexp(0.0, -margin)).sum() + 0.5 * (penalty * point**2).sum())
        # Scaled, so that the optimiser's tolerances, which are absolute, fit a cost that the prior makes small.
        return value / prior, (gradient + penalty * point) / prior

    bounds = [(None, None) if is_free else (0.0, None) for is_free in free] + [(None, None)]
    found = minimize(cost, np.zeros(design.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _ROUNDS})
    curves, start, intercept = {}, 0, float(found.x[-1])
    strangers = weight * ~same
    for name, points, block in zip(names, bends, blocks, strict=True):
        values = np.cumsum(found.x[start : start + block.shape[1]])
        start += block.shape[1]
        if np.ptp(values) < 5e-3 and np.isfinite(pairs.numbers[name]).all():
            intercept += float(values[0])
            continue
        # A likelihood ratio averages 1 among strangers: what a curve has beyond that belongs to all of them together.
        curve = Curve(tuple(points.tolist()), tuple(values.tolist()))
        known = np.isfinite(pairs.numbers[name])
        average = np.average(np.exp(curve(pairs.numbers[name][known])), weights=strangers[known]) if strangers[known].sum() else 1.0
        share = float(strangers[known].sum() / strangers.sum())
        excess = float(np.log(average))
        if share > 0.999:
            intercept += excess
            values = values - excess
        curves[name] = Curve(curve.knots, tuple(np.round(values, 4).tolist()))
    return Model(tuple(sorted(without)), round(intercept, 4), curves)


def calibrate(sums: Floats, same: Flags, weights: Floats) -> tuple[float, float]:
    """Slope and offset that make sums of curves, on pairs that the curves have not seen, log-likelihood ratios (Platt 1999)."""
    from scipy.optimize import minimize  # noqa: PLC0415 - only fitting needs it

    weight = weights / np.where(same, weights[same].sum(), weights[~same].sum())
    sign = np.where(same, 1.0, -1.0)

    def price(point: Floats) -> float:
        return float((weight * np.logaddexp(0.0, -sign * (point[0] * sums + point[1]))).sum())

    slope, offset = minimize(price, np.array([0.9, 0.0]), method="L-BFGS-B", bounds=[(0.05, 1.5), (-10.0, 10.0)]).x
    return float(slope), float(offset)


def calibrated(model: Model, slope: float, offset: float) -> Model:
    """A model whose sums are stretched and moved; every curve keeps its share of them."""
    curves = {name: Curve(curve.knots, tuple(round(slope * value, 4) for value in curve.values)) for name, curve in model.curves.items()}
    return Model(model.without, round(slope * model.intercept + offset, 4), curves, model.source)


def _steps(numbers: Floats, points: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """One column for there being a number, and one for each stretch between knots: how far along it the number is (0 to 1)."""
    known = ~np.isnan(numbers)
    filled = np.where(known, numbers, points[0])
    columns = [known.astype(np.float32)]
    columns += [np.clip((filled - low) / (high - low), 0, 1).astype(np.float32) * known for low, high in pairwise(points)]
    return np.stack(columns, axis=1)
