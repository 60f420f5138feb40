"""What ends when somebody has lost their rights: sessions, tokens and leases, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection, select

from tsbot.cases import leases
from tsbot.console import sessions, tokens
from tsbot.console.people import Person
from tsbot.store import audit
from tsbot.store import tables as t


def leave(connection: Connection, person: Person, now: float) -> None:
    """End all that somebody has here. They can sign in again, and will see what they may see then."""
    ended = sessions.sign_out_everywhere(connection, person.id)
    revoked = tokens.revoke_all(connection, person, now)
    held = connection.scalars(select(t.case.c.id).where(t.case.c.lease_by == person.pseudonym)).all()
    for case_id in held:
        leases.release(connection, case_id, person.pseudonym, now)
    if ended or revoked or held:
        told: dict[str, audit.Value] = {"sessions": ended, "tokens": revoked, "leases": len(held)}
        audit.record(connection, "tsbot", "session.rights_lost", person.id, now, told)
