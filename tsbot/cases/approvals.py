"""Acts that need a second person: one asks, another approves, and who that was stands in the log.

``approvals.toml`` says which acts there are, the setting ``cases.two_person`` which of them need it here. A request is a row of
``approval``; it is used up by the act, and void after its time or once the case has changed.
"""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, insert, select, update

from tsbot.datafiles import data_file
from tsbot.errors import ApprovalNeededError, InputError, SettingsError
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database

SHIPPED = Path(__file__).with_name("approvals.toml")
AHEAD = 600.0
"""Seconds by which the time of a request may lie ahead and still be believed."""


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An act that may need a second person."""

    words: str
    by_default: bool
    hours: Annotated[float, Meta(gt=0)]
    priority: Annotated[int, Meta(ge=0, le=100)] = 0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    acts: dict[str, Act]


@dataclass(frozen=True, slots=True)
class Rules:
    """Which acts need a second person."""

    acts: dict[str, Act]
    required: frozenset[str]

    def applies(self, act: str, priority: int = 100) -> bool:
        """Whether an act on a case of this priority needs a second person."""
        return act in self.required and priority >= self.acts[act].priority


@dataclass(frozen=True, slots=True)
class Approval:
    """One row of ``approval``. Times are seconds since the epoch."""

    id: str
    act: str
    object: str
    asked_by: str
    asked: float
    until: float
    approved_by: str | None
    approved: float | None
    used: float | None


def load_acts(path: Path = SHIPPED) -> dict[str, Act]:
    """Read the table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        acts = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).acts
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for name, act in acts.items():
        if not name.isidentifier() or len(name) > 32 or not act.words.strip():
            raise SettingsError(f"{path.name}: acts.{name} needs a short name and words.")
    return acts


@data_file("approvals", SHIPPED)
def shipped_rules() -> Rules:
    """The rules of the package: what needs a second person unless the settings say otherwise."""
    acts = load_acts()
    return Rules(acts, frozenset(name for name, act in acts.items() if act.by_default))


def rules(required: Iterable[str]) -> Rules:
    """The rules of the setting ``cases.two_person``. Raises ``SettingsError`` for an act that there is not."""
    acts = shipped_rules().acts
    chosen = frozenset(required)
    if unknown := sorted(chosen - set(acts)):
        raise SettingsError(f"cases.two_person: there is no act {unknown[0]}; the acts are {', '.join(sorted(acts))}.")
    return Rules(acts, chosen)


@contextmanager
def asking(database: Database) -> Iterator[Connection]:
    """A transaction in which :func:`need` may ask: the request is kept although the act is not done.

    Ask first: what was written before :func:`need` raised is kept as well. Raises what is raised inside.
    """
    waits: ApprovalNeededError | None = None
    with database.write() as connection:
        try:
            yield connection
        except ApprovalNeededError as error:
            waits = error
    if waits is not None:
        raise waits


def need(connection: Connection, act: str, obj: str, by: str, now: float, required: Rules | None = None, *, priority: int = 100) -> None:
    """Go on only if no second person is needed, or one has approved; the approval is used up by that.

    The first call asks. When another person makes the same call, that approves and goes on. Raises ``ApprovalNeededError``; the request
    it made is kept only if the transaction is committed all the same (:func:`asking`). Raises ``InputError`` for an unknown act.
    """
    table = required or shipped_rules()
    if act not in table.acts:
        raise InputError(f"There is no act {act}; the acts are {', '.join(sorted(table.acts))}.")
    if not table.applies(act, priority):
        return
    by = by[:64]
    waiting = [one for one in pending(connection, obj, now) if one.act == act]
    ready = next((one for one in waiting if one.approved_by is not None), None)
    if ready is None and (foreign := next((one for one in waiting if one.asked_by != by), None)) is not None:
        ready = _approve(connection, foreign, by, now)
    if ready is not None:
        connection.execute(update(t.approval).where(t.approval.c.id == ready.id).values(used=now))
        told: dict[str, audit.Value] = {"act": act, "asked_by": ready.asked_by, "approved_by": ready.approved_by}
        audit.record(connection, by, "approval.used", obj, now, told)
        return
    words = table.acts[act].words
    if not waiting:
        _ask(connection, act, obj, by, now, table.acts[act].hours * 3600)
    name = obj[:8]
    raise ApprovalNeededError(
        f"To {words} needs a second person. That is asked for now: somebody else runs the same command, or `tsbot cases approve {name}`."
        if not waiting
        else f"To {words} still waits for a second person: somebody else runs the same command, or `tsbot cases approve {name}`."
    )


def approve(connection: Connection, obj: str, by: str, now: float) -> list[Approval]:
    """Approve what others asked for about a case or report; what was approved. Raises ``InputError`` if there is nothing to approve."""
    waiting = [one for one in pending(connection, obj, now) if one.approved_by is None]
    if not waiting:
        raise InputError(f"Nothing about {obj[:8]} waits for approval.")
    others = [one for one in waiting if one.asked_by != by[:64]]
    if not others:
        raise InputError(f"You asked for it yourself ({', '.join(one.act for one in waiting)}); another person must approve.")
    return [_approve(connection, one, by[:64], now) for one in others]


def pending(connection: Connection, obj: str, now: float) -> list[Approval]:
    """What was asked for about a case or report and is neither used nor void, oldest first."""
    c = t.approval.c
    query = select(t.approval).where(c.object == obj, c.used.is_(None), c.until > now, c.asked <= now + AHEAD)
    return [Approval(**row) for row in connection.execute(query.order_by(c.asked, c.id)).mappings()]


def void(connection: Connection, obj: str, now: float) -> int:
    """What was asked for or approved about a case was so as the case was; it does not hold for what it has become. How many."""
    c = t.approval.c
    changed = connection.execute(update(t.approval).where(c.object == obj, c.used.is_(None), c.until > now).values(until=now))
    if changed.rowcount:
        audit.record(connection, "tsbot", "approval.void", obj, now, {"count": changed.rowcount})
    return changed.rowcount


def _ask(connection: Connection, act: str, obj: str, by: str, now: float, seconds: float) -> None:
    identity = str(uuid.uuid4())
    connection.execute(insert(t.approval).values(id=identity, act=act, object=obj, asked_by=by, asked=now, until=now + seconds))
    audit.record(connection, by, "approval.asked", obj, now, {"act": act})


def _approve(connection: Connection, one: Approval, by: str, now: float) -> Approval:
    connection.execute(update(t.approval).where(t.approval.c.id == one.id).values(approved_by=by, approved=now))
    audit.record(connection, by, "approval.given", one.object, now, {"act": one.act, "asked_by": one.asked_by})
    return replace(one, approved_by=by, approved=now)
