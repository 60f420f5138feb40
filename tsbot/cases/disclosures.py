"""The register of disclosures: every private datum that left, to whom, by what way, why, and who decided it.

It says what sort of datum left, never the datum, so that it can outlive the case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from tsbot.store import tables as t

USER_NAME, EXCERPT, PERSONAL_DATA, ACCOUNT = "user_name", "excerpt", "personal_data", "account_status"
RULE = "rule"
"""Who decided where a rule of the settings released a letter."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One datum that left. ``time`` in seconds since the epoch."""

    case_id: str
    report_id: str | None
    time: float
    what: str
    recipient: str
    """A role's address, as in the outbox."""
    channel: str
    why: str
    decided_by: str


def enter(
    connection: Connection,
    case_id: str,
    what: Iterable[str],
    *,
    recipient: str,
    channel: str,
    why: str,
    decided_by: str,
    now: float,
    report_id: str | None = None,
) -> None:
    """Write down that these sorts of data left, in the caller's transaction."""
    rows = [
        {
            "case_id": case_id,
            "report_id": report_id,
            "time": now,
            "what": one[:64],
            "recipient": recipient[:255],
            "channel": channel,
            "why": why[:255],
            "decided_by": decided_by[:64],
        }
        for one in what
    ]
    if rows:
        connection.execute(insert(t.disclosure), rows)


def listing(connection: Connection, case: str | None = None, limit: int = 1000) -> list[Disclosure]:
    """The register, newest first; of the cases whose id begins with ``case``, or of all."""
    c = t.disclosure.c
    query = select(c.case_id, c.report_id, c.time, c.what, c.recipient, c.channel, c.why, c.decided_by).order_by(c.time.desc(), c.id.desc())
    if case is not None:
        query = query.where(c.case_id.startswith(case, autoescape=True))
    return [Disclosure(**row) for row in connection.execute(query.limit(limit)).mappings()]
