"""The third stage of the detector: an encoder that reads a window of text and answers a row of questions about it.

A window is cut into pieces (SentencePiece unigram, Kudo 2018), the pieces' embeddings are looked up here (they are packed in
four bits and stay on disk until they are needed), and a small transformer in the ONNX format, with 8-bit weights, does the rest.
Nothing of a model is executed but its two graphs of arithmetic.

Most windows need only a glance: after a quarter of its layers the transformer says whether it is worth going on (an early exit, as
in BranchyNet, Teerapittayanon et al. 2016).

The answers are margins (log-odds): see :data:`QUESTIONS` and :data:`FACETS`.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from tsbot.errors import ModelError

WIDTH = 384
BLOCK, BLOCK_BYTES = 32, 18
LONGEST = 128
"""Most pieces of one window, with those for its beginning and end."""
BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3
"""Numbers of the special pieces."""
_SURROGATE = re.compile("[\ud800-\udfff]")

QUESTIONS = (
    "threat",
    *("violence", "mass_violence", "sexual_violence", "self_harm", "doxing", "legal", "attack_name"),
    *("intent", "wish", "incitement", "report"),
    *("target1", "target2", "target3"),
    *("plausible1", "plausible2", "plausible3"),
    *("imminent1", "imminent2", "imminent3"),
)
"""Asked of the whole window. The first four kinds are told apart among threats; ``target2`` asks whether the target is 2 or more,
and so on."""
FACETS = ("when", "where", "how", "ability", "conditional")
"""Asked of every piece; the window's answer is that of the piece that answers most clearly, which is the evidence."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A window half read."""

    margin: float
    """Log-odds that there is something in it."""
    window: str
    states: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the encoder says of one window."""

    answers: NDArray[np.float32]
    """Margins, in the order of ``QUESTIONS``."""
    facets: NDArray[np.float32]
    """Margins per piece, (pieces, facets)."""
    spans: tuple[tuple[int, int], ...]
    """Where each piece stands in the window (code points, end exclusive)."""

    def margin(self, question: str) -> float:
        """Margin of one question."""
        if question in FACETS:
            column = self.facets[:, FACETS.index(question)]
            return float(column.max()) if len(column) else -20.0
        return float(self.answers[QUESTIONS.index(question)])


def unpack(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Numbers of packed rows: blocks of 32, each a half-precision scale and 16 bytes of two 4-bit numbers."""
    blocks = rows.reshape(*rows.shape[:-1], -1, BLOCK_BYTES)
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    halves = blocks[..., 2:]
    numbers = np.concatenate(((halves & 15).astype(np.int8) - 8, (halves >> 4).astype(np.int8) - 8), axis=-1)
    unpacked: NDArray[np.float32] = (numbers.astype(np.float32) * scales).reshape(*rows.shape[:-1], -1)
    return unpacked


class Encoder:
    """Reads windows. Safe to share between threads."""

    def __init__(self, pieces: SentencePieceProcessor, words: NDArray[Any], first: Any, rest: Any) -> None:
        """``words``: packed embeddings, one row per piece; ``first``, ``rest``: ONNX Runtime sessions of the graphs."""
        self._pieces = pieces
        self._words = words
        self._first = first
        self._rest = rest

    def glance(self, window: str) -> Glance:
        """Read a window with the first layers.

        One at a time: 8-bit arithmetic is scaled by what is read together, and answers must not depend on neighbours.
        """
        states, margin = self._first.run(None, {"words": unpack(self._words[numbers_of(self._pieces, window)])[None]})
        return Glance(float(margin[0]), window, states)

    def read_on(self, glance: Glance) -> Reading:
        """Read with the other layers what was glanced at."""
        answers, facets = self._rest.run(None, {"states": glance.states})
        return Reading(answers[0], facets[0, 1:-1], spans_of(self._pieces, glance.window))

    def read(self, window: str) -> Reading:
        """Read a window in full."""
        return self.read_on(self.glance(window))


def numbers_of(pieces: SentencePieceProcessor, text: str) -> list[int]:
    """Numbers of the pieces of a text, with beginning and end."""
    return [BEGIN, *pieces.encode(_clean(text))[: LONGEST - 2], END]


def spans_of(pieces: SentencePieceProcessor, text: str) -> tuple[tuple[int, int], ...]:
    """Where in a text each of its pieces stands, but for beginning and end: code points, end exclusive."""
    clean = _clean(text)
    spans = [(piece.begin, piece.end) for piece in pieces.encode(clean, return_type="proto").pieces[: LONGEST - 2]]
    if clean.isascii():
        return tuple(spans)
    lengths = (len(char.encode()) for char in clean)
    places = {octet: number for number, octet in enumerate(itertools.accumulate(lengths, initial=0))}
    # The library counts octets of UTF-8, and cuts no character.
    return tuple((places[start], places[end]) for start, end in spans)


def _clean(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def open_encoder(pieces: bytes, words: NDArray[Any], first: bytes, rest: bytes) -> Encoder:
    """Open the parts of an encoder: ``pieces`` is a SentencePiece model, ``first`` and ``rest`` are graphs. Raises ``ModelError``."""
    import onnxruntime  # noqa: PLC0415 - 50 MB of memory that commands without a detector need not spend

    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        sessions = [onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"]) for graph in (first, rest)]
        return Encoder(SentencePieceProcessor(model_proto=pieces), words, *sessions)
    except Exception as error:  # both libraries raise bare exceptions of many sorts
        remedy = "Reinstall tsbot, or train a model with `tsbot train`."
        raise ModelError(f"The encoder of the model cannot be opened: {error}. {remedy}") from error
