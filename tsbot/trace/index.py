"""The activity index: who edited which page, when, of all edits that the stream tells of. Public metadata only, no text, some weeks.

Accounts and pages are numbers made of their names (63 bits of BLAKE2b), so that adding needs no look-up, is the same in every process, and
doing it again changes nothing. That two of ten million accounts share a number by accident has a probability of 5 in a million. An edit's
number begins with its second, so those of an account are in the order of time. An edit writes one row beside its account's others, and one
more where somebody edits a page for the first time: that is what keeps adding cheap in a large index.

What the wiki takes back goes from here too: revisions whose author is hidden, pages that are deleted. A renamed account stays one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, delete, insert, select, update

from tsbot.settings import TraceSettings
from tsbot.store import tables as t
from tsbot.stream.events import Event, EventKind
from tsbot.trace.skeleton import skeleton, stem
from tsbot.wiki.accounts import is_address, is_temporary
from tsbot.wiki.sites import base_url
from tsbot.wiki.titles import canonical

TIME_BITS = 28
"""Bits of an edit's number below its second."""
DAY = 86400.0
AHEAD = 3600.0
"""Seconds by which an edit may be in the future: a clock that is wrong by more says nothing of the time of day."""
REMEMBERED = 200_000
"""Accounts and pages known to be stored, at most twice as many."""
SINCE = "activity_since"
"""Fact: when the index was begun."""
CHUNK = 400
"""Numbers in one statement."""
RENAMES = ("renameuser", "gblrename")
_SECTION = re.compile(r"/\*.*?\*/")
_NUMBER = (1 << 63) - 1
_Row = dict[str, Any]
_Values = tuple[int | str, ...]
"""A row in the order of its table's columns."""


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
    touches: frozenset[int] = frozenset()
    wikis: tuple[tuple[str, int], ...] = ()
    forgot: bool = False
    """Whether something was taken out."""


@dataclass(slots=True)
class _Batch:
    """Rows to insert, and what was new in the batch."""

    new_accounts: set[int] = field(default_factory=set)
    new_pages: set[int] = field(default_factory=set)
    new_touches: set[int] = field(default_factory=set)
    accounts: dict[int, str] = field(default_factory=dict)
    pages: list[_Values] = field(default_factory=list)
    touches: list[_Values] = field(default_factory=list)
    edits: list[_Values] = field(default_factory=list)

    def account(self, account: int, name: str) -> None:
        if account not in self.new_accounts:
            self.new_accounts.add(account)
            self.accounts[account] = name

    def page(self, page: int, wiki: int, title: str) -> None:
        self.new_pages.add(page)
        self.pages.append((page, wiki, title))

    def touch(self, touch: int, page: int, account: int) -> None:
        if touch not in self.new_touches:
            self.new_touches.add(touch)
            self.touches.append((page, account))

    def insert(self, connection: Connection) -> None:
        """Insert what was gathered; neighbours together."""
        if rows := list(_unknown(connection, self.accounts)):
            connection.execute(insert_new(connection, t.activity_account), rows)
        self.accounts.clear()
        for table, values in ((t.activity_page, self.pages), (t.activity_touch, self.touches), (t.activity_edit, self.edits)):
            if values:
                _insert_values(connection, table, sorted(values))
                values.clear()


