"""What wikis tell of an account: where it is, what it did, how it is blocked; what reads it is :mod:`tsbot.wiki.footprint_reader`.

Titles have English namespace names. Times are seconds since the epoch. What a wiki hides from us is missing here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contribution:
    """An edit."""

    rev_id: int
    time: float
    title: str
    namespace: int = 0
    parent_id: int = 0
    comment: str | None = None
    """None where it is hidden."""
    user: str = ""
    size: int | None = None
    """Bytes that it added, or took away."""
    reverted: bool = False
    """Whether the wiki has marked it as reverted (tag ``mw-reverted``)."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Edits, the newest first."""

    edits: tuple[Contribution, ...] = ()
    complete: bool = True
    """False where there are older ones."""


@dataclass(frozen=True, slots=True)
class LocalBlock:
    """A block that holds now."""

    partial: bool = False
    expiry: str = "infinity"
    flags: tuple[str, ...] = ()
    restrictions: int = 0
    by: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """An account on one wiki. Hidden accounts do not exist, as for every reader."""

    exists: bool
    edits: int | None = None
    registered: float | None = None
    groups: tuple[str, ...] = ()
    blocks: tuple[LocalBlock, ...] = ()
    active_users: int = 0
    """People who did something on the wiki in the last 30 days."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A wiki that a global account is attached to."""

    wiki: str
    edits: int
    url: str = ""
    """Scheme and host."""


@dataclass(frozen=True, slots=True)
class GlobalAccount:
    """An account on all wikis, as CentralAuth tells it."""

    exists: bool
    name: str = ""
    home: str = ""
    registered: float | None = None
    edits: int | None = None
    locked: bool = False
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Rename:
    """An account got another name."""

    old: str
    new: str
    time: float


@dataclass(frozen=True, slots=True)
class Repository:
    """Where the links of a wiki's articles to other languages are kept; both fields are empty for a wiki that has none."""

    base: str = ""
    """Scheme and host."""
    site: str = ""
    """What the wiki is called there."""


@dataclass(frozen=True, slots=True)
class PageEditors:
    """The newest edits of a page."""

    edits: tuple[Contribution, ...] = ()
    complete: bool = True
