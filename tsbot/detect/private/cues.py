"""Words around a datum that say what it is; ``cues.toml`` lists them, in many languages."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec
from ahocorasick_rs import AhoCorasick, Implementation

from tsbot.datafiles import data_file
from tsbot.errors import PackError

HERE = Path(__file__).parent
REACH = 40
"""Characters before a datum in which its cue stands."""


_SURROGATES = re.compile("[\ud800-\udfff]")


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
    postcode: tuple[str, ...]
    birth: tuple[str, ...]
    profile: tuple[str, ...]
    reveal: tuple[str, ...]


class StreetFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``streets.toml``."""

    number_first: tuple[str, ...]
    number_first_soft: tuple[str, ...]
    number_last: tuple[str, ...]
    name_last: tuple[str, ...]
    unit: tuple[str, ...]
    corner: tuple[str, ...]
    box: tuple[str, ...]
    country: tuple[str, ...]
    calendar: tuple[str, ...]


FileType = TypeVar("FileType", bound=msgspec.Struct)


class Words:
    """Places of cues in one text, by list: ``(start, end)`` in order of their ends."""

    def __init__(self, text: str, places: Mapping[str, list[tuple[int, int]]]) -> None:
        self._text = text
        self._places = places
        self._ends = {name: [end for _, end in found] for name, found in places.items()}

    def of(self, name: str) -> list[tuple[int, int]]:
        """Every place of a list."""
        return self._places.get(name, [])

    def before(self, name: str, at: int, reach: int = REACH) -> bool:
        """Whether a cue ends within ``reach`` characters before a place, in the same paragraph."""
        return self.last(name, at, reach) is not None

    def last(self, name: str, at: int, reach: int = REACH) -> tuple[int, int] | None:
        """The nearest such cue."""
        places = self._places.get(name)
        if not places:
            return None
        ends = self._ends[name]
        index = bisect_right(ends, at) - 1
        if index < 0 or ends[index] < at - reach or "\n\n" in self._text[ends[index] : at].rstrip():
            return None
        return places[index]

    def inside(self, name: str, start: int, end: int) -> bool:
        """Whether a cue ends within a stretch of text."""
        found = self.last(name, end, end - start)
        return found is not None and found[0] >= start

    def after(self, name: str, at: int, reach: int = 3) -> bool:
        """Whether a cue begins within ``reach`` characters behind a place."""
        places = self._places.get(name)
        if not places:
            return False
        ends = self._ends[name]
        index = bisect_left(ends, at)
        while index < len(places) and places[index][1] <= at + reach + 40:
            if at <= places[index][0] <= at + reach:
                return True
            index += 1
        return False


class Cues:
    """Lists of words, looked for together in one pass (Aho-Corasick): time linear in the text.

    A word stands whole where its script has spaces; a ``*`` leaves that end open.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]]) -> None:
        rows: dict[str, list[tuple[str, bool, bool]]] = {}
        for name, words in lists.items():
            for word in words:
                body = word.strip("*").lower()
                spaced = not any("\u2e80" <= char <= "\ud7ff" or "\u0e00" <= char < "\u0f00" for char in body)
                left = spaced and not word.startswith("*") and body[0].isalnum()
                right = spaced and not word.endswith("*") and body[-1].isalnum()
                rows.setdefault(body, []).append((name, left, right))
        self._rows = list(rows.values())
        self._machine = AhoCorasick(list(rows), implementation=Implementation.DFA)

    def read(self, lowered: str) -> Words:
        """Where the words stand in a text in lower case (``lower_case``)."""
        places: dict[str, list[tuple[int, int]]] = {}
        size = len(lowered)
        if not lowered.isascii():
            lowered = _SURROGATES.sub("\ufffd", lowered)  # the machine reads UTF-8, which has no unpaired ones
        for row, start, end in self._machine.find_matches_as_indexes(lowered, overlapping=True):
            for name, left, right in self._rows[row]:
                if (left and start and lowered[start - 1].isalnum()) or (right and end < size and lowered[end].isalnum()):
                    continue
                places.setdefault(name, []).append((start, end))
        return Words(lowered, places)


def lower_case(text: str) -> str:
    """Text in lower case with every offset kept (``İ`` alone has two letters in lower case)."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


@data_file("number_cues", HERE / "cues.toml", HERE / "streets.toml")
def number_cues() -> Cues:
    """What is looked for where numbers stand; read once. Raises ``PackError``."""
    cues, streets = _read("cues.toml", CueFile), _read("streets.toml", StreetFile)
    return Cues({**msgspec.structs.asdict(cues), **msgspec.structs.asdict(streets)})


@data_file("name_cues", HERE / "cues.toml")
def name_cues() -> Cues:
    """What is looked for in every text: words before a name. Raises ``PackError``."""
    file = _read("cues.toml", CueFile)
    return Cues({"name": file.name, "title": file.title, "reveal": file.reveal})


@data_file("given_names", HERE / "given_names.txt")
def given_names() -> frozenset[str]:
    """``given_names.txt``, in lower case. Raises ``PackError``."""
    path = resources.files("tsbot.detect.private").joinpath("given_names.txt")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{path.name}: {error}.") from error
    return frozenset(line.lower() for line in lines if line and not line.startswith("#"))


def _read(name: str, model: type[FileType]) -> FileType:
    path = resources.files("tsbot.detect.private").joinpath(name)
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), model)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PackError(f"{path.name}: {error}.") from error
