"""Which accounts are worth comparing: inverted indexes from what is rare to who has it.

Pages, headings, phrases, stems and skeletons of names. What very many accounts have points to nobody and is passed over, so that fifty
thousand accounts on one page cost nothing. Style has no index here: who shares nothing but a style is not found among strangers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from tsbot.trace.evidence.phrases import fingerprints
from tsbot.trace.evidence.topics import title_words
from tsbot.trace.gallery import Gallery, owner
from tsbot.trace.skeleton import skeleton, stem

MOST_HOLDERS = 2_000
"""A key that more accounts have is passed over."""
MOST_CANDIDATES = 2_000


class CandidateIndex:
    """Keys of accounts, and the accounts of keys."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        holders: dict[Hashable, list[int]] = defaultdict(list)
        for account in range(gallery.size):
            for key in self._keys(account):
                holders[key].append(account)
        self._holders = {key: accounts for key, accounts in holders.items() if 1 < len(accounts) <= MOST_HOLDERS}

    def candidates(self, account: int, most: int = MOST_CANDIDATES) -> list[int]:
        """Accounts that share something rare with one, those with the most and rarest first."""
        points: dict[int, float] = defaultdict(float)
        for key in sorted(self._keys(account), key=repr):
            others = self._holders.get(key, ())
            for other in others:
                points[other] += math.log(self._gallery.size / len(others)) + 0.1
        points.pop(account, None)
        return sorted(points, key=lambda other: (-round(points[other], 9), other))[:most]

    def _keys(self, account: int) -> set[Hashable]:
        return set(_keys(self._gallery, account))


def _keys(gallery: Gallery, account: int) -> Iterator[Hashable]:
    name = gallery.accounts[account].name
    if gallery.names_shown:
        base, _ = stem(name)
        yield from (("stem", base), ("skeleton", skeleton(name)), ("begins", base[:5]))
    for one in gallery.read[account]:
        for page, title in zip(one.subjects, one.edit.pages, strict=False):
            if owner(title) != name:
                yield "page", page
                yield from (("word", word) for word in title_words(title))
            yield "folder", page.rpartition("/")[0]
        if one.reading.section:
            yield "heading", one.reading.section.lower()
        for text in (one.reading.words, one.edit.added[:5000]):
            yield from (("phrase", number) for number in fingerprints(text))


def spread(size: int, most: int, besides: Sequence[int]) -> list[int]:
    """Positions of others at even distances: strangers against whom rarity and style are measured."""
    known = set(besides)
    step = max(1, size // max(1, most))
    return [position for position in range(0, size, step) if position not in known][:most]
