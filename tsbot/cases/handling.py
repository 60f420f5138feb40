"""How cases of each kind are handled: lanes, labels, times and advice, as ``handling.toml`` has them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tsbot.cases.case import CaseState
from tsbot.datafiles import data_file
from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.errors import SettingsError

SHIPPED = Path(__file__).with_name("handling.toml")
Tlp = Literal["red", "amber+strict", "amber", "green", "clear"]
TLP: tuple[Tlp, ...] = ("red", "amber+strict", "amber", "green", "clear")
"""Strictest first."""


class KindHandling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How cases of one kind are handled."""

    emergency: bool
    lane: str
    tlp: Tlp
    advice: tuple[str, ...] = ()


class DueRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Times until the next act, in minutes by state, and which cases they are for."""

    minutes: dict[CaseState, Annotated[float, Meta(gt=0)]]
    emergency: bool = False
    priority: Annotated[int, Meta(ge=0, le=100)] = 0


class Handling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table."""

    kinds: dict[Kind, KindHandling]
    due: tuple[DueRow, ...]

    def emergency(self, kind: Kind) -> bool:
        """Whether hidden is not yet handled."""
        return self.kinds[kind].emergency

    def due_at(self, kind: Kind, priority: int, state: CaseState, now: float) -> float | None:
        """When somebody must have acted next, for a case that is in ``state`` from ``now`` on; None where nothing is due."""
        if state is CaseState.CLOSED:
            return None
        fits = (row for row in self.due if priority >= row.priority and (not row.emergency or self.emergency(kind)))
        return now + next(fits).minutes[state] * 60

    @property
    def longest(self) -> float:
        """Seconds that are given at most; what is due later than that was set by a clock that was wrong."""
        return max(minutes for row in self.due for minutes in row.minutes.values()) * 60


def load_handling(path: Path = SHIPPED) -> Handling:
    """Read a table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Handling)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for kind in Kind:
        if (kind in table.kinds) == (kind is Kind.NONE):
            raise SettingsError(f"{path.name}: kinds.{kind} is {'no kind of a case' if kind is Kind.NONE else 'missing'}.")
    for kind, handling in table.kinds.items():
        if kind in PHYSICAL and not handling.emergency:
            raise SettingsError(f"{path.name}: kinds.{kind}.emergency must be true: it is about life or limb.")
        if not handling.lane.isidentifier():
            raise SettingsError(f"{path.name}: kinds.{kind}.lane is no name.")
        if not all(line.strip() for line in handling.advice):
            raise SettingsError(f"{path.name}: kinds.{kind}.advice has an empty line.")
    for number, row in enumerate(table.due, 1):
        if missing := [state for state in CaseState if state is not CaseState.CLOSED and state not in row.minutes]:
            raise SettingsError(f"{path.name}: due row {number} has no minutes for {missing[0]}.")
    if not table.due or table.due[-1].emergency or table.due[-1].priority:
        raise SettingsError(f"{path.name}: the last due row must fit every case.")
    return table


@data_file("handling", SHIPPED)
def shipped_handling() -> Handling:
    """The table of the package."""
    return load_handling()


def stricter(first: str, second: str) -> str:
    """The stricter of two labels."""
    return min((first, second), key=lambda label: TLP.index(label) if label in TLP else 0)
