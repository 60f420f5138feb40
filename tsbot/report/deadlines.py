"""How long a report may wait before somebody else is told: the table in ``deadlines.toml``, and what the settings put in its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tsbot.datafiles import data_file
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import SettingsError

SHIPPED = Path(__file__).with_name("deadlines.toml")
MINUTE = 60.0
MOST_MINUTES = 30 * 24 * 60
Minutes = Annotated[float, Meta(ge=0, le=MOST_MINUTES)]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The times of one kind, in seconds."""

    release: float
    deliver: float
    again: float
    acknowledge: float
    """0: acknowledgements are not waited for."""
    on_call: float
    apart: float

    @property
    def longest(self) -> float:
        """A step that is due later than this was set by a clock that was wrong."""
        return max(self.release, self.deliver, self.again, self.acknowledge, self.on_call, self.apart) + MINUTE


NAMES = tuple(Deadlines.__dataclass_fields__)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    default: dict[str, Minutes]
    kinds: dict[Kind, dict[str, Minutes]]


def load_deadlines(path: Path = SHIPPED, overrides: Mapping[str, Mapping[str, float]] | None = None) -> dict[Kind, Deadlines]:
    """The times of every kind; ``overrides`` are minutes by kind (or ``default``) and name.

    Raises ``SettingsError`` that names the entry that is wrong.
    """
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    _check_names(path.name, "default", table.default)
    if missing := [name for name in NAMES if name not in table.default]:
        raise SettingsError(f"{path.name}: default.{missing[0]} is missing.")
    for kind, own in table.kinds.items():
        _check_names(path.name, f"kinds.{kind}", own)
    overrides = overrides or {}
    for name, replaced in overrides.items():
        _check_names("report.deadlines", name, replaced)
    general = overrides.get("default", {})
    made = {}
    for kind in Kind:
        where = f"report.deadlines.{kind}" if kind.value in overrides or general else f"{path.name}: kinds.{kind}"
        made[kind] = _made(kind, {**table.default, **general, **table.kinds.get(kind, {}), **overrides.get(kind.value, {})}, where)
    return made


def _check_names(where: str, entry: str, times: Mapping[str, float]) -> None:
    if unknown := [name for name in times if name not in NAMES]:
        raise SettingsError(f"{where}: {entry}.{unknown[0]}: no such time; there are {', '.join(NAMES)}.")


def _made(kind: Kind, minutes: Mapping[str, float], where: str) -> Deadlines:
    for name in NAMES:
        if minutes[name] <= 0 and (name != "acknowledge" or kind in PHYSICAL):
            raise SettingsError(f"{where}.{name} must be more than 0 minutes.")
    if minutes["acknowledge"] and minutes["on_call"] < minutes["acknowledge"]:
        raise SettingsError(f"{where}.on_call must not be before {where}.acknowledge.")
    return Deadlines(**{name: minutes[name] * MINUTE for name in NAMES})


@data_file("deadlines", SHIPPED)
def shipped() -> Mapping[Kind, Deadlines]:
    """The times of the package."""
    return load_deadlines()


def deadlines_of(overrides: Mapping[str, Mapping[str, float]]) -> Mapping[Kind, Deadlines]:
    """The times under the settings ``report.deadlines``. Raises ``SettingsError``."""
    if not overrides:
        return shipped()
    return own_deadlines(tuple(sorted((kind, tuple(sorted(times.items()))) for kind, times in overrides.items())))


@data_file("own_deadlines", where=lambda _overrides: (SHIPPED,))
def own_deadlines(overrides: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]) -> Mapping[Kind, Deadlines]:
    """Those of the package with others in their place."""
    return load_deadlines(overrides={kind: dict(times) for kind, times in overrides})
