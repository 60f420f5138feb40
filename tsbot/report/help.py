"""Where people in need find help: the table ``help.toml``, told in letters about self-harm."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tsbot.errors import SettingsError

SHIPPED = Path(__file__).with_name("help.toml")


class Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place. Its words are a message with the address as ``$1``, or a name of its own."""

    url: str
    message: str = ""
    name: str = ""


class HelpTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table: places for everybody, and places for those who write a language (ISO 639 code)."""

    everywhere: tuple[Resource, ...]
    languages: dict[str, tuple[Resource, ...]] = {}

    def entries(self) -> tuple[Resource, ...]:
        """All places."""
        return (*self.everywhere, *(entry for found in self.languages.values() for entry in found))

    def for_language(self, code: str) -> tuple[Resource, ...]:
        """The places to name to somebody who writes a language, those in it first."""
        return (*self.languages.get(code, self.languages.get(code.partition("-")[0], ())), *self.everywhere)


def load_help(path: Path = SHIPPED) -> HelpTable:
    """Read the table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), HelpTable)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for where, entries in (("everywhere", table.everywhere), *((f"languages.{code}", found) for code, found in table.languages.items())):
        for number, entry in enumerate(entries, 1):
            if bool(entry.message) == bool(entry.name) or not entry.name.isprintable():
                raise SettingsError(f"{path.name}: {where}, entry {number}: give a message or a name of one line, not both.")
            if urlsplit(entry.url).scheme != "https" or not entry.url.isascii() or not entry.url.isprintable() or " " in entry.url:
                raise SettingsError(f"{path.name}: {where}, entry {number}: the address is no https address.")
    return table
