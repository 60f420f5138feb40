"""Who is worth asking the wikis about: candidates of the activity index, scored by what the index knows.

The index holds no text, so text, summaries and headings stay out here; what is left weighs as in the full question. Strangers, the same for
every question, tell how rare what is shared is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tsbot.trace.activity import Account
from tsbot.trace.lookup import Found, Holders, Lookup
from tsbot.trace.rank import Link, Ranker
from tsbot.trace.weights import Weights

TEXT_KINDS = ("phrases", "style", "summaries", "sections", "targets", "opposition")
"""Kinds of evidence that the index knows nothing for."""
COMPARED = 50
"""Candidates that are scored, those with the most points first."""
STRANGERS = 40
LISTED = 25
"""Links that a shortlist holds at most."""
MOST_EDITS = 40
"""Latest edits of an account that are looked at here."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Candidates with their scores, the best first."""

    links: tuple[Link, ...] = ()
    found: tuple[Found, ...] = ()
    crowded: tuple[str, ...] = ()
    population: int = 0

    def why(self, account: str) -> tuple[str, ...]:
        """What led to a candidate."""
        return next((one.why for one in self.found if one.account == account), ())


def strangers(lookup: Lookup, most: int = STRANGERS) -> tuple[Account, ...]:
    """Accounts to compare with: a sample of the index that is the same each time until the index changes."""
    return tuple(lookup.edits(lookup.others(most, ()), MOST_EDITS).values())


def shortlist(
    lookup: Lookup,
    account: Account,
    others: Sequence[Account],
    *,
    most: int = COMPARED,
    weights: Weights | None = None,
    joined: Mapping[str, str] | None = None,
) -> Shortlist:
    """Candidates of the index for an account, whose own activity may come from elsewhere.

    ``joined`` are pages of other languages that are pages of the account's.
    """
    holders: Holders = lookup.holders(account, besides=tuple(joined or ()))
    first = [one.account for one in holders.found[:most]]
    if not first:
        return Shortlist(crowded=holders.crowded, population=lookup.accounts())
    compared = lookup.edits(first, MOST_EDITS)
    latest = Account(account.name, account.edits[-MOST_EDITS:])
    gallery = {one.name: one for one in (*others, *compared.values(), latest)}
    ranker = Ranker([gallery[name] for name in sorted(gallery)], without=TEXT_KINDS, weights=weights, joined=joined)
    links = [link for link in next(iter(ranker.rank([account.name], LISTED))) if link.account in compared]
    return Shortlist(tuple(links), holders.found, holders.crowded, lookup.accounts())
