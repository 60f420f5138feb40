"""The third stage of the detector: an encoder that reads a window of text and answers a row of questions about it.

A window is cut into pieces (SentencePiece unigram, Kudo 2018), the pieces' embeddings are looked up here (they are packed in
four bits and stay on disk until they are needed), and a small transformer in the ONNX format, with 8-bit weights, does the rest.
Nothing of a model is executed but that graph of arithmetic.

The answers are margins (log-odds): see :data:`QUESTIONS` and :data:`FACETS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

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

    def __init__(self, tokenizer: Tokenizer, words: NDArray[Any], session: Any) -> None:
        """``words``: packed embeddings, one row per piece; ``session``: an ONNX Runtime session of the graph."""
        self._tokenizer = tokenizer
        self._words = words
        self._session = session

    def read(self, window: str) -> Reading:
        """Read one window.

        One at a time: 8-bit arithmetic is scaled by what is read together, and answers must not depend on neighbours.
        """
        ids, spans = pieces_of(self._tokenizer, window)
        answers, facets = self._session.run(None, {"words": unpack(self._words[ids])[None]})
        return Reading(answers[0], facets[0, 1:-1], spans)


def pieces_of(tokenizer: Tokenizer, text: str) -> tuple[list[int], tuple[tuple[int, int], ...]]:
    """Numbers of the pieces of a text, with beginning and end, and where in the text each of the others stands."""
    clean = _SURROGATE.sub("\ufffd", text) if not text.isascii() else text
    encoding = tokenizer.encode(clean, add_special_tokens=False)
    most = LONGEST - 2
    return [BEGIN, *encoding.ids[:most], END], tuple(encoding.offsets[:most])


def open_encoder(tokenizer: bytes, words: NDArray[Any], graph: bytes) -> Encoder:
    """Open the parts of an encoder. Raises ``ModelError``."""
    import onnxruntime  # noqa: PLC0415 - 50 MB of memory that commands without a detector need not spend

    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return Encoder(Tokenizer.from_buffer(tokenizer), words, session)
    except Exception as error:  # both libraries raise bare exceptions of many sorts
        remedy = "Reinstall tsbot, or train a model with `tsbot train`."
        raise ModelError(f"The encoder of the model cannot be opened: {error}. {remedy}") from error
