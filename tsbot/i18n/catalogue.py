"""The messages of all languages, read from their files and checked.

A file is ``CODE.json`` in the layout of MediaWiki and translatewiki.net ("banana"): an object of texts, with the authors in
``@metadata``. ``qqq.json`` explains each message to translators. A language may lack messages: its fallbacks are read then, English last.
"""

from __future__ import annotations

import json
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from babel import Locale, UnknownLocaleError

from tsbot.datafiles import data_file
from tsbot.errors import MessageError
from tsbot.i18n.message import Parts, parameters, parse, put_together

SHIPPED = Path(__file__).parent
SOURCE = "en"
"""The language that messages are written in."""
EXPLAINED = "qqq"
KEYS_SHOWN = "qqx"
"""The language that shows the keys of messages, as in MediaWiki."""
METADATA = "@metadata"
MAY_BE_BLANK = frozenset(("sentence-separator",))
"""Messages that may be empty or a space: scripts without spaces have none between sentences."""
_ORDER = ("zero", "one", "two", "few", "many", "other")
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True)
class Language:
    """The messages of one language."""

    code: str
    messages: Mapping[str, Parts]
    authors: tuple[str, ...] = ()
    forms: tuple[str, ...] = field(default=("other",), compare=False)
    """Its plural forms, in CLDR's order."""

    def plural(self, number: int) -> int:
        """Which of its plural forms a number takes."""
        locale = _locale(self.code)
        return 0 if locale is None else self.forms.index(locale.plural_form(number))


@dataclass(frozen=True)
class Catalogue:
    """The messages of all languages."""

    languages: Mapping[str, Language]
    explained: Mapping[str, str]
    """What each message means, from ``qqq.json``."""
    fallbacks: Mapping[str, tuple[str, ...]]

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all messages."""
        return frozenset(self.languages[SOURCE].messages)

    @cached_property
    def _wanted(self) -> Mapping[str, int]:
        """How many values each message takes."""
        return {key: len(parameters(parts)) for key, parts in self.languages[SOURCE].messages.items()}

    def chain(self, code: str) -> tuple[str, ...]:
        """The languages in which a message is sought for a reader of ``code``."""
        base = code.partition("-")[0]
        return tuple(dict.fromkeys((code, *self.fallbacks.get(code, ()), base, *self.fallbacks.get(base, ()), SOURCE)))

    def knows(self, code: str) -> bool:
        """Whether letters can be written for a reader of a language, in it or in one that stands for it."""
        return code in (SOURCE, KEYS_SHOWN) or any(one in self.languages for one in self.chain(code)[:-1])

    def missing(self, code: str) -> tuple[str, ...]:
        """Messages that a language itself lacks."""
        return tuple(sorted(self.keys - set(self.languages[code].messages)))

    def say(self, code: str, key: str, values: Sequence[str] = (), numbers: Sequence[int | None] = ()) -> str:
        """A message for a reader of ``code``. Raises ``MessageError`` for an unknown key or a value that is missing or too many."""
        if key not in self.keys:
            raise MessageError(f"There is no message {key}.")
        if len(values) != self._wanted[key]:
            raise MessageError(f"The message {key} takes {self._wanted[key]} values, not {len(values)}.")
        if code == KEYS_SHOWN:
            return f"({key}{': ' + ', '.join(values) if values else ''})"
        for language in filter(None, map(self.languages.get, self.chain(code))):
            if key in language.messages:
                try:
                    return put_together(language.messages[key], values, numbers, language.plural)
                except MessageError as error:
                    raise MessageError(f"{language.code}.json: {key}: {error}.") from error
        raise MessageError(f"There is no message {key}.")  # pragma: no cover -- English has every key


def load(*folders: Path) -> Catalogue:
    """Read the files of the package, and over them those of ``folders``, which may replace messages and add languages.

    Raises ``MessageError`` that names file and key.
    """
    texts: dict[str, dict[str, str]] = {}
    authors: dict[str, tuple[str, ...]] = {}
    for folder in (SHIPPED, *folders):
        for path in sorted(folder.glob("*.json")):
            found, by = _read(path)
            texts.setdefault(path.stem, {}).update(found)
            authors[path.stem] = tuple(dict.fromkeys((*authors.get(path.stem, ()), *by)))
    explained = texts.pop(EXPLAINED, {})
    parsed = {code: {key: _parsed(code, key, text) for key, text in found.items()} for code, found in texts.items()}
    _compare(parsed, explained)
    languages = {code: Language(code, MappingProxyType(found), authors[code], plural_forms(code)) for code, found in parsed.items()}
    return Catalogue(MappingProxyType(languages), MappingProxyType(explained), load_fallbacks())


@data_file("words", SHIPPED)
def shipped() -> Catalogue:
    """The messages of the package."""
    return load()


def load_fallbacks(path: Path = SHIPPED / "fallbacks.toml") -> Mapping[str, tuple[str, ...]]:
    """Read which languages stand for which. Raises ``MessageError``."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MessageError(f"{path.name}: {error}.") from error
    for code, chain in table.items():
        if not isinstance(chain, list) or not all(isinstance(one, str) for one in chain):
            raise MessageError(f"{path.name}: {code}: a list of language codes is wanted.")
    return {code: tuple(chain) for code, chain in table.items()}


