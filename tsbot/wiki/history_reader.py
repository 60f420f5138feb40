"""Reading the past of pages, authors and titles through the action API.

``prop=revisions`` (mediawiki.org, API:Revisions) answers for 500 revisions at a time, or 5,000 with the right
``apihighlimits``; with their texts for 50, or 500. ``list=usercontribs`` and ``list=logevents`` answer for 500.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.api import Api, Data
from tsbot.wiki.budget import Budget
from tsbot.wiki.history import LogEntry, PageHistory, PageRef, Progress, Revision, WikiFacts
from tsbot.wiki.patient import Parameters, Patient
from tsbot.wiki.revisions import DATA_MODELS

TEXTS, TEXTS_HIGH = 50, 500
"""Revisions that one request for texts may name."""
BYTES_A_REQUEST = 4_000_000
"""Bytes of text that one request asks for: MediaWiki cuts an answer at 8 MB, and escaped text is longer than it is."""
REVISION_FIELDS = "ids|timestamp|user|userid|comment|sha1|size"
T = TypeVar("T")


class ApiHistories:
    """A :class:`tsbot.wiki.history.Histories` of one wiki. Asks for texts with ``concurrency`` requests at once."""

    def __init__(
        self,
        api: Api,
        wiki: str,
        budget: Budget,
        sleep: Callable[[float], object],
        *,
        server_url: str = "",
        concurrency: int = 3,
        progress: Progress | None = None,
    ) -> None:
        self._patient = Patient(api, wiki, budget, sleep, server_url=server_url)
        self._ask, self._follow = self._patient.ask, self._patient.follow
        self._api, self._wiki = api, wiki
        self._server_url = server_url
        self._concurrency = concurrency
        self._progress = progress or (lambda _what, _done, _all: None)
        self._facts: WikiFacts | None = None
        self._per_request = TEXTS
        self._sizes: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._patient.requests

    def follow(self, parameters: Parameters) -> Iterator[Data]:
        """The answers to one question, to its end."""
        return self._patient.follow(parameters)

    def facts(self) -> WikiFacts:
        """What kind of wiki it is; asked once."""
        if self._facts is None:
            data = self._ask({"meta": "siteinfo|userinfo", "siprop": "general", "uiprop": "rights"})
            query = _query(data)
            if "apihighlimits" in (query.get("userinfo") or {}).get("rights", ()):
                self._per_request = TEXTS_HIGH
            language = str((query.get("general") or {}).get("lang") or "en")
            self._facts = WikiFacts(self._api.sites.base(self._wiki, self._server_url), language)
        return self._facts

    def revisions(self, rev_ids: Sequence[int]) -> list[tuple[PageRef, Revision]]:
        """Revisions by id, with the page that they are on now."""
        found: list[tuple[PageRef, Revision]] = []
        for ids in _chunks(list(dict.fromkeys(rev_ids)), TEXTS):
            wanted: Parameters = {"prop": "revisions|info", "revids": _joined(ids), "rvprop": REVISION_FIELDS}
            for data in self._follow(wanted):
                found += [(page, revision) for page, entry in _pages(data) for revision in _revisions(page, entry)]
        return found

    def pages(self, titles: Sequence[str]) -> list[PageRef]:
        """Pages by title."""
        found: list[PageRef] = []
        for some in _chunks(list(dict.fromkeys(titles)), TEXTS):
            for data in self._follow({"prop": "info", "titles": "|".join(some)}):
                found += [page for page, _ in _pages(data)]
        return found

    def prefixed(self, prefix: str, namespace: int, most: int) -> list[PageRef]:
        """Pages of a namespace whose titles, without the namespace, begin so: the archives of a talk page are its subpages."""
        asked: Parameters = {"generator": "allpages", "gapprefix": prefix, "gapnamespace": namespace, "gaplimit": min(500, most)}
        return self._found(asked, most)

    def containing(self, phrase: str, most: int) -> list[PageRef]:
        """Pages on which the wiki's own search finds a phrase, in all namespaces; what it finds need not be literally there."""
        words = " ".join(phrase.replace('"', " ").split())
        return self._found({"generator": "search", "gsrsearch": f'"{words}"', "gsrnamespace": "*", "gsrlimit": min(50, most)}, most)

    def _found(self, asked: Parameters, most: int) -> list[PageRef]:
        found: list[PageRef] = []
        with _nobody():
            for data in self._follow({"prop": "info", **asked}):
                found += [page for page, _ in _pages(data)]
                if len(found) >= most:
                    break
        return found[:most]

    def history(self, page_id: int, most: int) -> PageHistory | None:
        """The newest ``most`` revisions of a page."""
        found: list[Revision] = []
        page: PageRef | None = None
        wanted: Parameters = {"prop": "revisions|info", "pageids": page_id, "rvprop": REVISION_FIELDS, "rvlimit": "max"}
        for data in self._follow(wanted):
            for page_now, entry in _pages(data):
                # ``info`` stands in the first answer only.
                page = page if page is not None and not page_now.current else page_now
                found += _revisions(page_now, entry)
            self._progress("history", len(found), 0)
            if len(found) > most:
                break
        if page is None:
            return None
        with self._lock:
            self._sizes.update((revision.rev_id, revision.size) for revision in found)
        # A revision that came in while we read moves nothing: answers continue at a revision, not at a number.
        return PageHistory(page, tuple(reversed(found[:most])), complete=len(found) <= most)

    def texts(self, rev_ids: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        """Each revision with its text, as the answers come."""
        self.facts()  # how many one request may name
        wanted = list(dict.fromkeys(rev_ids))
        done = 0
        self._progress("texts", done, len(wanted))
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="texts") as pool:
            batches = iter(self._batches(wanted))
            # Few at a time: what is not taken yet waits in memory.
            under_way: set[Future[dict[int, str | None]]] = {pool.submit(self._texts, ids) for ids in islice(batches, self._concurrency)}
            try:
                while under_way:
                    finished = next(as_completed(under_way))
                    under_way.discard(finished)
                    under_way |= {pool.submit(self._texts, ids) for ids in islice(batches, 1)}
                    answer = finished.result()
                    done += len(answer)
                    self._progress("texts", done, len(wanted))
                    yield from answer.items()
            finally:
                for future in under_way:
                    future.cancel()

    def contributions(self, user: str, user_id: int, since: float, most: int) -> list[tuple[PageRef, Revision]]:
        """The newest ``most`` revisions of an author from ``since`` on."""
        who: Parameters = {"ucuserids": user_id} if user_id else {"ucuser": user}
        fields = "ids|title|timestamp|comment|size"
        wanted: Parameters = {"list": "usercontribs", "ucend": _stamp(since), "ucprop": fields, "uclimit": min(500, most), **who}
        found: list[tuple[PageRef, Revision]] = []
        with _nobody():
            for data in self._follow(wanted):
                for entry in _list(data, "usercontribs"):
                    page = PageRef(int(entry.get("pageid") or 0), str(entry.get("title") or ""), int(entry.get("ns") or 0))
                    found.append((page, _revision(page.page_id, entry)))
                if len(found) >= most:
                    break
        with self._lock:
            self._sizes.update((revision.rev_id, revision.size) for _, revision in found)
        return found[:most]

    def log_of_title(self, title: str, most: int) -> list[LogEntry]:
        """The newest ``most`` log entries about a title."""
        return self._log({"letitle": title}, most)

    def log_of_user(self, user: str, since: float, most: int) -> list[LogEntry]:
        """The newest ``most`` log entries that somebody made from ``since`` on."""
        return self._log({"leuser": user, "leend": _stamp(since)}, most)

    def _log(self, about: Parameters, most: int) -> list[LogEntry]:
        fields = "ids|title|type|user|timestamp|comment|details"
        found: list[LogEntry] = []
        with _nobody():
            for data in self._follow({"list": "logevents", "leprop": fields, "lelimit": min(500, most), **about}):
                found += [_log_entry(entry) for entry in _list(data, "logevents")]
                if len(found) >= most:
                    break
        return found[:most]

    def _batches(self, rev_ids: list[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for rev_id in rev_ids:
            more = self._sizes.get(rev_id, 0)
            if batch and (len(batch) == self._per_request or size + more > BYTES_A_REQUEST):
                yield batch
                batch, size = [], 0
            batch.append(rev_id)
            size += more
        if batch:
            yield batch

    def _texts(self, rev_ids: list[int]) -> dict[int, str | None]:
        found: dict[int, str | None] = dict.fromkeys(rev_ids)
        wanted: Parameters = {"prop": "revisions", "revids": _joined(rev_ids), "rvprop": "ids|content|contentmodel", "rvslots": "main"}
        for data in self._follow(wanted):
            for _, entry in _pages(data):
                for revision in entry.get("revisions") or ():
                    found[int(revision["revid"])] = _text((revision.get("slots") or {}).get("main") or {})
        return found


@contextmanager
def _nobody() -> Iterator[None]:
    """A title or name that the wiki does not accept (any more) has no edits and no log."""
    try:
        yield
    except WikiRefusedError as error:
        if not error.code.startswith(("invalidtitle", "badtitle", "baduser", "nosuchuser", "badvalue")):
            raise


def _query(data: Data) -> Data:
    query = data.get("query") or {}
    if not isinstance(query, dict):
        raise WikiUnavailableError("The wiki's answer has an unknown shape.")
    return query


def _list(data: Data, name: str) -> list[Data]:
    return [entry for entry in _query(data).get(name) or () if isinstance(entry, dict)]


def _pages(data: Data) -> list[tuple[PageRef, Data]]:
    """The pages of an answer that exist."""
    found = []
    for entry in _list(data, "pages"):
        if entry.get("missing") or entry.get("invalid") or not entry.get("pageid"):
            continue
        title, namespace = str(entry.get("title") or ""), int(entry.get("ns") or 0)
        found.append((PageRef(int(entry["pageid"]), title, namespace, int(entry.get("lastrevid") or 0)), entry))
    return found


def _revisions(page: PageRef, entry: Data) -> list[Revision]:
    return [_revision(page.page_id, revision) for revision in entry.get("revisions") or ()]


def _revision(page_id: int, entry: Data) -> Revision:
    try:
        return Revision(
            rev_id=int(entry["revid"]),
            parent_id=int(entry.get("parentid") or 0),
            page_id=page_id,
            time=_seconds(entry["timestamp"]),
            user=_string(entry, "user"),
            user_id=int(entry.get("userid") or 0),
            comment=_string(entry, "comment"),
            sha1=_string(entry, "sha1") or None,
            size=int(entry.get("size") or 0),
            text_hidden=bool(entry.get("sha1hidden") or entry.get("texthidden")),
            comment_hidden=bool(entry.get("commenthidden")),
            user_hidden=bool(entry.get("userhidden")),
            suppressed=bool(entry.get("suppressed")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error


def _log_entry(entry: Data) -> LogEntry:
    parameters = entry.get("params")
    details = parameters if isinstance(parameters, dict) else {}
    try:
        return LogEntry(
            log_id=int(entry.get("logid") or 0),
            log_type=str(entry.get("type") or ""),
            action=str(entry.get("action") or ""),
            time=_seconds(entry["timestamp"]),
            title=_string(entry, "title"),
            user=_string(entry, "user"),
            comment=_string(entry, "comment"),
            target=str(details.get("target_title") or details.get("dest_title") or details.get("newuser") or ""),
            page_id=int(entry.get("pageid") or entry.get("logpage") or 0),
            title_hidden=bool(entry.get("actionhidden")),
            comment_hidden=bool(entry.get("commenthidden")),
            user_hidden=bool(entry.get("userhidden")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error


def _text(slot: Data) -> str | None:
    content = slot.get("content")
    if not isinstance(content, str):
        return None
    if slot.get("contentmodel") in DATA_MODELS:
        # A serialisation spells letters by their numbers.
        try:
            return json.dumps(json.loads(content), ensure_ascii=False)
        except (ValueError, RecursionError):
            return content
    return content


def _string(entry: Data, name: str) -> str | None:
    value: Any = entry.get(name)
    return value if isinstance(value, str) else None


def _seconds(stamp: object) -> float:
    return datetime.fromisoformat(str(stamp)).timestamp()


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(max(0.0, seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _joined(ids: Sequence[int]) -> str:
    return "|".join(map(str, ids))


def _chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
