"""What a letter discloses, for the register (:mod:`tsbot.cases.disclosures`)."""

from __future__ import annotations

from sqlalchemy import Connection

from tsbot.cases import disclosures
from tsbot.cases.disclosures import ACCOUNT, EXCERPT, PERSONAL_DATA, RULE, USER_NAME
from tsbot.detect.finding import Kind
from tsbot.report import wording
from tsbot.report.letter import Letter
from tsbot.store.outbox import Report

PERSONAL = wording.INCIDENT_TYPES[Kind.DOXING]


def carried_by(letter: Letter, text: str) -> tuple[str, ...]:
    """The sorts of private data in ``text``, which is what was made of a letter for one recipient."""
    quotes = any(line and line in text for excerpt in letter.excerpts for line in excerpt)
    named = any(name and name in text for name in (letter.user, letter.links.user, letter.links.contributions))
    found = (
        (USER_NAME, named),
        (ACCOUNT, named and bool(letter.account)),
        (EXCERPT, quotes),
        (PERSONAL_DATA, quotes and PERSONAL in letter.threat_types),
    )
    return tuple(what for what, there in found if there)


def disclose(connection: Connection, report: Report, what: tuple[str, ...], now: float) -> None:
    """Enter what a message has carried, with who decided that it leaves."""
    disclosures.enter(
        connection,
        report.case_id,
        what,
        recipient=report.recipient,
        channel=report.channel,
        why=f"report of {report.kind}",
        decided_by=report.released_by or RULE,
        now=now,
        report_id=report.id,
    )
