"""Reading MediaWiki's XML exports: each revision with its page, one at a time, unknown elements passed over.

Schema: mediawiki.org, export-0.10 and 0.11 (Help:Export); of a revision with several slots the main one. The standard library's
``iterparse`` is the fastest of those measured (docs/architecture.md); what is read is taken out of its tree at once.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from urllib.parse import urlsplit

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


def revisions(file: IO[bytes], site: Site) -> Iterator[DumpRevision]:
    """The revisions of an export, in its order; ``site`` is filled in before the first.

    Raises ``DumpError`` at the place where the file is damaged, or is no export.
    """
    try:
        yield from _revisions(file, site)
    except ET.ParseError as error:
        raise DumpError(f"the XML is damaged at line {error.position[0]:,}") from error
    except DAMAGE as error:
        raise DumpError(f"it cannot be unpacked to its end ({type(error).__name__})") from error


def _revisions(file: IO[bytes], site: Site) -> Iterator[DumpRevision]:
    # Expat (2.4.1 and later) stops entities that blow up, and loads none from outside.
    events = ET.iterparse(file, events=("start", "end"))  # noqa: S314
    _, root = next(events)
    if _tag(root) != "mediawiki":
        raise DumpError("it is no export of MediaWiki")
    page = DumpPage(0, "", 0)
    head: dict[str, str] = {}
    top: ET.Element | None = None
    for event, element in events:
        name = _tag(element)
        if event == "start":
            if name == "page":
                head, top, page = {}, element, DumpPage(0, "", 0)
            continue
        if name == "revision" and top is not None:
            page = page if page.page_id else _page(head)
            yield _revision(page, element)
            top.clear()
        elif name == "siteinfo":
            _read_site(element, site)
            root.clear()
        elif name == "page":
            top = None
            root.clear()
        elif name in ("title", "ns", "id") and top is not None and name not in head:
            head[name] = element.text or ""  # those of the page come before its revisions
        elif name in ("upload", "logitem"):
            element.clear()


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _read_site(element: ET.Element, site: Site) -> None:
    found = {_tag(child): child.text or "" for child in element}
    site.wiki = found.get("dbname", "")
    parts = urlsplit(found.get("base", ""))
    site.base = f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else ""


def _page(head: dict[str, str]) -> DumpPage:
    try:
        return DumpPage(int(head["id"]), head["title"], int(head.get("ns") or 0))
    except (KeyError, ValueError) as error:
        raise DumpError("a page has no number or no title") from error


def _revision(page: DumpPage, element: ET.Element) -> DumpRevision:
    found: dict[str, ET.Element] = {}
    for child in element:
        found.setdefault(_tag(child), child)
    if "text" not in found:
        found |= _main_slot(element)
    try:
        moment = datetime.fromisoformat(found["timestamp"].text or "").timestamp()
        rev_id = int(found["id"].text or "")
        parent_id = int(found["parentid"].text or 0) if "parentid" in found else 0
    except (KeyError, ValueError) as error:
        raise DumpError("a revision has no number or no time") from error
    text = found.get("text")
    model = found["model"].text if "model" in found else "wikitext"
    return DumpRevision(
        page,
        rev_id,
        parent_id,
        moment,
        _user(found.get("contributor")),
        _shown(found.get("comment")),
        None if model in DATA_MODELS else _shown(text),
    )


def _main_slot(element: ET.Element) -> dict[str, ET.Element]:
    for child in element:
        if _tag(child) == "content":
            parts = {_tag(part): part for part in child}
            if "role" not in parts or parts["role"].text == "main":
                return parts
    return {}


def _user(element: ET.Element | None) -> str | None:
    if element is None or element.get("deleted"):
        return None
    for child in element:
        if _tag(child) in ("username", "ip"):
            return child.text
    return None


def _shown(element: ET.Element | None) -> str | None:
    """The text of an element; None where it is hidden, or where a dump without texts has none."""
    if element is None or element.get("deleted"):
        return None
    if element.text is None and int(element.get("bytes") or 0) > 0:
        return None
    return element.text or ""
