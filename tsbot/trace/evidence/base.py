"""What every kind of evidence offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tsbot.trace.sparse import Floats
from tsbot.trace.words import Told


class Evidence(Protocol):
    """One kind of evidence over a gallery: numbers for every pair, and words for one pair."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numbers. Whatever their unit, a larger number speaks more for one person."""
        ...

    @property
    def normalised(self) -> frozenset[str]:
        """Those that are compared with what the two accounts have with everybody else (cohort normalisation)."""
        ...

    def compare(self, rows: Sequence[int]) -> Floats:
        """Numbers of some accounts against all: shape (features, rows, accounts). Not a number: nothing to compare, no evidence."""
        ...

    def words(self, first: int, second: int) -> Told:
        """What the numbers come from, for a person to check, as a message; empty where there is nothing to see."""
        ...
