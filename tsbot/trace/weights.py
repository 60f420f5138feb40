"""What evidence weighs: curves from numbers to log-likelihood ratios, fitted by ``tsbot trace fit`` and shipped as JSON.

Every number of evidence has a curve that never falls: piecewise linear, natural logarithm. All curves are fitted at once, so that two
kinds that say the same do not count twice. A set of curves belongs to the kinds that were looked at; ``models`` holds one set for each
choice of kinds left out.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec
import numpy as np

from tsbot.datafiles import data_file
from tsbot.errors import ModelError
from tsbot.trace.sparse import Floats

FORMAT = 1
SHIPPED = Path(__file__).with_name("weights.json")


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piecewise linear function; constant outside its knots. Numbers that are missing weigh nothing."""

    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __call__(self, numbers: Floats) -> Floats:
        """Values at ``numbers``, 0 where they are not numbers."""
        values: Floats = np.where(np.isnan(numbers), 0.0, np.interp(numbers, self.knots, self.values))
        return values


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Curves of all numbers that were looked at."""

    without: tuple[str, ...]
    """Kinds of evidence that were left out when it was fitted."""
    intercept: float
    """Correction for dependence: what the curves say together beyond, or short of, their sum."""
    curves: dict[str, Curve]
    """By ``kind.feature``, with ``.z`` behind it for the cohort-normalised number."""
    source: str = "wiki"
    """What sort of activity it is for: ``wiki`` (one page an edit) or ``repository`` (many)."""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of weights."""

    format: int
    made: str
    """When, by which version."""
    data: str
    """From what, in words, with its licence. The data itself is nowhere in it."""
    figures: dict[str, float]
    """What was measured on cases that the fit did not see."""
    models: tuple[Model, ...]

    def model(self, without: Collection[str], source: str) -> Model:
        """The model for a sort of activity and the kinds that are left out.

        Where that choice was not fitted: the model that left out the most of them, and nothing else.
        """
        fitting = [model for model in self.models if set(model.without) <= set(without)] or list(self.models)
        return max(fitting, key=lambda model: (model.source == source, len(model.without)))


def load_weights(path: Path = SHIPPED) -> Weights:
    """Read and check a file of weights. Raises ``ModelError``."""
    try:
        weights = msgspec.json.decode(path.read_bytes(), type=Weights)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"{path}: {error}") from error
    if weights.format != FORMAT or not weights.models:
        raise ModelError(
            f"{path} has format {weights.format} and {len(weights.models)} models; needed are format {FORMAT} and one at least."
        )
    for model in weights.models:
        for name, curve in model.curves.items():
            rising = np.diff(curve.knots) > 0
            if not curve.knots or len(curve.knots) != len(curve.values) or not rising.all() or not np.isfinite(curve.values).all():
                raise ModelError(f"{path}: the curve of {name} needs rising knots and as many finite values.")
    return weights


@data_file("trace_weights", SHIPPED)
def shipped_weights() -> Weights:
    """The weights of the package."""
    return load_weights()
