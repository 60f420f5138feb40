"""Asking the activity index: what an account did, and who shares something rare with it.

What very many accounts share points to nobody and is passed over after looking at a few of them: fifty thousand temporary accounts on one
page cost as much as two hundred.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, BindParameter, CompoundSelect, Connection, Select, bindparam, func, select, union_all

from tsbot.store import tables as t
from tsbot.trace.activity import Account, Edit
from tsbot.trace.gallery import owner
from tsbot.trace.index import SINCE, TIME_BITS, account_number, page_number, skeleton_number, stem_number
from tsbot.trace.naming import kind_of
from tsbot.wiki.titles import twin

MOST_HOLDERS = 200
"""A page or name that more accounts have is passed over."""
MOST_PAGES = 200
"""Pages of the account asked about that are looked up, the latest."""
MOST_CANDIDATES = 200
CHUNK = 400
"""Numbers in one list of a statement."""
SLOTS = 25
"""Keys that are looked up in one statement."""
NOBODY = (1 << 63) - 1
"""Fills slots that are not needed: the number of no account and no page, and none is above it."""
SAMPLE = 1000
_NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Found:
    """An account that shares something rare."""

    account: str
    points: float
    """Sum of the logarithms of how rare each shared thing is."""
    pages: tuple[str, ...]
    """``wiki|title`` of what is shared, the rarest first."""
    why: tuple[str, ...]
    """``page``, ``name``."""


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has something rare in common with an account."""

    found: tuple[Found, ...] = ()
    crowded: tuple[str, ...] = ()
    """``wiki|title`` of pages that were passed over because too many edit them."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the index is."""

    accounts: int
    since: float | None
    """When it was begun; None for an empty one."""


