"""Filling a gap of the stream from a wiki's own list of recent changes.

``list=recentchanges`` (mediawiki.org, API:RecentChanges) is turned into messages of the ``mediawiki.recentchange`` stream
(schema ``/mediawiki/recentchange/1.0.0``), so that they go the way of all others. MediaWiki keeps 30 days (Wikimedia) to 90.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.api import Api
from tsbot.wiki.links import WikiLinks

NAMESPACE = uuid.UUID("5b0c2a52-7c7e-5d0f-9a54-3f4f0d5a7b61")
"""Of the ids made for messages that had none: UUIDv5 of ``wiki|rcid``, the same in every run."""
STREAM = "backfill.mediawiki.recentchange"
"""``meta.stream`` of these messages: what they lead to is credited to the back-fill."""
PER_REQUEST = 500


def recent_changes(
    api: Api, wiki: str, since: float, until: float, *, server_url: str = "", before_request: Callable[[], None]
) -> Iterator[bytes]:
    """The changes of a wiki from ``since`` to ``until`` (seconds since the epoch), oldest first, as stream messages.

    ``before_request`` is called before each request; it takes the request from the budget, and waits or raises as the
    caller sees fit. Raises ``UnknownWikiError``, ``WikiUnavailableError`` or ``WikiRefusedError``, also half way: nothing is
    lost by asking once more, since the messages have the same ids then.
    """
    base = api.sites.base(wiki, server_url)
    parameters: dict[str, str | int] = {
        "action": "query",
        "list": "recentchanges",
        "rcdir": "newer",
        "rcstart": _iso(since),
        "rcend": _iso(until),
        "rcprop": "ids|title|user|comment|timestamp|sizes|flags|loginfo",
        "rctype": "edit|new|log|categorize",
        "rclimit": PER_REQUEST,
    }
    more: dict[str, str | int] = {}
    while True:
        before_request()
        data = api.get(wiki, parameters | more, server_url=server_url, paid=True)
        try:
            changes = data["query"]["recentchanges"]
            messages = [msgspec.json.encode(message(change, wiki, base)) for change in changes]
        except (KeyError, TypeError, ValueError) as error:
            raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error
        yield from messages
        if not data.get("continue"):
            return
        following = {str(name): str(value) for name, value in data["continue"].items()}
        if following == more:
            raise WikiRefusedError("The wiki's list of recent changes does not advance.", "no-progress")
        more = dict(following)


def message(change: dict[str, Any], wiki: str, base: str) -> dict[str, Any]:
    """One entry of ``list=recentchanges`` as the stream would have sent it, as far as the list tells."""
    rcid = int(change["rcid"])
    moment = datetime.fromisoformat(str(change["timestamp"]))
    host = urlsplit(base).netloc
    title = str(change.get("title") or "")
    result: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": {
            "uri": WikiLinks(base).page(title),
            "id": str(uuid.uuid5(NAMESPACE, f"{wiki}|{rcid}")),
            "dt": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "domain": host,
            "stream": STREAM,
        },
        "id": rcid,
        "type": str(change["type"]),
        "namespace": int(change.get("ns") or 0),
        "title": title,
        "comment": str(change.get("comment") or ""),
        "timestamp": int(moment.timestamp()),
        "bot": bool(change.get("bot")),
        "minor": bool(change.get("minor")),
        "server_url": base,
        "server_name": host,
        "server_script_path": "/w",
        "wiki": wiki,
    }
    if change.get("user"):  # withheld where the name is hidden
        result["user"] = str(change["user"])
    if change["type"] in ("edit", "new"):
        old = int(change.get("old_revid") or 0)
        result["length"] = {"old": int(change.get("oldlen") or 0) if old else None, "new": int(change.get("newlen") or 0)}
        result["revision"] = {"old": old or None, "new": int(change["revid"])}
    if change["type"] == "log":
        result |= {
            "log_id": int(change.get("logid") or 0),
            "log_type": str(change.get("logtype") or ""),
            "log_action": str(change.get("logaction") or ""),
            "log_params": change.get("logparams") or {},
            "log_action_comment": "",
        }
    return result


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
