"""What happened on a wiki before, oldest first: edits and log entries of a page, an author, or a time, as events.

``prop=revisions`` (a page), ``list=usercontribs`` (an author), ``list=allrevisions`` (a wiki) and ``list=logevents`` are asked from a
moment on; what stands before the place that was reached is left out. That needs no token of the wiki's, so a look back can go on
after weeks. Deleted revisions are not told by any of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from tsbot.errors import InputError, WikiUnavailableError
from tsbot.stream.events import Event, EventKind
from tsbot.wiki.accounts import is_temporary
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.patient import Parameters
from tsbot.wiki.recent import NAMESPACE

STREAM = "scan"
"""``Event.stream`` of what a look back finds."""
PER_REQUEST = 500


class Leg(StrEnum):
    """What is read first, and what then."""

    EDITS = "edits"
    LOG = "log"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a leg: the time (seconds since the epoch) and id of the last thing examined."""

    time: float = 0.0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """Whose history: of one page, of one author, or of all; each within a time (seconds since the epoch)."""

    title: str = ""
    user: str = ""
    since: float = 0.0
    until: float | None = None
    namespaces: tuple[int, ...] = ()
    """Empty: all. Of edits only."""


class Past:
    """Reads the history of one wiki. Raises as :class:`tsbot.wiki.history.Histories` does."""

    def __init__(self, histories: ApiHistories, wiki: str, base: str) -> None:
        self._histories = histories
        self._wiki, self._base = wiki, base

    def events(self, leg: Leg, sought: Sought, after: Place) -> Iterator[list[Event]]:
        """Portions of what came after a place, in order. Raises ``InputError`` for a page or a name that the wiki does not know."""
        parameters = self._edits(sought) if leg is Leg.EDITS else self._log(sought)
        prefix = next(name for name in parameters if name.endswith("limit")).removesuffix("limit")
        since = max(sought.since, after.time)
        if since > 0:
            parameters[f"{prefix}start"] = _stamp(since)
        if sought.until is not None:
            parameters[f"{prefix}end"] = _stamp(sought.until)
        for data in self._histories.follow(parameters):
            try:
                found = list(self._read(leg, data.get("query") or {}))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error
            if portion := sorted((event for event in found if place_of(event) > after), key=place_of):
                yield portion

    def _edits(self, sought: Sought) -> Parameters:
        fields = "ids|timestamp|user|comment|size"
        namespaces = "|".join(map(str, sought.namespaces))
        if sought.title:
            pages = self._histories.pages([sought.title])
            if not pages:
                raise InputError("The wiki has no such page (any more). A deleted page's history cannot be read.")
            return {
                "prop": "revisions",
                "pageids": pages[0].page_id,
                "rvprop": fields,
                "rvdir": "newer",
                "rvlimit": PER_REQUEST,
            }
        if sought.user:
            wanted: Parameters = {"list": "usercontribs", "ucuser": sought.user, "ucprop": f"{fields.replace('|user', '')}|title"}
            wanted |= {"ucdir": "newer", "uclimit": PER_REQUEST}
            return wanted | ({"ucnamespace": namespaces} if namespaces else {})
        wanted = {"list": "allrevisions", "arvprop": fields, "arvdir": "newer", "arvlimit": PER_REQUEST}
        return wanted | ({"arvnamespace": namespaces} if namespaces else {})

    @staticmethod
    def _log(sought: Sought) -> Parameters:
        wanted: Parameters = {"list": "logevents", "leprop": "ids|title|type|user|timestamp|comment|details"}
        if sought.title:
            wanted["letitle"] = sought.title
        if sought.user:
            wanted["leuser"] = sought.user
        return wanted | {"ledir": "newer", "lelimit": PER_REQUEST}

    def _read(self, leg: Leg, query: dict[str, Any]) -> Iterator[Event]:
        if leg is Leg.LOG:
            yield from (self._log_entry(entry) for entry in query.get("logevents") or ())
            return
        for entry in query.get("usercontribs") or ():
            yield self._edit(entry, entry)
        for page in (*(query.get("pages") or ()), *(query.get("allrevisions") or ())):
            yield from (self._edit(page, revision) for revision in page.get("revisions") or ())

    def _edit(self, page: dict[str, Any], entry: dict[str, Any]) -> Event:
        rev_id = int(entry["revid"])
        return Event(
            **self._common(f"rev|{rev_id}", entry),
            kind=EventKind.EDIT,
            title=str(page.get("title") or ""),
            namespace=int(page.get("ns") or 0),
            page_id=int(page.get("pageid") or 0) or None,
            rev_id=rev_id,
            parent_id=int(entry.get("parentid") or 0) or None,
            size_new=int(entry["size"]) if "size" in entry else None,
        )

    def _log_entry(self, entry: dict[str, Any]) -> Event:
        log_id = int(entry["logid"])
        parameters = entry.get("params")
        details = parameters if isinstance(parameters, dict) else {}
        return Event(
            **self._common(f"log|{log_id}", entry),
            kind=EventKind.LOG,
            title=str(entry.get("title") or ""),
            namespace=int(entry["ns"]) if "ns" in entry else None,
            log_id=log_id,
            log_type=str(entry.get("type") or ""),
            log_action=str(entry.get("action") or ""),
            new_name=str(details.get("target_title") or details.get("newuser") or ""),
        )

    def _common(self, subject: str, entry: dict[str, Any]) -> dict[str, Any]:
        user = str(entry["user"]) if entry.get("user") else None
        return {
            "id": str(uuid.uuid5(NAMESPACE, f"scan|{self._wiki}|{subject}")),
            "stream": STREAM,
            "wiki": self._wiki,
            "domain": urlsplit(self._base).netloc,
            "server_url": self._base,
            "time": datetime.fromisoformat(str(entry["timestamp"])).timestamp(),
            "user": user,
            "user_is_temp": None if user is None else bool(entry.get("temp")) or is_temporary(user),
            "comment": str(entry.get("comment") or ""),
        }


def place_of(event: Event) -> Place:
    """Where an event stands in its leg."""
    return Place(event.time, (event.log_id if event.kind is EventKind.LOG else event.rev_id) or 0)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
