"""Strangers' texts for a page: what is invisible is written out, evidence is marked, and nothing of them is ever markup.

The templates escape what they put in; here a text only falls into pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tsbot.cases.flag import Span
from tsbot.report.wording import shown
from tsbot.text.diff import added_spans

AROUND = 160
"""Characters shown on either side of a change."""
MOST_PASSAGES = 20
MOST_CHARS = 2000
"""Characters of one change that are shown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text, and what is marked there; empty for nothing."""

    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Something that an edit added or took away, with what stands around it."""

    before: str
    text: str
    after: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """What an edit did to a page."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    more: bool
    """Whether there is more than is shown."""


def legible(text: str) -> str:
    """A text of several lines, invisible and direction-changing characters written out."""
    return "\n".join(shown(line, len(line)) for line in text.replace("\r\n", "\n").split("\n"))


def pieces(text: str, spans: Iterable[Span]) -> tuple[Piece, ...]:
    """A text in pieces, so that each is either marked or not. Spans may overlap, or lie (partly) outside."""
    inside = [(max(0, span.start), min(len(text), span.end), span.label) for span in spans]
    inside = [span for span in inside if span[0] < span[1]]
    edges = sorted({0, len(text), *(edge for span in inside for edge in span[:2])})
    found = []
    for start, end in pairwise(edges):
        labels = tuple(dict.fromkeys(label for first, last, label in inside if first <= start and end <= last))
        found.append(Piece(legible(text[start:end]), labels))
    return tuple(found)


def difference(old: str | None, new: str) -> Diff:
    """What an edit added and took away. Linear in the texts, whatever they are."""
    before = old or ""
    added, removed = added_spans(before, new), added_spans(new, before)
    return Diff(
        _changes(new, added[:MOST_PASSAGES]),
        _changes(before, removed[:MOST_PASSAGES]),
        max(len(added), len(removed)) > MOST_PASSAGES,
    )


def _changes(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Change, ...]:
    return tuple(
        Change(
            legible(text[max(0, start - AROUND) : start]),
            legible(text[start : min(end, start + MOST_CHARS)]),
            legible(text[end : end + AROUND]),
            end - start > MOST_CHARS,
        )
        for start, end in spans
    )
