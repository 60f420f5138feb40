"""Little words of names, fields and occupations, from ``names.toml``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec

from tsbot.errors import SettingsError

JOINERS = " \t\n,&/.'’+-"
"""Signs that may stand within a name or an address."""
MOST_WITHIN = 5
SHIPPED = Path(__file__).with_name("names.toml")


class NameWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in small letters, by what they do."""

    titles: frozenset[str]
    within: frozenset[str]
    """What may stand within a name of several words."""
    before: frozenset[str]
    """What a name may begin with in small letters."""
    joining: frozenset[str]
    """What stands between two of the same sort."""
    fields: frozenset[str]
    """What stands before the value in the head of a letter, or in a form."""
    occupations: frozenset[str]
    """Nouns with which names of occupations end."""

    def may_join(self, between: str) -> bool:
        """Whether what stands between two parts of a name may stand within one."""
        words = re.findall(r"\w+", between)
        rest = re.sub(r"\w+", "", between)
        return len(words) <= MOST_WITHIN and all(word.casefold() in self.within for word in words) and not rest.strip(JOINERS)


@cache
def name_words(path: Path = SHIPPED) -> NameWords:
    """Read the table. Raises ``SettingsError``."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), NameWords)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
