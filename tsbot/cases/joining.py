"""Two cases that are one, and one that is two. Flags, letters and notes go along, sealed anew with the key of the case they come to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, Table, select, update

from tsbot.cases import approvals, lifecycle
from tsbot.cases.case import Case, CaseState, change, read_case
from tsbot.cases.closing import MERGED
from tsbot.cases.filing import case_key, lift
from tsbot.cases.grouping import First, open_case
from tsbot.cases.handling import shipped_handling, stricter
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import CaseError, InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal

BATCH = 500
PLAN = "hide_following|body|{}"
EARLIEST = ("triaged", "reported", "acknowledged", "hidden")
"""Times of which the earlier one holds for what two cases have become."""


def merge(connection: Connection, key: MasterKey, source: Case, into: Case, *, by: str, now: float) -> Case:
    """Give all that ``source`` has to ``into``, and close it; the case ``into`` as it is then.

    What was written on ``source`` when it was opened by hand stays there. Raises ``InputError`` or ``CaseError``.
    """
    if source.id == into.id:
        raise InputError("A case cannot be merged into itself.")
    for case in (source, into):
        if case.state is CaseState.CLOSED:
            raise CaseError(f"Case {case.id[:8]} is closed. Reopen it first: `tsbot cases reopen ID`.")
    old, new = _keys(connection, key, source, into)
    _move(connection, t.flag, "flag|body|{}", old, new, t.flag.c.case_id == source.id, into.id)
    _move(connection, t.report, "report|body|{}", old, new, t.report.c.case_id == source.id, into.id)
    _move(connection, t.note, "note|body|{}", old, new, t.note.c.case_id == source.id, into.id)
    _move(connection, t.hearing, "hearing|body|{}", old, new, t.hearing.c.case_id == source.id, into.id)
    _move(connection, t.hearing_word, "hearing_word|body|{}", old, new, t.hearing_word.c.case_id == source.id, into.id)
    _move(connection, t.hide_following, PLAN, old, new, t.hide_following.c.case_id == source.id, into.id)
    connection.execute(update(t.disclosure).where(t.disclosure.c.case_id == source.id).values(case_id=into.id))
    about_all = select(t.annotation).where(t.annotation.c.case_id == source.id, t.annotation.c.report_id.is_(None))
    for row in connection.execute(about_all).all():
        lifecycle.annotate(connection, into.id, row.what, by=row.by, time=row.time)
    about_reports = t.annotation.c.case_id == source.id, t.annotation.c.report_id.is_not(None)
    connection.execute(update(t.annotation).where(*about_reports).values(case_id=into.id))
    kind = min(source.kind, into.kind, key=GRAVITY.index)
    priority = max(source.priority, into.priority)
    values: dict[str, object] = {name: _earlier(getattr(source, name), getattr(into, name)) for name in EARLIEST}
    due = shipped_handling().due_at(kind, priority, into.state, now)
    values |= {
        "kind": kind.value,
        "priority": priority,
        "tlp": stricter(source.tlp, into.tlp),
        "hold_until": max(filter(None, (source.hold_until, into.hold_until)), default=None),
        "due": _earlier(_earlier(source.due, into.due), due),
        "updated": now,
    }
    merged = change(connection, into, values)
    audit.record(connection, by, "case.merged", into.id, now, {"from": source.id, "version": merged.version})
    closed = lifecycle.move(connection, source.id, CaseState.CLOSED, by=by, now=now, outcome=MERGED, person=True)
    change(connection, closed, {"merged_into": into.id})
    for case in (source, into):
        approvals.void(connection, case.id, now)
    return merged


def split(connection: Connection, key: MasterKey, case: Case, flags: Collection[str], *, by: str, now: float) -> Case:
    """Give some flags of a case, with the letters about them, to a case of their own; the new case.

    Flags on one edit stay together, as letters are about edits. Raises ``InputError`` for flags of other cases, or for all of them.
    """
    if case.state is CaseState.CLOSED:
        raise CaseError(f"Case {case.id[:8]} is closed. Reopen it first: `tsbot cases reopen ID`.")
    columns = (t.flag.c.id, t.flag.c.subject, t.flag.c.kind, t.flag.c.priority, t.flag.c.wiki, t.flag.c.author_index, t.flag.c.page_index)
    rows = connection.execute(select(*columns).where(t.flag.c.case_id == case.id).order_by(t.flag.c.event_time, t.flag.c.id)).all()
    if unknown := sorted(set(flags) - {row.id for row in rows}):
        raise InputError(f"Case {case.id[:8]} has no flag {unknown[0][:36]}.")
    subjects = {row.subject for row in rows if row.id in flags}
    moved = [row for row in rows if row.subject in subjects]
    if not moved or len(moved) == len(rows):
        raise InputError("Name some of the flags of the case, and leave others in it.")
    kind = min((Kind(row.kind) for row in moved), key=GRAVITY.index)
    first = moved[0]
    new_id, _ = open_case(
        connection,
        key,
        kind,
        max(row.priority for row in moved),
        wiki=first.wiki,
        source=case.source,
        now=now,
        by=by,
        state=CaseState.TRIAGE,
        first=First(first.author_index, first.page_index),
    )
    new = read_case(connection, new_id)
    old_key, new_key = _keys(connection, key, case, new)
    for some in _batches([row.id for row in moved]):
        _move(connection, t.flag, "flag|body|{}", old_key, new_key, t.flag.c.id.in_(some), new_id)
    for some in _batches(sorted(subjects)):
        plans = (t.hide_following.c.case_id == case.id) & t.hide_following.c.subject.in_(some)
        _move(connection, t.hide_following, PLAN, old_key, new_key, plans, new_id)
        reports = (t.report.c.case_id == case.id) & t.report.c.subject.in_(some)
        letters = connection.scalars(select(t.report.c.id).where(reports)).all()
        _move(connection, t.report, "report|body|{}", old_key, new_key, reports, new_id)
        for table in (t.annotation, t.disclosure):
            for ids in _batches(letters):
                connection.execute(update(table).where(table.c.report_id.in_(ids)).values(case_id=new_id))
    change(connection, new, {"tlp": stricter(case.tlp, new.tlp), "hold_until": case.hold_until, "triaged": now})
    told = select(t.report.c.sent, t.report.c.acknowledged).where(t.report.c.case_id == new_id, t.report.c.sent.is_not(None))
    letters_sent = connection.execute(told.where(t.report.c.purpose == "letter")).all()
    if letters_sent:
        moved_on = lifecycle.move(connection, new_id, CaseState.REPORTED, by=lifecycle.TSBOT, now=now)
        change(connection, moved_on, {"reported": min(row.sent for row in letters_sent)})
        answers = [row.acknowledged for row in letters_sent if row.acknowledged is not None]
        if len(answers) == len(letters_sent):
            lifecycle.move(connection, new_id, CaseState.ACKNOWLEDGED, by=lifecycle.TSBOT, now=now)
            connection.execute(update(t.case).where(t.case.c.id == new_id).values(acknowledged=min(answers)))
    lift(connection, case.id)
    left = change(connection, read_case(connection, case.id), {"updated": now})
    audit.record(connection, by, "case.split", case.id, now, {"to": new_id, "flags": len(moved), "version": left.version})
    approvals.void(connection, case.id, now)
    return read_case(connection, new_id)


def _keys(connection: Connection, key: MasterKey, first: Case, second: Case) -> tuple[bytes, bytes]:
    old, new = case_key(connection, key, first.id), case_key(connection, key, second.id)
    if old is None or new is None:
        raise CaseError("The texts of one of the cases were destroyed with its key; there is nothing to move.")
    return old, new


def _move(connection: Connection, table: Table, context: str, old: bytes, new: bytes, where: ColumnElement[bool], case_id: str) -> None:
    """Seal the bodies of rows anew, and give the rows to a case."""
    (primary,) = table.primary_key.columns
    rows = connection.execute(select(primary.label("key"), table.c.body).where(where)).all()
    for row in rows:
        name = context.format(row.key)
        body = seal(new, unseal(old, row.body, name), name) if row.body else row.body
        connection.execute(update(table).where(primary == row.key).values(case_id=case_id, body=body))


def _batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def _earlier(first: float | None, second: float | None) -> float | None:
    return min((time for time in (first, second) if time is not None), default=None)


def flags_named(connection: Connection, case_id: str, prefixes: Collection[str]) -> set[str]:
    """Ids of the flags of a case that begin so. Raises ``InputError`` unless each names exactly one."""
    found = set()
    for prefix in prefixes:
        query = select(t.flag.c.id).where(t.flag.c.case_id == case_id, t.flag.c.id.startswith(prefix, autoescape=True)).limit(2)
        ids = connection.scalars(query).all()
        if len(ids) != 1:
            raise InputError(f"{'No flag' if not ids else 'More than one flag'} of the case begins with {prefix[:36]!r}.")
        found.add(ids[0])
    return found


def case_of_report(connection: Connection, report: str) -> str:
    """The case that a message is about. Raises ``InputError`` if there is no such message."""
    found = connection.scalar(select(t.report.c.case_id).where(t.report.c.id == report))
    if found is None:
        raise InputError(f"There is no report {report[:36]!r}.")
    return str(found)
