"""A wiki in memory: what people do to its pages, and its answers as :class:`tsbot.wiki.history.Histories` has them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from tsbot.wiki.history import LogEntry, PageHistory, PageRef, Revision, WikiFacts

AUTHOR = "Grey Pebble"
TEXT = "I will come to your office tomorrow and hurt you."


@dataclass
class MemoryWiki:
    """Pages with their revisions; time goes on by a minute with each act."""

    language: str = "en"
    base: str = "https://en.wikipedia.org"
    users: dict[str, int] = field(default_factory=dict)
    titles: dict[int, str] = field(default_factory=dict)
    all: dict[int, Revision] = field(default_factory=dict)
    content: dict[int, str] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    """Pages."""
    log: list[LogEntry] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    """Revisions whose texts were asked for, in order."""
    vanishing: set[int] = field(default_factory=set)
    """Revisions that are hidden between the question for a history and the one for texts."""
    now: float = 1_768_471_200.0

    # --- people ---

    def edit(self, title: str, text: str, user: str = "Maple Reader", comment: str = "", *, parent: int | None = None) -> int:
        """Save a page, under a new number if there is none."""
        page_id = self.page_id(title)
        if page_id is None:
            page_id = len(self.titles) + 1
            self.titles[page_id] = title
        return self._add(page_id, text, user, comment, parent)

    def undo(self, title: str, to: int, user: str = "Maple Reader", comment: str = "undone") -> int:
        """Put the text of an earlier revision back."""
        return self.edit(title, self.content[to], user, comment)

    def move(self, title: str, to: str, user: str = "Maple Reader", comment: str = "") -> None:
        """Move a page, leaving a redirect."""
        page_id = self.page_id(title)
        assert page_id is not None
        self.titles[page_id] = to
        words = f"{user} moved page [[{title}]] to [[{to}]]{': ' if comment else ''}{comment}"
        self._add(page_id, self.content[self.of(page_id)[-1].rev_id], user, words)
        self.edit(title, f"#REDIRECT [[{to}]]", user, words)
        self.note("move", "move", title, user, comment, target=to, page_id=page_id)

    def merge(self, rev_ids: Sequence[int], to: str) -> None:
        """Put revisions into the history of another page."""
        page_id = self.page_id(to)
        assert page_id is not None
        for rev_id in rev_ids:
            self.all[rev_id] = replace(self.all[rev_id], page_id=page_id)

    def delete(self, title: str, comment: str = "") -> None:
        """Delete a page."""
        page_id = self.page_id(title)
        assert page_id is not None
        self.deleted.add(page_id)
        self.note("delete", "delete", title, "Example Sysop", comment, page_id=page_id)

    def hide(self, *rev_ids: int, what: Sequence[str] = ("text",), suppress: bool = False) -> None:
        """Hide fields of revisions from us."""
        for rev_id in rev_ids:
            marks = {f"{name}_hidden": True for name in what}
            values = {"text": "sha1", "comment": "comment", "user": "user"}
            gone = {values[name]: None for name in what}
            self.all[rev_id] = replace(self.all[rev_id], suppressed=suppress, **marks, **gone)  # type: ignore[arg-type]

    def rename(self, user: str, to: str) -> None:
        """Rename an account; its revisions follow, the log tells both names."""
        for revision in self.all.values():
            if revision.user == user:
                self.all[revision.rev_id] = replace(revision, user=to)
        self.note("renameuser", "renameuser", f"User:{user}", "Example Steward", target=to)

    def note(self, kind: str, action: str, title: str, user: str, comment: str = "", *, target: str = "", page_id: int = 0) -> int:
        """Write a log entry."""
        self.now += 60
        entry = LogEntry(len(self.log) + 1, kind, action, self.now, title, user, comment, target, page_id)
        self.log.append(entry)
        return entry.log_id

    def _add(self, page_id: int, text: str, user: str, comment: str, parent: int | None = None) -> int:
        self.now += 60
        rev_id = len(self.all) + 1001
        before = self.of(page_id)
        content = text.encode("utf-8", "surrogatepass")
        self.content[rev_id] = text
        self.all[rev_id] = Revision(
            rev_id=rev_id,
            parent_id=parent if parent is not None else before[-1].rev_id if before else 0,
            page_id=page_id,
            time=self.now,
            user=user,
            user_id=self.users.setdefault(user, len(self.users) + 1),
            comment=comment,
            sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            size=len(content),
        )
        return rev_id

    # --- what it answers ---

    def page_id(self, title: str) -> int | None:
        return next((number for number, name in self.titles.items() if name == title and number not in self.deleted), None)

    def of(self, page_id: int) -> list[Revision]:
        return sorted((revision for revision in self.all.values() if revision.page_id == page_id), key=lambda it: (it.time, it.rev_id))

    def ref(self, page_id: int) -> PageRef:
        title = self.titles[page_id]
        return PageRef(page_id, title, 3 if title.startswith("User talk:") else 0, self.of(page_id)[-1].rev_id)

    def facts(self) -> WikiFacts:
        return WikiFacts(self.base, self.language)

    def revisions(self, rev_ids: Sequence[int]) -> list[tuple[PageRef, Revision]]:
        found = [self.all[rev_id] for rev_id in rev_ids if rev_id in self.all]
        return [(self.ref(revision.page_id), revision) for revision in found if revision.page_id not in self.deleted]

    def pages(self, titles: Sequence[str]) -> list[PageRef]:
        return [self.ref(number) for title in titles if (number := self.page_id(title)) is not None]

    def history(self, page_id: int, most: int) -> PageHistory | None:
        if page_id in self.deleted or page_id not in self.titles:
            return None
        revisions = self.of(page_id)
        return PageHistory(self.ref(page_id), tuple(revisions[-most:]), complete=len(revisions) <= most)

    def texts(self, rev_ids: Sequence[int]) -> Iterator[tuple[int, str | None]]:
        self.read += rev_ids
        for rev_id in rev_ids:
            gone = rev_id in self.vanishing or rev_id not in self.all or self.all[rev_id].text_hidden
            yield rev_id, None if gone else self.content[rev_id]

    def contributions(self, user: str, user_id: int, since: float, most: int) -> list[tuple[PageRef, Revision]]:
        mine = [it for it in self.all.values() if (it.user == user or (user_id and it.user_id == user_id)) and it.time >= since]
        mine = [it for it in mine if it.page_id not in self.deleted and it.user is not None]
        newest = sorted(mine, key=lambda it: -it.rev_id)[:most]
        return [(self.ref(it.page_id), replace(it, sha1=None)) for it in newest]

    def prefixed(self, prefix: str, namespace: int, most: int) -> list[PageRef]:
        refs = [self.ref(number) for number in sorted(self.titles) if number not in self.deleted]
        bare = ((ref, ref.title.partition(":")[2] if ref.namespace else ref.title) for ref in refs if ref.namespace == namespace)
        return [ref for ref, title in bare if title.startswith(prefix)][:most]

    def containing(self, phrase: str, most: int) -> list[PageRef]:
        refs = [self.ref(number) for number in sorted(self.titles) if number not in self.deleted]
        words = phrase.casefold().split()
        return [ref for ref in refs if all(word in self.content[ref.current].casefold() for word in words)][:most]

    def log_of_title(self, title: str, most: int) -> list[LogEntry]:
        return [entry for entry in reversed(self.log) if entry.title == title][:most]

    def log_of_user(self, user: str, since: float, most: int) -> list[LogEntry]:
        return [entry for entry in reversed(self.log) if entry.user == user and entry.time >= since][:most]


@pytest.fixture
def wiki() -> MemoryWiki:
    """An empty wiki."""
    return MemoryWiki()


@pytest.fixture(scope="session")
def make_wiki() -> Callable[[], MemoryWiki]:
    """Empty wikis, for properties."""
    return MemoryWiki


@pytest.fixture(scope="session")
def text() -> str:
    """A made-up threat."""
    return TEXT


@pytest.fixture(scope="session")
def author() -> str:
    """Who writes it."""
    return AUTHOR