class ActivityIndex:
    """Adds edits to the index. Not thread-safe; any number of processes may add to one database."""

    def __init__(self, settings: TraceSettings, known_wiki: Callable[[Event], bool] = lambda _event: True) -> None:
        self._settings = settings
        self._out = frozenset(settings.skip_wikis)
        self._known_wiki = known_wiki
        self._wikis: dict[str, int] = {}
        self._accounts, self._pages, self._touches = _Known(), _Known(), _Known()
        self._since = 0.0
        self._begun = False

    def add(self, connection: Connection, events: Sequence[Event], now: float) -> Added:
        """Add edits, and take out what other events of the batch take back. In the caller's transaction; raises nothing but the store's."""
        if now - self._since > DAY:  # what is trimmed meanwhile must be put in again when it comes again
            self._accounts, self._pages, self._touches, self._since = _Known(), _Known(), _Known(), now
        oldest, newest = now - self._settings.index_days * DAY, now + AHEAD
        batch = _Batch()
        wikis: dict[str, int] = {}
        added, forgot = 0, False
        for event in events:
            if not concerns(event):
                continue
            if event.kind is not EventKind.EDIT:
                batch.insert(connection)  # what it takes back may be of this batch
                if forget(connection, event):
                    forgot = True
                    batch = _Batch()
                continue
            name = event.user
            if not name or not event.rev_id or not self._wanted(event) or not oldest <= event.time <= newest:
                continue
            added += 1
            title = canonical(event.namespace, event.title)
            account, page = account_number(name), page_number(event.wiki, title)
            touch = account ^ page
            if forgot or account not in self._accounts:
                batch.account(account, name)
            if (forgot or page not in self._pages) and page not in batch.new_pages:
                wiki = self._wikis.get(event.wiki) or wikis.get(event.wiki)
                if wiki is None:
                    wiki = wikis[event.wiki] = _wiki_number(connection, event)
                batch.page(page, wiki, title)
            if forgot or touch not in self._touches:
                batch.touch(touch, page, account)
            edit = edit_number(event.time, event.wiki, event.rev_id)
            batch.edits.append((account, edit, page, event.rev_id, digest(event.comment)))
        batch.insert(connection)
        if added and not self._begun:
            _begin(connection, now)
        told = (frozenset(batch.new_accounts), frozenset(batch.new_pages), frozenset(batch.new_touches))
        return Added(added, *told, tuple(wikis.items()), forgot)

    def remember(self, added: Added) -> None:
        """Take note of what is stored; to be called once the transaction is committed."""
        self._begun = self._begun or added.edits > 0
        self._wikis.update(added.wikis)
        if added.forgot:  # what was taken out must be put in again when it comes again
            self._accounts, self._pages, self._touches = _Known(), _Known(), _Known()
            return
        self._accounts.add(added.accounts)
        self._pages.add(added.pages)
        self._touches.add(added.touches)

    def _wanted(self, event: Event) -> bool:
        return event.wiki not in self._out and (self._settings.index_bots or not event.bot) and self._known_wiki(event)


def insert_new(connection: Connection, table: Table) -> Insert:
    """An insertion that leaves rows as they are whose key is there already."""
    return _insertion(connection.dialect.name, table)


def _insertion(dialect: str, table: Table) -> Insert:
    match dialect:
        case "sqlite":
            return insert(table).prefix_with("OR IGNORE")
        case "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_postgresql  # noqa: PLC0415 - of this database only

            return insert_postgresql(table).on_conflict_do_nothing()
        case _:
            return insert(table).prefix_with("IGNORE")


def _unknown(connection: Connection, accounts: Mapping[int, str]) -> Iterator[_Row]:
    """Rows for those of some accounts that are not stored: names are folded for them only, which costs more than to look."""
    c, numbers = t.activity_account.c.id, sorted(accounts)
    for start in range(0, len(numbers), CHUNK):
        some = numbers[start : start + CHUNK]
        known = set(connection.scalars(select(c).where(c.in_(some))))
        yield from (_account_row(one, accounts[one]) for one in some if one not in known)


def _insert_values(connection: Connection, table: Table, rows: Sequence[_Values]) -> None:
    """Insert rows as :func:`insert_new` does, without a look at each of them on the way, which costs as much as the database."""
    statement, names = _statement(connection.dialect, table)
    connection.exec_driver_sql(statement, [dict(zip(names, row, strict=True)) for row in rows] if names else list(rows))


@lru_cache(maxsize=16)
def _statement(dialect: Dialect, table: Table) -> tuple[str, tuple[str, ...]]:
    """The insertion for the driver, and the names of its parameters; none where they go by their place."""
    names = tuple(column.name for column in table.columns)
    compiled = _insertion(dialect.name, table).compile(dialect=dialect, column_keys=names)
    return str(compiled), () if compiled.positional else names


