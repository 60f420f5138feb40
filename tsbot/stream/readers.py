"""From a stream's typed message to an :class:`Event`, one function per schema, and the tables that say which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from tsbot.errors import MalformedEventError
from tsbot.stream.events import Event, EventKind
from tsbot.stream.schemas import Head, LogParams, Meta, Page, PageChange, PageEvent, Performer, RecentChange, Revision, Visibility

_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31, the last that datetime can hold
_DIGITS: Final = re.compile(r"[0-9]{1,16}")
_WIKI: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")

_read_recentchange = msgspec.json.Decoder(RecentChange).decode
_read_page_change = msgspec.json.Decoder(PageChange).decode
_read_page_event = msgspec.json.Decoder(PageEvent).decode
_read_log_params = msgspec.json.Decoder(LogParams).decode
_read_texts = msgspec.json.Decoder(list[str]).decode
_NO_PARAMS: Final = LogParams()

_CHANGE_KINDS: Final[Mapping[str, EventKind]] = MappingProxyType(
    {
        "edit": EventKind.EDIT,
        "new": EventKind.EDIT,
        "log": EventKind.LOG,
        "categorize": EventKind.CATEGORIZE,
        "external": EventKind.EXTERNAL,
    }
)
_PAGE_CHANGE_KINDS: Final[Mapping[str, EventKind]] = MappingProxyType(
    {
        "edit": EventKind.EDIT,
        "create": EventKind.EDIT,
        "move": EventKind.EDIT,
        "delete": EventKind.DELETION,
        "visibility_change": EventKind.VISIBILITY,
    }
)


def bad(field: str) -> MalformedEventError:
    """The error for a field whose value cannot be used; the value stays out of it."""
    return MalformedEventError("bad_field", field)


def epoch(text: str) -> float:
    """Seconds since the epoch of an ISO 8601 time; without an offset it is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError("not a time after 1970")
    return seconds


def _time(*candidates: str | None) -> float:
    for text in candidates:
        if text is not None:
            try:
                return epoch(text)
            except (ValueError, OverflowError) as error:
                raise bad("dt") from error
    raise bad("meta.dt")


def _wiki(name: str | None) -> str:
    if not name:
        raise MalformedEventError("no_wiki")
    if _WIKI.fullmatch(name) is None:
        raise bad("wiki")
    return name


def _spaces(title: str | None) -> str:
    """A page title as people read it; some streams send the database key, with underscores."""
    return title.replace("_", " ") if title else ""


def _server(uri: str | None) -> str:
    """Scheme and host of ``meta.uri``."""
    if not uri:
        return ""
    parts = uri.split("/", 3)
    return "//".join((parts[0], parts[2])) if len(parts) > 2 and parts[0] in ("https:", "http:") else ""


def _domain(meta: Meta, server_url: str, server_name: str = "") -> str:
    """Host of the wiki; with its port where the address has one, since hosts can serve several wikis."""
    host = server_url.partition("//")[2].partition("/")[0]
    return host if ":" in host else (meta.domain or server_name or host)


