"""Carrying out what is due when reports wait (:mod:`tsbot.report.escalation`): second addresses, on-call, in one transaction each round.

What a step sends is filed in the transaction that notes the step, under ids made of the letter and the step: killed at any point, a
step was taken whole or not at all. Steps that fall due together share one page.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import structlog
from sqlalchemy import Connection, select, update

from tsbot.cases.flag import NAMESPACE
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import KeyFileError
from tsbot.report import casework, deadlines, misuse, reminders
from tsbot.report.deadlines import Deadlines
from tsbot.report.escalation import Act, Reason, Step, first_due, furthest_ahead, step_of, urgent
from tsbot.report.notices import PageNote
from tsbot.report.oncall import call, everyone
from tsbot.report.paging import About, file_page, key_of
from tsbot.report.prepare import body_context
from tsbot.report.routing import Destination, Routing, second_address
from tsbot.settings import Settings
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.crypto import unseal
from tsbot.store.database import Database
from tsbot.store.outbox import Purpose, Report, ReportState

MOST_AT_ONCE = 1000
SYSTEM = "tsbot"
"""Who acts, in the audit log."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A step that on-call is told of."""

    report: Report
    step: Step
    noted: bool = False
    """Whether the step is noted already."""


@dataclass
class Timers:
    """The timers of one outbox. Its methods that take a connection work inside the caller's transaction."""

    database: Database
    settings: Settings
    clock: Callable[[], float]
    routing: Routing | None = None
    also: Sequence[Callable[[float], int]] = ()
    """What else files messages in its time: called with the time, each says how many."""

    @property
    def deadlines(self) -> Mapping[Kind, Deadlines]:
        """How long reports may wait."""
        return deadlines.deadlines_of(self.settings.report.deadlines)

    def run_once(self) -> int:
        """Take the steps that are due; how many messages were filed. Raises ``StoreError``."""
        filed = sum(file(self.clock()) for file in self.also)
        with self.database.read() as connection:
            if not self._overdue(connection):
                return filed
        with self.database.write() as connection:
            return filed + self._take(connection, self._overdue(connection))

    # -- what happens to a letter -------------------------------------------------------------------------------------

    def sent(self, connection: Connection, identity: str, now: float) -> None:
        """A letter was handed over: from now on its acknowledgement is waited for, once for each thread."""
        report = outbox.get(connection, identity)
        if report is None or report.purpose not in outbox.LETTERS:
            return
        casework.reported(connection, report.case_id, now)
        due = None
        if report.purpose is Purpose.LETTER and not self._is_waited_for(connection, report):
            due = first_due(ReportState.SENT, Kind(report.kind), self.deadlines, now)
            if report.drill and report.step_due is None:
                due = None  # an exercise that wakes nobody
        self._note(connection, identity, step=0, step_due=due)

    def deferred(self, connection: Connection, identity: str, now: float) -> None:
        """A letter could not be handed over now: somebody is told in time."""
        report = outbox.get(connection, identity)
        if report is None or report.step_due is None:
            return
        due = (report.released or now) + self.deadlines[Kind(report.kind)].deliver
        if now < due < report.step_due:
            self._note(connection, identity, step=report.step, step_due=due)

    def died(self, connection: Connection, identity: str, now: float) -> int:
        """A message cannot be delivered: on-call is told at once; how many pages were filed.

        A page that died is told to the others, once.
        """
        report = outbox.get(connection, identity)
        if report is None or report.state is not ReportState.DEAD:
            return 0
        if report.purpose is Purpose.PAGE:
            return self._page_died(connection, report, now)
        if report.drill and report.step_due is None:
            return 0
        self._note(connection, identity, step=report.step, step_due=now)
        if connection.scalar(select(t.case.c.state).where(t.case.c.id == report.case_id)) == "closed":
            return 0  # it is told where the case is opened again
        return self._take(connection, [replace(report, step_due=now)])

    # -- steps --------------------------------------------------------------------------------------------------------

    def _overdue(self, connection: Connection) -> list[Report]:
        ahead = {kind.value: furthest_ahead(kind, times) for kind, times in self.deadlines.items()}
        furthest = max(ahead.values())
        return outbox.overdue(connection, self.clock(), MOST_AT_ONCE, ahead=ahead, furthest=furthest)

    def _take(self, connection: Connection, found: Sequence[Report]) -> int:
        now = self.clock()
        told: list[_Told] = []
        filed = 0
        for report in sorted(found, key=lambda one: (GRAVITY.index(Kind(one.kind)), one.step_due or 0.0, one.id)):
            if self._is_purged(connection, report) or misuse.put_right(connection, report, self.settings, now, self.routing):
                self._note(connection, report.id, step=report.step, step_due=None)
                continue
            step = step_of(report, self.deadlines, now)
            if step.act is Act.SECOND:
                second = self._second(report)
                if second is not None and not outbox.stepped(connection, report, step.number, step.next_due):
                    continue
                if second is not None and self._remind(connection, report, second, step, now):
                    filed += 1
                    continue
                told.append(_Told(report, step, noted=second is not None))
                continue
            if step.act is Act.ON_CALL:
                told.append(_Told(report, step))
                continue
            outbox.stepped(connection, report, report.step, step.next_due)
        return filed + self._tell(connection, told, now)

    def _second(self, report: Report) -> Destination | None:
        """The second address for a letter."""
        wiki = report.subject.partition(":")[0]
        return second_address(self.settings.report, Kind(report.kind), wiki, report.recipient, self.routing)

    def _remind(self, connection: Connection, report: Report, second: Destination, step: Step, now: float) -> bool:
        """Write to the second address; False where the letter cannot be read any more."""
        try:
            identity = reminders.remind(connection, self.database.key, report, second, self.settings, now)
        except (KeyFileError, msgspec.DecodeError) as error:  # one letter's trouble is not the others'
            structlog.get_logger().error("report.unreadable", id=report.id, error=type(error).__name__)
            return False
        if identity is None:
            return False
        self._write_down(connection, report, step, now, to=Act.SECOND, messages=1)
        return True

    def _tell(self, connection: Connection, told: Sequence[_Told], now: float) -> int:
        """Tell on-call of all that is due, each recipient in one page for each reason."""
        shared: dict[tuple[Destination, Reason | None], list[_Told]] = {}
        for one in told:
            report, step = one.report, one.step
            answer = call(self.settings, now, urgent=urgent(Kind(report.kind)), everybody=step.everybody)
            if answer.wait_until is not None and one.noted:
                self._note(connection, report.id, step=report.step, step_due=answer.wait_until)
                continue
            if answer.wait_until is not None:
                outbox.stepped(connection, report, report.step, answer.wait_until)
                continue
            if not one.noted and not outbox.stepped(connection, report, step.number, step.next_due):
                continue
            to_tell = [item for item in answer.destinations if not self._was_told(connection, report, step, item, now)]
            for destination in to_tell:
                shared.setdefault((destination, step.reason), []).append(one)
            self._write_down(connection, report, step, now, to=Act.ON_CALL, messages=len(to_tell))
            if not answer.destinations:
                remedy = "set oncall.people or page.mail in tsbot.toml"
                structlog.get_logger().warning("report.nobody_to_tell", id=report.id, reason=step.reason, remedy=remedy)
        return sum(self._page(connection, destination, ones, now) for (destination, _), ones in shared.items())

    def _page(self, connection: Connection, destination: Destination, ones: Sequence[_Told], now: float) -> int:
        first, step = ones[0].report, ones[0].step
        reason = step.reason or Reason.UNRELEASED
        since = "" if first.sent is None else repr(first.sent)
        identity = str(uuid.uuid5(NAMESPACE, f"escalate|{first.id}|{reason}|{since}|{step.number}|{destination.recipient}"))
        note = PageNote(reason=reason, reports=tuple(one.report.id for one in ones))
        return self._file_page(connection, identity, first, destination, note, now)

    def _file_page(
        self, connection: Connection, identity: str, about: Report, destination: Destination, note: PageNote, now: float
    ) -> int:
        what = About(about.case_id, about.kind, about.subject, about.flag_id, about.drill)
        return int(file_page(connection, self.database.key, self.settings, identity, what, destination, note, now))

    def _page_died(self, connection: Connection, page: Report, now: float) -> int:
        note = page_note(connection, self.database, page)
        if note is not None and note.reason is Reason.DEAD and len(note.reports) == 1:
            about = outbox.get(connection, note.reports[0])
            if about is not None and about.purpose is Purpose.PAGE:
                return 0  # the page about a dead page died: who else there was, was told
        filed = 0
        for destination in everyone(self.settings):
            if destination.recipient != page.recipient:
                identity = str(uuid.uuid5(NAMESPACE, f"escalate|{page.id}|{Reason.DEAD}|{destination.recipient}"))
                dead = PageNote(reason=Reason.DEAD, reports=(page.id,))
                filed += self._file_page(connection, identity, page, destination, dead, now)
        audit.record(connection, SYSTEM, "report.escalated", page.id, now, {"reason": Reason.DEAD, "to": Act.ON_CALL, "messages": filed})
        return filed

    # -- small questions ----------------------------------------------------------------------------------------------

    def _is_purged(self, connection: Connection, report: Report) -> bool:
        """Whether the case's texts were destroyed: nobody waits for its letters any more."""
        return connection.scalar(select(t.case.c.data_key).where(t.case.c.id == report.case_id)) is None

    def _is_waited_for(self, connection: Connection, report: Report) -> bool:
        """Whether an earlier letter of the thread is waited for already."""
        c = t.report.c
        same = (c.case_id == report.case_id, c.recipient == report.recipient, c.id != report.id, c.purpose == Purpose.LETTER.value)
        query = select(c.id).where(*same, c.state == ReportState.SENT.value, c.acknowledged.is_(None), c.step_due.is_not(None))
        return connection.execute(query.limit(1)).first() is not None

    def _was_told(self, connection: Connection, report: Report, step: Step, destination: Destination, now: float) -> bool:
        """Whether somebody was told of another letter of the same case, for the same reason, a moment ago."""
        c = t.report.c
        since = now - self.deadlines[Kind(report.kind)].again
        query = select(t.report).where(
            c.case_id == report.case_id,
            c.recipient == destination.recipient,
            c.purpose == Purpose.PAGE.value,
            c.state != ReportState.DEAD.value,
            c.body.is_not(None),
            c.created > since,
            c.created <= now,
        )
        for row in connection.execute(query.order_by(c.created.desc()).limit(20)).mappings():
            page = Report(**{**row, "purpose": Purpose(row["purpose"]), "state": ReportState(row["state"])})
            note = page_note(connection, self.database, page)
            if note is not None and note.reason is step.reason and report.id not in note.reports:
                return True
        return False

    def _note(self, connection: Connection, identity: str, *, step: int, step_due: float | None) -> None:
        connection.execute(update(t.report).where(t.report.c.id == identity).values(step=step, step_due=step_due))

    def _write_down(self, connection: Connection, report: Report, step: Step, now: float, *, to: Act, messages: int) -> None:
        details = {"reason": step.reason, "step": step.number, "to": to, "messages": messages}
        audit.record(connection, SYSTEM, "report.escalated", report.id, now, details)
        structlog.get_logger().warning("report.escalated", id=report.id, reason=step.reason, count=step.number)


def page_note(connection: Connection, database: Database, page: Report) -> PageNote | None:
    """What a page about waiting reports is for; None for pages about flags, and where it cannot be read (any more)."""
    data_key = key_of(connection, database.key, page.case_id)
    if page.body is None or data_key is None:
        return None
    try:
        return msgspec.json.decode(unseal(data_key, page.body, body_context(page.id)), type=PageNote)
    except (KeyFileError, msgspec.DecodeError):
        return None  # a page wakes people all the same
