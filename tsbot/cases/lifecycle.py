"""The way of a case: which state follows which, who may bring it about, and what that sets.

The table is ``transitions.toml``; docs/cases.md draws it. All functions work inside the caller's transaction (which must be one that
writes), and write to the audit log there. Who is one of :data:`SYSTEM` acts for the system, unless the caller says that it is a person.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from tsbot.cases import closing_order
from tsbot.cases.case import SCAN, Case, CaseState, change, read_case
from tsbot.cases.closing import covered, shipped_closing
from tsbot.cases.handling import shipped_handling, stricter
from tsbot.cases.seen import check_seen
from tsbot.datafiles import data_file
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import InputError, SettingsError, TransitionError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.outbox import UNSENT, Purpose, ReportState

__all__ = ["CaseState", "advance", "move", "note_hidden", "noticed", "settle", "shown_again"]

SHIPPED = Path(__file__).with_name("transitions.toml")
TSBOT, STREAM = "tsbot", "stream"
SYSTEM = frozenset((TSBOT, STREAM))
"""Actors that are no persons."""
ORDER = tuple(CaseState)


class Transition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """One allowed way from a state to another."""

    start: CaseState
    to: CaseState
    by: tuple[Literal["person", "system"], ...]
    act: str
    why: str
    not_emergency: bool = False
    """The system may not for emergency kinds."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    transition: tuple[Transition, ...]


Transitions = Mapping[tuple[CaseState, CaseState], Transition]


