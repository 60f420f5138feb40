"""The same targets: users reverted, addressed or named, and domains, tasks and pages that summaries and texts link to.

Measures inverse-document-frequency cosines. Fails on: a vandal whom a dozen people revert; therefore rarity is counted, and a target that
is one of the two accounts is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tsbot.trace.gallery import Gallery, owner
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, both, said

SHOWN = 3


class Targets:
    """Users and things that both turn to."""

    kind = "targets"
    features = ("users", "things")
    normalised = frozenset[str]()

    def __init__(self, gallery: Gallery) -> None:
        users: list[Counter[Hashable]] = []
        things: list[Counter[Hashable]] = []
        for account, edits in zip(gallery.accounts, gallery.read, strict=True):
            user: Counter[Hashable] = Counter()
            thing: Counter[Hashable] = Counter()
            for one in edits:
                named = {*one.reading.users, *(owner(page) for page in one.edit.pages)} - {"", account.name}
                user.update(named)
                thing.update(one.reading.targets)
            users.append(user)
            things.append(thing)
        self._users, self._things = Vectors(users), Vectors(things)

    def compare(self, rows: Sequence[int]) -> Floats:
        """Cosines of users and of things."""
        return np.stack([self._users.cosine(rows), self._things.cosine(rows)])

    def words(self, first: int, second: int) -> Told:
        """What both turn to."""
        parts = []
        for what, vectors in (("users", self._users), ("links", self._things)):
            shared = vectors.terms(first).keys() & vectors.terms(second).keys()
            if shared:
                names = {number: str(name) for name, number in vectors.vocabulary.items() if number in shared}
                rarest = sorted(names, key=lambda term: (vectors.frequency[term], names[term]))[:SHOWN]
                parts.append(said(what, ", ".join(names[term] for term in rarest)))
        return both(parts)
