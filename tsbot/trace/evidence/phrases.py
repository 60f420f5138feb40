"""Phrase reuse: the same stretches of text in what both added and in their summaries.

Fingerprints are those of winnowing (Schleimer, Wilkerson and Aiken 2003): of every window of neighbouring hashes of character k-grams the
smallest, so that a shared stretch of ``GRAM + WINDOW - 1`` characters is always found. A stretch that many write says little: inverse
document frequency. Fails on: copied templates and quotations, an impersonator who copies on purpose.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tsbot.trace.gallery import Gallery
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, both, said

GRAM, WINDOW = 12, 6
_NOT_WORD = re.compile(r"\W+")


class Phrases:
    """Shared fingerprints, and whole summaries that are equal."""

    kind = "phrases"
    features = ("cosine", "summaries")
    normalised = frozenset(("cosine",))

    def __init__(self, gallery: Gallery) -> None:
        prints: list[Counter[Hashable]] = []
        whole: list[Counter[Hashable]] = []
        self._texts: list[dict[str, str]] = []
        for edits in gallery.read:
            counter: Counter[Hashable] = Counter()
            summaries: Counter[Hashable] = Counter()
            for one in edits:
                for text in (one.reading.words, one.edit.added[:5000]):
                    counter.update(fingerprints(text))
                folded = fold(one.reading.words)
                if len(folded) > 2:
                    summaries[folded] += 1
            prints.append(counter)
            whole.append(summaries)
        self._prints, self._whole = Vectors(prints), Vectors(whole)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosine of fingerprints, cosine of whole summaries."""
        return np.stack([self._prints.cosine(rows), self._whole.cosine(rows)])

    def words(self, first: int, second: int) -> Told:
        """Shared summaries, and how many stretches are shared."""
        shared = self._prints.terms(first).keys() & self._prints.terms(second).keys()
        equal = self._whole.terms(first).keys() & self._whole.terms(second).keys()
        names = {number: str(name) for name, number in self._whole.vocabulary.items() if number in equal}
        rarest = sorted(names, key=lambda term: (self._whole.frequency[term], names[term]))[:2]
        parts = [said("summary", names[term], int(self._whole.frequency[term])) for term in rarest]
        return both([*parts, *((said("stretches", len(shared)),) if shared else ())])


def fold(text: str) -> str:
    """Lower case, one space between words, no punctuation."""
    return _NOT_WORD.sub(" ", text.lower()).strip()


def fingerprints(text: str) -> set[int]:
    """Winnowed hashes of a text's character k-grams."""
    folded = fold(text)
    if len(folded) < GRAM:
        return set()
    data = folded.encode()
    hashes = [zlib.crc32(data[start : start + GRAM]) for start in range(max(1, len(data) - GRAM + 1))]
    if len(hashes) <= WINDOW:
        return {min(hashes)}
    return {min(hashes[start : start + WINDOW]) for start in range(len(hashes) - WINDOW + 1)}
