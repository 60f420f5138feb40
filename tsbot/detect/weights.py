"""A trained model as files: plain arrays and a manifest, checked when loaded.

A model folder holds ``manifest.json`` and ``weights.npy`` (float16, one row per head, one column per bucket of the hashed
n-grams). Arrays are loaded without pickle. Nothing in a model is anybody's words.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from tsbot.detect.finding import Kind
from tsbot.errors import ModelError

FORMAT = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.npy"


class Scale(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A linear function of named numbers, cut into grades at ``cuts`` (increasing)."""

    coefficients: dict[str, float]
    intercept: float
    cuts: tuple[float, ...]

    def grade(self, numbers: dict[str, float]) -> int:
        """How many cuts the sum reaches."""
        total = self.intercept + sum(weight * numbers.get(name, 0.0) for name, weight in self.coefficients.items())
        return sum(total >= cut for cut in self.cuts)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model is, and how its numbers are read."""

    format: int
    version: str
    bits: Annotated[int, Meta(ge=8, le=24)]
    heads: tuple[str, ...]
    """Names of the rows of the weights; the first is ``threat``, the others are kinds told apart among threats."""
    intercepts: tuple[float, ...]
    sha256: str
    """Of ``weights.npy``."""
    languages: tuple[str, ...]
    """Languages the model has learnt from."""
    calibration: dict[str, float]
    """Logistic calibration of a text: ``margin``, ``pack`` (log-odds of the strongest pattern), ``intercept``."""
    thresholds: dict[Kind, Annotated[float, Meta(gt=0, le=1)]]
    plausibility: Scale
    seed: int
    trained_on: dict[str, int]
    """Texts per source."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model. ``weights[name]`` has ``2 ** bits + 1`` entries, the last one zero."""

    manifest: Manifest
    weights: dict[str, NDArray[np.float32]]

    @property
    def intercepts(self) -> dict[str, float]:
        """Intercept of each head."""
        return dict(zip(self.manifest.heads, self.manifest.intercepts, strict=True))


def load_model(folder: Traversable | Path | None = None) -> Model:
    """Load a model (default: the one that comes with tsbot). Raises ``ModelError``."""
    folder = folder or resources.files("tsbot.detect").joinpath("models")
    remedy = "Reinstall tsbot, or train a model with `tsbot train`."
    try:
        raw = folder.joinpath(MANIFEST).read_bytes()
        content = folder.joinpath(WEIGHTS).read_bytes()
    except OSError as error:
        raise ModelError(f"The model in {folder} cannot be read: {error}. {remedy}") from error
    try:
        head = msgspec.json.decode(raw)
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise ModelError(f"{MANIFEST} in {folder} is of another format than {FORMAT}, which this tsbot reads. {remedy}")
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ModelError(f"{MANIFEST} in {folder} is damaged: {error}. {remedy}") from error
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise ModelError(f"{WEIGHTS} in {folder} is not the file that {MANIFEST} describes (its SHA-256 differs). {remedy}")
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelError(f"{WEIGHTS} in {folder} is no array: {error}. {remedy}") from error
    if array.shape != (len(manifest.heads), 1 << manifest.bits) or len(manifest.intercepts) != len(manifest.heads):
        raise ModelError(f"{WEIGHTS} in {folder} has the shape {array.shape}, which does not fit {MANIFEST}. {remedy}")
    if manifest.heads[:1] != ("threat",):
        raise ModelError(f"{MANIFEST} in {folder} lacks the head 'threat'. {remedy}")
    rows = {name: np.append(array[row].astype(np.float32), np.float32(0)) for row, name in enumerate(manifest.heads)}
    return Model(manifest, rows)


def save_model(folder: Path, manifest: Manifest, weights: NDArray[np.float32]) -> Manifest:
    """Write a model (weights of shape (heads, buckets)); returns the manifest with the checksum of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.save(buffer, weights.astype(np.float16), allow_pickle=False)
    content = buffer.getvalue()
    manifest = msgspec.structs.replace(manifest, sha256=hashlib.sha256(content).hexdigest())
    (folder / WEIGHTS).write_bytes(content)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest
