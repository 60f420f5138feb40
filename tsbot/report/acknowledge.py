"""Acknowledgements: somebody at the receiving end has the letter. They stop its timers, and say at times what became of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import structlog
from sqlalchemy import Connection, insert, select

from tsbot.errors import AcknowledgementError
from tsbot.report import casework
from tsbot.report.reminders import reminder_of
from tsbot.store import audit, outbox
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import Purpose, Report, ReportState

ACKNOWLEDGED = "acknowledged"
OnCase = Callable[[Connection, str, float], None]
"""Told of a case (id) that was acknowledged, and when; works in the same transaction."""


class Result(StrEnum):
    """What the receiving end made of a report."""

    PASSED_ON = "passed_on"
    """To the police, to another team."""
    ACTED = "acted"
    """They did something about it themselves."""
    NO_ACTION = "no_action"
    """Not actionable, which is not the same as false."""
    FALSE_POSITIVE = "false_positive"
    """It is nothing."""
    DUPLICATE = "duplicate"
    NOT_FOR_US = "not_for_us"


def acknowledge(
    connection: Connection,
    key: MasterKey,
    report: Report,
    *,
    by: str,
    actor: str,
    now: float,
    result: Result | None = None,
    on_case: OnCase = casework.acknowledged,
) -> bool:
    """Note that the recipient has a letter; False if that, and the result, was known.

    What was sent in its thread before counts as read, too, and so does the letter that a reminder repeats. ``by`` is a role or an
    operator, never a person's name at the receiving end; ``actor`` is who says so, for the audit log.

    Raises ``AcknowledgementError`` for what cannot be acknowledged.
    """
    if report.purpose is Purpose.PAGE:
        raise AcknowledgementError("page", "That is a page; the letters that it names can be acknowledged.")
    if report.state not in (ReportState.SENT, ReportState.DEAD):
        raise AcknowledgementError("not_sent", f"The letter has not left ({report.state}); there is nothing to acknowledge.")
    word = result.value if result is not None else ""
    changed = outbox.acknowledge(connection, report, by, now, word)
    repeated = reminder_of(connection, key, report)
    first = outbox.get(connection, repeated) if repeated is not None else None
    if first is not None and first.state in (ReportState.SENT, ReportState.DEAD):
        changed += outbox.acknowledge(connection, first, by, now, word)
    if not changed:
        return False
    for identity in changed:
        _annotate(connection, report.case_id, identity, ACKNOWLEDGED, by, now)
    if word:
        _annotate(connection, report.case_id, report.id, word, by, now)
    audit.record(connection, actor, "report.acknowledged", report.id, now, {"by": by, "result": word, "letters": len(changed)})
    on_case(connection, report.case_id, now)
    structlog.get_logger().info("report.acknowledged", id=report.id, count=len(changed))
    return True


def _annotate(connection: Connection, case_id: str, report_id: str, what: str, by: str, now: float) -> None:
    c = t.annotation.c
    known = select(c.id).where(c.report_id == report_id, c.what == what)
    if what == ACKNOWLEDGED and connection.execute(known.limit(1)).first() is not None:
        return
    if connection.execute(known.where(c.time == now).limit(1)).first() is None:
        connection.execute(insert(t.annotation).values(case_id=case_id, report_id=report_id, what=what, by=by[:64], time=now))
