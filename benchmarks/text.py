"""How long it takes from an edit to its passages: ``python benchmarks/text.py``.

Prints one table: median and worst of the repetitions, and the largest additional memory of one call. The texts are
made up of a few words and marks of wikitext, seeded, so that the table can be compared between versions.
"""

from __future__ import annotations

import random
import statistics
import time
import tracemalloc
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tsbot.text.passages import added_passages

MAX_CHARS = 200_000
WORDS = ["alpha", "beta", "gamma", "source", "the", "of", "and", "in", "reader", "page", "[[link]]", "'''bold'''"]
SIGNATURE = " [[User:Visitor|Visitor]] ([[User talk:Visitor|talk]]) 12:00, 1 January 2020 (UTC)"


def prose(rng: random.Random, size: int) -> str:
    sentences: list[str] = []
    length = 0
    while length < size:
        sentences.append(" ".join(rng.choices(WORDS, k=12)).capitalize() + ".")
        length += len(sentences[-1]) + 1
    return " ".join(sentences)


def page(rng: random.Random, size: int, between: str = "\n\n") -> str:
    paragraphs: list[str] = []
    length = 0
    while length < size:
        paragraphs.append(prose(rng, 500))
        length += len(paragraphs[-1]) + 2
    return between.join(paragraphs)


def cases(rng: random.Random) -> Iterator[tuple[str, str | None, str, int]]:
    """Name, old text, new text, repetitions."""
    for kilobytes in (5, 50, 500):
        old = page(rng, kilobytes * 1000)
        middle = old.index("\n\n", len(old) // 2)
        reply = "\n:" + prose(rng, 130) + SIGNATURE
        yield f"reply of 200 chars, {kilobytes} KB page", old, old[:middle] + reply + old[middle:], 200
        changed = old[: middle - 40] + " another phrase " + old[middle - 20 :]
        yield f"words changed in a sentence, {kilobytes} KB page", old, changed, 200
        moved = old[middle + 2 :] + "\n\n" + old[:middle] + reply
        yield f"halves swapped and a reply, {kilobytes} KB page", old, moved, 20
    yield "full rewrite, 2 MB", page(rng, 2_000_000), page(rng, 2_000_000), 3
    yield "full rewrite, 2 MB in one line", page(rng, 2_000_000, " "), page(rng, 2_000_000, " "), 3
    yield "new page, 50 KB", None, page(rng, 50_000), 20
    yield "new page, 10 MB", None, page(rng, 10_000_000), 3
    for opening in ("{{a|", '<b a="', "[[a|", "{{a|[[b|<b>''", "{|\n|-\n"):
        yield f"hostile, 50 KB of {opening!r}", None, opening * (50_000 // len(opening)), 3
        paragraph = opening * (600 // len(opening))
        yield f"hostile, 50 KB of paragraphs of {opening!r}", None, "\n\n".join([paragraph] * 83), 3


def main() -> None:
    table = Table(title="From an edit to its passages")
    for column in ("case", "passages", "median ms", "worst ms", "memory MB"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, old, new, repetitions in cases(random.Random(7)):
        times: list[float] = []
        for _ in range(repetitions):
            began = time.perf_counter()
            added = added_passages(old, new, max_chars=MAX_CHARS)
            times.append((time.perf_counter() - began) * 1000)
        tracemalloc.start()
        added_passages(old, new, max_chars=MAX_CHARS)
        memory = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        table.add_row(
            name, str(len(added.passages)), f"{statistics.median(times):.3f}", f"{max(times):.3f}", f"{memory:.1f}"
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
