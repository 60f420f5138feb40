"""What ends a case: what the stream tells, and what people say, as ``closing.toml`` has it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
from sqlalchemy import Connection, and_, exists, or_, select

from tsbot.datafiles import data_file
from tsbot.errors import SettingsError
from tsbot.store import tables as t
from tsbot.text.passage import Field

SHIPPED = Path(__file__).with_name("closing.toml")
MERGED = "merged"


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outcome of a case."""

    words: str
    dismisses: bool = False
    people: bool = True
    """Whether people may choose it."""


class _Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outcomes: tuple[str, ...]


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table."""

    covers: dict[Field, tuple[str, ...]]
    undoes: _Outcomes
    hides: _Outcomes
    outcomes: dict[str, Ending]

    @property
    def covering(self) -> frozenset[str]:
        """Outcomes of the stream that may cover a flag."""
        return frozenset(what for outcomes in self.covers.values() for what in outcomes)


def load_closing(path: Path = SHIPPED) -> Closing:
    """Read a table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Closing)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for field in Field:
        if field not in table.covers:
            raise SettingsError(f"{path.name}: covers.{field} is missing.")
    for what in sorted(table.covering):
        if what not in table.outcomes:
            raise SettingsError(f"{path.name}: covers names {what}, which [outcomes] does not have.")
    for name, ending in table.outcomes.items():
        if not name.isidentifier() or len(name) > 32 or not ending.words.strip():
            raise SettingsError(f"{path.name}: outcomes.{name} needs a short name and words.")
    if MERGED not in table.outcomes:
        raise SettingsError(f"{path.name}: outcomes.{MERGED} is missing.")
    return table


@data_file("closing", SHIPPED)
def shipped_closing() -> Closing:
    """The table of the package."""
    return load_closing()


def dismissing() -> frozenset[str]:
    """Outcomes which say that nothing was to be done: nothing about such a case leaves any more."""
    return frozenset(name for name, one in shipped_closing().outcomes.items() if one.dismisses)


def covered(connection: Connection, case_id: str, table: Closing | None = None) -> str | None:
    """The newest outcome by which the wiki dealt with a case, if it dealt with every flag of it; None otherwise.

    A case without flags is never covered.
    """
    table = table or shipped_closing()
    done, undone = t.outcome.alias("done"), t.outcome.alias("undone")
    fits = or_(*(and_(t.flag.c.field == field.value, done.c.what.in_(outcomes)) for field, outcomes in table.covers.items()))
    later = exists().where(undone.c.flag_id == done.c.flag_id, undone.c.what.in_(table.undoes.outcomes), undone.c.time > done.c.time)
    dealt = exists().where(done.c.flag_id == t.flag.c.id, fits, ~later)
    if connection.execute(select(t.flag.c.id).where(t.flag.c.case_id == case_id, ~dealt).limit(1)).first() is not None:
        return None
    newest = select(done.c.what).join(t.flag, t.flag.c.id == done.c.flag_id).where(t.flag.c.case_id == case_id, fits)
    return connection.scalar(newest.order_by(done.c.time.desc(), done.c.id.desc()).limit(1))
