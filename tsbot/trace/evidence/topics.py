"""Related pages: titles that share rare words, where no page need be shared.

Measures the cosine of inverse-document-frequency weights of the words of titles and folders; the same with what summaries link to.
Fails on: titles of one series ("... at the Olympics"), and languages written without spaces, of which whole titles are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np

from tsbot.trace.gallery import TITLES, Gallery, ReadEdit, owner, subject
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, said

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
SHOWN = 5


class Topics:
    """Words of titles."""

    kind = "topics"
    features = ("cosine", "folders", "grams")
    normalised = frozenset(("cosine", "grams"))

    def __init__(self, gallery: Gallery) -> None:
        counts: list[Counter[Hashable]] = []
        for account, edits in zip(gallery.accounts, gallery.read, strict=True):
            # A draft in one's own space is about something; the name of its owner is not.
            titles = [title if owner(title) != account.name else title.partition("/")[2] for one in edits for title in one.edit.pages]
            titles += [target for one in edits for target in one.reading.targets]
            counts.append(Counter([word for title in titles for word in set(title_words(title))]))
        self._words = Vectors(counts)
        self._grams = Vectors([_grams(counter) for counter in counts])
        self._folders = Vectors([Counter(folder for one in edits for folder in _folders(one)) for edits in gallery.read])
        self._names = {number: str(name) for name, number in self._words.vocabulary.items()}

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosine of words, cosine of folders (or pages above subpages), cosine of parts of words."""
        return np.stack([self._words.cosine(rows), self._folders.cosine(rows), self._grams.cosine(rows)])

    def words(self, first: int, second: int) -> Told:
        """The rarest shared words."""
        shared = self._words.terms(first).keys() & self._words.terms(second).keys()
        rarest = sorted(shared, key=lambda term: (self._words.frequency[term], self._names[term]))[:SHOWN]
        return said("topics", ", ".join(self._names[term] for term in rarest)) if rarest else ""


def _grams(words: Counter[Hashable]) -> Counter[Hashable]:
    """Four letters in a row: words that are bent or put together meet."""
    return Counter([gram for word in words for gram in _word_grams(str(word))])


@lru_cache(maxsize=TITLES)
def _word_grams(word: str) -> tuple[str, ...]:
    padded = f" {word} "
    return tuple(padded[start : start + 4] for start in range(len(padded) - 3))


def _folders(one: ReadEdit) -> set[str]:
    folders: set[str] = set()
    for page in one.subjects if not one.own else ():
        parts = page.split("/")
        folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
    return folders


@lru_cache(maxsize=TITLES)
def title_words(title: str) -> tuple[str, ...]:
    """Words of a title or path, folded, of three letters or more (or digits)."""
    _, rest = subject(title)
    return tuple(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", rest)) if len(word) > 2)
