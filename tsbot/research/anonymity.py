"""k-anonymity of what is not text: each combination of the columns that others may know is shared by ten reports or more, or is blurred.

Sweeney (2002). The column with the most values left is made coarser first, a step at a time; reports that then still stand in a group
of fewer than k are left out. Nothing here is random, so an export can be made again and compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

K = 10
ANY = "*"
QUASI = ("month", "wiki", "language", "kind", "about", "outcome", "channel")
"""Columns that somebody else may know of a person who reported something."""
SUFFIXES = ("wiktionary", "wikibooks", "wikinews", "wikiquote", "wikisource", "wikiversity", "wikivoyage", "wikimedia")
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Rows whose groups are large enough."""

    rows: tuple[dict[str, str], ...]
    kept: tuple[int, ...]
    """Which of the rows given they are."""
    levels: Mapping[str, int]
    """How often each column was made coarser."""
    left_out: int
    smallest: int
    """Size of the smallest group; 0 if nothing is left."""
    groups: int


def coarser(column: str, value: str, level: int) -> str:
    """A value, made coarser ``level`` times; ``*`` in the end."""
    if level == 0:
        return value
    if column == "month":
        year, month = value.split("-")
        return (f"{year}-Q{(int(month) + 2) // 3}", year, ANY)[min(level, 3) - 1]
    if column == "wiki":
        family = next((one for one in SUFFIXES if value.endswith(one)), "wikipedia" if value.endswith("wiki") else "other")
        return (family, ANY)[min(level, 2) - 1]
    return ANY


def anonymise(rows: Sequence[Row], k: int = K) -> Anonymous:
    """Make columns coarser until few rows stand in small groups, and leave those out."""
    levels = dict.fromkeys(QUASI, 0)
    while True:
        now = [{column: coarser(column, row[column], levels[column]) for column in QUASI} for row in rows]
        groups = Counter(tuple(row.values()) for row in now)
        small = sum(size for size in groups.values() if size < k)
        values = {column: len({row[column] for row in now}) for column in QUASI}
        widest = max(QUASI, key=lambda column: (values[column], column == "month"))
        if small * 20 <= len(rows) or values[widest] <= 1:
            break
        levels[widest] += 1
    kept = [number for number, row in enumerate(now) if groups[tuple(row.values())] >= k]
    sizes = [size for size in groups.values() if size >= k]
    left_out = len(rows) - len(kept)
    return Anonymous(tuple(now[number] for number in kept), tuple(kept), levels, left_out, min(sizes, default=0), len(sizes))
