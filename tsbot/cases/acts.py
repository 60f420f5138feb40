"""What people do to cases: each act checks who acts, whether somebody else works on the case, and which version was seen."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from tsbot.cases import approvals, closing_order, leases, lifecycle
from tsbot.cases.approvals import Rules
from tsbot.cases.case import Case, CaseState, change, read_case
from tsbot.cases.closing import shipped_closing
from tsbot.cases.conflicts import People
from tsbot.cases.handling import shipped_handling
from tsbot.cases.notes import add_note
from tsbot.cases.retention import DAY, retention_of
from tsbot.cases.seen import check_seen, last_seen
from tsbot.detect.finding import Kind
from tsbot.errors import CaseError, InputError
from tsbot.settings import Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import Report


@dataclass(frozen=True)
class Desk:
    """Somebody at work: who they are, and the rules of the house. Every method works inside the caller's transaction.

    Methods raise ``PartyError`` for a party to the case, ``CaseTakenError`` where somebody else works on it, ``CaseChangedError`` where it
    is not as it was seen, ``TransitionError``, and ``ApprovalNeededError`` (:func:`tsbot.cases.approvals.asking` keeps the request).
    """

    by: str
    key: MasterKey
    people: People
    rules: Rules
    longest_hold: float
    """Of a legal hold, in seconds."""

    def begin(
        self, connection: Connection, case_id: str, now: float, *, seen: int | None = None, versioned: bool = False, obj: str | None = None
    ) -> Case:
        """A case that may be acted on now. ``versioned`` acts need the version that was seen: ``seen``, or that of one's own last act.

        Whoever asked for a second person about the case (or about ``obj``) does not keep that second person out with their lease.
        """
        self.people.refuse(connection, case_id, self.by)
        case = read_case(connection, case_id, lock=True)
        if case.merged_into is not None:
            raise CaseError(f"Case {case.id[:8]} was merged into {case.merged_into[:8]}; act on that one.")
        if leases.holder(case, now) not in {one.asked_by for one in approvals.pending(connection, obj or case_id, now)}:
            leases.require(case, self.by, now)
        if versioned:
            seen = last_seen(connection, case_id, self.by) if seen is None else seen
            if seen is None:
                words = f"Claim case {case.id[:8]} first, or name the version that you have seen: --seen {case.version}."
                raise InputError(f"You have not acted on this case yet. {words}")
            check_seen(connection, case, seen)
        return case

    def claim(self, connection: Connection, case_id: str, now: float, *, take_over: bool = False) -> Case:
        """Take a case or keep it for longer; a new one is in triage from then on."""
        self.people.refuse(connection, case_id, self.by)
        case = read_case(connection, case_id, lock=True)
        if case.state is CaseState.CLOSED:
            raise CaseError(f"Case {case.id[:8]} is closed. Reopen it first: `tsbot cases reopen ID`.")
        leases.claim(connection, case_id, self.by, now, take_over=take_over)
        return self.noticed(connection, case_id, now)

    def noticed(self, connection: Connection, case_id: str, now: float) -> Case:
        """The first act of a person counts as such."""
        return lifecycle.noticed(connection, case_id, now, self.by)

    def take_up(self, connection: Connection, case_id: str, now: float, *, seen: int | None = None) -> Case:
        """A case in triage is to be worked on."""
        self.begin(connection, case_id, now, seen=seen, versioned=True)
        return lifecycle.move(connection, case_id, CaseState.OPEN, by=self.by, now=now, person=True)

    def note(self, connection: Connection, case_id: str, text: str, now: float) -> int:
        """Write a note. It takes nothing from anybody, so no version has to be seen for it."""
        self.begin(connection, case_id, now)
        number = add_note(connection, self.key, case_id, text, by=self.by, now=now)
        self.noticed(connection, case_id, now)
        return number

    def close(self, connection: Connection, case_id: str, outcome: str, now: float, *, seen: int | None = None) -> Case:
        """Close a case. To dismiss one of a high priority needs a second person."""
        case = self.begin(connection, case_id, now, seen=seen, versioned=True)
        ending = shipped_closing().outcomes.get(outcome)
        if ending is None or not ending.people:
            chosen = ", ".join(sorted(name for name, one in shipped_closing().outcomes.items() if one.people))
            raise InputError(f"A case closes with one of: {chosen}.")
        lifecycle.allowed(case, CaseState.CLOSED, person=True)
        closing_order.check(connection, case_id)
        if ending.dismisses:
            approvals.need(connection, "dismiss_high", case_id, self.by, now, self.rules, priority=case.priority)
        return lifecycle.move(connection, case_id, CaseState.CLOSED, by=self.by, now=now, outcome=outcome, person=True)

    def reopen(self, connection: Connection, case_id: str, now: float, *, seen: int | None = None) -> Case:
        """Open a closed case again."""
        case = self.begin(connection, case_id, now, seen=seen, versioned=True)
        if case.purged is not None:
            raise CaseError(f"The texts of case {case.id[:8]} were destroyed; there is nothing left to work on.")
        return lifecycle.move(connection, case_id, CaseState.OPEN, by=self.by, now=now, person=True)

    def mark(
        self, connection: Connection, case_id: str, now: float, *, tlp: str | None = None, kind: Kind | None = None, seen: int | None = None
    ) -> Case:
        """Change the label or the kind of a case. To take an emergency kind off it needs a second person."""
        case = self.begin(connection, case_id, now, seen=seen, versioned=True)
        handling = shipped_handling()
        if kind is not None and handling.emergency(case.kind) and not handling.emergency(kind):
            approvals.need(connection, "lower_kind", case_id, self.by, now, self.rules)
        values: dict[str, object] = {"updated": now}
        if tlp is not None:
            values["tlp"] = tlp
        if kind is not None:
            values |= {"kind": kind.value, "due": handling.due_at(kind, case.priority, case.state, now)}
        marked = change(connection, case, values)
        told: dict[str, audit.Value] = {"version": marked.version}
        told |= {name: str(value) for name, value in (("tlp", tlp), ("kind", kind)) if value is not None}
        audit.record(connection, self.by, "case.marked", case_id, now, told)
        self.noticed(connection, case_id, now)
        return marked

    def hold(self, connection: Connection, case_id: str, until: float | None, now: float, *, seen: int | None = None) -> Case:
        """Keep a case's texts until a time, whatever its retention says; None ends that. Needs a second person."""
        case = self.begin(connection, case_id, now, seen=seen, versioned=True)
        if case.purged is not None:
            raise InputError(f"The texts of case {case.id[:8]} were destroyed; there is nothing left to keep.")
        if until is not None and until <= now:
            raise InputError("A legal hold ends in the future.")
        if until is not None and until > now + self.longest_hold:
            raise InputError(f"A legal hold ends at most {self.longest_hold / DAY:.0f} days from now.")
        approvals.need(connection, "legal_hold", case_id, self.by, now, self.rules)
        held = change(connection, case, {"hold_until": until, "updated": now})
        audit.record(connection, self.by, "case.held" if until else "case.unheld", case_id, now, {"until": until, "version": held.version})
        return held

    def attend(self, connection: Connection, case_id: str, now: float, act: str, obj: str | None = None) -> None:
        """Note an act that changes nothing of the case: somebody reads what is sealed, or labels a flag. A party may not.

        ``obj`` is what of the case it is about, if not all of it.
        """
        self.people.refuse(connection, case_id, self.by)
        case = self.noticed(connection, case_id, now)
        told: dict[str, audit.Value] = {"version": case.version} if obj is None else {"case": case_id}
        audit.record(connection, self.by, act, obj or case_id, now, told)

    def check_release(self, connection: Connection, report: Report, now: float) -> None:
        """Whether a letter may be released now, by who asks."""
        self._refuse_dismissed(self.begin(connection, report.case_id, now, obj=report.id))
        approvals.need(connection, "send_report", report.id, self.by, now, self.rules)

    def check_retry(self, connection: Connection, report: Report) -> None:
        """Whether a letter that was released before may be tried again, by who asks: it leaves as it was let go."""
        self.people.refuse(connection, report.case_id, self.by)
        self._refuse_dismissed(read_case(connection, report.case_id))

    def _refuse_dismissed(self, case: Case) -> None:
        ending = shipped_closing().outcomes.get(case.outcome or "")
        if case.state is CaseState.CLOSED and ending is not None and ending.dismisses:
            raise CaseError(f"Case {case.id[:8]} is closed as {case.outcome}. Reopen it first: `tsbot cases reopen ID`.")

    def note_release(self, connection: Connection, report: Report, now: float) -> None:
        """A letter was released: the case is one to be worked on."""
        audit.record(connection, self.by, "report.released", report.id, now, {"case": report.case_id})
        case = self.noticed(connection, report.case_id, now)
        if case.state is CaseState.TRIAGE:
            lifecycle.move(connection, case.id, CaseState.OPEN, by=self.by, now=now, person=True)


def desk(by: str, key: MasterKey, settings: Settings) -> Desk:
    """Somebody at work under the settings. Raises ``SettingsError``."""
    people, longest = People(key, settings.people), retention_of(settings.cases.retention).hold.longest * DAY
    return Desk(by, key, people, approvals.rules(settings.cases.two_person), longest)


def object_of(connection: Connection, prefix: str) -> str | None:
    """The id of the report that begins with ``prefix``; None unless it is exactly one."""
    found = connection.scalars(select(t.report.c.id).where(t.report.c.id.startswith(prefix, autoescape=True)).limit(2)).all()
    return found[0] if len(found) == 1 else None
