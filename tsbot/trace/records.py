"""What the store knows that a trace needs: flags of ours, disputed links, and the note of who asked and why.

A question is an entry of the audit log, in which names have no place: the account is a keyed fingerprint there, and the reason is written
down without it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

LONGEST_WHY = 200
SHORTEST_WHY = 3


@dataclass(frozen=True, slots=True)
class OurFlags:
    """Flags of ours on an account's edits to one wiki."""

    flags: int
    cases: tuple[str, ...]


def reason(why: str, names: Iterable[str]) -> str:
    """A reason as the audit log may keep it: short, on one line, without the names that it is about. Raises ``InputError``."""
    words = " ".join(why.split())
    if len(words) < SHORTEST_WHY:
        raise InputError('Say why you ask (--why "..."): it is written into the audit log with your name.')
    for name in sorted(names, key=len, reverse=True):
        words = re.sub(re.escape(name), "[account]", words, flags=re.IGNORECASE)
    return words[:LONGEST_WHY]


def fingerprint(key: MasterKey, name: str) -> str:
    """What stands for an account where its name must not."""
    return key.index("account", name).hex()


def record(
    connection: Connection, key: MasterKey, act: str, obj: str, *, by: str, name: str, why: str, now: float, **more: audit.Value
) -> None:
    """Write down that somebody asked or did something about an account."""
    details: dict[str, audit.Value] = {"account": fingerprint(key, name), "why": reason(why, [name]), **more}
    audit.record(connection, by, act, obj, now, details)


def our_flags(connection: Connection, key: MasterKey, names: Iterable[str]) -> dict[str, OurFlags]:
    """Flags and cases on an account's edits (under all its names), by wiki; drills are not among them."""
    c = t.flag.c
    marks = [key.index("account", name) for name in names]
    query = select(c.wiki, c.id, c.case_id).where(c.account_index.in_(marks), c.source != "drill")
    flags: dict[str, set[str]] = defaultdict(set)
    cases: dict[str, dict[str, None]] = defaultdict(dict)
    for row in connection.execute(query.order_by(c.event_time.desc()).limit(1000)):
        flags[row.wiki].add(row.id)
        cases[row.wiki][row.case_id] = None
    return {wiki: OurFlags(len(ids), tuple(cases[wiki])) for wiki, ids in flags.items()}


def flagged(connection: Connection, key: MasterKey, names: Iterable[str]) -> tuple[frozenset[tuple[str, int]], frozenset[str]]:
    """Of some accounts the revisions that were flagged (wiki, id), and the accounts whose name was."""
    marks = {key.index("account", name): name for name in names}
    c = t.flag.c
    revisions: set[tuple[str, int]] = set()
    attacks: set[str] = set()
    wanted = sorted(marks)
    for start in range(0, len(wanted), 400):
        query = select(c.subject, c.field, c.account_index).where(c.account_index.in_(wanted[start : start + 400]), c.source != "drill")
        for row in connection.execute(query):
            wiki, _, rest = row.subject.partition(":")
            if rest.startswith("rev:"):
                revisions.add((wiki, int(rest[4:])))
            if row.field == "user":
                attacks.add(marks[bytes(row.account_index)])
    return frozenset(revisions), frozenset(attacks)


def pair_index(key: MasterKey, first: str, second: str) -> str:
    """What stands for two accounts, in either order."""
    return key.index("pair", *sorted((first, second))).hex()


def disputed(connection: Connection, key: MasterKey, pairs: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """Of some pairs those that somebody disputed, with who it was last."""
    marks = {pair_index(key, *pair): pair for pair in pairs}
    found: dict[tuple[str, str], str] = {}
    c = t.trace_dispute.c
    wanted = sorted(marks)
    for start in range(0, len(wanted), 400):
        query = select(c.pair_index, c.by).where(c.pair_index.in_(wanted[start : start + 400]), c.ended.is_(None)).order_by(c.created)
        for row in connection.execute(query):
            found[marks[row.pair_index]] = row.by
    return found
