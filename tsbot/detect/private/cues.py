"""Words around a number that say what it is; ``cues.toml`` lists them, in many languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

import msgspec

from tsbot.errors import PackError

REACH = 40
"""Characters before a number in which its cue stands."""


class CueFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``cues.toml``."""

    phone: tuple[str, ...]
    phone_after: tuple[str, ...]
    bank: tuple[str, ...]
    identity: tuple[str, ...]
    other_number: tuple[str, ...]
    private: tuple[str, ...]
    public: tuple[str, ...]
    name: tuple[str, ...]
    title: tuple[str, ...]
    lives: tuple[str, ...]


class Cues:
    """The lists, ready to be looked for."""

    def __init__(self, file: CueFile) -> None:
        self._patterns = {name: _pattern(getattr(file, name)) for name in file.__struct_fields__}

    def before(self, name: str, text: str, at: int, reach: int = REACH) -> bool:
        """Whether a cue stands within ``reach`` characters before a place, in the same paragraph."""
        start = max(0, at - reach)
        start = max(start, text.rfind("\n\n", start, at) + 1)
        return self._patterns[name].search(text, start, at) is not None

    def after(self, name: str, text: str, at: int, reach: int = 12) -> bool:
        """Whether a cue stands directly behind a place."""
        return self._patterns[name].search(text, at, min(len(text), at + reach)) is not None

    def ends(self, name: str, text: str) -> Iterator[int]:
        """Where cues end."""
        for match in self._patterns[name].finditer(text):
            yield match.end()

    def found(self, name: str, text: str) -> bool:
        """Whether a cue stands anywhere."""
        return self._patterns[name].search(text) is not None


@cache
def shipped_cues() -> Cues:
    """The cues that come with tsbot; read once. Raises ``PackError``."""
    path = resources.files("tsbot.detect.private").joinpath("cues.toml")
    try:
        return Cues(msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), CueFile))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PackError(f"{path.name}: {error}.") from error


def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words where the script has spaces; a trailing ``*`` leaves the end open."""
    parts = []
    for word in sorted(words, key=len, reverse=True):
        body = re.escape(word.rstrip("*")).replace(r"\ ", r"\s+")
        spaced = not any("\u2e80" <= char <= "\ud7ff" or "\u0e00" <= char < "\u0f00" for char in word)
        left = r"(?<!\w)" if spaced and word[0].isalnum() else ""
        right = r"(?!\w)" if spaced and word[-1].isalnum() else ""
        parts.append(left + body + right)
    return re.compile("|".join(parts) or r"(?!)", re.IGNORECASE)