def recentchange(message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """``mediawiki/recentchange`` 1, and 2 as numbered before 2020: the same fields."""
    change = _read_recentchange(message)
    kind = _CHANGE_KINDS.get(change.type or "", EventKind.OTHER)
    revision = change.revision
    rev_id = parent_id = None
    if revision is not None:
        rev_id, parent_id = revision.new, revision.old
    if kind is EventKind.EDIT and not rev_id:
        raise bad("revision.new")
    when = change.timestamp
    if when is not None and not 0 <= when <= _LAST_SECOND:
        raise bad("timestamp")
    length = change.length
    server_url = change.server_url or ""
    is_log = kind is EventKind.LOG
    params = _log_params(change) if is_log else _NO_PARAMS
    return Event(
        id=event_id,
        stream=meta.stream or "mediawiki.recentchange",
        kind=kind,
        wiki=_wiki(head.wiki),
        domain=_domain(meta, server_url, change.server_name or ""),
        server_url=server_url,
        time=_time(meta.dt) if when is None else float(when),
        title=change.title or "",
        namespace=change.namespace,
        user=change.user,
        bot=change.bot or False,
        comment=change.comment or "",
        rev_id=rev_id,
        parent_id=parent_id,
        size_old=length.old if length is not None else None,
        size_new=length.new if length is not None else None,
        log_id=change.log_id if is_log else None,
        log_type=(change.log_type or "") if is_log else "",
        log_action=(change.log_action or "") if is_log else "",
        new_name=params.target or params.newuser or "",
        locked="locked" in (params.added or ()) if is_log and change.log_action == "setstatus" else None,
        rev_ids=_deleted_revisions(change, params) if is_log else (),
    )


def _log_params(change: RecentChange) -> LogParams:
    """The parameters of a log entry; empty for other shapes than expected (``[]``, a string)."""
    if change.log_type == "globalauth":
        return LogParams(added=_lock_flags(change))
    try:
        return _read_log_params(change.log_params)
    except msgspec.MsgspecError:
        return LogParams()


def _lock_flags(change: RecentChange) -> list[str]:
    """What a change of a global account's status adds: ``{"added": [...]}``, formerly a list of what is added and removed."""
    with suppress(msgspec.MsgspecError):
        return _read_log_params(change.log_params).added or []
    with suppress(msgspec.MsgspecError):
        return [flag.strip() for text in _read_texts(change.log_params)[:1] for flag in text.split(",")]
    return []


def _deleted_revisions(change: RecentChange, params: LogParams) -> tuple[int, ...]:
    """Revisions that a revision deletion names."""
    if change.log_type not in ("delete", "suppress") or change.log_action != "revision":
        return ()
    if params.type not in (None, "revision", "archive"):
        return ()
    ids = (int(rev) for rev in params.ids or () if isinstance(rev, int) or _DIGITS.fullmatch(rev))
    return tuple(rev for rev in ids if 0 < rev < 2**53)


def page_change(message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """``mediawiki/page/change`` 1 (the stream ``mediawiki.page_change.v1``)."""
    change = _read_page_change(message)
    kind = _PAGE_CHANGE_KINDS.get(change.page_change_kind or "", EventKind.OTHER)
    page, revision, who = change.page or Page(), change.revision or Revision(), change.performer or Performer()
    if kind in (EventKind.EDIT, EventKind.VISIBILITY) and not revision.rev_id:
        raise bad("revision.rev_id")
    before = change.prior_state.revision if change.prior_state else None
    revert = revision.revert
    server_url = _server(meta.uri)
    shows = kind is EventKind.VISIBILITY
    comment = change.comment
    if comment is None and kind is EventKind.EDIT:
        comment = revision.comment
    return Event(
        id=event_id,
        stream=meta.stream or "mediawiki.page_change.v1",
        kind=kind,
        wiki=_wiki(head.wiki_id),
        domain=_domain(meta, server_url),
        server_url=server_url,
        time=_time(change.dt, meta.dt),
        title=_spaces(page.page_title),
        namespace=page.namespace_id,
        page_id=page.page_id,
        user=who.user_text,
        user_groups=who.groups,
        user_is_temp=who.is_temp,
        user_edit_count=who.edit_count,
        user_registered=_registered(who.registration_dt),
        user_central_id=who.user_central_id,
        bot=who.is_bot or False,
        comment=comment or "",
        rev_id=revision.rev_id,
        parent_id=revision.rev_parent_id,
        size_old=before.rev_size if before else None,
        size_new=revision.rev_size,
        text_visible=revision.is_content_visible if shows else None,
        comment_visible=revision.is_comment_visible if shows else None,
        user_visible=revision.is_editor_visible if shows else None,
        reverted_oldest=revert.rev_reverted_oldest_id if revert else None,
        reverted_newest=revert.rev_reverted_newest_id if revert else None,
    )


def _registered(text: str | None) -> float | None:
    """When an account was made. An unreadable time is unknown: it is context, not worth losing the event for."""
    try:
        return epoch(text) if text else None
    except (ValueError, OverflowError):
        return None


def _page_event(message: bytes, head: Head, meta: Meta, event_id: str, kind: EventKind) -> Event:
    change = _read_page_event(message)
    if kind is not EventKind.DELETION and not change.rev_id:
        raise bad("rev_id")
    who = change.performer or Performer()
    shown = change.visibility or Visibility()
    if kind is EventKind.VISIBILITY and change.visibility is None:
        raise bad("visibility")
    reverted = (change.rev_revert_details.rev_reverted_revs if change.rev_revert_details else None) or (None,)
    server_url = _server(meta.uri)
    return Event(
        id=event_id,
        stream=meta.stream or "",
        kind=kind,
        wiki=_wiki(head.database),
        domain=_domain(meta, server_url),
        server_url=server_url,
        time=_time(meta.dt),
        title=_spaces(change.page_title),
        namespace=change.page_namespace,
        page_id=change.page_id,
        user=who.user_text,
        user_groups=who.user_groups,
        user_is_temp=who.user_is_temp,
        user_edit_count=who.user_edit_count,
        user_registered=_registered(who.user_registration_dt),
        bot=who.user_is_bot or False,
        comment=change.comment or "",
        rev_id=change.rev_id,
        parent_id=change.rev_parent_id,
        size_new=change.rev_len,
        text_visible=shown.text,
        comment_visible=shown.comment,
        user_visible=shown.user,
        reverted_oldest=reverted[0],
        reverted_newest=reverted[-1],
    )


def revision_create(message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """``mediawiki/revision/create`` 1 and 2 (also the stream ``mediawiki.page-create``)."""
    return _page_event(message, head, meta, event_id, EventKind.EDIT)


def visibility_change(message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """``mediawiki/revision/visibility-change`` 1 and 2."""
    return _page_event(message, head, meta, event_id, EventKind.VISIBILITY)


def page_delete(message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """``mediawiki/page/delete`` 1."""
    return _page_event(message, head, meta, event_id, EventKind.DELETION)


def unused(_message: bytes, head: Head, meta: Meta, event_id: str) -> Event:
    """A public stream that tsbot has no use for: counted, not read further."""
    return Event(
        id=event_id,
        stream=meta.stream or "",
        kind=EventKind.OTHER,
        wiki=_wiki(head.wiki or head.database or head.wiki_id),
        domain=meta.domain or "",
        time=_time(meta.dt),
    )


Reader = Callable[[bytes, Head, Meta, str], Event]

READERS: Final[Mapping[tuple[str, int], Reader]] = MappingProxyType(
    {
        ("mediawiki/recentchange", 1): recentchange,
        ("mediawiki/recentchange", 2): recentchange,
        ("mediawiki/page/change", 1): page_change,
        ("mediawiki/revision/create", 1): revision_create,
        ("mediawiki/revision/create", 2): revision_create,
        ("mediawiki/revision/visibility-change", 1): visibility_change,
        ("mediawiki/revision/visibility-change", 2): visibility_change,
        ("mediawiki/page/delete", 1): page_delete,
    }
)
"""Schema name and major version to the function that reads it."""

STREAM_READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "mediawiki.recentchange": recentchange,
        "backfill.mediawiki.recentchange": recentchange,  # made by tsbot itself, from a wiki's own list
        "mediawiki.page_change.v1": page_change,
        "mediawiki.revision-create": revision_create,
        "mediawiki.page-create": revision_create,
        "mediawiki.revision-visibility-change": visibility_change,
        "mediawiki.page-delete": page_delete,
    }
)
"""For messages that name no schema."""

UNUSED_STREAMS: Final[frozenset[str]] = frozenset(
    (
        "mediawiki.page-move",
        "mediawiki.page-undelete",
        "mediawiki.page-properties-change",
        "mediawiki.page-links-change",
        "mediawiki.revision-tags-change",
        "mediawiki.revision-score",
        "mediawiki.page_outlink_topic_prediction_change.v1",
        "mediawiki.page_revert_risk_prediction_change.v1",
        "mediawiki.page_revert_risk_multilingual_prediction_change.v1",
        "mediawiki.page_revert_risk_wikidata_prediction_change.v1",
        "mediawiki.page_html_feature_counts_change.v1",
        "eventgate-main.test.event",
    )
)
"""Public streams (EventStreams' allow-list) whose messages become ``OTHER``, whatever their version."""