class Lookup:
    """Reads the index in one transaction of the caller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def size(self) -> Size:
        """How many accounts, from when to when."""
        since = self._connection.scalar(select(t.fact.c.value).where(t.fact.c.name == SINCE))
        return Size(self.accounts(), float(since) if since else None)

    def wikis(self) -> dict[str, str]:
        """Wikis of the index, with scheme and host."""
        query = select(t.activity_wiki.c.name, t.activity_wiki.c.base).order_by(t.activity_wiki.c.name)
        return {row.name: row.base for row in self._connection.execute(query)}

    def accounts(self) -> int:
        """About how many accounts there are: exact up to some hundreds, then to some per cent, without counting them.

        Numbers of accounts are hashes, evenly spread: how far up the ``SAMPLE`` smallest reach tells how many there are.
        """
        c = t.activity_account.c.id
        edge = self._connection.scalar(select(c).order_by(c).offset(SAMPLE - 1).limit(1))
        if edge is None:
            return int(self._connection.scalar(select(func.count()).select_from(t.activity_account)) or 0)
        return int((SAMPLE - 1) * (1 << 63) / max(1, edge))

    def edits(self, names: Iterable[str], most: int) -> dict[str, Account]:
        """What some accounts did, the latest ``most`` edits of each; those that the index does not know are left out."""
        numbers = {account_number(name): name for name in names}
        latest: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for account, edit, rev_id, page in self._batches(_LATEST, list(numbers), {"most": most}):
            latest[account].append((edit, rev_id, page))
        places = self._places({page for some in latest.values() for _, _, page in some})
        found = {}
        for one, name in numbers.items():
            some = sorted(latest.get(one, ()))
            edits = tuple(Edit(*_when(edit, *places[page]), rev_id=rev_id) for edit, rev_id, page in some if page in places)
            if edits:
                found[name] = Account(name, edits)
        return found

    def holders(self, account: Account, most: int = MOST_CANDIDATES, besides: Sequence[str] = ()) -> Holders:
        """Accounts that share rare pages or a name with one, those with the most and rarest first.

        ``besides`` are further pages (``wiki|title``) that count as the account's; the first of them are looked up.
        """
        own = account_number(account.name)
        points: dict[int, float] = defaultdict(float)
        pages: dict[int, list[str]] = defaultdict(list)
        why: dict[int, dict[str, None]] = defaultdict(dict)
        crowded = []
        population = max(2, self.accounts())
        for key, holders in self._holders(list(dict.fromkeys((*_pages_of(account), *besides[:MOST_PAGES])))):
            if len(holders) > MOST_HOLDERS:
                crowded.append(key)
                continue
            for holder in holders:
                points[holder] += math.log(population / len(holders)) + 0.1
                pages[holder].append(key)
                why[holder]["page"] = None
        for holder, weight in self._alike(account.name, population):
            points[holder] += weight
            why[holder]["name"] = None
        points.pop(own, None)
        first = sorted(points, key=lambda one: (-round(points[one], 6), one))[:most]
        names = self._names(first)
        found = [Found(names[one], points[one], tuple(pages[one]), tuple(why[one])) for one in first if one in names]
        return Holders(tuple(found), tuple(crowded))

    def others(self, most: int, besides: Iterable[str]) -> list[str]:
        """Names of accounts spread over the index: strangers to compare with."""
        known = set(besides)
        # One at a time, or SQLite goes through the whole table.
        low, high = (self._connection.scalar(select(least(t.activity_account.c.id))) for least in (func.min, func.max))
        if low is None or high is None:
            return []
        # Numbers of accounts are hashes: evenly spaced ones are a sample that is the same each time.
        step = max(1, (high - low) // most)
        found = dict(self._batches(_FROM, range(low, high + 1, step)))
        return [name for _, name in sorted(found.items()) if name not in known][:most]

    def _holders(self, keys: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
        """Who edited each page, or the talk page that belongs to it; not all where there are very many."""
        pages = {}
        for key in keys:
            wiki, _, title = key.partition("|")
            pages[key] = [page_number(wiki, one) for one in (title, twin(title)) if one is not None]
        holders: dict[int, list[int]] = defaultdict(list)
        for page, account in self._batches(_HOLDERS, [page for some in pages.values() for page in some]):
            holders[page].append(account)
        for key, some in pages.items():
            yield key, list(dict.fromkeys(account for page in some for account in holders.get(page, ())))

    def _batches(self, query: CompoundSelect[Any], keys: Sequence[int], more: Mapping[str, int] = _NOTHING) -> Iterator[Any]:
        """Rows of a query of :func:`_many` for any number of keys."""
        for start in range(0, len(keys), SLOTS):
            some = keys[start : start + SLOTS]
            slots = {f"key{slot}": some[slot] if slot < len(some) else NOBODY for slot in range(SLOTS)}
            yield from self._connection.execute(query, {**slots, **more}).all()

    def _places(self, pages: Collection[int]) -> dict[int, tuple[str, str]]:
        """Wiki and title of some pages."""
        wikis = {row.id: row.name for row in self._connection.execute(_WIKIS)}
        wanted, found = sorted(pages), {}
        for start in range(0, len(wanted), CHUNK):
            some = self._connection.execute(_PAGES, {"pages": wanted[start : start + CHUNK]}).all()
            found.update({page: (wikis.get(wiki, ""), title) for page, wiki, title in some})
        return found

    def _alike(self, name: str, population: int) -> list[tuple[int, float]]:
        c = t.activity_account.c
        alike: list[tuple[int, float]] = []
        if kind_of(name) != "account":
            return alike
        for column, key in ((c.skeleton, skeleton_number(name)), (c.stem, stem_number(name))):
            if not key:
                continue
            holders = list(self._connection.scalars(select(c.id).where(column == key).limit(MOST_HOLDERS + 1)))
            if len(holders) <= MOST_HOLDERS:
                alike += [(holder, math.log(population / len(holders)) + 0.1) for holder in holders]
        return alike

    def _names(self, numbers: Iterable[int]) -> dict[int, str]:
        wanted = sorted(numbers)
        names = {}
        for start in range(0, len(wanted), CHUNK):
            query = select(t.activity_account.c.id, t.activity_account.c.name)
            some = self._connection.execute(query.where(t.activity_account.c.id.in_(wanted[start : start + CHUNK])))
            names.update({row.id: row.name for row in some})
        return names


def _when(edit: int, wiki: str, title: str) -> tuple[str, datetime, tuple[str]]:
    return wiki, datetime.fromtimestamp(edit >> TIME_BITS, UTC), (title,)


def _many(one: Callable[[BindParameter[int]], Select[Any]]) -> CompoundSelect[Any]:
    """A query for ``SLOTS`` keys at once, each with a limit of its own: a page with very many editors costs no more than its limit."""
    return union_all(*(select(one(bindparam(f"key{slot}", type_=BigInteger)).subquery(f"slot{slot}")) for slot in range(SLOTS)))


def _latest(key: BindParameter[int]) -> Select[Any]:
    c = t.activity_edit.c
    return select(c.account, c.id, c.rev, c.page).where(c.account == key).order_by(c.id.desc()).limit(bindparam("most"))


def _touched(key: BindParameter[int]) -> Select[Any]:
    c = t.activity_touch.c
    return select(c.page, c.account).where(c.page == key).limit(MOST_HOLDERS + 1)


def _from(key: BindParameter[int]) -> Select[Any]:
    c = t.activity_account.c
    return select(c.id, c.name).where(c.id >= key).order_by(c.id).limit(1)


# Made once: every question needs them.
_LATEST, _HOLDERS, _FROM = _many(_latest), _many(_touched), _many(_from)
_WIKIS = select(t.activity_wiki.c.id, t.activity_wiki.c.name)
_PAGES = select(t.activity_page.c.id, t.activity_page.c.wiki, t.activity_page.c.title).where(
    t.activity_page.c.id.in_(bindparam("pages", expanding=True))
)


def _pages_of(account: Account) -> list[str]:
    """Pages of an account, the latest first, a page and its talk page once; not those in its own user space."""
    keys: dict[str, None] = {}
    for edit in reversed(account.edits):
        for title in edit.pages:
            other = twin(title)
            if owner(title) != account.name and (other is None or f"{edit.wiki}|{other}" not in keys):
                keys.setdefault(f"{edit.wiki}|{title}")
    return list(keys)[:MOST_PAGES]
