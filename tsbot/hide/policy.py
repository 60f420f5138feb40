"""Under which criterion, and how thoroughly, text of a kind is hidden on a wiki; and in which words the log is told."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from tsbot.datafiles import data_file
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import CriteriaError

CRITERIA = Path(__file__).with_name("criteria")
REASONS = Path(__file__).with_name("reasons.toml")
DEFAULT = "default"
LONGEST_REASON = 80
_TELLTALE = re.compile(r"[\d\[\]{}|<>]")


class Level(StrEnum):
    """How thoroughly something is hidden."""

    REVISION_DELETION = "revision_deletion"
    """From all but administrators; a public log says that it was done."""
    SUPPRESSION = "suppression"
    """From administrators too; no public log."""


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry of ``[criteria]``."""

    words: str
    level: Level
    interim: str = ""
    confirmed: bool = True


class Criteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The criteria of a wiki, or the global ones."""

    name: str
    source: str = ""
    user_name: str
    criteria: dict[str, Criterion]
    kinds: dict[Kind, str]


@dataclass(frozen=True, slots=True)
class Ground:
    """Why something may be hidden: a criterion, and whose it is."""

    kind: Kind
    criterion: str
    words: str
    level: Level
    policy: str
    interim: str = ""
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Policies:
    """The criteria of all wikis."""

    default: Criteria
    wikis: Mapping[str, Criteria]

    def grounds(self, wiki: str, kinds: Sequence[Kind]) -> tuple[Ground, ...]:
        """Under which criteria findings of these kinds are hidden on a wiki, the strictest first; empty if none covers them."""
        found = {}
        for kind in sorted(set(kinds), key=GRAVITY.index):
            policy, name = self._criterion(wiki, kind)
            if name:
                found[name] = _ground(policy, kind, name)
        return tuple(sorted(found.values(), key=lambda ground: ground.level is not Level.SUPPRESSION))

    def name_ground(self, wiki: str) -> Ground:
        """Under which criterion a user name that shows the text is hidden."""
        policy = self.wikis.get(wiki, self.default)
        return _ground(policy, Kind.ATTACK_NAME, policy.user_name)

    def _criterion(self, wiki: str, kind: Kind) -> tuple[Criteria, str]:
        own = self.wikis.get(wiki)
        if own is not None and kind in own.kinds:
            return own, own.kinds[kind]
        return self.default, self.default.kinds.get(kind, "")


def level_of(grounds: Sequence[Ground]) -> Level | None:
    """The strictest level of some grounds; None without grounds."""
    levels = {ground.level for ground in grounds}
    return Level.SUPPRESSION if Level.SUPPRESSION in levels else Level.REVISION_DELETION if levels else None


def _ground(policy: Criteria, kind: Kind, name: str) -> Ground:
    criterion = policy.criteria[name]
    return Ground(kind, name, criterion.words, criterion.level, policy.name, criterion.interim, criterion.confirmed)


def load_policies(folder: Path = CRITERIA) -> Policies:
    """Read all files of a folder. Raises ``CriteriaError`` that names file and entry."""
    files = {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}
    if DEFAULT not in files:
        raise CriteriaError(f"{folder.name}/{DEFAULT}.toml is missing.")
    default = files.pop(DEFAULT)
    if missing := [kind for kind in Kind if kind is not Kind.NONE and kind not in default.kinds]:
        raise CriteriaError(f"{DEFAULT}.toml: kinds.{missing[0]} is missing.")
    return Policies(default, files)


def _read(path: Path) -> Criteria:
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Criteria)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CriteriaError(f"{path.name}: {error}.") from error
    for name, criterion in table.criteria.items():
        if not criterion.words.strip():
            raise CriteriaError(f"{path.name}: criteria.{name}.words is empty.")
        if criterion.interim:
            interim = table.criteria.get(criterion.interim)
            if criterion.level is not Level.SUPPRESSION or interim is None or interim.level is not Level.REVISION_DELETION:
                where = f"{path.name}: criteria.{name}.interim"
                raise CriteriaError(f"{where} must name a criterion for revision deletion, and only suppression has one.")
    for kind, name in table.kinds.items():
        if kind is Kind.NONE:
            raise CriteriaError(f"{path.name}: kinds.none: what is no finding is not hidden.")
        if name and name not in table.criteria:
            raise CriteriaError(f"{path.name}: kinds.{kind} names the criterion {name}, which [criteria] does not have.")
    if table.user_name not in table.criteria:
        raise CriteriaError(f"{path.name}: user_name names the criterion {table.user_name}, which [criteria] does not have.")
    return table


@data_file("criteria", CRITERIA)
def shipped_policies() -> Policies:
    """The criteria of the package."""
    return load_policies()


class _Reasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reasons: dict[str, str]


def load_reasons(path: Path = REASONS) -> dict[str, str]:
    """Read the reasons by language. Raises ``CriteriaError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Reasons)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise CriteriaError(f"{path.name}: {error}.") from error
    if "en" not in table.reasons:
        raise CriteriaError(f"{path.name}: reasons.en is missing.")
    for language, reason in table.reasons.items():
        if not reason.strip() or len(reason) > LONGEST_REASON or _TELLTALE.search(reason):
            raise CriteriaError(f"{path.name}: reasons.{language} must be one short phrase without digits, links and markup.")
    return table.reasons


@data_file("hide_reasons", REASONS)
def shipped_reasons() -> Mapping[str, str]:
    """The reasons of the package."""
    return load_reasons()


def reason(language: str, reasons: Mapping[str, str] | None = None) -> str:
    """The neutral reason in a wiki's language, or in English."""
    known = reasons if reasons is not None else shipped_reasons()
    return known.get(language) or known.get(language.partition("-")[0]) or known["en"]