def load_transitions(path: Path = SHIPPED) -> Transitions:
    """Read a table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        rows = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).transition
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    table: dict[tuple[CaseState, CaseState], Transition] = {}
    for row in rows:
        name = f"{path.name}: {row.start} to {row.to}"
        if (row.start, row.to) in table or row.start is row.to:
            raise SettingsError(f"{name}: stands twice, or leads nowhere.")
        if not row.by or not row.why.strip() or not row.act.startswith("case."):
            raise SettingsError(f"{name}: needs who, why, and an act case.NAME.")
        table[row.start, row.to] = row
    for state in CaseState:
        if state is not CaseState.CLOSED and (state, CaseState.CLOSED) not in table:
            raise SettingsError(f"{path.name}: {state} to closed is missing; every case can be closed by a person.")
    return table


@data_file("transitions", SHIPPED)
def shipped_transitions() -> Transitions:
    """The table of the package."""
    return load_transitions()


def allowed(case: Case, to: CaseState, *, person: bool, transitions: Transitions | None = None) -> Transition:
    """The way of a case to a state. Raises ``TransitionError`` if there is none, or not for whoever acts."""
    table = transitions or shipped_transitions()
    way = table.get((case.state, to))
    name = f"Case {case.id[:8]} is {case.state}"
    if way is None:
        ways = ", ".join(state for start, state in table if start is case.state)
        raise TransitionError(f"{name} and cannot become {to}; from there it can become {ways}.")
    if ("person" if person else "system") not in way.by:
        raise TransitionError(f"{name}; that it becomes {to} is for {' or '.join(way.by)} to decide.")
    if not person and way.not_emergency and shipped_handling().emergency(case.kind):
        raise TransitionError(f"{name} and of an emergency kind: it closes once its report is acknowledged, or when a person closes it.")
    return way


def move(
    connection: Connection,
    case_id: str,
    to: CaseState,
    *,
    by: str,
    now: float,
    outcome: str | None = None,
    version: int | None = None,
    person: bool | None = None,
) -> Case:
    """Bring a case into a state; the case as it is then. ``outcome`` is needed for ``closed``, ``version`` the one that was seen.

    A case that is acknowledged when the wiki has dealt with all of it already is closed at once, as :func:`settle` does.
    Raises ``TransitionError``, ``CaseChangedError``, or ``InputError`` for an unknown case or outcome.
    """
    case = read_case(connection, case_id, lock=True)
    if version is not None:
        check_seen(connection, case, version)
    person = by not in SYSTEM if person is None else person
    way = allowed(case, to, person=person)
    if to is CaseState.CLOSED and outcome not in shipped_closing().outcomes:
        raise InputError(f"A case closes with an outcome: {', '.join(sorted(shipped_closing().outcomes))}.")
    values: dict[str, object] = {"state": to.value, "updated": now, "due": shipped_handling().due_at(case.kind, case.priority, to, now)}
    if person and case.triaged is None:
        values["triaged"] = now
    if to is CaseState.CLOSED:
        values |= {"closed": now, "outcome": outcome, "lease_by": None, "lease_until": None}
    elif case.state is CaseState.CLOSED:
        values |= {"closed": None, "outcome": None}
    elif to in (CaseState.REPORTED, CaseState.ACKNOWLEDGED) and getattr(case, to.value) is None:
        values[to.value] = now
    moved = change(connection, case, values)
    told: dict[str, audit.Value] = {"from": case.state.value, "to": to.value, "version": moved.version}
    audit.record(connection, by, way.act, case.id, now, told | ({"outcome": outcome} if outcome else {}))
    if to is CaseState.CLOSED and outcome is not None:
        annotate(connection, case.id, outcome, by=by, time=now)
    if to is CaseState.ACKNOWLEDGED:
        return settle(connection, case.id, now) or moved
    return moved


def advance(connection: Connection, case_id: str, to: CaseState, *, by: str, now: float) -> Case:
    """Bring a case as far as ``to`` if it is not there or beyond yet; else nothing. For what happens to its reports."""
    case = read_case(connection, case_id, lock=True)
    if case.state is CaseState.CLOSED or ORDER.index(case.state) >= ORDER.index(to):
        return _first(connection, case, to.value, now) if to in (CaseState.REPORTED, CaseState.ACKNOWLEDGED) else case
    if to is CaseState.ACKNOWLEDGED and case.state is not CaseState.REPORTED:
        move(connection, case_id, CaseState.REPORTED, by=by, now=now)
    return move(connection, case_id, to, by=by, now=now)


def noticed(connection: Connection, case_id: str, now: float, by: str = TSBOT) -> Case:
    """A person did something about a case for the first time; the time of that is kept, and a new case is in triage from then on."""
    case = read_case(connection, case_id, lock=True)
    if case.state is CaseState.NEW:
        case = move(connection, case_id, CaseState.TRIAGE, by=by, now=now)
    return _first(connection, case, "triaged", now)


def settle(connection: Connection, case_id: str, now: float) -> Case | None:
    """Close a case of which the wiki has dealt with every flag, where the table allows it; the case if that was so.

    One of an emergency kind stays open, too, while a letter about it has not left: what was acknowledged was another one. And any
    case does while something that shows its text is known and not hidden.
    """
    case = read_case(connection, case_id, lock=True)
    try:
        allowed(case, CaseState.CLOSED, person=False)
    except TransitionError:
        return None
    if shipped_handling().emergency(case.kind) and _has_unsent(connection, case_id):
        return None
    if closing_order.somebody_waits(connection, case_id):
        return None
    if _is_shown(connection, case_id):
        return None
    outcome = covered(connection, case_id)
    return None if outcome is None else move(connection, case_id, CaseState.CLOSED, by=STREAM, now=now, outcome=outcome)


def _has_unsent(connection: Connection, case_id: str) -> bool:
    """Whether a letter about a case waits: for its release, for a server, or for somebody to mend what keeps it back."""
    c = t.report.c
    waits = (c.state.in_([state.value for state in (*UNSENT, ReportState.QUEUED, ReportState.DEAD)]), c.acknowledged.is_(None))
    query = select(c.id).where(c.case_id == case_id, c.purpose == Purpose.LETTER.value, *waits)
    return connection.execute(query.limit(1)).first() is not None


def _is_shown(connection: Connection, case_id: str) -> bool:
    """Whether a plan of what to hide is not carried out yet."""
    c = t.hide_following.c
    left = (c.exposed > 0) | (c.to_suppress > 0) | (c.to_look > 0)
    return connection.execute(select(c.subject).where(c.case_id == case_id, left).limit(1)).first() is not None


def shown_again(connection: Connection, case_id: str, now: float) -> Case:
    """What a wiki had hidden is shown again: a closed case is new once more."""
    annotate(connection, case_id, "shown", by=STREAM, time=now)
    case = read_case(connection, case_id, lock=True)
    return move(connection, case_id, CaseState.NEW, by=STREAM, now=now) if case.state is CaseState.CLOSED else case


def note_hidden(connection: Connection, case_id: str, what: str, time: float) -> None:
    """Write on a case what the stream tells of one of its flags. ``time`` is when it happened on the wiki."""
    annotate(connection, case_id, what, by=STREAM, time=time)
    if what in shipped_closing().hides.outcomes:
        _first(connection, read_case(connection, case_id), "hidden", time)


def _first(connection: Connection, case: Case, what: str, time: float) -> Case:
    """Keep when something happened first. That is no act on the case, so its version stays."""
    if getattr(case, what) is not None:
        return case
    connection.execute(update(t.case).where(t.case.c.id == case.id, t.case.c[what].is_(None)).values({what: time}))
    return read_case(connection, case.id)


def annotate(connection: Connection, case_id: str, what: str, *, by: str, time: float) -> None:
    """Write on a case what became of it, for the team to see; only the first time of each is kept."""
    c = t.annotation.c
    same = select(c.id).where(c.case_id == case_id, c.report_id.is_(None), c.what == what)
    if connection.execute(same.limit(1)).first() is None:
        connection.execute(insert(t.annotation).values(case_id=case_id, what=what, by=by[:64], time=time))


def flagged(connection: Connection, case: Case, flag: str, kind: Kind, priority: int, now: float) -> Case:
    """A flag joined a case: it takes the graver kind and the higher priority, and what is due is due sooner if that says so."""
    graver = min(case.kind, kind, key=GRAVITY.index)
    higher = max(case.priority, priority)
    values: dict[str, object] = {"updated": now, "kind": graver.value, "priority": higher}
    due = shipped_handling().due_at(graver, higher, case.state, now)
    if due is not None and case.source != SCAN and (case.due is None or due < case.due):
        values["due"] = due
    if graver is not case.kind:
        values["tlp"] = stricter(case.tlp, shipped_handling().kinds[graver].tlp)
    changed = change(connection, case, values)
    audit.record(connection, TSBOT, "case.flagged", case.id, now, {"flag": flag, "version": changed.version})
    return changed
