"""A trained model as files: plain arrays, two graphs of arithmetic, and a manifest that they are checked against.

========================= =========================================================================================
``manifest.json``         what the model is, its checksums, and how its numbers are read
``ngrams.npy``            weights of the hashed n-grams (float16, one per bucket)
``words.npy``             embeddings of the encoder's pieces, packed (uint8; :func:`tsbot.detect.encoder.unpack`)
``pieces.model``          the pieces with their probabilities, as SentencePiece writes them
``glance.onnx``           first layers of the encoder, with 8-bit weights
``encoder.onnx``          its other layers
========================= =========================================================================================

Arrays are loaded without pickle, and nothing is executed but the graphs. Nothing in a model is anybody's words.
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

from tsbot.detect.encoder import Encoder, open_encoder
from tsbot.detect.finding import Kind
from tsbot.errors import ModelError

FORMAT = 3
MANIFEST, NGRAMS, WORDS, PIECES = "manifest.json", "ngrams.npy", "words.npy", "pieces.model"
FIRST, REST = "glance.onnx", "encoder.onnx"
FILES = (NGRAMS, WORDS, PIECES, FIRST, REST)
_REMEDY = "Reinstall tsbot, or train a model with `tsbot train`."


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A logistic line: probability = 1 / (1 + exp(-(slope * margin + intercept)))."""

    slope: float
    intercept: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From margins to the probability of a threat of physical harm, at the rate at which threats stand in Wikipedia talk."""

    encoder: float
    """What the encoder's margin counts."""
    ngrams: float
    """What the n-grams' margin counts."""
    pattern: float
    """What the strength of the strongest pattern (0-1) counts."""
    intercept: float
    gate: float
    """Margin of the n-grams from which a text is read by the encoder."""
    gates: dict[str, float]
    """The same for languages of which the n-grams know less, so that more is read."""
    unread: Line
    """For texts that it does not read, from the n-grams' margin."""
    glance: float
    """Margin of a glance from which a text without patterns is read in full."""
    glanced: Line
    """For texts that are not, from that margin."""
    others: dict[Kind, Line]
    """For the kinds that are no physical harm, from the encoder's margin of that kind."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model is, and how its numbers are read."""

    format: int
    version: str
    bits: Annotated[int, Meta(ge=8, le=24)]
    intercept: float
    """Of the n-grams."""
    sha256: dict[str, str]
    """Of each other file."""
    languages: dict[str, int]
    """Languages that the model has learnt from, with how many texts."""
    calibration: Calibration
    thresholds: dict[Kind, Annotated[float, Meta(gt=0, le=1)]]
    seed: int
    trained_on: dict[str, int]
    """Texts per source."""


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model."""

    manifest: Manifest
    ngrams: NDArray[np.float32]
    """``2 ** bits + 1`` weights, the last one zero."""
    encoder: Encoder


def load_model(folder: Traversable | Path | None = None) -> Model:
    """Load a model (default: the one that comes with tsbot). Raises ``ModelError``."""
    folder = folder or resources.files("tsbot.detect").joinpath("models")
    try:
        raw = folder.joinpath(MANIFEST).read_bytes()
    except OSError as error:
        raise ModelError(f"The model in {folder} cannot be read: {error}. {_REMEDY}") from error
    try:
        head = msgspec.json.decode(raw)
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise ModelError(f"{MANIFEST} in {folder} is of another format than {FORMAT}, which this tsbot reads. {_REMEDY}")
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ModelError(f"{MANIFEST} in {folder} is damaged: {error}. {_REMEDY}") from error
    content = {name: _checked(folder, name, manifest) for name in FILES}
    weights, words = (_array(folder, name, content[name]) for name in (NGRAMS, WORDS))
    if weights.shape != (1 << manifest.bits,) or words.ndim != 2 or words.dtype != np.uint8:
        raise ModelError(f"{NGRAMS} or {WORDS} in {folder} has a shape which does not fit {MANIFEST}. {_REMEDY}")
    encoder = open_encoder(content[PIECES], words, content[FIRST], content[REST])
    return Model(manifest, np.append(weights.astype(np.float32), np.float32(0)), encoder)


def _checked(folder: Traversable | Path, name: str, manifest: Manifest) -> bytes:
    """Content of a file that is the one that the manifest describes."""
    try:
        content = folder.joinpath(name).read_bytes()
    except OSError as error:
        raise ModelError(f"The model in {folder} cannot be read: {error}. {_REMEDY}") from error
    if hashlib.sha256(content).hexdigest() != manifest.sha256.get(name):
        raise ModelError(f"{name} in {folder} is not the file that {MANIFEST} describes (its SHA-256 differs). {_REMEDY}")
    return content


def _array(folder: Traversable | Path, name: str, content: bytes) -> NDArray[np.generic]:
    path = folder.joinpath(name)
    try:
        if isinstance(path, Path):  # stays on disk until it is looked up
            array: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ModelError(f"{name} in {folder} is no array: {error}. {_REMEDY}") from error
    return array


def save_model(
    folder: Path,
    manifest: Manifest,
    ngrams: NDArray[np.float32],
    words: NDArray[np.uint8],
    pieces: bytes,
    graphs: tuple[bytes, bytes],
) -> Manifest:
    """Write a model; returns the manifest with the checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {NGRAMS: _bytes(ngrams.astype(np.float16)), WORDS: _bytes(words), PIECES: pieces, FIRST: graphs[0], REST: graphs[1]}
    sums = {name: hashlib.sha256(some).hexdigest() for name, some in sorted(content.items())}
    manifest = msgspec.structs.replace(manifest, sha256=sums)
    for name, some in content.items():
        (folder / name).write_bytes(some)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def _bytes(array: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