def forget(connection: Connection, event: Event) -> bool:
    """Take out what an event takes back: hidden authors, deleted pages; name a renamed account anew. Whether anything was taken out."""
    c = t.activity_edit.c
    page = page_number(event.wiki, canonical(event.namespace, event.title))
    match event.kind:
        case EventKind.VISIBILITY if event.rev_id and event.user_visible is False:
            return _take_out(connection, page, event.rev_id)
        case EventKind.VISIBILITY if event.rev_id and event.comment_visible is False:
            for some in _editors(connection, page):
                connection.execute(
                    update(t.activity_edit).where(c.account.in_(some), c.page == page, c.rev == event.rev_id).values(digest=0)
                )
        case EventKind.DELETION if event.title:
            return _take_out(connection, page)
        case EventKind.LOG if (event.log_type, event.log_action) == ("delete", "delete") and event.title:
            return _take_out(connection, page)
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
    c = t.activity_edit.c
    pages = list(connection.scalars(select(c.page).where(c.account == before).distinct()))
    connection.execute(update(t.activity_edit).where(c.account == before).values(account=after))
    if pages:
        connection.execute(insert_new(connection, t.activity_touch), [{"page": page, "account": after} for page in pages])
    drop_touches(connection, before, pages)
    connection.execute(delete(t.activity_account).where(t.activity_account.c.id == before))
    return True


def drop_touches(connection: Connection, account: int, pages: Sequence[int]) -> None:
    """Forget that an account edited some pages, and the pages that nobody else did."""
    touch, page = t.activity_touch.c, t.activity_page.c
    for start in range(0, len(pages), CHUNK):
        some = pages[start : start + CHUNK]
        connection.execute(delete(t.activity_touch).where(touch.account == account, touch.page.in_(some)))
        left = select(touch.page).where(touch.page == page.id)
        connection.execute(delete(t.activity_page).where(page.id.in_(some), ~left.exists()))


def _take_out(connection: Connection, page: int, rev_id: int | None = None) -> bool:
    """Take the edits to a page out, or one of them. Whether there was any."""
    c = t.activity_edit.c
    taken = False
    for some in _editors(connection, page):
        which = (c.account.in_(some), c.page == page, *((c.rev == rev_id,) if rev_id else ()))
        gone = set(connection.scalars(select(c.account).where(*which)))
        if not gone:
            continue
        taken = True
        connection.execute(delete(t.activity_edit).where(*which))
        left = set(connection.scalars(select(c.account).where(c.account.in_(sorted(gone)), c.page == page))) if rev_id else set()
        for account in sorted(gone - left):
            drop_touches(connection, account, [page])
    return taken


def _editors(connection: Connection, page: int) -> list[list[int]]:
    """Who edited a page, in chunks."""
    found = list(connection.scalars(select(t.activity_touch.c.account).where(t.activity_touch.c.page == page)))
    return [found[start : start + CHUNK] for start in range(0, len(found), CHUNK)]


def concerns(event: Event) -> bool:
    """Whether the index wants to know of an event."""
    if event.kind in (EventKind.EDIT, EventKind.VISIBILITY, EventKind.DELETION):
        return True
    return event.kind is EventKind.LOG and (event.log_type in RENAMES or (event.log_type, event.log_action) == ("delete", "delete"))


def _begin(connection: Connection, now: float) -> None:
    """Write down when the index was begun, if it is not written down."""
    if connection.scalar(select(t.fact.c.value).where(t.fact.c.name == SINCE)) is None:
        connection.execute(insert_new(connection, t.fact), [{"name": SINCE, "value": str(int(now))}])


def _account_row(account: int, name: str) -> _Row:
    # Addresses and temporary accounts have no name of their own: what is alike there is a network, or a date.
    own = not is_temporary(name) and not is_address(name)
    look, base = (skeleton_number(name), stem_number(name)) if own else (0, 0)
    return {"id": account, "name": name[:255], "skeleton": look, "stem": base}


def _wiki_number(connection: Connection, event: Event) -> int:
    find = select(t.activity_wiki.c.id).where(t.activity_wiki.c.name == event.wiki)
    found = connection.scalar(find)
    if found is None:
        row = {"name": event.wiki[:64], "base": base_url(event.server_url, event.domain)[:255]}
        connection.execute(insert_new(connection, t.activity_wiki), [row])
        found = connection.scalar(find)
    return int(found or 0)
