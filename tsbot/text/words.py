"""Words of a batch as numbers, so that whole batches can be compared with lists of words at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsbot.text.normalise import SPACE

_PRIME = np.uint32(0x01000193)
_LONGEST = 64
_POWERS = np.cumprod(np.full(_LONGEST, _PRIME, dtype=np.uint32), dtype=np.uint32)


def word_hashes(codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Polynomial hash of every word in a row of normal form, and where each word starts."""
    blank = codes == SPACE
    heads = np.flatnonzero(~blank & np.concatenate(([True], blank[:-1])))
    if len(heads) == 0:
        return np.empty(0, dtype=np.uint32), heads
    places = np.arange(len(codes), dtype=np.int64)
    base = np.zeros(len(codes), dtype=np.int64)
    base[heads[0] :] = np.repeat(heads, np.diff(np.append(heads, len(codes))))
    terms = codes * _POWERS[np.maximum(places - base, 0) % _LONGEST]
    terms[blank] = 0
    return np.add.reduceat(terms, heads, dtype=np.uint32), heads
