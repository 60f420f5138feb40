"""Widening what is replaced to the whole of a name, a field or an occupation, of which a part was known to be none of the common words.

Rules by the shape of a text, not by lists of names: a line that is mostly gone, a field whose value is partly gone, an initial between two
parts of a name. What stands in sentences is left alone but for particles, initials and occupations.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tsbot.research.places import MOST_WORDS, country_names
from tsbot.research.vocabulary import Vocabulary
from tsbot.research.words import NameWords

Span = tuple[int, int, str]
"""Where it begins and ends, and what it is replaced by."""
WORD = re.compile(r"\w+(?:[.'’\-]\w+)*")
INITIAL = re.compile(r"[^\W\d_]\.?")
MOST_IN_LINE = 8
"""Words of a line that may be a field rather than a sentence."""
MOST_IN_VALUE = 14
ENDS = (".", "!", "?", "…", "。", "؟", "।")
BETWEEN = 3
"""Words that may stand between a rare word and the noun that makes an occupation of it."""
FUNCTION = 400
"""The commonest words of all: hardly one of them is a name, even with a capital."""
NAMES = frozenset(("name", "place", "word"))


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    words: tuple[tuple[int, int], ...]
    gone: int
    """How many of the words are gone already."""
    value: int
    """Where the value of a field begins: behind its colon, or before a line whose field stands above it; ``start`` where there is none."""
    label: bool
    """Whether it ends with a colon: the name of what follows."""


def widened(text: str, spans: Sequence[Span], words: NameWords, known: Vocabulary) -> list[Span]:
    """More of a text to be replaced; ``spans`` do not overlap and are in order."""
    found: list[Span] = []
    found += _countries(text)
    found += _particles(text, spans, words, known)
    found += _occupations(text, spans, words, known)
    found += _lines(text, spans, words)
    return found


def _countries(text: str) -> Iterable[Span]:
    names = country_names()
    tokens = _words(text, 0, len(text))
    for number, (start, _) in enumerate(tokens):
        for _, end in tokens[number : number + MOST_WORDS]:
            if " ".join(text[start:end].casefold().split()) in names:
                yield start, end, "place"


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [match.span() for match in WORD.finditer(text, start, end)]


def _particles(text: str, spans: Sequence[Span], words: NameWords, known: Vocabulary) -> Iterable[Span]:
    """``Xxxx de Yyyy`` where Yyyy is gone; an initial between two that are gone; ``Xxxx and Yyyy`` at the beginning of a sentence."""
    for number, (start, _, what) in enumerate(spans):
        if what not in NAMES:
            continue
        begin = spans[number - 1][1] if number else max(0, start - 200)
        gap = text[begin:start]
        if number and spans[number - 1][2] in NAMES and INITIAL.fullmatch(gap.strip(" \t")) and gap.strip(" \t") != gap:
            yield spans[number - 1][0], spans[number][1], "name"
            continue
        before = [(one, text[slice(*one)].casefold()) for one in _words(text, begin, start)]
        led = WORD.match(text, start)
        if led is not None and led.group().casefold() in words.before and led.end() < spans[number][1]:
            before.append((led.span(), led.group().casefold()))  # the particle is known to be of the name already
        if len(before) < 2 or text[before[-2][0][1] : before[-1][0][0]].strip(" \t") or text[before[-1][0][1] : start].strip(" \t"):
            continue
        (where, first), (_, joining) = before[-2:]
        # With rare words it would take much of Spanish or French.
        leads = joining in words.before and first not in known.openers and what != "word"
        paired = (
            joining in words.joining and what == "name" and text[where[0]].isupper() and len(first) > 3 and known.rank(first) >= FUNCTION
        )
        if leads or paired:
            yield where[0], start, what


def _occupations(text: str, spans: Sequence[Span], words: NameWords, known: Vocabulary) -> Iterable[Span]:
    ends = [end for _, end, _ in spans]
    tokens = _words(text, 0, len(text))
    for number, (start, end) in enumerate(tokens):
        if text[start:end].casefold() not in words.occupations:
            continue
        first = number
        while first and number - first <= BETWEEN and not text[tokens[first - 1][1] : tokens[first][0]].strip(" \t"):
            low = text[slice(*tokens[first - 1])].casefold()
            place = bisect_left(ends, tokens[first - 1][1])
            if place < len(spans) and spans[place][0] <= tokens[first - 1][0]:
                if spans[place][2] in NAMES:
                    yield tokens[first - 1][0], end, "work"
                break
            if known.rank(low) < FUNCTION:
                if _after_as(text, tokens, first):
                    yield tokens[first][0], end, "work"
                break
            first -= 1


def _after_as(text: str, tokens: Sequence[tuple[int, int]], first: int) -> bool:
    """Whether ``as`` or ``as a`` stands before a word."""
    before = [text[slice(*one)].casefold() for one in tokens[max(0, first - 2) : first]]
    return before[-1:] == ["as"] or (before[:1] == ["as"] and before[-1] in ("a", "an", "the"))


def _lines(text: str, spans: Sequence[Span], words: NameWords) -> Iterable[Span]:
    lines = list(_split(text, spans, words))
    for number, line in enumerate(lines):
        if line.value != line.start:
            inside = [one for one in line.words if one[0] >= line.value]
            if inside and line.gone and len(inside) <= MOST_IN_VALUE and not _sentence(text, inside):
                yield inside[0][0], inside[-1][1], "name"
            continue
        ended = text[line.words[-1][1] : line.end].strip()[:1] in ENDS
        if line.label or ended or len(line.words) > MOST_IN_LINE or len(lines) < 2:
            continue
        naming = sum(text[slice(*one)].casefold() not in words.joining for one in line.words)
        mostly = line.gone * 2 > naming
        around = [lines[place] for place in (number - 1, number + 1) if 0 <= place < len(lines)]
        among = len(around) == 2 and all(one.label or one.value != one.start or one.gone == len(one.words) for one in around)
        if mostly or (among and any(one.gone for one in around)):
            yield line.words[0][0], line.words[-1][1], "name"


def _sentence(text: str, inside: Sequence[tuple[int, int]]) -> bool:
    """Whether the value of a field goes on after a full stop."""
    return any(sign in text[one[1] : following[0]] for one, following in pairwise(inside) for sign in ("! ", "? "))


def _split(text: str, spans: Sequence[Span], words: NameWords) -> Iterable[_Line]:
    ends = [end for _, end, _ in spans]
    at = 0
    below = False
    for raw in text.splitlines(keepends=True):
        start, end = at, at + len(raw.rstrip("\r\n"))
        at += len(raw)
        found = tuple(_words(text, start, end))
        if not found:
            continue
        head, colon, rest = text[start:end].partition(":")
        value = start
        if below and not colon:
            value = start - 1
        below = bool(colon) and not rest.strip() and " ".join(head.casefold().split()) in words.fields
        if colon and rest.strip() and " ".join(head.casefold().split()) in words.fields:
            value = start + len(head) + 1
        gone = 0
        for one in found:
            place = bisect_left(ends, one[1])
            gone += one[0] >= value and place < len(spans) and spans[place][0] <= one[0]
        yield _Line(start, end, found, gone, value, bool(colon) and not rest.strip())
