"""What the demo's wikis send over UDP (tsbot/demo/mediawiki/Feed.php), as events."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from tsbot.demo.eventlog import SCHEMAS


def event_of_datagram(datagram: bytes) -> dict[str, Any]:
    """The event of one datagram, with ``meta`` but for its id and time.

    ``meta.domain`` is the wiki's ``host:port``, so that links work; for a recentchange that MediaWiki sent without our
    formatter the address is made from ``server_url``. Raises ValueError where it is no event.
    """
    message = json.loads(datagram)
    if not isinstance(message, dict):
        raise ValueError("a datagram must hold one JSON object")  # noqa: TRY004 - bad data, not a bad call
    stream = message.pop("_stream", "mediawiki.recentchange")
    uri = message.pop("_uri", "") or message.get("server_url", "")
    meta = {"uri": uri, "domain": urlsplit(uri).netloc, "stream": stream}
    if request_id := message.pop("_request_id", ""):
        meta["request_id"] = request_id
    return {"$schema": message.pop("$schema", SCHEMAS.get(stream, "")), "meta": meta, **message}


def canary(stream: str) -> dict[str, Any]:
    """An artificial event, as Wikimedia sends them to each stream to show that it is alive."""
    return {"$schema": SCHEMAS.get(stream, ""), "meta": {"domain": "canary", "stream": stream, "uri": ""}}
