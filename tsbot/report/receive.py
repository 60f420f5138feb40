"""Taking in a message that came back: it acknowledges a letter, tells that one bounced, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from sqlalchemy import Connection, select

from tsbot.detect.finding import Kind
from tsbot.errors import AcknowledgementError
from tsbot.report import casework
from tsbot.report.acknowledge import OnCase, Result, acknowledge
from tsbot.report.bounce import note_bounce, read_bounce
from tsbot.report.codes import fits
from tsbot.report.replies import Reply, Sort, read_reply
from tsbot.report.routing import role_of
from tsbot.report.timers import Timers
from tsbot.settings import Settings
from tsbot.store import audit, ledger, outbox
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import LETTERS, Report

REFUSED = "acknowledgement.refused."
"""Counters of messages that were refused, by reason."""


class Taken(StrEnum):
    """What became of a message."""

    ACKNOWLEDGED = "acknowledged"
    KNOWN = "known"
    """It was acknowledged before."""
    AUTOMATIC = "automatic"
    """Nobody wrote it; nothing was changed."""
    BOUNCED = "bounced"
    """The letter did not arrive; on-call is told."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message; ids and words of ours only."""

    taken: Taken
    report: str = ""
    reason: str = ""
    result: str = ""


@dataclass
class Receiver:
    """Takes in messages that came back. Raises errors of the store only."""

    database: Database
    settings: Settings
    clock: Callable[[], float]
    on_case: OnCase = casework.acknowledged

    def take(self, raw: bytes) -> Outcome:
        """Handle one message, given as its bytes."""
        reply = read_reply(raw)
        with self.database.write() as connection:
            outcome = self._take(connection, reply)
            if outcome.taken is Taken.AUTOMATIC and reply.sort is Sort.BOUNCE:
                outcome = self._returned(connection, raw) or outcome
            if outcome.taken is Taken.REFUSED:
                ledger.count(connection, {f"{REFUSED}{outcome.reason}": 1})
        if outcome.taken is Taken.REFUSED:
            structlog.get_logger().warning("report.acknowledgement_refused", id=outcome.report, reason=outcome.reason)
        return outcome

    def _take(self, connection: Connection, reply: Reply) -> Outcome:
        if reply.sort is Sort.UNREADABLE:
            return Outcome(Taken.REFUSED, reason="unreadable")
        if not reply.codes:
            automatic = reply.sort in (Sort.AUTOMATIC, Sort.BOUNCE)
            return Outcome(Taken.AUTOMATIC) if automatic else Outcome(Taken.REFUSED, reason="no_code")
        report = self._meant(connection, reply)
        if report is None:
            known = any(outbox.find(connection, prefix) for _, prefix in reply.codes)
            return Outcome(Taken.REFUSED, reason="wrong_code" if known else "no_such_report")
        if reply.message_id == report.message_id:
            return Outcome(Taken.REFUSED, report.id, "own_letter")
        if reply.sort is Sort.BOUNCE:
            return self._bounced(connection, report, reply.status)
        if reply.sort is Sort.AUTOMATIC:
            return Outcome(Taken.AUTOMATIC, report.id)
        if self._answers_another_case(connection, report, reply):
            return Outcome(Taken.REFUSED, report.id, "other_case")
        return self._acknowledged(connection, report, reply.result)

    def _meant(self, connection: Connection, reply: Reply) -> Report | None:
        """The letter whose code is right."""
        for given, prefix in reply.codes:
            for report in outbox.find(connection, prefix):
                if report.purpose in LETTERS and fits(self.database.key, given, report.id, report.recipient):
                    return report
        return None

    def _answers_another_case(self, connection: Connection, report: Report, reply: Reply) -> bool:
        """Whether it is an answer to a letter of ours about something else."""
        query = select(t.report.c.case_id).where(t.report.c.message_id.in_(reply.answers))
        cases = set(connection.scalars(query)) if reply.answers else set()
        return bool(cases) and report.case_id not in cases

    def _acknowledged(self, connection: Connection, report: Report, result: Result | None) -> Outcome:
        role = role_of(Kind(report.kind), report.subject.partition(":")[0], report.recipient)
        now, word = self.clock(), result.value if result else ""
        key, actor = self.database.key, f"mail:{role}"
        try:
            new = acknowledge(connection, key, report, by=role, actor=actor, now=now, result=result, on_case=self.on_case)
        except AcknowledgementError as error:
            return Outcome(Taken.REFUSED, report.id, error.reason)
        return Outcome(Taken.ACKNOWLEDGED if new else Taken.KNOWN, report.id, result=word)

    def _returned(self, connection: Connection, raw: bytes) -> Outcome | None:
        """A bounce that has no code and brings the envelope id back; None for any other."""
        bounce, now = read_bounce(raw), self.clock()
        report = note_bounce(connection, self.database.key, bounce, now) if bounce is not None else None
        if bounce is None or report is None:
            return None
        structlog.get_logger().error("report.bounced", id=report.id, code=bounce.status, remedy=f"tsbot reports resend {report.id}")
        Timers(self.database, self.settings, self.clock).died(connection, report.id, now)
        return Outcome(Taken.BOUNCED, report.id, bounce.status)

    def _bounced(self, connection: Connection, report: Report, status: str) -> Outcome:
        now = self.clock()
        if not outbox.mark_bounced(connection, report.id, f"bounced: {status}"):
            return Outcome(Taken.KNOWN, report.id)
        audit.record(connection, "tsbot", "report.bounced", report.id, now, {"status": status})
        structlog.get_logger().error("report.bounced", id=report.id, code=status, remedy=f"tsbot reports resend {report.id}")
        Timers(self.database, self.settings, self.clock).died(connection, report.id, now)
        return Outcome(Taken.BOUNCED, report.id, status)
