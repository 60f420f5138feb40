"""What a wiki did about a flag, as the stream tells it; also written on the flag's case, as an annotation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, insert, select

from tsbot.cases import lifecycle
from tsbot.cases.annotations import STREAM, add
from tsbot.cases.filing import account_index, author_index, page_index
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field

BLOCK_ACTIONS = {"block": "blocked", "reblock": "blocked", "unblock": "unblocked"}
GLOBAL_SUFFIX = "@global"


def concerns(event: Event) -> tuple[tuple[str, ...], ...]:
    """What an event may be an outcome of, as keys that an edit of the same thing has too (:func:`touches`).

    Empty for events that are no outcome of anything.
    """
    if event.kind is EventKind.VISIBILITY and event.rev_id:
        return (("subject", f"{event.wiki}:rev:{event.rev_id}"),)
    if event.kind is EventKind.LOG and event.log_type == "delete" and event.log_action == "revision":
        return tuple(("subject", f"{event.wiki}:rev:{rev_id}") for rev_id in event.rev_ids)
    if not event.title:  # withheld
        return ()
    if event.kind is EventKind.DELETION or (event.kind, event.log_type, event.log_action) == (EventKind.LOG, "delete", "delete"):
        return (("page", event.wiki, event.title),)
    if event.kind is EventKind.LOG and event.log_type == "block":
        return (("user", event.wiki, _account(event.title)),)
    if event.kind is EventKind.LOG and event.log_type == "globalauth" and event.title.endswith(GLOBAL_SUFFIX):
        return (("account", _account(event.title).removesuffix(GLOBAL_SUFFIX)),)
    return ()


def touches(event: Event) -> tuple[tuple[str, ...], ...]:
    """The keys under which an edit can become the matter of an outcome."""
    keys: list[tuple[str, ...]] = [("page", event.wiki, event.title)]
    if event.subject:
        keys.append(("subject", event.subject))
    if event.user:
        keys += [("user", event.wiki, event.user), ("account", event.user)]
    return tuple(keys)


def lane(key: MasterKey, event: Event) -> str:
    """What events of one page have in common, in hexadecimal; it tells nothing to whoever has no key."""
    found = page_index(key, event.wiki, event.title)
    return (found or key.index("event", event.id)).hex()


def waits_for(event: Event) -> str:
    """The wiki whose earlier edits must be judged before it is known what an outcome concerns; ``*`` for all; empty for no outcome."""
    keys = concerns(event)
    return "" if not keys else "*" if keys[0][0] == "account" else event.wiki


def record(connection: Connection, key: MasterKey, event: Event, now: float) -> int:
    """Write an outcome on the flags and cases that it concerns; how many flags those are (0: it concerns none).

    A case is closed where that deals with every flag of it and its kind allows it (:func:`tsbot.cases.lifecycle.settle`). ``now`` dates the
    audit log.
    """
    concerned = 0
    cases: dict[str, set[str]] = {}
    for what, *parts in concerns(event):
        where = _where(key, what, parts)
        for flag in connection.execute(select(t.flag.c.id, t.flag.c.field, t.flag.c.case_id).where(where)).all():
            concerned += 1
            became = _what(event, Field(flag.field))
            _add(connection, flag.id, flag.case_id, became, event, now)
            cases.setdefault(flag.case_id, set()).add(became)
    for case_id, outcomes in sorted(cases.items()):
        for became in sorted(outcomes):
            lifecycle.note_hidden(connection, case_id, became, event.time)
        lifecycle.settle(connection, case_id, now)
    return concerned


def hides(event: Event, field: Field) -> bool:
    """Whether a change of visibility hides what was flagged in a field."""
    return {Field.TEXT: event.text_visible, Field.SUMMARY: event.comment_visible, Field.USER: event.user_visible}.get(field) is False


def _where(key: MasterKey, what: str, parts: Sequence[str]) -> ColumnElement[bool]:
    if what == "subject":
        return t.flag.c.subject == parts[0]
    if what == "page":
        return t.flag.c.page_index == page_index(key, parts[0], parts[1])
    if what == "user":
        return t.flag.c.author_index == author_index(key, parts[0], parts[1])
    return t.flag.c.account_index == account_index(key, parts[0])


def _what(event: Event, field: Field) -> str:
    if event.kind is EventKind.VISIBILITY:
        if hides(event, field):
            return "hidden"
        return "shown" if all(v is not False for v in (event.text_visible, event.comment_visible, event.user_visible)) else "partly_hidden"
    if event.log_type == "block":
        return BLOCK_ACTIONS.get(event.log_action, "blocked")
    if event.log_type == "globalauth":
        return "locked" if event.locked else "unlocked"
    if event.log_action == "revision":
        return "revision_deleted"
    return "page_deleted"


def _add(connection: Connection, flag: str, case: str, what: str, event: Event, now: float) -> None:
    same = select(t.outcome.c.id).where(t.outcome.c.flag_id == flag, t.outcome.c.what == what, t.outcome.c.time == event.time)
    if connection.execute(same).first() is None:
        connection.execute(insert(t.outcome).values(flag_id=flag, what=what, time=event.time, event_id=event.id))
        add(connection, case, what, by=STREAM, now=now, time=event.time)


def _account(title: str) -> str:
    """The account of a user page's title; the namespace's name differs by language."""
    return title.partition(":")[2] or title
