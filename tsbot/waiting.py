"""What waits, as one process knows it: edits for their texts, and outcomes for the edits that they may concern."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tsbot.cases import outcomes
from tsbot.store.ledger import PendingEvent


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An outcome, and the ids of the edits that must be judged before it is known what it concerns."""

    item: PendingEvent
    edits: frozenset[str]


@dataclass
class Waiting:
    """All of it is in the database too; what is lost here is read from there."""

    edits: dict[str, PendingEvent] = field(default_factory=dict)
    """Edits whose texts are asked for, by the ids of their events."""
    _outcomes: dict[str, _Outcome] = field(default_factory=dict)
    _touched: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    """Ids of the edits, by what they may become the matter of."""

    def __len__(self) -> int:
        return len(self.edits) + len(self._outcomes)

    def touches(self, keys: Collection[tuple[str, ...]]) -> bool:
        """Whether an edit that waits may become the matter of what concerns ``keys``."""
        return any(key in self._touched for key in keys)

    def add_edit(self, item: PendingEvent) -> None:
        """An edit whose text is asked for."""
        self.edits[item.event.id] = item
        for key in outcomes.touches(item.event):
            self._touched.setdefault(key, set()).add(item.event.id)

    def add_outcome(self, item: PendingEvent) -> None:
        """An outcome: it waits for the edits that are here by now, and for none that comes later."""
        edits = (self._touched.get(key, ()) for key in outcomes.concerns(item.event))
        self._outcomes[item.event.id] = _Outcome(item, frozenset(itertools.chain.from_iterable(edits)))

    def let_go(self, item: PendingEvent) -> None:
        """An edit is judged, or another process has it."""
        del self.edits[item.event.id]
        for key in outcomes.touches(item.event):
            self._touched[key].discard(item.event.id)
            if not self._touched[key]:
                del self._touched[key]

    def ripe(self) -> Iterator[PendingEvent]:
        """Outcomes whose edits are all judged."""
        return (one.item for one in self._outcomes.values() if not any(edit in self.edits for edit in one.edits))

    def ended(self, item: PendingEvent) -> None:
        """An outcome waits no more."""
        del self._outcomes[item.event.id]
