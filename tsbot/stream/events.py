"""One message of a stream, in one shape for all streams.

:class:`Event` is what every later stage sees. :mod:`tsbot.stream.wire` makes it from the JSON of a stream.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EventKind(StrEnum):
    """What happened, whatever stream said so."""

    EDIT = "edit"
    """A revision was made: an edit, a page creation or a move (``rev_id`` is set)."""
    LOG = "log"
    """A log entry (``log_id``, ``log_type`` and ``log_action`` are set; ``log_id`` may be 0 or unknown)."""
    VISIBILITY = "visibility"
    """The visibility of a revision changed (``rev_id`` and the ``*_visible`` fields are set)."""
    DELETION = "deletion"
    """A page was deleted."""
    ATTEMPT = "attempt"
    """Something that a filter of the wiki stopped: nothing of it was saved (``abuse_id`` is set, ``text`` is what it would have added)."""
    CATEGORIZE = "categorize"
    """A page entered or left a category."""
    EXTERNAL = "external"
    """A change on another wiki that concerns this one (Wikidata)."""
    CANARY = "canary"
    """A heartbeat of the stream itself."""
    OTHER = "other"
    """Something this program has no use for (undeletion, a stream nobody asked for)."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a stream.

    A ``msgspec.Struct`` rather than a dataclass because one is made for each of thousands of events a second.
    """

    id: str
    """``meta.id``; where a stream sends none, a UUIDv5 of the message."""
    stream: str
    """``meta.stream``, for instance ``mediawiki.recentchange``."""
    kind: EventKind
    wiki: str
    """Database name, for instance ``enwiki``."""
    domain: str = ""
    """Host name of the wiki, for instance ``en.wikipedia.org``; ``host:port`` for a wiki on a port."""
    server_url: str = ""
    """Scheme and host as the event gives them, for instance ``https://en.wikipedia.org``; may be empty."""
    time: float
    """When it happened on the wiki, in seconds since the epoch."""
    title: str = ""
    """Full page title with namespace prefix and spaces."""
    namespace: int | None = None
    page_id: int | None = None
    user: str | None = None
    """Who did it; None where the stream withholds it."""
    user_groups: tuple[str, ...] | None = None
    """Groups of the performer; None where the stream does not say."""
    user_is_temp: bool | None = None
    user_edit_count: int | None = None
    user_registered: float | None = None
    """Registration of the performer in seconds since the epoch; None where the stream does not say."""
    user_central_id: int | None = None
    bot: bool = False
    comment: str = ""
    """Edit summary or log comment, as wikitext."""
    rev_id: int | None = None
    parent_id: int | None = None
    """Parent revision; None or 0 for a new page."""
    size_old: int | None = None
    size_new: int | None = None
    log_id: int | None = None
    log_type: str = ""
    log_action: str = ""
    abuse_id: int | None = None
    """Entry of the abuse log."""
    text: str = ""
    """Wikitext that an attempt would have added; empty for all else, whose text is fetched."""
    new_name: str = ""
    """What a log entry names anew: the new title of a move, the new name of a renamed account."""
    locked: bool | None = None
    """Whether a global account is locked after this log entry; None where it says nothing of that."""
    rev_ids: tuple[int, ...] = ()
    """Revisions a log entry is about (``log_params.ids`` of revision deletion)."""
    text_visible: bool | None = None
    """After a visibility change; None where the event is not about visibility."""
    comment_visible: bool | None = None
    user_visible: bool | None = None
    reverted_oldest: int | None = None
    reverted_newest: int | None = None
    """Range of revisions that this edit reverted (``page_change`` only)."""

    @property
    def subject(self) -> str | None:
        """``wiki:rev:ID``, ``wiki:log:ID`` or ``wiki:abuse:ID``, what a finding about this event is about; None if none is known."""
        if self.kind is EventKind.ATTEMPT:
            return f"{self.wiki}:abuse:{self.abuse_id}" if self.abuse_id else None
        if self.rev_id and self.kind is not EventKind.LOG:
            return f"{self.wiki}:rev:{self.rev_id}"
        if self.log_id:
            return f"{self.wiki}:log:{self.log_id}"
        return None
