"""The activity index: who edited which page, when, of all edits that the stream tells of. Public metadata only, no text, some weeks.

Accounts and pages are numbers made of their names (63 bits of BLAKE2b), so that adding needs no look-up, is the same in every process, and
doing it again changes nothing. That two of ten million accounts share a number by accident has a probability of 5 in a million. An edit's
number begins with its second: edits are trimmed by number, and those of an account are in the order of time.

What the wiki takes back goes from here too: revisions whose author is hidden, pages that are deleted. A renamed account stays one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.stream.events import Event, EventKind
from tsbot.trace.skeleton import skeleton, stem
from tsbot.wiki.sites import base_url
from tsbot.wiki.titles import canonical

TIME_BITS = 28
"""Bits of an edit's number below its second."""
DAY = 86400.0
AHEAD = 3600.0
"""Seconds by which an edit may be in the future: a clock that is wrong by more says nothing of the time of day."""
REMEMBERED = 200_000
"""Accounts and pages known to be stored, at most twice as many."""
RENAMES = ("renameuser", "gblrename")
_SECTION = re.compile(r"/\*.*?\*/")
_NUMBER = (1 << 63) - 1
_Row = dict[str, Any]


def number(*parts: str) -> int:
    """63 bits of a hash of some names."""
    digest = blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") & _NUMBER


def account_number(name: str) -> int:
    """The number of an account."""
    return number("account", name)


def skeleton_number(name: str) -> int:
    """A number that look-alikes of a name share; 0 for names of which too little is left."""
    look = skeleton(name)
    return number("skeleton", look) if len(look) > 2 else 0


def stem_number(name: str) -> int:
    """A number that a name shares with the same name with another number behind it; 0 where too little is left."""
    base = skeleton(stem(name)[0])
    return number("stem", base) if len(base) > 2 else 0


def page_number(wiki: str, title: str) -> int:
    """The number of a page, whose title has an English namespace name (:func:`tsbot.wiki.titles.canonical`)."""
    return number("page", wiki, title)


def edit_number(time: float, wiki: str, rev_id: int) -> int:
    """The number of an edit: its second, and bits that tell edits of one second apart."""
    return (int(time) << TIME_BITS) | (number(wiki, str(rev_id)) & ((1 << TIME_BITS) - 1))


def time_of(edit: int) -> float:
    """When an edit was made."""
    return float(edit >> TIME_BITS)


