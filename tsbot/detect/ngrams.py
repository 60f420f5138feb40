"""Hashed n-grams of normalised sentences: one function for training and for judging.

A sentence is described by its character n-grams (3 to 5 code points of the normal form, spaces included) and its word
n-grams (1 to 3 words). Each n-gram is hashed to one of ``2 ** bits`` buckets (multiplicative hashing, Knuth, *The Art of
Computer Programming* 3, 6.4), so a model is an array of one weight per bucket, and no word of any person is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsbot.text.normalise import Batch
from tsbot.text.words import word_hashes

CHARACTERS = (3, 4, 5)
WORDS = (1, 2, 3)
GROUPS = 2
"""Characters and words; each group of a window is scaled by the root of its own length."""

_PRIME = np.uint32(0x01000193)
_SPREAD = np.uint32(0x9E3779B1)

SATURATION = (300, 60)
"""Per group, the number of n-grams from which a longer window does not weigh more: a threat said a hundred times is one."""

Buckets = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Block:
    """All n-grams of one sort in a batch."""

    group: int
    """0 characters, 1 words."""
    buckets: Buckets
    """One per n-gram, sentence after sentence; ``2 ** bits`` where an n-gram would leave its sentence."""
    starts: NDArray[np.int64]
    """Where each sentence starts in ``buckets``."""
    counts: NDArray[np.int64]
    """How many n-grams each sentence has."""


def blocks(batch: Batch, bits: int) -> Iterator[Block]:
    """Yield the n-grams of every sentence of the batch, sort by sort."""
    starts = batch.sentences[:-1]
    if len(starts) == 0:
        return
    first, last = int(batch.sentences[0]), int(batch.sentences[-1])
    codes = batch.codes[first:last].astype(np.uint32)
    # Which number stands in a text says nothing about harm; that one stands there may.
    codes[(codes >= 48) & (codes <= 57)] = 48
    yield from _characters(codes, batch.sentences - first, bits)
    yield from _words(codes, batch.sentences - first, bits)


def _bucket(hashes: Buckets, bits: int) -> Buckets:
    return (hashes * _SPREAD) >> np.uint32(32 - bits)


def _characters(codes: Buckets, sentences: NDArray[np.int64], bits: int) -> Iterator[Block]:
    lengths = np.diff(sentences)
    rolling = codes
    for size in range(2, max(CHARACTERS) + 1):
        if len(codes) < size:
            return
        rolling = (rolling[: len(codes) - size + 1] * _PRIME) ^ codes[size - 1 :]
        if size not in CHARACTERS:
            continue
        buckets = np.full(len(codes), 1 << bits, dtype=np.uint32)
        buckets[: len(rolling)] = _bucket(rolling ^ np.uint32(size), bits)
        for overhang in range(1, size):
            buckets[sentences[1:] - overhang] = 1 << bits
        # A sentence shorter than the n-gram has the places of its neighbour blanked too, which are blank anyway or its own.
        yield Block(0, buckets, sentences[:-1], np.maximum(lengths - size + 1, 0))


def _words(codes: Buckets, sentences: NDArray[np.int64], bits: int) -> Iterator[Block]:
    hashes, heads = word_hashes(codes)
    if len(heads) == 0:
        return
    starts = np.searchsorted(heads, sentences[:-1])
    lengths = np.diff(np.append(starts, len(heads)))
    ends = np.append(starts[1:], len(heads))
    rolling = hashes
    for size in range(1, max(WORDS) + 1):
        if size > 1:
            if len(hashes) < size:
                return
            rolling = (rolling[: len(hashes) - size + 1] * _SPREAD) ^ hashes[size - 1 :]
        buckets = np.full(len(hashes), 1 << bits, dtype=np.uint32)
        buckets[: len(rolling)] = _bucket((rolling ^ (rolling >> np.uint32(15))) + np.uint32(size), bits)
        for overhang in range(1, size):
            buckets[np.maximum(ends - overhang, 0)] = 1 << bits
        yield Block(1, buckets, starts, np.maximum(lengths - size + 1, 0))


def scale(counts: NDArray[np.float64], group: int) -> NDArray[np.float64]:
    """By what the sum over a window's n-grams is multiplied: 1 / root of their number, and less for very long windows."""
    counts = np.maximum(counts, 1.0)
    scaled: NDArray[np.float64] = np.sqrt(np.minimum(counts, SATURATION[group])) / counts
    return scaled


def sums(batch: Batch, weights: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums of weights and numbers of n-grams per sentence and group: two arrays of shape (sentences, groups).

    ``weights`` has ``2 ** bits + 1`` entries, the last one zero.
    """
    bits = (len(weights) - 1).bit_length() - 1
    count = len(batch.sentences) - 1
    totals = np.zeros((count, GROUPS), dtype=np.float64)
    numbers = np.zeros((count, GROUPS), dtype=np.int64)
    for block in blocks(batch, bits):
        totals[:, block.group] += np.add.reduceat(weights[block.buckets], block.starts)
        numbers[:, block.group] += block.counts
    return totals, numbers
