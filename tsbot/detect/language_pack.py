"""Language packs: what harm is called in a language, as data that a volunteer can extend.

A pack is one TOML file in ``tsbot/detect/packs``; docs/detection.md says how to write one. It is checked when it is loaded:
unknown keys, undefined lists and patterns that could never be found are refused with the name of the file and the entry.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated

import msgspec
from msgspec import Meta

from tsbot.detect.finding import DETECTED, Kind, Stance
from tsbot.errors import PackError

Phrases = tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...]
SHORT_GAP, LONG_GAP = 3, 12
"""Most words between two parts of a pattern joined by ``..`` and ``...``; twice as many characters where a script has no spaces."""
MOST_BYTES = 1_000_000
"""Size of a pack; the largest of forty has 60 kB."""
MOST_PHRASES, MOST_PATTERNS, MOST_PARTS = 3_000, 3_000, 12
"""Phrases of one list, patterns of one pack, parts of one pattern: more makes every search slow, and is a mistake or an attack."""
BUILT_IN = ("phone", "email", "address", "number", "word")
"""Parts that are recognised by their form: written ``@phone`` and so on."""


class ConstructionEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of patterns that mean the same."""

    kind: Kind
    stance: Stance = Stance.NONE
    strength: Annotated[float, Meta(gt=0, lt=1)]
    """Probability that a text with such a pattern is meant so, as far as the pattern tells."""
    patterns: Annotated[Phrases, Meta(min_length=1)]


