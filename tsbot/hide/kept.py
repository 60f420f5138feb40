"""Plans that are followed, in the database: numbers in clear, everything else sealed with the case's key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from tsbot.cases.filing import case_key
from tsbot.hide.follow import Following, State
from tsbot.hide.suggest import Question
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal, unseal

WAITING = "waiting"
"""State of a row without a plan yet: the wiki did not answer."""
NONE = "none"
"""State of a row that gets no plan: the text is not kept, or the wiki knows nothing of it."""


class _Body(msgspec.Struct, frozen=True):
    following: Following
    question: Question | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan that is followed, with what is needed to look at newer edits."""

    case_id: str
    following: Following
    question: Question | None
    """Has the text; None once all is hidden: our copy goes then, too."""

    @property
    def subject(self) -> str:
        """What the plan is for."""
        return self.following.plan.subject


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan is carried out, in numbers."""

    subject: str
    case_id: str
    wiki: str
    state: str
    """One of :class:`tsbot.hide.follow.State`, ``waiting`` or ``none``."""
    revisions: int
    exposed: int
    to_suppress: int
    to_look: int
    since: float
    exposed_since: float | None
    hidden_at: float | None
    done_at: float | None
    trouble: str

    @property
    def seconds_to_hide(self) -> float | None:
        """From the plan to when readers could see nothing any more."""
        return None if self.hidden_at is None else max(0.0, self.hidden_at - self.since)


def progress_of(connection: Connection, case_id: str) -> list[Progress]:
    """How far the plans of a case are, the oldest first."""
    return list(_progress(connection, t.hide_following.c.case_id == case_id))


def all_progress(connection: Connection, *, unfinished: bool = True, most: int = 1000) -> list[Progress]:
    """How far plans are, the oldest first."""
    where = t.hide_following.c.state != State.DONE.value if unfinished else t.hide_following.c.state.is_not(None)
    return list(_progress(connection, where, most))


def _progress(connection: Connection, where: object, most: int = 1000) -> Iterator[Progress]:
    c = t.hide_following.c
    names = [name for name in Progress.__slots__ if name in c]
    query = select(*(c[name] for name in names)).where(where).order_by(c.since, c.subject).limit(most)  # type: ignore[arg-type]
    for row in connection.execute(query).mappings():
        yield Progress(**row)


def ask_soon(connection: Connection, case_id: str, now: float) -> None:
    """Have the wiki asked at once about the plans of a case that are not carried out: somebody says that they are."""
    c = t.hide_following.c
    connection.execute(update(t.hide_following).where(c.case_id == case_id, c.due > now).values(due=now))


def newest_serial(connection: Connection, case_id: str) -> int:
    """Grows with every change of a case's plans; 0 if there are none."""
    return connection.scalar(select(func.max(t.hide_following.c.serial)).where(t.hide_following.c.case_id == case_id)) or 0


def read(connection: Connection, key: MasterKey, subject: str) -> Kept | None:
    """A plan; None if there is none, or it was destroyed with its case."""
    row = connection.execute(select(t.hide_following).where(t.hide_following.c.subject == subject)).mappings().first()
    return None if row is None else opened(connection, key, row)


def opened(connection: Connection, key: MasterKey, row: RowMapping) -> Kept | None:
    """What a row holds; None where that is destroyed, or was never made."""
    data_key = case_key(connection, key, row["case_id"]) if row["body"] else None
    if data_key is None:
        return None
    body = msgspec.msgpack.decode(unseal(data_key, row["body"], _context(row["subject"])), type=_Body)
    return Kept(row["case_id"], body.following, body.question)


def save(connection: Connection, key: MasterKey, kept: Kept, *, due: float | None) -> Kept:
    """Store a plan as it is now; the text is left out once all is hidden. Nothing is stored for a case that was purged."""
    following = kept.following
    done = following.state is State.DONE
    if done:
        kept = replace(kept, question=None)
    data_key = case_key(connection, key, kept.case_id)
    if data_key is None:
        return kept
    body = seal(data_key, msgspec.msgpack.encode(_Body(following, kept.question)), _context(kept.subject))
    values = {
        "state": following.state.value,
        "revisions": len({rev_id for rev_id, _ in following.to_hide}),
        "exposed": len({rev_id for rev_id, _ in following.left}),
        "to_suppress": len({rev_id for rev_id, _ in following.to_suppress}),
        "to_look": len(following.to_look),
        "since": following.since,
        "exposed_since": following.exposed_since,
        "hidden_at": following.hidden_at,
        "done_at": following.done_at,
        "due": None if done else due,
        "attempts": 0,
        "trouble": "",
        "body": body,
    }
    _put(connection, kept.subject, kept.case_id, following.plan.wiki, values)
    return kept


def save_trouble(
    connection: Connection, subject: str, case_id: str, wiki: str, trouble: str, *, now: float, due: float | None
) -> None:
    """Note that no plan could be made, or renewed. ``due`` is when to try again, None for never."""
    c = t.hide_following.c
    known = connection.execute(select(c.state, c.attempts).where(c.subject == subject)).first()
    values: dict[str, object] = {"trouble": trouble[:64], "due": due, "attempts": (known.attempts if known else 0) + 1}
    if known is None or known.state in (WAITING, NONE):
        values["state"] = NONE if due is None else WAITING
    if known is None:
        values["since"] = now
    _put(connection, subject, case_id, wiki, values)


def _put(connection: Connection, subject: str, case_id: str, wiki: str, given: Mapping[str, object]) -> None:
    values = {**given, "serial": _next_serial(connection)}
    c = t.hide_following.c
    if not connection.execute(update(t.hide_following).where(c.subject == subject).values(values)).rowcount:
        connection.execute(insert(t.hide_following).values(subject=subject, case_id=case_id, wiki=wiki, **values))


def _next_serial(connection: Connection) -> int:
    return (connection.scalar(select(func.max(t.hide_following.c.serial))) or 0) + 1


def _context(subject: str) -> str:
    return f"hide_following|body|{subject}"
