"""Shared sections: the same heading of the same page in edit summaries, or the same rare heading anywhere.

Measures the inverse-document-frequency cosine of headings. Source: software writes ``/* heading */`` for edits of a section.
Fails on: headings that every page has (they are frequent and weigh little), a quarrel under one heading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tsbot.trace.gallery import Gallery
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, said


class Sections:
    """Headings."""

    kind = "sections"
    features = ("cosine",)
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        counts: list[Counter[Hashable]] = []
        for edits in gallery.read:
            counter: Counter[Hashable] = Counter()
            for one in edits:
                heading = one.reading.section.lower()
                if heading and not one.own:
                    counter[("", heading)] += 1
                    counter.update((page, heading) for page in one.subjects)
            counts.append(counter)
        self._vectors = Vectors(counts)
        self._names = {number: name for name, number in self._vectors.vocabulary.items()}

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosine of headings."""
        return np.stack([self._vectors.cosine(rows)])

    def words(self, first: int, second: int) -> Told:
        """The rarest shared heading."""
        shared = self._vectors.terms(first).keys() & self._vectors.terms(second).keys()
        headings = sorted({(int(self._vectors.frequency[term]), str(self._names[term][1])) for term in shared})  # type: ignore[index]
        return said("section", headings[0][1], headings[0][0]) if headings else ""
