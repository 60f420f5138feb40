"""What people set for themselves: language, blur, keys, their limit, saved filters. A row of ``preference`` each, in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection, delete, insert, select

from tsbot.console.reading import Limits
from tsbot.store import tables as t

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "next": "j",
        "previous": "k",
        "open": "o",
        "reveal": "r",
        "diff": "d",
        "claim": "c",
        "skip": "s",
        "note": "n",
        "right": "1",
        "wrong_kind": "2",
        "wrong_score": "3",
        "false_alarm": "4",
        "decide": "e",
        "undo": "u",
        "queue": "q",
        "trace": "t",
        "help": "?",
    }
)
"""What the keyboard does, and the key for it. No key alone ends a case: ``decide`` leads to the choice of an outcome."""
MOST_SAVED = 20
MOST_SKIPPED = 200


class Saved(msgspec.Struct, frozen=True):
    """A filter of the queue under a name."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    query: Annotated[str, Meta(max_length=500)]


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that somebody set. What is stored and not understood (any more) counts as not set."""

    language: Annotated[str, Meta(max_length=35)] = ""
    blur: bool = False
    grey: bool = False
    keys_on: bool = True
    keys: dict[str, Annotated[str, Meta(min_length=1, max_length=1)]] = {}
    """Own keys, by what they do."""
    a_day: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    """Texts a day; None: as many as the house allows."""
    saved: tuple[Saved, ...] = ()
    skipped: tuple[tuple[str, float], ...] = ()
    """Cases that were skipped or handed over, and when: the next case is none of them."""

    @property
    def keymap(self) -> dict[str, str]:
        """Key to act; empty where single keys are off."""
        if not self.keys_on:
            return {}
        return {self.keys.get(act, key): act for act, key in KEYS.items()}


def read(connection: Connection, person_id: str) -> Preferences:
    """Somebody's preferences."""
    query = select(t.preference.c.name, t.preference.c.value).where(t.preference.c.person_id == person_id)
    values: dict[str, Any] = {}
    for name, value in connection.execute(query):
        if name in Preferences.__struct_fields__:
            with suppress(msgspec.DecodeError):
                values[name] = getattr(msgspec.json.decode(f'{{"{name}":{value}}}', type=Preferences), name)
    return Preferences(**values)


def write(connection: Connection, person_id: str, values: Mapping[str, object]) -> None:
    """Set some of somebody's preferences. Raises ``msgspec.ValidationError`` for what cannot be one."""
    msgspec.convert(dict(values), Preferences)
    for name, value in values.items():
        connection.execute(delete(t.preference).where(t.preference.c.person_id == person_id, t.preference.c.name == name))
        row = {"person_id": person_id, "name": name, "value": msgspec.json.encode(value).decode()}
        connection.execute(insert(t.preference).values(**row))


def skip(connection: Connection, person_id: str, case_id: str, now: float) -> None:
    """Remember that somebody does not want a case offered again for now."""
    kept = [one for one in read(connection, person_id).skipped if one[0] != case_id]
    write(connection, person_id, {"skipped": [*kept, (case_id, now)][-MOST_SKIPPED:]})


def limits(house: Limits, prefs: Preferences) -> Limits:
    """The limits of the house, with somebody's own number a day where that is lower."""
    return house if prefs.a_day is None else replace(house, a_day=min(house.a_day, prefs.a_day))
