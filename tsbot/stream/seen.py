"""Which event ids were already taken, in eight bytes each.

An id becomes a 64-bit key (BLAKE2b). Two different ids share a key with odds of 2**-64; with ``n`` keys remembered, a new
event is taken for a duplicate with odds of ``n * 2**-64``: for two million keys 1.1e-13, which at five million events a day
is one event in about five thousand years.

Keys lie in sorted runs that are merged when a newer run has grown to the size of its neighbour (as in a log-structured
merge tree), so that a batch is looked up with a few vectorised binary searches. The oldest keys are forgotten a generation
at a time: at least the last ``capacity`` keys are always known, and never more than a quarter above that.

Nothing here is durable. The store writes ``blob(keys)`` in the transaction that stores the results, and ``add`` follows the
commit, so that a batch that failed is not taken for seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]

_GENERATIONS: Final = 4
_LITTLE_ENDIAN: Final = np.dtype("<u8")


def keys(ids: Sequence[str]) -> Keys:
    """The key of each id, shape ``(len(ids),)``: BLAKE2b of its UTF-8, 8 bytes long, read as a little-endian number."""
    digests = b"".join([hashlib.blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest() for i in ids])
    return _unpack(digests)


def blob(some: Keys) -> bytes:
    """Keys as bytes to be stored, 8 per key, little-endian."""
    return some.astype(_LITTLE_ENDIAN, copy=False).tobytes()


def _unpack(data: bytes) -> Keys:
    return np.frombuffer(data, dtype=_LITTLE_ENDIAN).astype(np.uint64, copy=False)


class SeenIndex:
    """Remembers the last ``capacity`` keys. Not thread-safe."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self._generation = max(1, -(-capacity // _GENERATIONS))
        self._keep = -(-capacity // self._generation)
        self._full: list[Keys] = []  # whole generations, oldest first, each sorted
        self._runs: list[Keys] = []  # of the generation being filled, largest first, each sorted
        self._filling = 0

    def __len__(self) -> int:
        """How many keys are remembered."""
        return sum(map(len, self._full)) + self._filling

    def new(self, batch: Keys) -> npt.NDArray[np.bool_]:
        """For each key, whether it is neither remembered nor further ahead in the batch. Changes nothing."""
        fresh = np.zeros(len(batch), dtype=np.bool_)
        if not len(batch):
            return fresh
        distinct, first = np.unique(batch, return_index=True)
        known = np.zeros(len(distinct), dtype=np.bool_)
        for run in (*self._full, *self._runs):
            at = np.searchsorted(run, distinct)
            at[at == len(run)] = 0
            known |= run[at] == distinct
        fresh[first[~known]] = True
        return fresh

    def add(self, batch: Keys) -> None:
        """Remember keys, oldest first; the oldest generation is forgotten when enough newer keys are there."""
        while len(batch):
            taken, batch = batch[: self._generation - self._filling], batch[self._generation - self._filling :]
            self._append(np.sort(taken))
            if self._filling == self._generation:
                self._full.append(self._merged())
                # The generations kept hold at least the capacity among them, without the one being filled.
                del self._full[: -self._keep]
                self._runs, self._filling = [], 0

    def load(self, blobs: Iterable[bytes]) -> None:
        """Remember stored keys, oldest first: what :func:`blob` gave. Raises ``ValueError`` for anything else."""
        waiting: list[bytes] = []
        size = 0
        for data in blobs:
            if len(data) % 8:
                raise ValueError("stored keys are damaged: the length is no multiple of 8")
            waiting.append(data)
            size += len(data) // 8
            if size >= self._generation:
                self.add(_unpack(b"".join(waiting)))
                waiting, size = [], 0
        self.add(_unpack(b"".join(waiting)))

    def _append(self, run: Keys) -> None:
        self._filling += len(run)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = _merge(self._runs.pop(), run)
        self._runs.append(run)

    def _merged(self) -> Keys:
        result = self._runs[-1]
        for run in reversed(self._runs[:-1]):
            result = _merge(run, result)
        return result


def _merge(left: Keys, right: Keys) -> Keys:
    """Two sorted runs as one; the stable sort recognises them and merges."""
    both = np.concatenate((left, right))
    both.sort(kind="stable")
    return both
