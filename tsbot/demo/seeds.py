"""The demo's play: who does what on the wikis, and what tsbot is expected to say of it."""

from __future__ import annotations

import ipaddress
import secrets
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from tsbot.demo.accounts import read_accounts
from tsbot.demo.actors import Actor
from tsbot.demo.provision import WIKIS
from tsbot.demo.wikis import WikiFamily
from tsbot.detect.finding import Kind
from tsbot.errors import DemoError
from tsbot.text.passage import Field

SEEDS_FILE = Path(__file__).with_name("seeds.toml")


class Action(StrEnum):
    """What a person does."""

    EDIT = "edit"
    UNDO = "undo"
    MOVE = "move"
    CREATE_ACCOUNT = "create_account"
    BLOCK = "block"
    DELETE = "delete"


_LOG_TYPES: Mapping[Action, str] = {
    Action.MOVE: "move",
    Action.CREATE_ACCOUNT: "newusers",
    Action.BLOCK: "block",
    Action.DELETE: "delete",
}


class Seed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act, as ``seeds.toml`` describes it (the keys are explained there)."""

    id: str
    wiki: str
    who: str
    page: str
    expect: Kind | tuple[Kind, ...]
    why: str
    action: Action = Action.EDIT
    text: str | None = None
    append: str | None = None
    summary: str = ""
    of: str = ""
    to: str = ""
    field: Field = Field.TEXT
    may_flag: tuple[Kind, ...] = ()

    @property
    def expected(self) -> tuple[Kind, ...]:
        """Kinds of which one must be found; empty for an ordinary act."""
        kinds = (self.expect,) if isinstance(self.expect, Kind) else self.expect
        return tuple(kind for kind in kinds if kind is not Kind.NONE)


class _File(msgspec.Struct, forbid_unknown_fields=True):
    seed: list[Seed]


@dataclass(frozen=True, slots=True)
class Played:
    """A seed that was played."""

    seed: Seed
    subject: str
    """``wiki:rev:ID`` of the edit, ``wiki:log:ID`` of a log entry: what a flag about it must name."""
    time: float
    """When the wiki had accepted it, in seconds since the epoch."""


def read_seeds(path: Path = SEEDS_FILE, accounts: Iterable[str] | None = None) -> list[Seed]:
    """The seeds of a TOML file in their order. Raises DemoError that names file, seed and fault."""
    try:
        seeds = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).seed
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DemoError(f"{path}: {error}") from error
    people = frozenset(read_accounts() if accounts is None else accounts)
    earlier: dict[str, Seed] = {}
    for seed in seeds:
        for fault in _faults(seed, people, earlier):
            raise DemoError(f"{path}: seed {seed.id!r}: {fault}")
        earlier[seed.id] = seed
    return seeds


def play(
    family: WikiFamily, seeds: Sequence[Seed], *, clock: Callable[[], float], progress: Callable[[Played], None] | None = None
) -> list[Played]:
    """Play seeds on the running wikis, in order. Raises DemoError."""
    played: dict[str, Played] = {}
    with ExitStack() as stack:
        actors: dict[tuple[str, str], Actor] = {}
        for seed in seeds:
            key = (seed.who, seed.wiki)
            # Making an account logs its maker in as the new one, so that session is used once.
            if key not in actors or seed.action is Action.CREATE_ACCOUNT:
                actors[key] = stack.enter_context(_actor(family, seed))
            subject = _act(actors[key], seed, played)
            if seed.action is Action.CREATE_ACCOUNT:
                del actors[key]
            played[seed.id] = Played(seed, subject, clock())
            if progress is not None:
                progress(played[seed.id])
    return list(played.values())


def _act(actor: Actor, seed: Seed, played: Mapping[str, Played]) -> str:
    page, summary = seed.page, seed.summary
    match seed.action:
        case Action.EDIT:
            rev_id = actor.edit(page, seed.text, append=seed.append, summary=summary)
            return f"{seed.wiki}:rev:{rev_id}"
        case Action.UNDO:
            undone = int(played[seed.of].subject.rpartition(":")[2])
            return f"{seed.wiki}:rev:{actor.undo(page, undone, summary)}"
        case Action.MOVE:
            actor.move(page, seed.to, summary)
        case Action.CREATE_ACCOUNT:
            actor.create_account(page, secrets.token_urlsafe(18), summary)
        case Action.BLOCK:
            actor.block(page, summary)
        case Action.DELETE:
            actor.delete(page, summary)
    return f"{seed.wiki}:log:{actor.last_log_id(_LOG_TYPES[seed.action])}"


def _actor(family: WikiFamily, seed: Seed) -> Actor:
    return family.anonymous(seed.who, seed.wiki) if _is_address(seed.who) else family.actor(seed.who, seed.wiki)


def _faults(seed: Seed, people: frozenset[str], earlier: Mapping[str, Seed]) -> Iterator[str]:
    if seed.id in earlier:
        yield "its id is taken"
    if seed.wiki not in {spec.dbname for spec in WIKIS}:
        yield f"no wiki {seed.wiki!r}"
    if seed.who not in people and not _is_address(seed.who):
        yield f"no account {seed.who!r}"
    if seed.action is Action.EDIT and (seed.text is None) == (seed.append is None):
        yield "an edit needs text or append, and not both"
    if seed.action is Action.MOVE and not seed.to:
        yield "a move needs to"
    if seed.action is Action.UNDO and seed.of not in earlier:
        yield f"no earlier seed {seed.of!r} to undo"
    if not seed.why.strip():
        yield "why is empty"
    if seed.may_flag and seed.expected:
        yield "may_flag is for ordinary acts"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
