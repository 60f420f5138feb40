"""What evidence says, as messages: English where it is sent or written down, the reader's language where it is shown.

A sentence is a :class:`~tsbot.i18n.voice.Phrase`. Its values may be strangers' words (titles, summaries, names): whoever shows it says how
they are made harmless, and only then may the language isolate them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tsbot.datafiles import data_file
from tsbot.i18n.catalogue import SHIPPED, SOURCE, Catalogue, load
from tsbot.i18n.voice import Phrase, Said, Voice

I18N = Path(__file__).with_name("i18n")
PROOF = "trace-said-pages"
"""A language is one of evidence if it has this message."""
Told = Phrase | str
"""A sentence; what has no message yet is English already."""
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "article pages": "at-article", "article talk pages": "at-article-talk", "own user pages": "at-own", "user pages": "at-user",
        "user talk pages": "at-user-talk", "template pages": "at-template", "file pages": "at-file", "draft pages": "at-draft",
        "wikipedia pages": "at-project", "project pages": "at-project", "empty": "is-empty", "section": "is-section", "words": "is-words",
        "words under a heading": "is-words-heading", "rollback": "is-rollback", "undo": "is-undo",
    }
)  # fmt: skip
"""Categories of habits that have messages of their own."""


@data_file("evidence_words", SHIPPED, I18N)
def shipped_words() -> Catalogue:
    """The messages of evidence, with those of letters."""
    return load(I18N)


def said(key: str, *values: str | int | Phrase | tuple[Phrase, ...]) -> Phrase:
    """A sentence of evidence by its key without ``trace-said-``."""
    return Phrase(f"trace-said-{key}", values)


def both(parts: Sequence[Phrase]) -> Told:
    """Some sentences on one line; empty where there is none."""
    if not parts:
        return ""
    first, *rest = parts
    return said("both", first, both(rest)) if rest else first


def category(name: str) -> Phrase | str:
    """What a habit's category is called."""
    return said(PLACES[name]) if name in PLACES else name


def most(share: tuple[int, str] | None) -> Phrase:
    """The most frequent category of a habit, with its share in per cent."""
    return said("nothing") if share is None else said("share", share[0], category(share[1]))


def english(told: Told) -> str:
    """In English, with strangers' words as they are."""
    return told if isinstance(told, str) else _plain(told)


def in_language(told: Told, voice: Voice, harmless: Callable[[str], str]) -> Said:
    """In a reader's language; ``harmless`` is what happens to strangers' words before."""
    return voice.tell(harmless(told) if isinstance(told, str) else _harmless(told, harmless))


def _plain(told: Phrase) -> str:
    catalogue = shipped_words()
    values = [_value(value) for value in told.values]
    return catalogue.say(SOURCE, told.key, values, [value if isinstance(value, int) else None for value in told.values])


def _value(value: str | int | Phrase | tuple[Phrase, ...]) -> str:
    if isinstance(value, tuple):
        return shipped_words().say(SOURCE, "comma-separator").join(map(_plain, value))
    return _plain(value) if isinstance(value, Phrase) else str(value)


def _harmless(told: Phrase, harmless: Callable[[str], str]) -> Phrase:
    def value(one: str | int | Phrase | tuple[Phrase, ...]) -> str | int | Phrase | tuple[Phrase, ...]:
        if isinstance(one, tuple):
            return tuple(_harmless(part, harmless) for part in one)
        return _harmless(one, harmless) if isinstance(one, Phrase) else harmless(one) if isinstance(one, str) else one

    return Phrase(told.key, tuple(map(value, told.values)))
