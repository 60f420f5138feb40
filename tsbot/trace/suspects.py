"""Whom to compare with an account: who the index knows, who edits the same rare pages on the wikis, whose name is alike.

Pages that very many edit point to nobody and are passed over, so that fifty thousand temporary accounts on one page cost one request.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network

from tsbot.trace.activity import Account
from tsbot.trace.footprints import activity
from tsbot.trace.gallery import owner
from tsbot.trace.index import skeleton_number, stem_number
from tsbot.trace.naming import kind_of, vanished
from tsbot.trace.shortlist import Shortlist
from tsbot.trace.skeleton import stem
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.footprint import Contribution, PageEditors
from tsbot.wiki.titles import twin

CROWDED = 100
"""People among the newest edits of a page from which on it points to nobody."""
NAME_WIKIS = 3
STRANGER_WIKIS = 4
STRANGERS = 150
_LEAST_PREFIX = 4


@dataclass(frozen=True)
class Suspects:
    """Names with why they are compared, those with the most reason first; strangers; what was passed over."""

    why: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strangers: tuple[Account, ...] = ()
    crowded: tuple[str, ...] = ()
    pages: int = 0
    """Page histories that were read."""


def rare_pages(account: Account, crowded: Collection[str], most: int) -> list[tuple[str, str]]:
    """Pages (wiki, title) whose histories are worth reading: those that an account edits most, a page and its talk page once."""
    counts: Counter[tuple[str, str]] = Counter()
    for edit in account.edits:
        for title in edit.pages:
            if owner(title) != account.name and f"{edit.wiki}|{title}" not in crowded:
                counts[edit.wiki, title] += 1
    chosen: list[tuple[str, str]] = []
    for (wiki, title), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if (wiki, twin(title) or "") not in chosen:
            chosen.append((wiki, title))
        if len(chosen) >= most:
            break
    return chosen


def suspects(
    fan: FanOut,
    account: Account,
    where: Sequence[str],
    listed: Shortlist,
    *,
    most: int,
    pages: int,
    besides: Collection[str] = (),
    asked: Sequence[str] = (),
    joined: Collection[str] = (),
) -> Suspects:
    """Find them. ``besides`` are names of the account itself; ``asked`` are compared in any case.

    ``joined`` are pages (``wiki|title``) of other languages that are pages of the account's.
    """
    points: dict[str, float] = defaultdict(float)
    why: dict[str, dict[str, None]] = defaultdict(dict)
    crowded = list(listed.crowded)
    for one in listed.found:
        points[one.account] += one.points
        why[one.account].update(dict.fromkeys(one.why))
    for link in listed.links:  # what the index can score counts more than what it merely found
        points[link.account] += 3 * max(0.0, link.log_lr)
    histories = _histories(fan, account, listed.crowded, pages, [one for one in joined if one.partition("|")[0] in where])
    everybody: dict[tuple[str, str], list[Contribution]] = defaultdict(list)
    for (wiki, title), page in histories.items():
        editors = {edit.user for edit in page.edits if edit.user}
        if len(editors) > CROWDED:
            crowded.append(f"{wiki}|{title}")
            continue
        for edit in page.edits:
            if edit.user:
                everybody[edit.user, wiki].append(edit)
        for editor in editors:
            points[editor] += math.log(CROWDED / len(editors)) + 1.0
            why[editor]["page"] = None
    for name in _alike(fan, account.name, where):
        points[name] += 10.0
        why[name]["name"] = None
    for name in asked:
        points[name] += 1e6
        why[name]["asked"] = None
    out = {account.name, *besides}
    ordered = sorted(points, key=lambda one: (-round(points[one], 6), one))
    names = [name for name in ordered if name not in out and not vanished(name) and not _never(account.name, name)]
    first = names[:most]
    strangers = _strangers(fan, where, everybody, out | set(first))
    return Suspects({name: tuple(why[name]) for name in first}, strangers, tuple(dict.fromkeys(crowded)), len(histories))


def _never(first: str, second: str) -> bool:
    """Whether a link would lead from a temporary account to an address, which is nobody's to tell, or from a range to its own address."""
    kinds = {kind_of(first), kind_of(second)}
    if "temporary" in kinds and kinds & {"address", "range"}:
        return True
    return kinds == {"address", "range"} and ip_network(first, strict=False).overlaps(ip_network(second, strict=False))


def _histories(
    fan: FanOut, account: Account, crowded: Collection[str], most: int, joined: Sequence[str]
) -> dict[tuple[str, str], PageEditors]:
    chosen = rare_pages(account, crowded, most)
    for page in joined[: max(0, most - len(chosen))]:
        wiki, _, title = page.partition("|")
        if page not in crowded and (wiki, title) not in chosen:
            chosen.append((wiki, title))
    return fan.gather("page histories", {(wiki, title): (wiki, partial(fan.page, wiki, title)) for wiki, title in chosen})


def _alike(fan: FanOut, name: str, where: Sequence[str]) -> list[str]:
    """Accounts of the wikis whose names begin as this one and look like it but for a number."""
    if kind_of(name) != "account":
        return []
    base = stem(name)[0]
    # The beginning as it is spelt: the list of accounts is not folded.
    prefix = name.rstrip("0123456789 -_.IVXivx") or name
    prefix = prefix if len(prefix) >= _LEAST_PREFIX else name
    if len(base) < _LEAST_PREFIX:
        return []
    found = fan.gather("names", {wiki: (wiki, partial(fan.named, wiki, prefix)) for wiki in where[:NAME_WIKIS]})
    keys = {skeleton_number(name), stem_number(name)} - {0}
    return sorted({one for some in found.values() for one in some if {skeleton_number(one), stem_number(one)} & keys} - {name})


def _strangers(
    fan: FanOut, where: Sequence[str], everybody: Mapping[tuple[str, str], list[Contribution]], besides: Collection[str]
) -> tuple[Account, ...]:
    """Ordinary people of the same wikis, to tell how rare what is shared is: from recent changes, and others of the page histories."""
    edits: dict[str, dict[str, dict[int, Contribution]]] = defaultdict(lambda: defaultdict(dict))
    recent = fan.gather("recent changes", {wiki: (wiki, partial(fan.recent, wiki)) for wiki in where[:STRANGER_WIKIS]})
    for wiki, changes in recent.items():
        for change in changes:
            if change.user and change.user not in besides:
                edits[change.user][wiki][change.rev_id] = change
    for (user, wiki), some in everybody.items():
        if user not in besides:
            edits[user][wiki].update({edit.rev_id: edit for edit in some})
    accounts = [activity(user, {wiki: list(some.values()) for wiki, some in by_wiki.items()}) for user, by_wiki in edits.items()]
    return tuple(sorted(accounts, key=lambda one: (-len(one.edits), one.name))[:STRANGERS])
