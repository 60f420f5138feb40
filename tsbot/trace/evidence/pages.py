"""Shared pages: two accounts that edit the same rarely edited pages, a page and its talk page taken together.

An article in other languages is the same page where sitelinks join them (:mod:`tsbot.trace.sitelinks`).

Measures the cosine of inverse-document-frequency weights, the rarity of what is shared, and how much of the smaller account it is.
Source: co-participation is the strongest public signal of sockpuppets (Kumar et al. 2017; seven of eight cases that were read).
Fails on: opponents of a puppeteer, who edit the same pages on purpose; patrollers; a topic in the news. Pages in the user space of one
of the two are left out: everybody who warns an account shares them with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import cached_property

import numpy as np

from tsbot.trace.gallery import Gallery, owner
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, said

SHOWN = 3


class Pages:
    """Shared pages and wikis."""

    kind = "pages"
    features = ("cosine", "rarity", "share", "wikis", "neighbours")
    normalised = frozenset(("cosine", "neighbours"))

    def __init__(self, gallery: Gallery) -> None:
        pages: list[Counter[Hashable]] = []
        wikis: list[Counter[Hashable]] = []
        for account, edits in zip(gallery.accounts, gallery.read, strict=True):
            both = ((page, title) for one in edits for page, title in zip(one.subjects, one.edit.pages, strict=False))
            pages.append(Counter([page for page, title in both if owner(title) != account.name]))
            wikis.append(Counter(one.edit.wiki for one in edits))
        self._pages, self._wikis = Vectors(pages), Vectors(wikis)
        self._names = {number: str(name) for name, number in self._pages.vocabulary.items()}

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosine, natural logarithm of rarity, share of the smaller account, cosine of wikis, similarity through third accounts."""
        idf = self._pages.idf()
        ones = self._pages.weighted(np.ones_like(idf), logarithmic=False, unit=False)
        binary = (ones > 0).astype(float)
        rare = self._pages.weighted(idf, unit=False) / np.maximum(self._pages.weighted(np.ones_like(idf), unit=False), 1e-9)
        common = self._pages.dot(rows, rare, binary)
        totals = self._pages.totals(rare)
        least = np.minimum(totals[list(rows)][:, None], totals[None, :])
        cosine = self._pages.cosine(rows)
        wikis = self._wikis.cosine(rows)
        return np.stack([cosine, np.log1p(common), common / np.maximum(least, 1e-9), wikis, self._through(list(rows), cosine)])

    def _through(self, rows: list[int], cosine: Floats) -> Floats:
        """Similarity through third accounts, the two themselves left out: their pages are pages of the same editors."""
        direct = cosine.copy()
        direct[np.arange(len(rows)), rows] = 0.0
        through: Floats = direct @ self._everybody
        return through

    @cached_property
    def _everybody(self) -> Floats:
        """Cosines of all with all, of nobody with himself."""
        everybody = self._pages.cosine(range(self._pages.size))
        np.fill_diagonal(everybody, 0.0)
        return everybody

    def words(self, first: int, second: int) -> Told:
        """The rarest pages that both edited, with how many accounts edited them."""
        shared = self._pages.terms(first).keys() & self._pages.terms(second).keys()
        if not shared:
            return said("pages-none")
        rarest = sorted(shared, key=lambda term: (self._pages.frequency[term], self._names[term]))
        named = (said("page", *self._names[term].split("|", 1), int(self._pages.frequency[term])) for term in rarest[:SHOWN])
        return said("pages", len(shared), tuple(named))
