"""One revision or log entry that a person points at, as the stream would have told of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tsbot.errors import InputError, WikiUnavailableError
from tsbot.stream.events import Event, EventKind
from tsbot.wiki.accounts import is_temporary
from tsbot.wiki.api import Api, Data
from tsbot.wiki.links import Target
from tsbot.wiki.recent import NAMESPACE

STREAM = "hand"
"""``Event.stream`` of what a person pointed at."""
OLD_WIKI_PAGES = 10
"""Pages of 500 log entries searched on wikis of an older MediaWiki, which cannot look one up by its number."""


def database_of(api: Api, target: Target) -> str:
    """The database name of the wiki that an address belongs to; asks the wiki where no family lists it.

    Raises ``UnknownWikiError``, ``WikiUnavailableError`` or ``WikiRefusedError``.
    """
    name = api.sites.database(target.base)
    if name is not None:
        return name
    data = api.get(
        urlsplit(target.base).netloc, {"action": "query", "meta": "siteinfo", "siprop": "general"}, server_url=target.base
    )
    wikiid = (data.get("query") or {}).get("general", {}).get("wikiid")
    if not wikiid:
        raise WikiUnavailableError("The wiki does not say what its database is called.")
    return str(wikiid)


def describe(api: Api, wiki: str, *, rev_id: int | None = None, log_id: int | None = None, server_url: str = "") -> Event:
    """The edit or log entry as an event of kind ``EDIT`` or ``LOG``; exactly one of the ids is given.

    Raises ``InputError`` if the wiki has no such revision or log entry (any more), else as ``Api.get``.
    """
    base = api.sites.base(wiki, server_url)
    try:
        if rev_id is not None:
            return _edit(api, wiki, base, rev_id)
        if log_id is not None:
            return _log(api, wiki, base, log_id)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error
    raise InputError("Name a revision or a log entry.")


def _edit(api: Api, wiki: str, base: str, rev_id: int) -> Event:
    data = api.get(
        wiki,
        {"action": "query", "prop": "revisions", "revids": rev_id, "rvprop": "ids|timestamp|user|comment|size|flags", "rvslots": "main"},
        server_url=base,
    )
    pages = (data.get("query") or {}).get("pages") or []
    if not pages or not pages[0].get("revisions"):
        raise InputError(f"{wiki} has no revision {rev_id}: it never existed, or its page is deleted.")
    page, revision = pages[0], pages[0]["revisions"][0]
    return Event(
        **_common(wiki, base, f"rev|{rev_id}", revision),
        kind=EventKind.EDIT,
        title=str(page.get("title") or ""),
        namespace=int(page.get("ns") or 0),
        page_id=int(page.get("pageid") or 0) or None,
        rev_id=rev_id,
        parent_id=int(revision.get("parentid") or 0) or None,
        size_new=int(revision["size"]) if "size" in revision else None,
    )


def _log(api: Api, wiki: str, base: str, log_id: int) -> Event:
    entry = _log_entry(api, wiki, base, log_id)
    parameters = entry.get("params")
    ids = parameters.get("ids", ()) if isinstance(parameters, dict) else ()
    return Event(
        **_common(wiki, base, f"log|{log_id}", entry),
        kind=EventKind.LOG,
        title=str(entry.get("title") or ""),
        namespace=int(entry["ns"]) if "ns" in entry else None,
        page_id=int(entry.get("pageid") or 0) or None,
        log_id=log_id,
        log_type=str(entry.get("type") or ""),
        log_action=str(entry.get("action") or ""),
        rev_ids=tuple(int(rev_id) for rev_id in ids),
    )


def _log_entry(api: Api, wiki: str, base: str, log_id: int) -> dict[str, Any]:
    parameters: dict[str, str | int] = {
        "action": "query",
        "list": "logevents",
        "leids": log_id,
        "leprop": "ids|title|type|user|timestamp|comment|details",
        "lelimit": 1,
    }
    data = api.get(wiki, parameters, server_url=base)
    entries = _entries(data)
    if any(entry.get("logid") == log_id for entry in entries):
        return next(entry for entry in entries if entry["logid"] == log_id)
    if not entries:
        raise InputError(f"{wiki} has no log entry {log_id} that we may see.")
    # The wiki knows no ``leids``, ignored it and gave its newest entry: go back from there.
    del parameters["leids"]
    parameters["lelimit"] = 500
    for _ in range(OLD_WIKI_PAGES):
        data = api.get(wiki, parameters, server_url=base)
        for entry in _entries(data):
            if entry.get("logid") == log_id:
                return entry
        if not data.get("continue"):
            break
        parameters |= {str(name): str(value) for name, value in data["continue"].items()}
    raise InputError(f"{wiki} has no log entry {log_id} that we may see, or an old one that this wiki cannot look up.")


def _entries(data: Data) -> list[dict[str, Any]]:
    return list((data.get("query") or {}).get("logevents") or [])


def _common(wiki: str, base: str, subject: str, entry: dict[str, Any]) -> dict[str, Any]:
    user = str(entry["user"]) if entry.get("user") else None
    return {
        "id": str(uuid.uuid5(NAMESPACE, f"by hand|{wiki}|{subject}")),
        "stream": STREAM,
        "wiki": wiki,
        "domain": urlsplit(base).netloc,
        "server_url": base,
        "time": datetime.fromisoformat(str(entry["timestamp"])).timestamp(),
        "user": user,
        "user_is_temp": None if user is None else bool(entry.get("temp")) or is_temporary(user),
        "comment": str(entry.get("comment") or ""),
    }
