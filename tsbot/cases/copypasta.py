"""Flagged texts that were seen before: near-equal ones are counted together.

A text is signed with MinHash (Broder 1997; datasketch) over its runs of :data:`SHINGLE` letters. The runs are hashed with the master
key, so that a signature says nothing to whoever has no key: no guess can be tried on it. The first text of its like founds a family;
later ones find it by bands of the signature (locality-sensitive hashing) and are counted. Only founders are searched, so that a flood
costs per text what a single one costs.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash
from sqlalchemy import Connection, delete, insert, select, update

from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

SHINGLE = 5
"""Letters in a run."""
PERMUTATIONS = 64
ROWS = 4
"""Rows of a band: with 16 bands, texts that share 70 % of their runs are found with a probability of 99 %, 30 % with 12 %."""
NEAR = 0.6
"""Estimated share of common runs from which texts count as near-equal."""
LONGEST = 2000
"""Characters of a text that are looked at."""
RECENT = 7 * 86400.0
"""Seconds after its last text for which a family is remembered."""
MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Family:
    """What a text belongs to."""

    id: int
    earlier: int
    """Near-equal texts counted before this one."""


@dataclass(frozen=True)
class Signer:
    """Signs texts with the master key."""

    key: MasterKey

    def sign(self, text: str) -> bytes | None:
        """The signature of a text, 256 bytes; None if there are no letters in it."""
        folded = "".join(char for char in unicodedata.normalize("NFKC", text[:LONGEST]).casefold() if char.isalnum())
        if not folded:
            return None
        secret = self.key.derive("copypasta")
        runs = {folded[at : at + SHINGLE] for at in range(max(1, len(folded) - SHINGLE + 1))}
        minhash = MinHash(PERMUTATIONS, seed=1, scheme="affine32", hashfunc=lambda run: _hash(run, secret))
        minhash.update_batch([run.encode("utf-8", "surrogatepass") for run in sorted(runs)])
        return bytes(minhash.hashvalues.astype("<u4"))


def _hash(run: bytes, secret: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(run, digest_size=4, key=secret).digest(), "little")


def similarity(first: bytes, second: bytes) -> float:
    """Estimated share of common runs of two texts (Jaccard index, standard error at most 0.06)."""
    return float(np.mean(np.frombuffer(first, "<u4") == np.frombuffer(second, "<u4")))


def bands(signature: bytes) -> list[str]:
    """What is searched for: the bands of a signature in hexadecimal, each with its number in front."""
    size = 4 * ROWS
    return [f"{at // size:02x}{signature[at : at + size].hex()}" for at in range(0, len(signature), size)]


def find(connection: Connection, signature: bytes, now: float) -> Family | None:
    """The family of recent near-equal texts, the most alike; None if there is none."""
    same = select(t.text_band.c.family).where(t.text_band.c.band.in_(bands(signature))).distinct()
    query = select(t.text_family).where(t.text_family.c.id.in_(same), t.text_family.c.last > now - RECENT)
    rows = connection.execute(query.order_by(t.text_family.c.last.desc(), t.text_family.c.id).limit(MOST_CANDIDATES)).all()
    near = [(similarity(row.signature, signature), row) for row in rows]
    best = max(near, key=lambda pair: pair[0], default=None)
    if best is None or best[0] < NEAR:
        return None
    return Family(best[1].id, best[1].texts)


def note(connection: Connection, signature: bytes, now: float, found: Family | None) -> Family:
    """Count a text to the family that :func:`find` found, or found one."""
    if found is not None:
        grown = update(t.text_family).where(t.text_family.c.id == found.id)
        connection.execute(grown.values(texts=t.text_family.c.texts + 1, last=now))
        return found
    founded = insert(t.text_family).values(signature=signature, first=now, last=now, texts=1).returning(t.text_family.c.id)
    identity = connection.execute(founded).scalar_one()
    connection.execute(insert(t.text_band), [{"band": band, "family": identity} for band in bands(signature)])
    return Family(identity, 0)


def forget(connection: Connection, now: float) -> int:
    """Delete the families that nothing was added to lately; how many."""
    old = select(t.text_family.c.id).where(t.text_family.c.last <= now - RECENT)
    connection.execute(delete(t.text_band).where(t.text_band.c.family.in_(old)))
    gone = connection.execute(delete(t.text_family).where(t.text_family.c.last <= now - RECENT))
    return gone.rowcount
