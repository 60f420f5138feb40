"""Who may do what: roles from wiki groups, acts from roles, and nothing by default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from tsbot.errors import SettingsError

SHIPPED = Path(__file__).with_name("matrix.toml")
EVERYWHERE = "*"
"""Instead of a wiki: on all of them."""


class Act(StrEnum):
    """What can be done in the console."""

    SEE_QUEUE = "see_queue"
    SEE_CASE = "see_case"
    REVEAL = "reveal"
    HANDLE = "handle"
    LABEL = "label"
    RELEASE_REPORT = "release_report"
    SEE_REPORT = "see_report"
    HIDE_PLAN = "hide_plan"
    TRACE = "trace"
    SEE_STATISTICS = "see_statistics"
    SEE_AUDIT = "see_audit"
    MANAGE_TOKENS = "manage_tokens"


class Role(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes somebody have a role, and where it counts."""

    groups: tuple[str, ...]
    scope: Literal["own_wiki", "all_wikis"]


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of the package, or an operator's own."""

    roles: dict[str, Role]
    acts: dict[Act, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a person, as the wikis tell them. ``at`` is when, in seconds since the epoch."""

    local: Mapping[str, frozenset[str]]
    """Per wiki (database name)."""
    everywhere: frozenset[str] = frozenset()
    """Global groups."""
    named: frozenset[str] = frozenset()
    """Roles that the settings give."""
    at: float = 0.0
    name: str = ""
    """User name as the wiki tells it now; accounts are renamed."""


@dataclass(frozen=True)
class Rights:
    """What one person may do."""

    groups: Groups
    matrix: Matrix
    _wikis: dict[Act, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)

    def wikis(self, act: Act) -> frozenset[str]:
        """The wikis on which an act is allowed; holds ``EVERYWHERE`` if on all of them."""
        if act not in self._wikis:
            roles = self.matrix.acts.get(act, ())
            self._wikis[act] = frozenset(wiki for role in roles for wiki in self._where(role))
        return self._wikis[act]

    def may(self, act: Act, wiki: str = EVERYWHERE) -> bool:
        """Whether an act is allowed on a wiki; without one, whether it is allowed on any."""
        where = self.wikis(act)
        return bool(where) if wiki == EVERYWHERE else EVERYWHERE in where or wiki in where

    @property
    def nothing(self) -> bool:
        """Whether nothing at all is allowed."""
        return not any(self.wikis(act) for act in Act)

    def _where(self, name: str) -> frozenset[str]:
        role = self.matrix.roles[name]
        if name in self.groups.named or self.groups.everywhere.intersection(role.groups):
            return frozenset((EVERYWHERE,))
        mine = frozenset(wiki for wiki, groups in self.groups.local.items() if groups.intersection(role.groups))
        return frozenset((EVERYWHERE,)) if mine and role.scope == "all_wikis" else mine


def load_matrix(path: Path = SHIPPED) -> Matrix:
    """Read a table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        matrix = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Matrix)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for act, roles in matrix.acts.items():
        if unknown := [role for role in roles if role not in matrix.roles]:
            raise SettingsError(f"{path.name}: acts.{act} names the role {unknown[0]}, which [roles] does not have.")
    return matrix


@cache
def shipped_matrix() -> Matrix:
    """The table of the package."""
    return load_matrix()
