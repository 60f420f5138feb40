"""Which case a flag belongs to: flags of one incident are one case.

All flags on one edit are one case. Besides, one incident is what has the author (on the wiki, or under the same account on another),
the target, the page, or the text in common, within a time that is set for each. They are tried in this order, and the newest flag that
fits counts. An open case comes before a closed one; a closed one is opened again, so that what comes back lands in the thread and the
history that it belongs to.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, insert, select, update

from tsbot.cases import approvals, lifecycle
from tsbot.cases.case import SCAN, CaseState, read_case
from tsbot.cases.handling import shipped_handling
from tsbot.detect.finding import Kind
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

DRILL = "drill"
APART = (DRILL, SCAN)
EVER = 1e12
LONG_TEXT = 40
"""Letters from which a text is somebody's own. Shorter ones are said by many, and are one flood only within ``short_copies``."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Within how many seconds of each other flags belong to one case."""

    author: float = 86400.0
    """Flags of one author, on one wiki or under the same account on several."""
    page: float = 3600.0
    """Flags of different authors on one page. Short: a busy page must not chain unrelated incidents together."""
    target: float = 21600.0
    """Flags of different authors that are aimed at one account, on one wiki."""
    copies: float = 86400.0
    """Flags on near-equal texts, on all wikis."""
    short_copies: float = 600.0
    """Flags on near-equal texts of few letters."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a new flag has in common with others. None and empty are in common with nothing."""

    subject: str
    wiki: str
    time: float
    """When the edit was made."""
    author: bytes | None = None
    account: bytes | None = None
    target: bytes | None = None
    page: bytes | None = None
    family: int | None = None
    long_text: bool = False


@dataclass(frozen=True, slots=True)
class First:
    """Fingerprints of the author and the page of a case's first flag."""

    author: bytes | None = None
    page: bytes | None = None


NOTHING = First()


def case_for(
    connection: Connection, key: MasterKey, kind: Kind, priority: int, marks: Marks, *, flag: str, source: str, windows: Windows, now: float
) -> tuple[str, bytes]:
    """The case that a new flag belongs to and its data key; a new case if there is none. What that does to the case is done."""
    found = _find(connection, marks, windows, source)
    if found is None:
        first = First(marks.author, marks.page)
        return open_case(connection, key, kind, priority, wiki=marks.wiki, source=source, now=now, by=lifecycle.TSBOT, first=first)
    case_id, wrapped = found
    case = read_case(connection, case_id, lock=True)
    if case.state is CaseState.CLOSED:
        lifecycle.move(connection, case_id, CaseState.NEW, by=lifecycle.TSBOT, now=now)
        case = read_case(connection, case_id)
    lifecycle.flagged(connection, case, flag, kind, priority, now)
    approvals.void(connection, case_id, now)
    return case_id, key.unwrap(wrapped, case_id)


def _find(connection: Connection, marks: Marks, windows: Windows, source: str) -> tuple[str, bytes] | None:
    """Id and wrapped key of the case of the newest flag that has something in common; an open case first."""
    near = select(t.case.c.id, t.case.c.data_key).join(t.flag, t.flag.c.case_id == t.case.c.id)
    # Exercises keep among themselves; and so do looks back, which must neither open closed cases again nor hide what is new in old ones.
    mine = t.case.c.source == source if source in APART else t.case.c.source.not_in(APART)
    near = near.where(t.case.c.data_key.is_not(None), t.case.c.merged_into.is_(None), mine)
    # One query each, in the order of an index: an OR of all would read all flags of the wiki.
    near = near.order_by(t.flag.c.event_time.desc()).limit(1)
    for closed in (False, True):
        state = t.case.c.state == "closed" if closed else t.case.c.state != "closed"
        for same, window in _common(marks, windows):
            query = near.where(*same, state, t.flag.c.event_time.between(marks.time - window, marks.time + window))
            row = connection.execute(query).first()
            if row is not None:
                return row.id, row.data_key
    return None


def _common(marks: Marks, windows: Windows) -> Iterator[tuple[tuple[ColumnElement[bool], ...], float]]:
    """What flags are sought by, and within which time."""
    here = t.flag.c.wiki == marks.wiki
    yield (t.flag.c.subject == marks.subject,), EVER
    if marks.author is not None:
        yield (here, t.flag.c.author_index == marks.author), windows.author
    if marks.account is not None:
        yield (t.flag.c.account_index == marks.account,), windows.author
    if marks.target is not None:
        yield (here, t.flag.c.target_index == marks.target), windows.target
    if marks.page is not None:
        yield (here, t.flag.c.page_index == marks.page), windows.page
    if marks.family is not None:
        yield (t.flag.c.text_family == marks.family,), windows.copies if marks.long_text else windows.short_copies


def open_case(
    connection: Connection,
    key: MasterKey,
    kind: Kind,
    priority: int,
    *,
    wiki: str,
    source: str,
    now: float,
    by: str,
    state: CaseState = CaseState.NEW,
    first: First = NOTHING,
) -> tuple[str, bytes]:
    """A new case with a random id; the id and the data key."""
    case_id = str(uuid.uuid4())
    data_key, wrapped = key.new_data_key(case_id)
    handling = shipped_handling()
    connection.execute(
        insert(t.case).values(
            id=case_id,
            wiki=wiki,
            kind=kind.value,
            state=state.value,
            opened=now,
            updated=now,
            data_key=wrapped,
            author_index=first.author,
            page_index=first.page,
            source=source,
            priority=priority,
            tlp=handling.kinds[kind].tlp,
            due=None if source == SCAN else handling.due_at(kind, priority, state, now),
            version=1,
        )
    )
    audit.record(connection, by, "case.opened", case_id, now, {"source": source, "version": 1})
    return case_id, data_key


def enliven(connection: Connection, case_id: str, source: str, now: float) -> None:
    """Make a case of a look back one of the patrol's, since it met one of its edits: deadlines run from now on, unless it is closed."""
    case = read_case(connection, case_id, lock=True)
    if case.source != SCAN:
        return
    due = None if case.state is CaseState.CLOSED else shipped_handling().due_at(case.kind, case.priority, case.state, now)
    changed = update(t.case).where(t.case.c.id == case_id).values(source=source, due=due, version=case.version + 1)
    connection.execute(changed)
    audit.record(connection, lifecycle.TSBOT, "case.taken_over", case_id, now, {"source": source, "version": case.version + 1})
