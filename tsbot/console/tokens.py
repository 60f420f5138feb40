"""Personal tokens: what a program shows instead of a session, for a few acts and for some weeks.

Only the hash is stored; the token is shown once. A token never allows more than its owner may do at that moment. All functions work inside
the caller's transaction; times are seconds since the epoch.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from tsbot.console.access import Act
from tsbot.console.people import Person
from tsbot.errors import ForgedError, InputError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

PREFIX = "tsbot_"
"""Tokens are recognised by it where somebody published one by mistake."""
LONGEST_DAYS = 90
MOST = 20
"""Live tokens of one person."""
LABEL = 64
SCOPES = (Act.SEE_QUEUE, Act.SEE_CASE, Act.HANDLE, Act.HIDE_PLAN, Act.TRACE, Act.SEE_STATISTICS)
"""What a token can be for; what shows texts is not among them."""
TOUCH_SECONDS = 60.0
"""A token's last use is written down at most so often."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it."""

    id: str
    label: str
    scopes: tuple[Act, ...]
    created: float
    expires: float
    used: float | None
    revoked: float | None

    def lives(self, now: float) -> bool:
        """Whether it can be used. One that was made in the future was made by a clock that was wrong."""
        return self.revoked is None and self.created - TOUCH_SECONDS <= now < min(self.expires, self.created + LONGEST_DAYS * 86400)


def make(connection: Connection, person: Person, label: str, scopes: Iterable[Act], days: int, now: float) -> str:
    """A new token; it cannot be read again. Raises ``InputError``."""
    chosen = tuple(scope for scope in SCOPES if scope in set(scopes))
    label = " ".join(label.split())
    if not chosen:
        raise InputError("Choose what the token is for.")
    if not label or len(label) > LABEL or not label.isprintable():
        raise InputError(f"Give the token a name of at most {LABEL} characters, so that you know it again.")
    if not 1 <= days <= LONGEST_DAYS:
        raise InputError(f"A token lasts between 1 and {LONGEST_DAYS} days.")
    c = t.token.c
    living = select(func.count()).select_from(t.token).where(c.person_id == person.id, c.revoked.is_(None), c.expires > now)
    if (connection.scalar(living) or 0) >= MOST:
        raise InputError(f"You have {MOST} tokens. Revoke one first.")
    identity, token = str(uuid.uuid4()), PREFIX + secrets.token_urlsafe(32)
    values = {"id": identity, "hash": _hash(token), "person_id": person.id, "label": label, "scopes": " ".join(chosen)}
    connection.execute(insert(t.token).values(**values, created=now, expires=now + days * 86400))
    audit.record(connection, person.pseudonym, "token.made", identity, now, {"scopes": " ".join(chosen), "days": days})
    return token


def tokens_of(connection: Connection, person: Person) -> list[Token]:
    """Somebody's tokens, the newest first."""
    query = select(t.token).where(t.token.c.person_id == person.id).order_by(t.token.c.created.desc(), t.token.c.id)
    return [_token(row) for row in connection.execute(query).mappings()]


def revoke(connection: Connection, person: Person, identity: str, now: float) -> None:
    """End a token of somebody's own; one that has ended already stays so. Raises ``InputError`` if they have none of this id."""
    c = t.token.c
    if connection.scalar(select(c.id).where(c.id == identity[:36], c.person_id == person.id)) is None:
        raise InputError("You have no such token.")
    if connection.execute(update(t.token).where(c.id == identity, c.revoked.is_(None)).values(revoked=now)).rowcount:
        audit.record(connection, person.pseudonym, "token.revoked", identity, now)


def revoke_all(connection: Connection, person: Person, now: float) -> int:
    """End all tokens of somebody who has lost their rights; how many."""
    c = t.token.c
    ended = connection.execute(update(t.token).where(c.person_id == person.id, c.revoked.is_(None), c.expires > now).values(revoked=now))
    if ended.rowcount:
        audit.record(connection, "tsbot", "token.all_revoked", person.id, now, {"count": ended.rowcount})
    return ended.rowcount


def find(connection: Connection, key: MasterKey, token: str, now: float) -> tuple[Person, Token]:
    """Whose a token is, and what it is for. Raises ``ForgedError`` if it is none of ours, or has ended."""
    columns = (t.token, t.person.c.subject, t.person.c.pseudonym, t.person.c.name, t.person.c.disabled)
    query = select(*columns).join(t.person, t.person.c.id == t.token.c.person_id).where(t.token.c.hash == _hash(token))
    row = connection.execute(query).mappings().first()
    found = None if row is None else _token(row)
    if row is None or found is None or row["disabled"] or not found.lives(now):
        raise ForgedError("This token is not valid, or not any more. Make a new one in the console.")
    name = key.unseal_queue(row["name"], f"person|name|{row['person_id']}").decode("utf-8", "surrogatepass")
    return Person(row["person_id"], row["subject"], name, row["pseudonym"]), found


def touch(connection: Connection, token: Token, now: float) -> None:
    """Write down that a token is used."""
    connection.execute(update(t.token).where(t.token.c.id == token.id).values(used=now))


def _token(row: RowMapping) -> Token:
    known = set(Act)
    scopes = tuple(Act(word) for word in row["scopes"].split() if word in known)
    return Token(row["id"], row["label"], scopes, row["created"], row["expires"], row["used"], row["revoked"])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
