"""What the rest of tsbot knows of a wiki's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RevisionRef:
    """A revision to fetch. ``parent_id`` is 0 for the first revision of a page."""

    wiki: str
    rev_id: int
    parent_id: int = 0
    server_url: str = ""
    """Scheme and host as the event gave them; used for wikis that the configured families do not list."""


class RevisionState(StrEnum):
    """What the wiki says of a revision."""

    PRESENT = "present"
    HIDDEN = "hidden"
    """Its text is revision-deleted or suppressed."""
    DELETED = "deleted"
    """Its page, or the revision itself, does not exist any more (or not yet, on a lagged replica)."""


@dataclass(frozen=True, slots=True)
class FetchedRevision:
    """A revision with its text and its parent's."""

    ref: RevisionRef
    state: RevisionState
    text: str | None = None
    """Wikitext of the main slot; None unless ``PRESENT``, or where the content is no wikitext (``content_model``)."""
    parent_text: str | None = None
    """None where there is no parent or its text cannot be read; then all of ``text`` counts as added."""
    content_model: str = "wikitext"
    title: str = ""
    page_id: int = 0
    namespace: int = 0
    truncated: bool = False
    """The text was longer than the configured limit and cut."""


class RevisionSource(Protocol):
    """Reads the old and new text of edits. One call is one request to one wiki."""

    def batch_size(self, wiki: str) -> int:
        """How many edits one request may carry (25, or 250 with the right to high limits)."""

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """Fetch all ``refs`` (of one wiki), in their order.

        Raises ``UnknownWikiError``, ``WikiUnavailableError`` (try again) or ``WikiRefusedError``.
        """


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What a report says of an account, as far as the wiki answers; None means unknown."""

    exists: bool | None = None
    temporary: bool = False
    anonymous: bool = False
    blocked: bool | None = None
    block_expiry: str | None = None
    registered: str | None = None
    """ISO 8601."""
    edit_count: int | None = None
    groups: tuple[str, ...] = ()
    locked: bool | None = None
    """Globally locked; None where the wiki has no CentralAuth."""
