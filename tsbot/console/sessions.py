"""Sessions: kept here, named by a random cookie of which only the hash is stored; they end when idle, and in any case.

Times are seconds since the epoch. All functions work inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from tsbot.console.people import Person
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey

IDLE_SECONDS, LONGEST_SECONDS = 1800.0, 43200.0
TOUCH_SECONDS = 30.0
"""A session's last use is written down at most so often."""
TREES = ("Alder", "Aspen", "Beech", "Birch", "Cedar", "Elder", "Elm", "Fir", "Hazel", "Holly", "Juniper", "Larch", "Linden", "Maple",
         "Oak", "Pine", "Poplar", "Rowan", "Spruce", "Willow", "Yew")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person's session."""

    person: Person
    csrf: str
    created: float
    seen: float


def sign_in(connection: Connection, key: MasterKey, subject: str, name: str, now: float) -> str:
    """Begin a session for who the sign-in says it is; the cookie's value. Makes the person's account on first use."""
    row = connection.execute(select(t.person).where(t.person.c.subject == subject)).mappings().first()
    if row is None:
        identity = str(uuid.uuid4())
        pseudonym = f"{secrets.choice(TREES)} {secrets.randbelow(9000) + 1000}"
        connection.execute(insert(t.person).values(id=identity, subject=subject, pseudonym=pseudonym, created=now, seen=now, name=b""))
    else:
        identity = row["id"]
    sealed = key.seal_queue(name.encode("utf-8", "surrogatepass"), f"person|name|{identity}")
    connection.execute(update(t.person).where(t.person.c.id == identity).values(name=sealed, seen=now))
    cookie = secrets.token_urlsafe(32)
    connection.execute(
        insert(t.console_session).values(
            id=_hash(cookie), person_id=identity, csrf=secrets.token_urlsafe(32), created=now, seen=now
        )
    )
    audit.record(connection, _pseudonym(connection, identity), "session.begun", identity, now)
    return cookie


def find(connection: Connection, key: MasterKey, cookie: str, now: float) -> Session | None:
    """The session of a cookie; None if there is none, or if it has ended."""
    query = select(t.console_session, t.person.c.subject, t.person.c.pseudonym, t.person.c.name, t.person.c.disabled).join(
        t.person, t.person.c.id == t.console_session.c.person_id
    )
    row = connection.execute(query.where(t.console_session.c.id == _hash(cookie))).mappings().first()
    if row is None or row["disabled"] or not _lives(row["created"], row["seen"], now):
        return None
    name = key.unseal_queue(row["name"], f"person|name|{row['person_id']}").decode("utf-8", "surrogatepass")
    person = Person(row["person_id"], row["subject"], name, row["pseudonym"])
    return Session(person, row["csrf"], row["created"], row["seen"])


def touch(connection: Connection, cookie: str, now: float) -> None:
    """Write down that a session is used."""
    connection.execute(update(t.console_session).where(t.console_session.c.id == _hash(cookie)).values(seen=now))


def sign_out(connection: Connection, cookie: str) -> None:
    """End a session."""
    connection.execute(delete(t.console_session).where(t.console_session.c.id == _hash(cookie)))


def sign_out_everywhere(connection: Connection, person_id: str) -> int:
    """End all sessions of somebody, for instance because rights were lost; how many."""
    return connection.execute(delete(t.console_session).where(t.console_session.c.person_id == person_id)).rowcount


def forget_ended(connection: Connection, now: float) -> int:
    """Delete sessions that have ended; how many."""
    old = (t.console_session.c.created < now - LONGEST_SECONDS) | (t.console_session.c.seen < now - IDLE_SECONDS)
    return connection.execute(delete(t.console_session).where(old)).rowcount


def same(first: str, second: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(first.encode(), second.encode())


def _lives(created: float, seen: float, now: float) -> bool:
    # A time that lies ahead is that of a clock that was wrong; such a session ends.
    return 0 <= now - created <= LONGEST_SECONDS and -TOUCH_SECONDS <= now - seen <= IDLE_SECONDS


def _pseudonym(connection: Connection, identity: str) -> str:
    return str(connection.scalar(select(t.person.c.pseudonym).where(t.person.c.id == identity)))


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
