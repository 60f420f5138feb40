"""Ranking: who, of all accounts whose activity is at hand, is most consistent with an account, and on what evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tsbot.i18n.voice import Phrase
from tsbot.trace.activity import Account
from tsbot.trace.candidates import CandidateIndex, spread
from tsbot.trace.gallery import Gallery
from tsbot.trace.imitation import Imitations
from tsbot.trace.naming import kind_of
from tsbot.trace.score import Measured, Scores, score
from tsbot.trace.tiers import IMITATION, expected_coincidences, tier
from tsbot.trace.weights import Weights, shipped_weights
from tsbot.trace.words import english

EXACT = 4_000
"""Up to so many accounts all are compared; above, those that the indexes find, among as many strangers."""
STRANGERS = 1_000
_LEAST_SHOWN = 0.05
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Reason:
    """What one kind of evidence adds: above 0 for one person, below for two."""

    kind: str
    log_lr: float
    words: str
    """In English."""
    said: Phrase | None = None
    """The same as a message, where there is one."""


@dataclass(frozen=True, slots=True)
class Link:
    """One account in the list of another."""

    query: str
    rank: int
    account: str
    log_lr: float
    """Natural logarithm of the likelihood ratio."""
    tier: str
    coincidences: float
    """How many strangers among the accounts at hand would look at least as similar, at most."""
    evidence: tuple[Reason, ...]


class Ranker:
    """Accounts that can be asked about."""

    def __init__(
        self,
        accounts: Sequence[Account],
        *,
        names: bool = True,
        without: Collection[str] = (),
        weights: Weights | None = None,
        exact: int = EXACT,
        joined: Mapping[str, str] | None = None,
    ) -> None:
        self._joined = joined or {}
        self._accounts = tuple(accounts)
        self._names, self._without, self._exact = names, tuple(without), exact
        self._weights = weights or shipped_weights()
        self._positions = {account.name: position for position, account in enumerate(self._accounts)}

    @cached_property
    def gallery(self) -> Gallery:
        """The accounts, each edit read once."""
        return Gallery(self._accounts, self._names, self._joined)

    @cached_property
    def _all(self) -> Measured:
        return Measured(self.gallery, self._without)

    @cached_property
    def _index(self) -> CandidateIndex:
        return CandidateIndex(self.gallery)

    def rank(self, queries: Sequence[str], top: int) -> Iterator[list[Link]]:
        """The first links of each query, in the order of the queries. An account without activity has none."""
        if len(self._accounts) <= self._exact:
            known = [query for query in queries if query in self._positions]
            found: dict[str, list[Link]] = {}
            for start in range(0, len(known), _ROWS):
                some = known[start : start + _ROWS]
                found.update(zip(some, self._links(self._all, [self._positions[query] for query in some], top), strict=True))
            yield from (found.get(query, []) for query in queries)
            return
        for query in queries:
            position = self._positions.get(query)
            yield [] if position is None else self._among_many(position, top)

    def _among_many(self, position: int, top: int) -> list[Link]:
        candidates = self._index.candidates(position)
        picked = sorted({position, *candidates, *spread(len(self._accounts), STRANGERS, [position, *candidates])})
        measured = Measured(Gallery([self._accounts[one] for one in picked], self._names, self._joined), self._without)
        return self._links(measured, [picked.index(position)], top)[0]

    def _links(self, measured: Measured, rows: Sequence[int], top: int) -> list[list[Link]]:
        scores = score(measured, self._weights, rows)
        accounts = measured.gallery.accounts
        self._leave_names(scores, [account.name for account in accounts], rows)
        imitations = Imitations(measured.gallery)
        lists = []
        for position, row in enumerate(rows):
            total = scores.total[position]
            # Accounts are in the order of their names: equal scores are told in that order.
            order = [int(other) for other in np.argsort(-total, kind="stable") if other != row][:top]
            links = []
            for rank, other in enumerate(order, 1):
                kinds = {kind: float(values[position, other]) for kind, values in scores.kinds.items()}
                log_lr = float(total[other])
                signs = imitations.imitated(row, other)
                which = tier(log_lr, kinds, imitation=signs is not None)
                warning = (Reason(IMITATION, 0.0, english(signs.told), signs.told),) if signs and which == IMITATION else ()
                links.append(
                    Link(
                        accounts[row].name,
                        rank,
                        accounts[other].name,
                        round(log_lr, 4),
                        which,
                        expected_coincidences(log_lr, len(self._accounts) - 1),
                        (*warning, *_reasons(measured, kinds, row, other)),
                    )
                )
            lists.append(links)
        return lists

    @staticmethod
    def _leave_names(scores: Scores, names: Sequence[str], rows: Sequence[int]) -> None:
        """Take names out where one of the two is an address or a temporary account: what is alike there is a network, or the date."""
        values = scores.kinds.get("names")
        if values is None:
            return
        given = np.array([kind_of(name) != "account" for name in names])
        without = given[None, :] | given[list(rows)][:, None]
        scores.total[without] -= values[without]
        values[without] = 0.0


def _reasons(measured: Measured, kinds: dict[str, float], row: int, other: int) -> Iterator[Reason]:
    evidence = {one.kind: one for one in measured.evidence}
    for kind, value in sorted(kinds.items(), key=lambda item: (-abs(item[1]), item[0])):
        if abs(value) >= _LEAST_SHOWN:
            told = evidence[kind].words(row, other)
            yield Reason(kind, round(value, 4), english(told), told if isinstance(told, Phrase) else None)