def plural_forms(code: str) -> tuple[str, ...]:
    """The plural forms of a language in the order of ``{{PLURAL:}}`` (CLDR's rules, from Babel)."""
    locale = _locale(code)
    tags = set() if locale is None else set(locale.plural_form.tags)
    return tuple(form for form in _ORDER if form in tags or form == "other")


def right_to_left(code: str) -> bool:
    """Whether a language is written from right to left."""
    locale = _locale(code)
    return locale is not None and locale.text_direction == "rtl"


def own_name(code: str) -> str:
    """What a language calls itself; the code where that is not known."""
    locale = _locale(code)
    return (locale.get_display_name() if locale else None) or code


@cache
def _locale(code: str) -> Locale | None:
    """What CLDR knows of a language, or of that before the first hyphen."""
    for name in dict.fromkeys((code, code.partition("-")[0])):
        try:
            return Locale.parse(name, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return None


def _read(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise MessageError(f"{path.name}: {next(name for name in names if names.count(name) > 1)} is there twice.")
        return found

    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"{path.name}: no valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise MessageError(f"{path.name}: an object of messages is wanted.")
    metadata = content.pop(METADATA, {})
    by = metadata.get("authors", []) if isinstance(metadata, dict) else None
    if not isinstance(by, list) or not all(isinstance(name, str) for name in by):
        raise MessageError(f"{path.name}: {METADATA}: authors is no list of names.")
    for key, text in content.items():
        if not isinstance(text, str):
            raise MessageError(f"{path.name}: {key} is no text.")
        if path.stem != EXPLAINED and (trouble := _trouble(key, text)):
            raise MessageError(f"{path.name}: {key}: {trouble}.")
    return content, tuple(by)


def _trouble(key: str, text: str) -> str:
    """What is wrong with the characters of a message; empty if nothing is."""
    if not text.strip() and key not in MAY_BE_BLANK:
        return "it is empty"
    for char in "" if text.isprintable() else text:
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") and char not in _JOINERS:
            return f"it holds U+{ord(char):04X}; a message is one line, and directions are set where it is put in"
    return ""


def _parsed(code: str, key: str, text: str) -> Parts:
    try:
        return parse(text)
    except MessageError as error:
        raise MessageError(f"{code}.json: {key}: {error}.") from error


def _compare(parsed: Mapping[str, Mapping[str, Parts]], explained: Mapping[str, str]) -> None:
    """Refuse messages that English does not have, or that take other values there."""
    source = parsed[SOURCE]
    for code, key, parts in _all(parsed):
        if key not in source:
            raise MessageError(f"{code}.json: {key}: {SOURCE}.json has no such message.")
        ours, theirs = parameters(parts), parameters(source[key])
        if wrong := ours ^ theirs:
            number = min(wrong)
            raise MessageError(f"{code}.json: {key}: ${number} is {'not in English' if number in ours else 'missing'}.")
        if theirs != frozenset(range(1, len(theirs) + 1)):
            raise MessageError(f"{code}.json: {key}: parameters are numbered from $1 without a gap.")
    for key in explained:
        if key not in source:
            raise MessageError(f"{EXPLAINED}.json: {key}: {SOURCE}.json has no such message.")


def _all(parsed: Mapping[str, Mapping[str, Parts]]) -> Iterator[tuple[str, str, Parts]]:
    for code, messages in parsed.items():
        for key, parts in messages.items():
            yield code, key, parts
