"""Examining one file of a dump: what each revision added to its parent, as the patrol would have seen it.

The place is the number of revisions examined; it is stored with what was found, portion by portion, so that a process that is killed
loses nothing and flags nothing twice. A file that is damaged is examined up to there, and said to be broken.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from tsbot.errors import DumpError, InputError
from tsbot.scan.compressed import opened
from tsbot.scan.dump_xml import DumpRevision, Site, revisions
from tsbot.scan.examine import Seen
from tsbot.scan.job import Job, JobState
from tsbot.scan.keeper import Keeper, Told
from tsbot.stream.events import Event, EventKind
from tsbot.wiki.accounts import is_temporary
from tsbot.wiki.past import STREAM
from tsbot.wiki.recent import NAMESPACE

PORTION, PORTION_CHARS = 500, 8_000_000
"""Revisions, and characters of their texts, that are examined and stored together."""
PARENTS, PARENT_CHARS = 8, 16_000_000
"""Texts of a page that are kept because they may be a later revision's parent, and their characters; at least the last one."""
EDGE = 1 << 16


@dataclass(frozen=True, slots=True)
class Within:
    """What of a dump is examined."""

    since: float = 0.0
    until: float | None = None
    namespaces: tuple[int, ...] = ()

    def holds(self, revision: DumpRevision) -> bool:
        """Whether a revision is asked for."""
        if self.namespaces and revision.page.namespace not in self.namespaces:
            return False
        return self.since <= revision.time and (self.until is None or revision.time < self.until)


def fingerprint(path: Path) -> str:
    """What tells a file from others, wherever it lies: its size, and its first and last bytes. Raises ``InputError``."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = hashlib.sha256(f"{size}|".encode() + file.read(EDGE))
            file.seek(max(0, size - EDGE))
            digest.update(file.read(EDGE))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


@dataclass
class DumpScan:
    """A look through one file. ``wiki`` replaces what the file says of itself. ``stop`` is asked between portions."""

    keeper: Keeper
    path: Path
    within: Within
    wiki: str = ""
    stop: Callable[[], bool] = bool
    max_text_chars: int = 2_097_152

    def run(self, fresh: Job) -> Iterator[Told]:
        """Examine from where the job stands. Damage ends it with the state ``broken`` and is no exception."""
        job = self.keeper.begin(fresh)
        yield Told(job, ())
        done = int(job.position or 0)
        try:
            with opened(self.path) as file:
                for number, portion in self._portions(revisions(file, site := Site()), site, done):
                    if self.stop():
                        return
                    told = self.keeper.keep(job, portion, str(number))
                    job = told.job
                    yield told
        except DumpError:
            yield Told(self.keeper.end(job, JobState.BROKEN), ())
            return
        yield Told(self.keeper.end(job), ())

    def _portions(self, found: Iterator[DumpRevision], site: Site, done: int) -> Iterator[tuple[int, list[Seen]]]:
        """Portions with the number of revisions up to their end; what came before the damage of a file is one, too."""
        texts = _Texts()
        for revision in islice(found, done):
            texts.add(revision)  # the next one's parent may be among them
        portion: list[Seen] = []
        chars, number = 0, done
        trouble: DumpError | None = None
        while True:
            try:
                revision = next(found)
            except StopIteration:
                break
            except DumpError as error:
                trouble = error
                break
            number += 1
            parent = texts.parent(revision)
            texts.add(revision)
            if self.within.holds(revision):
                portion.append(self._seen(revision, parent, site))
                chars += len(revision.text or "")
            if len(portion) >= PORTION or chars >= PORTION_CHARS:
                yield number, portion
                portion, chars = [], 0
        if portion:
            yield number, portion
        if trouble is not None:
            raise trouble

    def _seen(self, revision: DumpRevision, parent: str | None, site: Site) -> Seen:
        wiki = self.wiki or site.wiki
        if not wiki:
            raise InputError(f"{self.path.name} does not say which wiki it is of; name it with --wiki.")
        most = self.max_text_chars
        text = revision.text
        event = Event(
            id=str(uuid.uuid5(NAMESPACE, f"scan|{wiki}|rev|{revision.rev_id}")),
            stream=STREAM,
            kind=EventKind.EDIT,
            wiki=wiki,
            domain=urlsplit(site.base).netloc,
            server_url=site.base,
            time=revision.time,
            title=revision.page.title,
            namespace=revision.page.namespace,
            page_id=revision.page.page_id,
            user=revision.user,
            user_is_temp=None if revision.user is None else is_temporary(revision.user),
            comment=revision.comment or "",
            rev_id=revision.rev_id,
            parent_id=revision.parent_id or None,
        )
        long = text is not None and len(text) > most
        return Seen(event, text[:most] if text is not None else None, parent[:most] if parent is not None else None, long)


class _Texts:
    """The last texts of the page at hand."""

    def __init__(self) -> None:
        self._page = 0
        self._texts: OrderedDict[int, str] = OrderedDict()
        self._chars = 0

    def parent(self, revision: DumpRevision) -> str | None:
        """The text of a revision's parent; None where it is not known, and then all counts as added."""
        return self._texts.get(revision.parent_id) if revision.page.page_id == self._page else None

    def add(self, revision: DumpRevision) -> None:
        """Keep a text."""
        if revision.page.page_id != self._page:
            self._page, self._chars = revision.page.page_id, 0
            self._texts.clear()
        if revision.text is None:
            return
        self._texts[revision.rev_id] = revision.text
        self._chars += len(revision.text)
        while len(self._texts) > 1 and (len(self._texts) > PARENTS or self._chars > PARENT_CHARS):
            _, gone = self._texts.popitem(last=False)
            self._chars -= len(gone)
