"""Asking the activity index: what an account did, and who shares something rare with it.

What very many accounts share points to nobody and is passed over after looking at a few of them: fifty thousand temporary accounts on one
page cost as much as two hundred.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

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
SAMPLE = 1000


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
        found = {}
        for one, name in numbers.items():
            rows = [_edit(row) for row in self._connection.execute(_LATEST, {"account": one, "most": most})]
            if rows:
                found[name] = Account(name, tuple(reversed(rows)))
        return found

    def holders(self, account: Account, most: int = MOST_CANDIDATES) -> Holders:
        """Accounts that share rare pages or a name with one, those with the most and rarest first."""
        own = account_number(account.name)
        points: dict[int, float] = defaultdict(float)
        pages: dict[int, list[str]] = defaultdict(list)
        why: dict[int, dict[str, None]] = defaultdict(dict)
        crowded = []
        population = max(2, self.accounts())
        for key in _pages_of(account):
            holders = self._holders(key)
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
        low, high = self._connection.execute(select(func.min(t.activity_account.c.id), func.max(t.activity_account.c.id))).one()
        if low is None:
            return []
        # Numbers of accounts are hashes: evenly spaced ones are a sample that is the same each time.
        names = []
        step = max(1, (high - low) // most)
        for start in range(low, high + 1, step):
            query = select(t.activity_account.c.name).where(t.activity_account.c.id >= start).order_by(t.activity_account.c.id).limit(1)
            name = self._connection.scalar(query)
            if name and name not in known:
                known.add(name)
                names.append(name)
        return names[:most]

    def _holders(self, key: str) -> list[int]:
        wiki, _, title = key.partition("|")
        holders: dict[int, None] = {}
        for one in (title, twin(title)):
            if one is not None:
                found = self._connection.execute(_HOLDERS, {"page": page_number(wiki, one)})
                holders.update(dict.fromkeys(int(row.account) for row in found))
        return list(holders)

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


def _edit(row: Any) -> Edit:
    return Edit(row.name, datetime.fromtimestamp(row.id >> TIME_BITS, UTC), (row.title,), rev_id=row.rev)


def _latest() -> Select[tuple[int, int, str, str]]:
    c, p, w = t.activity_edit.c, t.activity_page.c, t.activity_wiki.c
    joined = t.activity_edit.join(t.activity_page, p.id == c.page).join(t.activity_wiki, w.id == p.wiki)
    query = select(c.id, c.rev, p.title, w.name).select_from(joined).where(c.account == bindparam("account"))
    return query.order_by(c.id.desc()).limit(bindparam("most"))


def _holders() -> Select[tuple[int]]:
    c = t.activity_touch.c
    return select(c.account).where(c.page == bindparam("page")).limit(MOST_HOLDERS + 1)


# Made once: hundreds of them are asked for one account.
_LATEST, _HOLDERS = _latest(), _holders()


def _pages_of(account: Account) -> list[str]:
    """Pages of an account, the latest first, a page and its talk page once; not those in its own user space."""
    keys: dict[str, None] = {}
    for edit in reversed(account.edits):
        for title in edit.pages:
            other = twin(title)
            if owner(title) != account.name and (other is None or f"{edit.wiki}|{other}" not in keys):
                keys.setdefault(f"{edit.wiki}|{title}")
    return list(keys)[:MOST_PAGES]
