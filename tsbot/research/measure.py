"""How much of the personal data in synthetic sentences is gone after de-identification, and what remained."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tsbot.detect.measure_personal import Marked
from tsbot.research.deidentify import deidentify


@dataclass
class Gone:
    """Of one sort of spans: how many there are, how many are gone whole, and words that remained."""

    spans: int = 0
    gone: int = 0
    remained: Counter[str] = field(default_factory=Counter)


def measure(sentences: Sequence[Marked]) -> dict[str, Gone]:
    """By sort of entity. A span is gone if every letter and digit of it was replaced."""
    table: dict[str, Gone] = defaultdict(Gone)
    for one in sentences:
        replaced = deidentify(one.text).gone
        for start, end, entity in one.spans:
            left = [at for at in range(start, end) if one.text[at].isalnum() and not any(a <= at < b for a, b in replaced)]
            row = table[entity]
            row.spans += 1
            row.gone += not left
            if left:
                row.remained["".join(one.text[at] for at in left)] += 1
    return dict(table)
