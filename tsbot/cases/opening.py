"""Cases that a person opens: about an edit that the patrol missed, or about what somebody reported from outside."""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlalchemy import Connection, update

from tsbot.cases import lifecycle
from tsbot.cases.case import Case, CaseState, read_case
from tsbot.cases.conflicts import People
from tsbot.cases.filing import author_index
from tsbot.cases.grouping import First, open_case
from tsbot.cases.opened import Opened, seal_opened
from tsbot.cases.priority import Reason, bounded, shipped_table
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.text.titles import canonical_name

LONGEST = 200_000
"""Characters of an outside report."""
WIKI = re.compile(r"[a-z][a-z0-9_]{0,63}")


def open_outside(
    connection: Connection, key: MasterKey, told: Opened, *, kind: Kind, wiki: str, by: str, now: float
) -> Case:
    """Open a case for what was reported from outside; it is worked on from the start, by nobody in particular.

    Nothing is written to anybody: the letters of tsbot are about edits. Raises ``InputError`` for an empty or endless text or no wiki.
    """
    if not told.text.strip():
        raise InputError("The report is empty.")
    if len(told.text) > LONGEST:
        raise InputError(f"The report is longer than {LONGEST:,} characters.")
    if not WIKI.fullmatch(wiki):
        raise InputError("Name the wiki by its database name, for instance enwiki.")
    if kind is Kind.NONE:
        raise InputError("A case has a kind.")
    if kind is Kind.MINORS:
        raise InputError("Nothing about minors is stored here. Send the address of the page to the legal team (docs/cases.md).")
    table = shipped_table()
    reasons = (Reason(f"kind.{kind}", table.kinds[kind], f"the kind {kind}"), table.reason("by_hand"))
    priority = bounded(kind, 0, reasons, table).value
    author = canonical_name(told.author)
    case_id, data_key = open_case(
        connection,
        key,
        kind,
        priority,
        wiki=wiki,
        source="intake",
        now=now,
        by=by,
        state=CaseState.OPEN,
        first=First(author=author_index(key, wiki, author)),
    )
    body = seal_opened(data_key, case_id, told)
    connection.execute(update(t.case).where(t.case.c.id == case_id).values(body=body, triaged=now))
    return read_case(connection, case_id)


def adopt(connection: Connection, people: People, case_ids: Collection[str], *, by: str, now: float) -> list[Case]:
    """A person pointed at an edit, and its flags are in these cases: they are worked on. Closed and reported ones stay as they are.

    A party may point at an edit, too; their case waits for somebody else.
    """
    adopted = []
    for case_id in sorted(case_ids):
        case = read_case(connection, case_id)
        if case.state in (CaseState.NEW, CaseState.TRIAGE) and not people.is_party(connection, case_id, by):
            case = lifecycle.move(connection, case_id, CaseState.OPEN, by=by, now=now, person=True)
        audit.record(connection, by, "case.pointed_at", case_id, now, {"version": case.version})
        adopted.append(case)
    return adopted
