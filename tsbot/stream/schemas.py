"""The streams' messages as typed structures, as far as tsbot reads them.

Field names and meanings are those of the JSON schemas that Wikimedia publishes (schemas-event-primary:
``mediawiki/recentchange``, ``mediawiki/page/change``, ``mediawiki/revision/visibility-change``, ``mediawiki/page/delete``,
``mediawiki/revision/create``). Every field is optional here: streams redact, and old versions lack some.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

# Schemas allow ids to 2**53 - 1; anything larger than a signed 64-bit number would not fit into a database either.
Id = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Number = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class Meta(msgspec.Struct):
    """``meta``, the same in every stream."""

    id: str | None = None
    dt: str | None = None
    domain: str | None = None
    stream: str | None = None
    uri: str | None = None
    schema_uri: str | None = None
    """Where messages before 2020 named their schema, without leading slash: ``mediawiki/recentchange/2``."""


class Head(msgspec.Struct):
    """What decides how the rest is read, and the wiki under the names that streams have for it."""

    schema: str | None = msgspec.field(default=None, name="$schema")
    meta: Meta | None = None
    wiki: str | None = None
    """``recentchange``."""
    database: str | None = None
    """``revision-*`` and ``page-*``."""
    wiki_id: str | None = None
    """``page_change``."""


class OldNew(msgspec.Struct):
    """Before and after."""

    old: Id | None = None
    new: Id | None = None


class RecentChange(msgspec.Struct):
    """``mediawiki/recentchange``: an edit, a log entry, a categorisation or a change elsewhere."""

    type: str | None = None
    title: str | None = None
    namespace: Number | None = None
    comment: str | None = None
    timestamp: Number | None = None
    user: str | None = None
    bot: bool | None = None
    server_url: str | None = None
    server_name: str | None = None
    length: OldNew | None = None
    revision: OldNew | None = None
    log_id: Id | None = None
    log_type: str | None = None
    log_action: str | None = None
    log_params: msgspec.Raw = msgspec.Raw(b"")


class Performer(msgspec.Struct):
    """Who did it, under the names of both generations of schemas."""

    user_text: str | None = None
    # page_change and the older streams name the same things differently.
    groups: tuple[str, ...] | None = None
    user_groups: tuple[str, ...] | None = None
    is_bot: bool | None = None
    user_is_bot: bool | None = None
    is_temp: bool | None = None
    user_is_temp: bool | None = None
    edit_count: Id | None = None
    user_edit_count: Id | None = None
    registration_dt: str | None = None
    user_registration_dt: str | None = None
    user_central_id: Number | None = None


class Page(msgspec.Struct):
    """The page of a ``page_change``."""

    page_id: Id | None = None
    page_title: str | None = None
    namespace_id: Number | None = None


class Revert(msgspec.Struct):
    """The revisions that an edit took back."""

    rev_reverted_oldest_id: Id | None = None
    rev_reverted_newest_id: Id | None = None


class Revision(msgspec.Struct):
    """The revision of a ``page_change``."""

    rev_id: Id | None = None
    rev_parent_id: Id | None = None
    rev_size: Id | None = None
    comment: str | None = None
    is_content_visible: bool | None = None
    is_editor_visible: bool | None = None
    is_comment_visible: bool | None = None
    revert: Revert | None = None


class Size(msgspec.Struct):
    """A revision of which only the size is of interest."""

    rev_size: Id | None = None


class PriorState(msgspec.Struct):
    """What was before."""

    revision: Size | None = None


class PageChange(msgspec.Struct):
    """``mediawiki/page/change``."""

    page_change_kind: str | None = None
    dt: str | None = None
    page: Page | None = None
    performer: Performer | None = None
    comment: str | None = None
    revision: Revision | None = None
    prior_state: PriorState | None = None


class Visibility(msgspec.Struct):
    """What of a revision is shown."""

    text: bool | None = None
    user: bool | None = None
    comment: bool | None = None


class RevertDetails(msgspec.Struct):
    """The revisions that an edit took back, oldest first (``revision-create``)."""

    rev_reverted_revs: tuple[Id, ...] | None = None


class PageEvent(msgspec.Struct):
    """``revision-create``, ``revision-visibility-change`` and ``page-delete`` share their shape."""

    page_id: Id | None = None
    page_title: str | None = None
    page_namespace: Number | None = None
    performer: Performer | None = None
    comment: str | None = None
    rev_id: Id | None = None
    rev_parent_id: Id | None = None
    rev_len: Number | None = None
    rev_revert_details: RevertDetails | None = None
    visibility: Visibility | None = None


class LogParams(msgspec.Struct):
    """The ``log_params`` that are looked at: of revision deletions, moves, renames of accounts and global locks."""

    type: str | None = None
    ids: list[int | str] | None = None
    target: str | None = None
    newuser: str | None = None
    added: list[str] | None = None
