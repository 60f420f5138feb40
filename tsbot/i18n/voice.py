"""Messages said to one reader: in their language, with strangers' words kept from turning the line around.

A value of letters that run the other way is put between FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE (Unicode's bidirectional
algorithm, UAX #9): in languages written from right to left that is every name, number and address, elsewhere only what holds
letters from right to left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tsbot.i18n.catalogue import Catalogue, right_to_left

ISOLATE, END = "\u2068", "\u2069"
_ADDRESS = ("https://", "http://")


class Phrase(msgspec.Struct, frozen=True):
    """A message with its values, before it is known in which language it will be said; several values of one are listed."""

    key: str
    values: tuple[str | int | Phrase | tuple[Phrase, ...], ...] = ()


Value = str | int | Phrase | Sequence[Phrase]


class Said(str):
    """What is in the reader's language already, and needs no isolation."""

    __slots__ = ()


@dataclass(frozen=True)
class Voice:
    """Says messages in one language."""

    catalogue: Catalogue
    language: str

    @property
    def rtl(self) -> bool:
        """Whether the lines run from right to left."""
        return right_to_left(self.language)

    def say(self, key: str, *values: Value) -> Said:
        """A message. Raises ``MessageError``."""
        numbers = [value if isinstance(value, int) else None for value in values]
        return Said(self.catalogue.say(self.language, key, [self._value(value) for value in values], numbers))

    def tell(self, said: Phrase | str) -> Said:
        """A phrase in this language; what was written as a sentence stays as it is."""
        return Said(said) if isinstance(said, str) else self.say(said.key, *said.values)

    def sentences(self, said: Sequence[Phrase | str]) -> Said:
        """Phrases on one line."""
        return Said(self.say("sentence-separator").join(self.tell(one) for one in said))

    def alone(self, text: str) -> str:
        """A stranger's text or an address, isolated where it could turn the line around.

        A space stands between an address and the mark: programs that make links must not take the mark for a part of it.
        """
        if not self.rtl and (text.isascii() or not any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)):
            return text
        return f"{ISOLATE}{text}{' ' if text.startswith(_ADDRESS) else ''}{END}"

    def _value(self, value: Value) -> str:
        if isinstance(value, str):
            return value if isinstance(value, Said) else self.alone(value)
        if isinstance(value, int):
            return str(value)
        if isinstance(value, Phrase):
            return self.tell(value)
        return self.catalogue.say(self.language, "comma-separator").join(self.tell(one) for one in value)
