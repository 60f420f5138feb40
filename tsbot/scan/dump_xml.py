"""Reading MediaWiki's XML exports: each revision with its page, one at a time, unknown elements passed over.

Schema: mediawiki.org, export-0.10 and 0.11 (Help:Export); of a revision with several slots the main one. Expat tells of elements
as it meets them, and no tree is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from urllib.parse import urlsplit
from xml.parsers import expat

from tsbot.errors import DumpError
from tsbot.scan.compressed import DAMAGE
from tsbot.wiki.revisions import DATA_MODELS


@dataclass(frozen=True, slots=True)
class DumpPage:
    """A page of a dump."""

    page_id: int
    title: str
    namespace: int


@dataclass(frozen=True, slots=True)
class DumpRevision:
    """A revision of a dump. What was hidden is None."""

    page: DumpPage
    rev_id: int
    parent_id: int
    time: float
    user: str | None
    comment: str | None
    text: str | None
    """None too where the content is no text that people write."""


@dataclass
class Site:
    """What a dump says of its wiki."""

    wiki: str = ""
    base: str = ""
    """Scheme and host."""


CHUNK = 1 << 16
OF_SITE = frozenset(("dbname", "base"))
OF_PAGE = frozenset(("title", "ns", "id"))
OF_REVISION = frozenset(("id", "parentid", "timestamp", "comment", "model", "text"))
OF_SLOT = frozenset(("role", "model", "text"))
OF_AUTHOR = frozenset(("username", "ip"))
READ = {"siteinfo": OF_SITE, "page": OF_PAGE, "revision": OF_REVISION, "content": OF_SLOT, "contributor": OF_AUTHOR}
"""What is read of which element."""
_Part = tuple[str, Mapping[str, str]]
"""What stands in an element, and its attributes."""


def revisions(file: IO[bytes], site: Site) -> Iterator[DumpRevision]:
    """The revisions of an export, in its order; ``site`` is filled in before the first.

    Raises ``DumpError`` at the place where the file is damaged, or is no export.
    """
    reader = _Reader(site)
    trouble: Exception | None = None
    more = True
    while more and trouble is None:
        try:
            chunk = file.read(CHUNK)
            more = bool(chunk)
            reader.feed(chunk, last=not more)
        except (DumpError, expat.ExpatError, *DAMAGE) as error:
            trouble = error
        yield from reader.taken()
    if isinstance(trouble, expat.ExpatError):
        raise DumpError(f"the XML is damaged at line {trouble.lineno:,}") from trouble
    if isinstance(trouble, DumpError):
        raise trouble
    if trouble is not None:
        raise DumpError(f"it cannot be unpacked to its end ({type(trouble).__name__})") from trouble


class _Reader:
    """Takes revisions out of what Expat tells."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._path: list[str] = []
        self._ready: list[DumpRevision] = []
        self._page: DumpPage | None = None
        self._parts: dict[str, dict[str, _Part]] = {name: {} for name in READ}
        """What was read of the elements at hand."""
        self._slots: list[dict[str, _Part]] = []
        self._author: Mapping[str, str] | None = None
        self._text: list[str] = []
        self._attributes: Mapping[str, str] = {}
        # Expat (2.4.1 and later) stops entities that blow up, and loads none from outside.
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = CHUNK
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end

    def feed(self, chunk: bytes, *, last: bool) -> None:
        """Read on."""
        self._parser.Parse(chunk, last)

    def taken(self) -> list[DumpRevision]:
        """What has been read since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        path = self._path
        if not path:
            if name.rpartition(":")[2] != "mediawiki":
                raise DumpError("it is no export of MediaWiki")
        else:
            wanted = READ.get(path[-1])
            if wanted is not None and name in wanted:
                self._attributes = attributes
                self._text = []
                self._parser.CharacterDataHandler = self._text.append
            elif name == "contributor":
                self._author = attributes
            elif name == "page":
                self._page = None
        path.append(name)

    def _end(self, name: str) -> None:
        path = self._path
        path.pop()
        parent = path[-1] if path else ""
        if (wanted := READ.get(parent)) is not None and name in wanted:
            self._parser.CharacterDataHandler = None
            self._parts[parent].setdefault(name, ("".join(self._text), self._attributes))
        elif name == "content":
            self._slots.append(self._take("content"))
        elif name == "revision":
            if parent == "page":
                self._ready.append(self._revision())
            self._slots, self._author = [], None
            self._parts["revision"], self._parts["contributor"] = {}, {}
        elif name == "page":
            self._take("page")
        elif name == "siteinfo":
            _read_site({name: text for name, (text, _) in self._take("siteinfo").items()}, self._site)
        elif name in ("upload", "logitem"):  # of which nothing is asked for
            self._take("contributor")
            self._author = None

    def _take(self, name: str) -> dict[str, _Part]:
        found, self._parts[name] = self._parts[name], {}
        return found

    def _revision(self) -> DumpRevision:
        found = self._parts["revision"]
        if self._page is None:
            self._page = _page(self._parts["page"])
        if "text" not in found:
            main = next((slot for slot in self._slots if "role" not in slot or slot["role"][0] == "main"), {})
            found = found | main
        try:
            moment = datetime.fromisoformat(found["timestamp"][0]).timestamp()
            rev_id = int(found["id"][0])
            parent_id = int(found["parentid"][0] or 0) if "parentid" in found else 0
        except (KeyError, ValueError) as error:
            raise DumpError("a revision has no number or no time") from error
        model = found["model"][0] if "model" in found else "wikitext"
        text = None if model in DATA_MODELS else _shown(found.get("text"))
        return DumpRevision(self._page, rev_id, parent_id, moment, self._user(), _shown(found.get("comment")), text)

    def _user(self) -> str | None:
        if self._author is None or self._author.get("deleted"):
            return None
        known = self._parts["contributor"]
        name = known.get("username") or known.get("ip")
        return name[0] or None if name is not None else None


def _read_site(found: Mapping[str, str], site: Site) -> None:
    site.wiki = found.get("dbname", "")
    parts = urlsplit(found.get("base", ""))
    site.base = f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else ""


def _page(head: Mapping[str, _Part]) -> DumpPage:
    try:
        return DumpPage(int(head["id"][0]), head["title"][0], int(head["ns"][0] or 0) if "ns" in head else 0)
    except (KeyError, ValueError) as error:
        raise DumpError("a page has no number or no title") from error


def _shown(part: _Part | None) -> str | None:
    """The text of an element; None where it is hidden, or where a dump without texts has none."""
    if part is None or part[1].get("deleted"):
        return None
    if not part[0] and int(part[1].get("bytes") or 0) > 0:
        return None
    return part[0]
