"""User names: spelled alike, look-alikes, the next number, words of one in the pages of the other.

Measures the cosine of character 2- to 4-grams, Jaro-Winkler similarity of skeletons, the rarity of an equal stem or skeleton, the rarity
of an equal shape, how much of the one's name stands in titles that the other edits, and whether the other says in his own words, or in a
title, what the one is called (initial and last name, initials, one part). Source: of real renames a third are hard, so names are precise
where they speak and mostly silent.
Fails on: names that many people have; who speaks of another; imitation of a victim, which is the reason why no link stands on a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from tsbot.trace.evidence.topics import title_words
from tsbot.trace.gallery import TITLES, Gallery, ReadEdit
from tsbot.trace.skeleton import folded, shape, skeleton, spellings, stem
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, both, said

_LEAST_CALLED = 3
"""Letters of a spelling of a name that is looked for among words."""


class Names:
    """User names."""

    kind = "names"
    features = ("grams", "edits", "parts", "stem", "shape", "titles", "mentions")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        self._names = [account.name for account in gallery.accounts]
        self._skeletons = [skeleton(name) for name in self._names]
        self._stems = [stem(name) for name in self._names]
        self._grams = Vectors([_grams(f" {folded(name)} ", (2, 3, 4)) for name in self._names])
        self._squeezed = [folded(name).replace(" ", "") for name in self._names]
        self._equal = Vectors(
            [
                Counter(dict.fromkeys((("stem", base), ("skeleton", look), *(("spelt", other) for other in spellings(name))), 1))
                for name, (base, _), look in zip(self._names, self._stems, self._skeletons, strict=True)
            ]
        )
        self._shapes = Vectors([Counter({shape(name): 1}) for name in self._names])
        own: list[Counter[Hashable]] = [_grams(folded(name).replace(" ", ""), (5,)) for name in self._names]
        known = frozenset().union(*own)  # what stands in nobody's name need not be counted
        # Talking to somebody is not being named like him: user space is left out.
        elsewhere = [[title for one in edits for title in one.edit.pages if not title.lower().startswith("user")] for edits in gallery.read]
        titles: list[Counter[Hashable]] = [
            Counter([gram for title in some for gram in _title_grams(title) if gram in known]) for some in elsewhere
        ]
        self._titles = Vectors([*own, *titles])
        called = [{word for word in spellings(name) if len(word) >= _LEAST_CALLED} for name in self._names]
        callings = frozenset().union(*called)  # what nobody is called need not be counted
        said = [callings.intersection(_words(edits)) for edits in gallery.read]
        self._mentions = Vectors([dict.fromkeys(some, 1.0) for some in (*called, *said)])

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosine, similarity of 0.7 to 1 as 0 to 1, how much of the shorter name stands in the longer.

        Then natural logarithms of the rarity of what is equal (stem or skeleton, shape), the share of a name that stands in titles, and the
        rarity of what one is called where the other says it.
        """
        some, size = list(rows), len(self._names)
        similar = process.cdist(
            [self._skeletons[row] for row in some], self._skeletons, scorer=JaroWinkler.normalized_similarity, dtype=np.float64
        )
        equal = _rarity(self._equal, some)
        part = process.cdist([self._squeezed[row] for row in some], self._squeezed, scorer=fuzz.partial_ratio, dtype=np.float64)
        lengths_of = np.array([len(name) for name in self._squeezed])
        least = np.minimum(lengths_of[some][:, None], lengths_of[None, :])
        part = np.where(least >= 4, np.maximum(0.0, part / 100 - 0.6) / 0.4 * np.minimum(least, 12) / 12, 0.0)
        # Shared n-grams over those of the name: a title of ten words may contain all of a name.
        ones = self._titles.weighted(np.ones(len(self._titles.frequency)), logarithmic=False, unit=False)
        binary = (ones > 0) * self._titles.weighted((self._titles.idf() > 0).astype(float), logarithmic=False, unit=False).astype(bool)
        idf = self._titles.weighted(self._titles.idf(), logarithmic=False, unit=False) / np.maximum(ones, 1e-9)
        lengths = np.maximum(self._titles.totals(binary.astype(float)), 1.0)
        there = self._titles.dot(some, binary.astype(float), idf)[:, size:] / lengths[some][:, None]
        back = self._titles.dot([row + size for row in some], binary.astype(float), idf)[:, :size] / lengths[None, :size]
        return np.stack(
            [
                self._grams.cosine(some),
                np.maximum(0.0, (similar - 0.7) / 0.3),
                part,
                equal,
                _rarity(self._shapes, some),
                np.maximum(there, back),
                self._mentioned(some),
            ]
        )

    def _mentioned(self, rows: list[int]) -> Floats:
        """Rarity of how the one is called where the other says it: natural logarithm."""
        size = len(self._names)
        there = _rarity(self._mentions, rows)[:, size:]
        back = _rarity(self._mentions, [row + size for row in rows])[:, :size]
        mentioned: Floats = np.maximum(there, back)
        return mentioned

    def words(self, first: int, second: int) -> Told:
        """What is alike."""
        (base, number), (other, second_number) = self._stems[first], self._stems[second]
        if base == other and number != second_number:
            return said("name-number", base)
        if self._skeletons[first] == self._skeletons[second]:
            return said("name-look")
        similar = JaroWinkler.normalized_similarity(self._skeletons[first], self._skeletons[second])
        alike = said("name-percent", round(100 * similar)) if similar > 0.8 else said("name-other")
        size = len(self._names)
        mentioned = (
            self._mentions.terms(one).keys() & self._mentions.terms(two + size).keys() for one, two in ((first, second), (second, first))
        )
        return both([alike, said("name-called")]) if any(mentioned) else alike


def _words(edits: Sequence[ReadEdit]) -> Iterator[str]:
    """Words of one's own summaries and of titles outside user space, folded."""
    for one in edits:
        yield from folded(one.reading.words).split()
        for title in one.edit.pages:
            if not title.lower().startswith("user"):
                yield from _title_words(title)


@lru_cache(maxsize=TITLES)
def _title_words(title: str) -> tuple[str, ...]:
    return tuple(folded(" ".join(title_words(title))).split())


@lru_cache(maxsize=TITLES)
def _title_grams(title: str) -> tuple[str, ...]:
    """Five letters in a row of a title, each once."""
    plain = folded("".join(title_words(title))).replace(" ", "")
    return tuple({plain[start : start + 5] for start in range(len(plain) - 4)})


def _grams(text: str, sizes: Sequence[int]) -> Counter[Hashable]:
    counter: Counter[Hashable] = Counter()
    for size in sizes:
        counter.update(text[start : start + size] for start in range(len(text) - size + 1))
    return counter


def _rarity(vectors: Vectors, rows: Sequence[int]) -> Floats:
    values = vectors.weighted(vectors.idf(), logarithmic=False, unit=False)
    return vectors.dot(rows, values, (values > 0).astype(float))
