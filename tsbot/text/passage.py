"""A stretch of text that is judged by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Field(StrEnum):
    """Where a passage stands."""

    TEXT = "text"
    """Text that an edit added to a page."""
    SUMMARY = "summary"
    TITLE = "title"
    USER = "user"
    COMMENT = "comment"
    """Comment of a log entry."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of plain text with its way back to where it stands.

    ``origins[i]`` is the code point offset, in the field's source (for ``TEXT`` the wikitext of the new revision), that
    ``text[i]`` comes from. It has one entry more than ``text`` has characters: the end. Empty means that plain text and
    source are the same and start at offset ``start``.
    """

    field: Field
    text: str
    start: int = 0
    origins: Sequence[int] = ()

    def source_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the source of ``text[start:end]`` (code points, end exclusive; ``0 <= start <= end <= len(text)``)."""
        if not self.origins:
            return self.start + start, self.start + end
        first = self.origins[start]
        last = self.origins[end - 1] + 1 if end > start else first
        return first, max(first, last)