def digest(summary: str) -> int:
    """31 bits of a summary in lower case without its heading, to see equal ones; 0 where nothing is left."""
    words = _SECTION.sub("", summary).strip().casefold()
    return (zlib.crc32(words.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF) or 1 if words else 0


@dataclass(slots=True)
class _Known:
    """Numbers that were stored lately; two generations, so that it neither grows nor forgets all at once."""

    young: set[int] = field(default_factory=set)
    old: set[int] = field(default_factory=set)

    def __contains__(self, one: int) -> bool:
        return one in self.young or one in self.old

    def add(self, some: Iterable[int]) -> None:
        self.young.update(some)
        if len(self.young) > REMEMBERED:
            self.young, self.old = set(), self.young


@dataclass(frozen=True, slots=True)
class Added:
    """What a batch added; to be remembered once it is committed."""

    edits: int = 0
    accounts: frozenset[int] = frozenset()
    pages: frozenset[int] = frozenset()
    wikis: tuple[tuple[str, int], ...] = ()
    forgot: bool = False
    """Whether something was taken out."""


class ActivityIndex:
    """Adds edits to the index. Not thread-safe; any number of processes may add to one database."""

    def __init__(self, settings: TraceSettings, known_wiki: Callable[[Event], bool] = lambda _event: True) -> None:
        self._settings = settings
        self._out = frozenset(settings.skip_wikis)
        self._known_wiki = known_wiki
        self._wikis: dict[str, int] = {}
        self._accounts, self._pages = _Known(), _Known()
        self._since = 0.0

    def add(self, connection: Connection, events: Sequence[Event], now: float) -> Added:
        """Add edits, and take out what other events of the batch take back. In the caller's transaction; raises nothing but the store's."""
        if now - self._since > DAY:  # what is trimmed meanwhile must be put in again when it comes again
            self._accounts, self._pages, self._since = _Known(), _Known(), now
        oldest, newest = now - self._settings.index_days * DAY, now + AHEAD
        edits: list[_Row] = []
        accounts: dict[int, _Row] = {}
        pages: dict[int, _Row] = {}
        wikis: dict[str, int] = {}
        new_accounts: set[int] = set()
        new_pages: set[int] = set()
        added, forgot = 0, False
        for event in events:
            if event.kind is not EventKind.EDIT:
                self._insert(connection, accounts, pages, edits)  # what it takes back may be of this batch
                if forget(connection, event):
                    forgot = True
                    new_accounts.clear()
                    new_pages.clear()
                continue
            name = event.user
            if not name or not event.rev_id or not self._wanted(event) or not oldest <= event.time <= newest:
                continue
            title = canonical(event.namespace, event.title)
            account, page = account_number(name), page_number(event.wiki, title)
            if forgot or (account not in self._accounts and account not in new_accounts):
                accounts[account] = _account_row(account, name)
                new_accounts.add(account)
            if forgot or (page not in self._pages and page not in new_pages):
                new_pages.add(page)
                wiki = self._wikis.get(event.wiki) or wikis.get(event.wiki)
                if wiki is None:
                    wiki = wikis[event.wiki] = _wiki_number(connection, event)
                pages[page] = {"id": page, "wiki": wiki, "title": title}
            added += 1
            edits.append(
                {
                    "id": edit_number(event.time, event.wiki, event.rev_id),
                    "account": account,
                    "page": page,
                    "rev": event.rev_id,
                    "digest": digest(event.comment),
                }
            )
        self._insert(connection, accounts, pages, edits)
        return Added(added, frozenset(new_accounts), frozenset(new_pages), tuple(wikis.items()), forgot)

    def remember(self, added: Added) -> None:
        """Take note of what is stored; to be called once the transaction is committed."""
        self._wikis.update(added.wikis)
        if added.forgot:  # what was taken out must be put in again when it comes again
            self._accounts, self._pages = _Known(), _Known()
            return
        self._accounts.add(added.accounts)
        self._pages.add(added.pages)

    def _wanted(self, event: Event) -> bool:
        return event.wiki not in self._out and (self._settings.index_bots or not event.bot) and self._known_wiki(event)

    @staticmethod
    def _insert(connection: Connection, accounts: dict[int, _Row], pages: dict[int, _Row], edits: list[_Row]) -> None:
        """Insert what was gathered, and begin gathering anew."""
        if accounts:
            connection.execute(insert_new(connection, t.activity_account), list(accounts.values()))
        if pages:
            connection.execute(insert_new(connection, t.activity_page), list(pages.values()))
        if edits:
            connection.execute(insert_new(connection, t.activity_edit), edits)
        accounts.clear()
        pages.clear()
        edits.clear()


def insert_new(connection: Connection, table: Table) -> Any:
    """An insertion that leaves rows as they are whose key is there already."""
    match connection.dialect.name:
        case "sqlite":
            return insert(table).prefix_with("OR IGNORE")
        case "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_postgresql  # noqa: PLC0415 - of this database only

            return insert_postgresql(table).on_conflict_do_nothing()
        case _:
            return insert(table).prefix_with("IGNORE")


def forget(connection: Connection, event: Event) -> bool:
    """Take out what an event takes back: hidden authors, deleted pages; name a renamed account anew. Whether anything was taken out."""
    c = t.activity_edit.c
    page = c.page == page_number(event.wiki, canonical(event.namespace, event.title))
    match event.kind:
        case EventKind.VISIBILITY if event.rev_id and event.user_visible is False:
            return bool(connection.execute(delete(t.activity_edit).where(page, c.rev == event.rev_id)).rowcount)
        case EventKind.VISIBILITY if event.rev_id and event.comment_visible is False:
            connection.execute(update(t.activity_edit).where(page, c.rev == event.rev_id).values(digest=0))
        case EventKind.DELETION if event.title:
            return bool(connection.execute(delete(t.activity_edit).where(page)).rowcount)
        case EventKind.LOG if (event.log_type, event.log_action) == ("delete", "delete") and event.title:
            return bool(connection.execute(delete(t.activity_edit).where(page)).rowcount)
        case EventKind.LOG if event.log_type in RENAMES and event.new_name:
            return rename(connection, event.title.partition(":")[2], event.new_name.partition(":")[2] or event.new_name)
    return False


def rename(connection: Connection, old: str, new: str) -> bool:
    """Give what is known of an account to its new name. Whether anything was known."""
    before, after = account_number(old), account_number(new)
    if not old or before == after:
        return False
    if connection.scalar(select(t.activity_account.c.id).where(t.activity_account.c.id == before)) is None:
        return False
    connection.execute(insert_new(connection, t.activity_account), [_account_row(after, new)])
    connection.execute(update(t.activity_edit).where(t.activity_edit.c.account == before).values(account=after))
    connection.execute(delete(t.activity_account).where(t.activity_account.c.id == before))
    return True


def concerns(event: Event) -> bool:
    """Whether the index wants to know of an event."""
    if event.kind in (EventKind.EDIT, EventKind.VISIBILITY, EventKind.DELETION):
        return True
    return event.kind is EventKind.LOG and (event.log_type in RENAMES or (event.log_type, event.log_action) == ("delete", "delete"))


def _account_row(account: int, name: str) -> _Row:
    return {"id": account, "name": name[:255], "skeleton": skeleton_number(name), "stem": stem_number(name)}


def _wiki_number(connection: Connection, event: Event) -> int:
    find = select(t.activity_wiki.c.id).where(t.activity_wiki.c.name == event.wiki)
    found = connection.scalar(find)
    if found is None:
        row = {"name": event.wiki[:64], "base": base_url(event.server_url, event.domain)[:255]}
        connection.execute(insert_new(connection, t.activity_wiki), [row])
        found = connection.scalar(find)
    return int(found or 0)
