"""Attempts that a wiki's filters stopped, from its abuse log (``list=abuselog``, extension AbuseFilter), as events.

No stream tells of them. What was saved in spite of a filter is left out: it is an edit, which the stream tells. Whoever asks needs the
right ``abusefilter-log``, and ``abusefilter-log-detail`` for the texts; entries of private filters need ``abusefilter-log-private``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.stream.events import Event, EventKind
from tsbot.text.diff import added_spans
from tsbot.wiki.accounts import is_temporary
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.past import Place
from tsbot.wiki.patient import Parameters
from tsbot.wiki.recent import NAMESPACE

ABUSE_LOG = "abuselog."
"""Beginning of the name of the source, which ends with the wiki's database name."""
STREAM = "filter.abuselog"
"""``Event.stream`` of attempts: what they lead to is credited to the filters."""
PER_REQUEST = 50
"""Entries in one answer: each holds the page as it was, and as it would have been."""
OVERLAP = 30.0
"""Seconds before the last entry from which on is asked: entries of one second may come late. What is known is left out."""
RIGHTS = (
    "It needs an account (wiki.account) with the rights abusefilter-log and abusefilter-log-detail there; a bot password also needs the "
    'grant "basic".'
)


@dataclass(frozen=True, slots=True)
class Attempts:
    """A portion of the abuse log: what was stopped, and up to where the log is read."""

    events: tuple[Event, ...]
    place: Place
    withheld: int = 0
    """Entries of filters whose details we may not see."""


def attempts(
    histories: ApiHistories, wiki: str, base: str, after: Place, *, until: float | None = None, max_chars: int = 200_000
) -> Iterator[Attempts]:
    """What filters stopped after a place, oldest first; each portion at most ``PER_REQUEST`` entries.

    Raises ``WikiRefusedError`` where the account lacks the rights or the wiki has no such log, else as ``Histories``.
    """
    parameters: Parameters = {
        "list": "abuselog",
        "aflprop": "ids|user|title|action|result|timestamp|details|revid",
        "afldir": "newer",
        "afllimit": PER_REQUEST,
        "aflstart": _stamp(max(0.0, after.time - OVERLAP)),
    }
    if until is not None:
        parameters["aflend"] = _stamp(until)
    seen: set[int] = set()
    place = after
    try:
        for data in histories.follow(parameters):
            entries = [entry for entry in _log(data, wiki) if int(entry["id"]) not in seen and _place(entry) > _before(after)]
            seen.update(int(entry["id"]) for entry in entries)
            fresh = [entry for entry in entries if _place(entry) > after or int(entry["id"]) > after.id]
            place = max([place, *(_place(entry) for entry in fresh)])
            stopped = [entry for entry in fresh if not entry.get("revid")]
            made = tuple(_event(entry, wiki, base, max_chars) for entry in stopped)
            if fresh:
                yield Attempts(made, place, sum(not entry.get("details") for entry in stopped))
    except WikiRefusedError as error:
        if error.code in ("permissiondenied", "readapidenied"):
            raise WikiRefusedError(f"{wiki} does not let us read its abuse log. {RIGHTS}", error.code) from error
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error


def _log(data: dict[str, Any], wiki: str) -> list[dict[str, Any]]:
    query = data.get("query") or {}
    if "abuselog" not in query:  # a wiki without the extension warns of the unknown list and answers nothing
        raise WikiRefusedError(f"{wiki} has no abuse log.", "no-abuselog")
    return list(query["abuselog"])


def _before(after: Place) -> Place:
    return Place(after.time - OVERLAP - 1.0, 0)


def _place(entry: dict[str, Any]) -> Place:
    return Place(datetime.fromisoformat(str(entry["timestamp"])).timestamp(), int(entry["id"]))


def _event(entry: dict[str, Any], wiki: str, base: str, max_chars: int) -> Event:
    details = entry.get("details") or {}
    details = details if isinstance(details, dict) else {}
    user = str(entry["user"]) if entry.get("user") else None
    number = int(entry["id"])
    made = str(details.get("accountname") or details.get("account_name") or details.get("moved_to_prefixedtitle") or "")
    return Event(
        id=str(uuid.uuid5(NAMESPACE, f"abuse|{wiki}|{number}")),
        stream=STREAM,
        kind=EventKind.ATTEMPT,
        wiki=wiki,
        domain=urlsplit(base).netloc,
        server_url=base,
        time=_place(entry).time,
        title=str(entry.get("title") or ""),
        namespace=int(entry["ns"]) if "ns" in entry else None,
        page_id=_number(details.get("page_id")),
        user=user,
        user_is_temp=None if user is None else is_temporary(user),
        user_edit_count=_number(details.get("user_editcount")),
        comment=str(details.get("summary") or ""),
        log_type="newusers" if "createaccount" in str(entry.get("action")) else "abusefilter",
        log_action=str(entry.get("action") or ""),
        abuse_id=number,
        text=_added(details, max_chars),
        new_name=made,
    )


def _added(details: dict[str, Any], max_chars: int) -> str:
    """The wikitext that an attempt would have added, at most so many characters."""
    new = details.get("new_wikitext")
    if isinstance(new, str):
        old = details.get("old_wikitext")
        spans = added_spans(old if isinstance(old, str) else "", new)
        return "\n".join(new[span.start : span.end] for span in spans)[:max_chars]
    lines = details.get("added_lines")
    if isinstance(lines, list):
        lines = "\n".join(str(line) for line in lines)
    return lines[:max_chars] if isinstance(lines, str) else ""


def _number(value: object) -> int | None:
    try:
        return int(str(value)) or None
    except ValueError:
        return None


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
