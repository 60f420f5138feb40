"""What reports tell the case that they belong to."""

from __future__ import annotations

from sqlalchemy import Connection

from tsbot.cases import lifecycle
from tsbot.cases.case import CaseState


def reported(connection: Connection, case_id: str, now: float) -> None:
    """The first letter about a case has left."""
    lifecycle.advance(connection, case_id, CaseState.REPORTED, by=lifecycle.TSBOT, now=now)


def acknowledged(connection: Connection, case_id: str, now: float) -> None:
    """Somebody at the receiving end has a letter about the case."""
    lifecycle.advance(connection, case_id, CaseState.ACKNOWLEDGED, by=lifecycle.TSBOT, now=now)
