"""What the stream tells of plans that are followed, written down in the transaction that stores the events.

Plans come from other threads and processes (:mod:`tsbot.hide.follower`, the console); those that are new or changed are read anew
before each batch. A batch that concerns no plan costs one small query.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from tsbot.cases import lifecycle
from tsbot.hide import kept
from tsbot.hide.follow import Following, State, follow
from tsbot.hide.kept import Kept
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event, EventKind

LOOK_AT_ONCE = 0.0
"""``due`` of a plan with edits that must be looked at."""
Mark = tuple[str, str, int | str]
"""A wiki and something of it that a plan is about: ``rev``, ``page``, ``title`` or ``user``."""
FOLLOWED = frozenset((EventKind.VISIBILITY, EventKind.DELETION, EventKind.LOG, EventKind.EDIT))


@dataclass
class Observer:
    """Knows which plans an event may concern. One for each thread that stores events."""

    key: MasterKey
    _serial: int = 0
    _marks: dict[str, frozenset[Mark]] = field(default_factory=dict)
    _plans: dict[Mark, set[str]] = field(default_factory=dict)
    _wikis: set[str] = field(default_factory=set)

    def observe(self, connection: Connection, events: Iterable[Event], now: float) -> int:
        """Take events into account; how many plans they changed. Raises ``StoreError`` and ``KeyFileError``."""
        self._read_changes(connection)
        if not self._marks:
            return 0
        concerned: dict[str, list[Event]] = {}
        for event in events:
            if event.wiki in self._wikis and event.kind in FOLLOWED:
                for subject in {subject for mark in marks_of(event) for subject in self._plans.get(mark, ())}:
                    concerned.setdefault(subject, []).append(event)
        return sum(self._follow(connection, subject, some, now) for subject, some in concerned.items())

    def _read_changes(self, connection: Connection) -> None:
        c = t.hide_following.c
        rows = connection.execute(select(t.hide_following).where(c.serial > self._serial).order_by(c.serial)).mappings().all()
        for row in rows:
            one = kept.opened(connection, self.key, row)
            self._index(row["subject"], marks(one) if one is not None else frozenset())
            self._serial = row["serial"]
        if rows:
            self._wikis = {mark[0] for mark in self._plans}

    def _index(self, subject: str, now: frozenset[Mark]) -> None:
        for mark in self._marks.pop(subject, frozenset()) - now:
            self._plans[mark].discard(subject)
            if not self._plans[mark]:
                del self._plans[mark]
        if now:
            self._marks[subject] = now
        for mark in now:
            self._plans.setdefault(mark, set()).add(subject)

    def _follow(self, connection: Connection, subject: str, events: Sequence[Event], now: float) -> bool:
        one = kept.read(connection, self.key, subject)
        if one is None:
            return False
        following = one.following
        for event in events:
            # Once all is hidden our copy of the text is gone. Whoever puts it back is found by the detector, as the first time.
            if one.question is not None or event.kind is not EventKind.EDIT:
                following = follow(following, event)
        if following == one.following:
            return False
        store(connection, self.key, replace(one, following=following), one.following, now, due=None)
        return True


def store(connection: Connection, key: MasterKey, one: Kept, before: Following | None, now: float, *, due: float | None) -> None:
    """Save a plan, and what its new state means for the case. ``due`` None leaves the time at which the wiki is asked as it is."""
    following = one.following
    if due is None:
        due = connection.scalar(select(t.hide_following.c.due).where(t.hide_following.c.subject == one.subject))
    kept.save(connection, key, one, due=LOOK_AT_ONCE if following.to_look and one.question is not None else due)
    if following.state is State.REOPENED and (before is None or before.state is not State.REOPENED):
        lifecycle.shown_again(connection, one.case_id, now)
    elif following.state is State.DONE and following.done_at is not None and (before is None or before.state is not State.DONE):
        lifecycle.settle(connection, one.case_id, now)


def marks(one: Kept) -> frozenset[Mark]:
    """By what an event that concerns a plan can be known."""
    following, wiki = one.following, one.following.plan.wiki
    found: set[Mark] = {(wiki, "rev", rev_id) for rev_id in (*following.page_of, *following.to_look)}
    found |= {(wiki, "page", page_id) for page_id in following.current}
    found |= {(wiki, "title", title) for title in following.titles}
    if one.question is not None:
        found |= {(wiki, "user", name) for name in following.plan.authors}
    return frozenset(found)


def marks_of(event: Event) -> list[Mark]:
    """What plans are looked up by for an event."""
    found: list[Mark] = [(event.wiki, "title", event.title)]
    if event.rev_id:
        found.append((event.wiki, "rev", event.rev_id))
    if event.page_id:
        found.append((event.wiki, "page", event.page_id))
    if event.kind is EventKind.EDIT and event.user:
        found.append((event.wiki, "user", event.user))
    return found