class FacetLists(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that make a threat specific or near (the annotation guideline's facets)."""

    now: Phrases = ()
    near: Phrases = ()
    soon: Phrases = ()
    vague: Phrases = ()
    how: Phrases = ()
    ability: Phrases = ()
    conditional: Phrases = ()
    group: Phrases = ()
    role: Phrases = ()
    kin: Phrases = ()
    place: Phrases = ()
    """Prepositions of place: what they stand before may be a named place."""


class CueLists(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that take away from a pattern."""

    negation: Phrases = ()
    report: Phrases = ()
    """Somebody else's words, fiction, history."""
    address: Phrases = ()
    """Words of somebody who speaks to or of somebody; a sentence without any is narration, and the model is doubted."""
    idiom: Phrases = ()
    """Harmless phrases; a pattern whose telling part lies in one does not count."""


class PackFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pack as its file spells it."""

    language: Annotated[str, Meta(pattern="^[a-z]{2,3}$")]
    name: str
    words: bool = True
    """Whether the script separates words by spaces."""
    model: bool = False
    """Whether the n-gram model has learnt from texts of this language."""
    common: Phrases = ()
    """Frequent little words by which the language is told."""
    small: dict[str, Phrases] = {}
    """Lists of words that are too frequent to be searched for by themselves."""
    words_lists: dict[str, Phrases] = msgspec.field(name="lists", default_factory=dict)
    """Lists of telling words."""
    construction: tuple[ConstructionEntry, ...] = ()
    facets: FacetLists = FacetLists()
    cues: CueLists = CueLists()


class UnscoredLanguage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A language that is told but not judged."""

    common: Annotated[Phrases, Meta(min_length=1)]


class LanguageTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``languages.toml``."""

    unscored: dict[str, UnscoredLanguage]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a pattern, and how far it may stand from the part before."""

    slot: str
    """``list:NAME``, ``text:WORDS`` or ``@NAME``."""
    gap: int
    """Most words (or characters) in between; 0 means directly after."""


@dataclass(frozen=True, slots=True)
class Construction:
    """A pattern ready to be looked for."""

    language: str
    kind: Kind
    stance: Stance
    strength: float
    parts: tuple[Part, ...]
    anchor: int
    """Index of the telling part, by which the pattern is searched for."""
    at_start: bool
    """``^``: only at the start of a sentence."""
    at_end: bool
    """``$``: only at the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A language pack: its file, and its patterns taken apart."""

    file: PackFile
    constructions: tuple[Construction, ...]
    digest: str
    """SHA-256 of the file."""


def load_pack(path: Traversable) -> Pack:
    """Read and check one pack. Raises ``PackError``."""
    name = path.name
    try:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            raise PackError(f"{name}: has {len(content):,} bytes; a pack has at most {MOST_BYTES:,}.")
        text = content.decode("utf-8")
        tree = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{name}: cannot be read as UTF-8 text: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: not valid TOML: {error}.") from error
    try:
        file = msgspec.convert(tree, PackFile)
    except msgspec.ValidationError as error:
        raise PackError(f"{name}: {error}. docs/detection.md says how a pack is written.") from error
    if not name.startswith(file.language + "."):
        raise PackError(f"{name}: holds language {file.language!r}; the file must be called {file.language}.toml.")
    both = set(file.small) & set(file.words_lists)
    if both:
        raise PackError(f"{name}: the list {min(both)!r} stands in [small] and in [lists]; a list is one or the other.")
    _check_sizes(name, text, file)
    constructions = tuple(
        _construction(f"{name}, line {_line(text, pattern)}", file, number, entry, pattern)
        for number, entry in enumerate(file.construction, 1)
        for pattern in entry.patterns
    )
    return Pack(file, constructions, hashlib.sha256(content).hexdigest())


def _line(text: str, phrase: str) -> int:
    """Number of the first line on which a phrase stands as the file spells it; TOML itself forgets."""
    for spelled in (f'"{phrase}"', f"'{phrase}'", phrase):
        if (at := text.find(spelled)) >= 0:
            return text.count("\n", 0, at) + 1
    return 1


def _check_sizes(name: str, text: str, file: PackFile) -> None:
    """Refuse what would make the search slow or could never be found. Raises ``PackError``."""
    named = {**file.small, **file.words_lists, "common": file.common}
    named |= {facet: getattr(group, facet) for group in (file.facets, file.cues) for facet in group.__struct_fields__}
    for label, phrases in named.items():
        if len(phrases) > MOST_PHRASES:
            where = _line(text, f"{label} =")
            raise PackError(f"{name}, line {where}: the list {label!r} has {len(phrases):,} phrases, at most {MOST_PHRASES:,} are allowed.")
        for phrase in phrases:
            if not phrase.strip("* "):
                where = _line(text, phrase)
                raise PackError(f"{name}, line {where}: the phrase {phrase!r} of {label!r} would be found everywhere.")
    patterns = [pattern for entry in file.construction for pattern in entry.patterns]
    if len(patterns) > MOST_PATTERNS:
        raise PackError(f"{name}: has {len(patterns):,} patterns, at most {MOST_PATTERNS:,} are allowed.")


def load_packs(folder: Traversable | None = None) -> tuple[Pack, ...]:
    """Read all packs of a folder (default: those that come with tsbot), by language. Raises ``PackError``."""
    folder = folder or resources.files("tsbot.detect").joinpath("packs")
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name)
    if not paths:
        raise PackError(f"No language packs (*.toml) in {folder}.")
    return tuple(load_pack(path) for path in paths)


def common_words(packs: Sequence[Pack], table: Traversable | None = None) -> dict[str, tuple[str, ...]]:
    """Frequent little words of every language that can be told: of the packs, and of ``languages.toml``.

    Raises ``PackError``.
    """
    table = table or resources.files("tsbot.detect").joinpath("languages.toml")
    try:
        others = msgspec.convert(tomllib.loads(table.read_text(encoding="utf-8")), LanguageTable).unscored
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PackError(f"{table.name}: {error}.") from error
    return {code: entry.common for code, entry in others.items()} | {pack.file.language: pack.file.common for pack in packs}


def _construction(name: str, file: PackFile, number: int, entry: ConstructionEntry, pattern: str) -> Construction:
    """Take one pattern apart."""
    where = f"{name}, construction {number}, pattern {pattern!r}"
    if entry.kind not in DETECTED:
        raise PackError(f"{where}: the kind {entry.kind} is not one that a detector gives.")
    tokens = pattern.split()
    at_start, at_end = tokens[:1] == ["^"], tokens[-1:] == ["$"]
    tokens = tokens[at_start : len(tokens) - at_end]
    parts: list[Part] = []
    gap = 0
    literal: list[str] = []

    def close() -> None:
        nonlocal gap
        if literal:
            parts.append(Part(f"text:{' '.join(literal)}", gap))
            literal.clear()
            gap = 0

    scale = 1 if file.words else 2
    for sign in tokens:
        if sign in ("..", "..."):
            close()
            if not parts or gap:
                raise PackError(f"{where}: a gap must stand between two parts.")
            gap = scale * (SHORT_GAP if sign == ".." else LONG_GAP)
        elif sign.startswith("<") and sign.endswith(">"):
            close()
            if sign[1:-1] not in file.small and sign[1:-1] not in file.words_lists:
                raise PackError(f"{where}: no list {sign[1:-1]!r} in [small] or [lists].")
            parts.append(Part(f"list:{sign[1:-1]}", gap))
            gap = 0
        elif sign.startswith("@"):
            close()
            if sign[1:] not in BUILT_IN:
                raise PackError(f"{where}: no built-in part {sign!r}; there are {', '.join('@' + part for part in BUILT_IN)}.")
            parts.append(Part(sign, gap))
            gap = 0
        elif any(mark in sign for mark in "<>@"):
            raise PackError(f"{where}: {sign!r} is neither a word nor a list.")
        else:
            literal.append(sign)
    close()
    if gap:
        raise PackError(f"{where}: a gap must stand between two parts.")
    if len(parts) > MOST_PARTS:
        raise PackError(f"{where}: has {len(parts)} parts, at most {MOST_PARTS} are allowed.")
    telling = [_telling(file, part) for part in parts]
    if not any(telling):
        raise PackError(f"{where}: has no telling part (a list of [lists], or words of three letters and more).")
    return Construction(
        language=file.language,
        kind=entry.kind,
        stance=entry.stance,
        strength=entry.strength,
        parts=tuple(parts),
        anchor=max(range(len(parts)), key=lambda index: telling[index]),
        at_start=at_start,
        at_end=at_end,
    )


def _telling(file: PackFile, part: Part) -> int:
    """How much a part tells by itself; 0: too little to search for it."""
    if part.slot.startswith("list:"):
        return 1000 if part.slot[5:] in file.words_lists else 0
    if part.slot.startswith("text:"):
        words = part.slot[5:]
        return len(words) if not file.words or len(words) >= 3 else 0
    return 0
