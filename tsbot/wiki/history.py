"""What a wiki tells of the past of a page, an author or a title; what reads it is :mod:`tsbot.wiki.history_reader`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Progress = Callable[[str, int, int], None]
"""Told, while something long goes on, what it is, how much is done and how much there is (0: not known yet)."""


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page. ``page_id`` stays the same when it is moved."""

    page_id: int
    title: str
    namespace: int = 0
    current: int = 0
    """The current revision; 0 where the wiki does not say."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A revision without its text. What is hidden from us is None; an account with the right sees it and the mark."""

    rev_id: int
    parent_id: int
    page_id: int
    time: float
    """Seconds since the epoch."""
    user: str | None = None
    user_id: int = 0
    """0 for addresses, imported edits and hidden users."""
    comment: str | None = None
    sha1: str | None = None
    """Of the content of all slots, in hexadecimal; equal texts have equal ones."""
    size: int = 0
    """Bytes."""
    text_hidden: bool = False
    comment_hidden: bool = False
    user_hidden: bool = False
    suppressed: bool = False
    """What is hidden is hidden from administrators too."""


@dataclass(frozen=True, slots=True)
class PageHistory:
    """A page and its revisions in the order of the wiki's own list, oldest first. Deleted ones are not among them."""

    page: PageRef
    revisions: tuple[Revision, ...]
    complete: bool = True
    """False where older revisions were left out because there are too many."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a public log. ``title`` is what it is about; the same marks as of a revision."""

    log_id: int
    log_type: str
    action: str
    time: float
    title: str | None = None
    user: str | None = None
    comment: str | None = None
    target: str = ""
    """Where a move or a merge of histories went, or the new name of an account."""
    page_id: int = 0
    title_hidden: bool = False
    comment_hidden: bool = False
    user_hidden: bool = False


@dataclass(frozen=True, slots=True)
class WikiFacts:
    """What is needed to link into a wiki and to speak its language."""

    base: str
    """Scheme and host."""
    language: str = "en"
    """Content language, as MediaWiki names it."""


class Histories(Protocol):
    """Reads the past of one wiki.

    Every method raises ``UnknownWikiError``, ``WikiUnavailableError`` (after a few attempts) or ``WikiRefusedError``.
    """

    def facts(self) -> WikiFacts:
        """What kind of wiki it is."""

    def revisions(self, rev_ids: Sequence[int]) -> list[tuple[PageRef, Revision]]:
        """Revisions by id, with the page that they are on now; those that do not exist, or are deleted, are left out."""

    def pages(self, titles: Sequence[str]) -> list[PageRef]:
        """Pages by title; those that do not exist are left out."""

    def history(self, page_id: int, most: int) -> PageHistory | None:
        """The newest ``most`` revisions of a page; None if there is no such page."""

    def texts(self, rev_ids: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        """Each revision with its text, in any order; None where it is hidden, deleted or no text."""

    def contributions(self, user: str, user_id: int, since: float, most: int) -> list[tuple[PageRef, Revision]]:
        """The newest ``most`` revisions of an author from ``since`` on, newest first; by ``user_id`` unless it is 0."""

    def log_of_title(self, title: str, most: int) -> list[LogEntry]:
        """The newest ``most`` log entries about a title."""

    def log_of_user(self, user: str, since: float, most: int) -> list[LogEntry]:
        """The newest ``most`` log entries that somebody made from ``since`` on."""
