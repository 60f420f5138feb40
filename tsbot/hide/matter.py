"""The text that should vanish, and whether something shows it.

Texts are compared as their words: case, width, punctuation, markup and invisible characters do not count. So a text is still
shown when somebody indented it anew, made a word of it bold or put it between other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tsbot.text.boundaries import sentence_end, sentence_start
from tsbot.text.passages import added_passages

LONGEST_SENTENCE = 600
"""Code points of a sentence, to each side of what makes it telling."""
MOST_PIECES = 200
FEWEST_LETTERS = 4
"""Shorter pieces stand in too many texts; they count only where there are no longer ones."""
CUT_LETTERS = 12
"""Letters and digits from which the beginning of a piece at the end of a cut summary counts as the piece."""

_ASCII = {point: chr(point) if chr(point).isalnum() else " " for point in range(128)}
_NO_WORD = re.compile(r"[\W_]+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]+"
)
_UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Scripts without spaces between words: what stands beside a piece tells nothing there."""
_SIGNED = re.compile(r"\d{1,2}[:.]\d{2}\b.{0,60}\(\w{2,5}\)\s*$", re.DOTALL)
"""The time that MediaWiki puts under a remark: ``12:34, 5 May 2026 (UTC)``."""


def words(text: str) -> str:
    """The normal form: words in lower case with one space around each."""
    return _spaced(_folded(text))


def _folded(text: str) -> str:
    """Lower case and compatibility form; what of it is no word still stands there."""
    if text.isascii():
        return text.lower()
    seen = _INVISIBLE.sub("", text) if _INVISIBLE.search(text) else text
    return unicodedata.normalize("NFKC", seen).casefold()


def _spaced(folded: str) -> str:
    plain = folded.translate(_ASCII) if folded.isascii() else _NO_WORD.sub(" ", folded)
    return f" {' '.join(plain.split())} "


def _needle(text: str) -> str:
    """What is searched for: bounded by spaces where words are."""
    form = words(text)
    if _UNSPACED.match(form, 1):
        form = form[1:]
    return form[:-1] if len(form) > 1 and _UNSPACED.match(form, len(form) - 2) else form


def _letters(form: str) -> int:
    return len(form) - form.count(" ")


@dataclass(frozen=True, slots=True)
class Piece:
    """One sentence or line of the matter, in all forms under which it stands in pages; finding one of them is enough."""

    source: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """What should vanish. Something shows it if it shows any of its pieces."""

    pieces: tuple[Piece, ...]

    @classmethod
    def of_text(cls, text: str) -> Matter:
        """What a person names: each line is a piece."""
        return cls(_pieces(text.splitlines()))

    @classmethod
    def of_name(cls, name: str) -> Matter:
        """A user name or a title; whole."""
        return cls(_pieces([name]))

    @classmethod
    def of_excerpt(cls, excerpt: str, telling: Sequence[tuple[int, int]] = (), user: str = "") -> Matter:
        """What a flag has: the sentences of ``excerpt`` with ``telling`` spans in them, or all, without ``user``'s signature."""
        spans = [(start, end) for start, end in telling if start < end] or [(0, len(excerpt))]
        found: list[str] = []
        for start, end in spans:
            first = sentence_start(excerpt, start, LONGEST_SENTENCE)
            last = sentence_end(excerpt, end, LONGEST_SENTENCE)
            found += _sentences(excerpt[first:last])
        return cls(_pieces([_unsigned(sentence, user) for sentence in found]))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.pieces

    def shows(self, text: str | None) -> bool:
        """Whether a text shows the matter."""
        if not text:
            return False
        folded = _folded(text)
        # A word of the normal form stands unbroken in the folded text, and most texts lack the longest one: they need no more.
        near = [needle for piece in self.pieces for needle in piece.forms if max(needle.split(), key=len) in folded]
        if not near:
            return False
        form = _spaced(folded)
        return any(needle in form for needle in near)

    def shows_cut(self, comment: str | None) -> bool:
        """Whether a summary shows the matter, or ends within it: software quotes the beginning of texts and cuts it."""
        if not comment:
            return False
        if self.shows(comment):
            return True
        form = words(comment).rstrip()
        return any(_ends_within(form, needle) for piece in self.pieces for needle in piece.forms)

    def beyond(self, older: str | None) -> Matter:
        """Without the pieces that an older text shows already; all of it where that leaves nothing."""
        if not older:
            return self
        form = words(older)
        kept = tuple(piece for piece in self.pieces if not any(needle in form for needle in piece.forms))
        return Matter(kept) if kept else self

    def in_wikitext(self, old: str | None, new: str, *, max_chars: int) -> Matter:
        """With the forms that pieces of plain text have in the wikitext of the edit that added them.

        The target of a link, for instance, stands between the words of its sentence.
        """
        form = words(new)
        lost = [piece for piece in self.pieces if not any(needle in form for needle in piece.forms)]
        if not lost:
            return self
        more: dict[Piece, str] = {}
        for passage in added_passages(old, new, max_chars=max_chars).passages:
            for piece in lost:
                at = passage.text.find(piece.source)
                if at >= 0:
                    start, end = passage.source_span(at, at + len(piece.source))
                    more.setdefault(piece, _needle(new[start:end]))
        return Matter(tuple(replace(piece, forms=(*piece.forms, more[piece])) if more.get(piece) else piece for piece in self.pieces))


def _pieces(sources: Sequence[str]) -> tuple[Piece, ...]:
    """Pieces to look for, each once."""
    forms = {needle: source.strip() for source in reversed(sources) if (needle := _needle(source)).strip()}
    long = {needle: source for needle, source in forms.items() if _letters(needle) >= FEWEST_LETTERS or _UNSPACED.search(needle)}
    chosen = list((long or forms).items())[::-1][:MOST_PIECES]
    return tuple(Piece(source, (needle,)) for needle, source in chosen)


def _sentences(text: str) -> Iterator[str]:
    for line in text.splitlines():
        at = 0
        while at < len(line):
            end = max(sentence_end(line, at, LONGEST_SENTENCE), at + 1)
            yield line[at:end]
            at = end


def _unsigned(sentence: str, user: str) -> str:
    """A sentence without the signature behind it; the signature stands under remarks of all kinds."""
    if not user or not _SIGNED.search(sentence):
        return sentence
    return sentence.rpartition(user)[0] or sentence


def _ends_within(form: str, needle: str) -> bool:
    """Whether a text ends with the beginning of a piece, at least :data:`CUT_LETTERS` letters of it."""
    lowest = len(needle) - len(needle.lstrip()) + CUT_LETTERS
    first = needle[:lowest]
    at = form.find(first)
    while at >= 0:
        if needle.startswith(form[at:]):
            return True
        at = form.find(first, at + 1)
    return False
