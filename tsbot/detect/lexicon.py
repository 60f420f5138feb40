"""All language packs as one searchable lexicon, and the search.

Two automata (Aho-Corasick, through ``ahocorasick_rs``) share the work. The first looks for telling parts in a whole batch at
once; most sentences have none and are done. In the others the second finds the parts of every pattern, and only then are
parts put together, so an ordinary text costs a few microseconds however many languages there are.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ahocorasick_rs import AhoCorasick, Implementation

from tsbot.detect.finding import PHYSICAL, Kind
from tsbot.detect.language_pack import Construction, Pack
from tsbot.detect.personal import personal_spans
from tsbot.text.normalise import Batch, normalise

REPORT_REACH = 12
"""Words (or twice as many characters) around a pattern within which a word tells that others speak."""
MOST_STARTS = 64
"""Places in one sentence at which a pattern is tried; a sentence with more repeats itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a part stands in a sentence: characters of its normal form, and places in its row of words (ends exclusive)."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern found in a sentence."""

    construction: Construction
    spans: tuple[Span, ...]
    reported: bool
    """A word that speaks of somebody else's words or of fiction stands close by in the sentence."""

    @property
    def start(self) -> int:
        """Start in the normal form of the sentence."""
        return self.spans[0].start

    @property
    def end(self) -> int:
        """End (exclusive) in the normal form of the sentence."""
        return self.spans[-1].end


Found = dict[str, list[Span]]
"""Spans by slot (``LANGUAGE:SLOT``) in one sentence."""


class Lexicon:
    """The packs, ready to be searched. Immutable after construction; safe to share between threads."""

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = {pack.file.language: pack for pack in packs}
        slots: dict[tuple[str, bool, bool, bool], set[str]] = {}
        anchors: dict[str, list[Construction]] = {}
        wanted: list[tuple[str, str, bool]] = []
        for pack in packs:
            file = pack.file
            named = {f"list:{name}": phrases for name, phrases in (*file.small.items(), *file.words_lists.items())}
            for group in (file.facets, file.cues):
                named |= {f"{type(group).__name__[0]}:{name}": getattr(group, name) for name in group.__struct_fields__}
            for construction in pack.constructions:
                for part in construction.parts:
                    if part.slot.startswith("text:"):
                        named[part.slot] = (part.slot[5:],)
                anchors.setdefault(f"{file.language}:{construction.parts[construction.anchor].slot}", []).append(construction)
            wanted += [(f"{file.language}:{slot}", phrase, file.words) for slot, phrases in named.items() for phrase in phrases]
        forms = normal_forms([phrase for _, phrase, _ in wanted])
        for (slot, phrase, words), form in zip(wanted, forms, strict=True):
            if form:
                slots.setdefault((form, phrase.startswith("*"), phrase.endswith("*"), words), set()).add(slot)
        self._anchors = anchors
        self._slots = [tuple(sorted(names)) for names in slots.values()]
        self._keys = list(slots)
        patterns = [_pattern(key) for key in self._keys]
        telling = [index for index, names in enumerate(self._slots) if any(name in anchors for name in names)]
        self._telling = [self._slots[index] for index in telling]
        self._coarse = AhoCorasick([patterns[index] for index in telling], implementation=Implementation.ContiguousNFA)
        self._fine = AhoCorasick(patterns, implementation=Implementation.ContiguousNFA)

    def candidates(self, batch: Batch, kinds: frozenset[Kind]) -> dict[int, list[Construction]]:
        """Sentences (by index) that hold a telling part, with the patterns of ``kinds`` that may be there."""
        hits = self._coarse.find_matches_as_indexes(batch.text, overlapping=True)
        if not hits:
            return {}
        # A pattern starts with the space before its first word, which belongs to the same sentence.
        places = np.fromiter((hit[1] for hit in hits), dtype=np.int64, count=len(hits))
        sentences = np.searchsorted(batch.sentences, places, side="right") - 1
        slots: dict[int, set[str]] = {}
        for sentence, hit in zip(sentences.tolist(), hits, strict=True):
            slots.setdefault(sentence, set()).update(self._telling[hit[0]])
        found: dict[int, list[Construction]] = {}
        for sentence, names in slots.items():
            possible = [c for name in sorted(names) for c in self._anchors.get(name, ()) if c.kind in kinds]
            if possible:
                found[sentence] = possible
        return found

    def find(self, sentence: str) -> Found:
        """Every word and phrase of every pack in the normal form of a sentence."""
        found: Found = {}
        words = list(itertools.accumulate(map(" ".__eq__, sentence), initial=0))
        for index, start, end in self._fine.find_matches_as_indexes(sentence, overlapping=True):
            _, left_open, right_open, spaced = self._keys[index]
            if spaced:
                start, end = start + (not left_open), end - (not right_open)  # noqa: PLW2901 - the spaces around a word are no part of it
                while left_open and sentence[start - 1] != " ":
                    start -= 1  # noqa: PLW2901
                while right_open and sentence[end] != " ":
                    end += 1  # noqa: PLW2901
                span = Span(start, end, words[start], words[end] + 1)
            else:
                span = Span(start, end, start, end)
            for slot in self._slots[index]:
                found.setdefault(slot, []).append(span)
        for spans in found.values():
            spans.sort(key=lambda span: (span.start, -span.end))
        return found

    def match(self, sentence: str, raw: str, possible: Iterable[Construction], found: Found | None = None) -> list[Match]:
        """Patterns among ``possible`` that stand in a sentence.

        ``sentence`` is the normal form, ``raw`` the raw text around it (searched for telephone numbers and the like).
        """
        found = self.find(sentence) if found is None else found
        return [
            match
            for construction in possible
            if (match := self._match(construction, sentence, raw, found)) is not None
        ]

    def denied(self, sentence: str, language: str, found: Found) -> bool:
        """Whether a pattern of harm of this language stands in a sentence, but negated."""
        pack = self.packs.get(language)
        if pack is None or not found.get(f"{language}:C:negation"):
            return False
        spared = {slot: spans for slot, spans in found.items() if slot != f"{language}:C:negation"}
        possible = [c for slot in found for c in self._anchors.get(slot, ()) if c.language == language and c.kind in PHYSICAL]
        return not self.match(sentence, "", possible, found) and bool(self.match(sentence, "", possible, spared))

    def _match(self, construction: Construction, sentence: str, raw: str, found: Found) -> Match | None:
        language = construction.language
        rows: list[list[Span]] = []
        for part in construction.parts:
            if part.slot.startswith("@"):
                spaced = self.packs[language].file.words
                row = [_span(sentence, *place, spaced) for place in personal_spans(part.slot[1:], sentence, raw)]
            else:
                row = found.get(f"{language}:{part.slot}", [])
            if not row:
                return None
            rows.append(row)
        idioms = found.get(f"{language}:C:idiom", ())
        negations = found.get(f"{language}:C:negation", ())
        dead: set[tuple[int, int]] = set()
        for first in rows[0][:MOST_STARTS]:
            if construction.at_start and first.start > 1:
                continue
            spans = _follow(construction, rows, (first,), dead)
            if spans is None or (construction.at_end and spans[-1].end < len(sentence) - 1):
                continue
            anchor = spans[construction.anchor]
            if any(idiom.start < anchor.end and anchor.start < idiom.end for idiom in idioms):
                continue
            if any(_negates(negation, spans) for negation in negations):
                continue
            near = REPORT_REACH if self.packs[language].file.words else 2 * REPORT_REACH
            reports = found.get(f"{language}:C:report", ())
            told = any(report.last >= spans[0].first - near and report.first <= spans[-1].last + near for report in reports)
            return Match(construction, spans, told)
        return None


def normal_forms(phrases: Sequence[str]) -> list[str]:
    """Normal forms of many phrases, without spaces at their ends."""
    batch = normalise(phrases)
    forms: list[list[str]] = [[] for _ in phrases]
    for index, owner in enumerate(batch.owners.tolist()):
        forms[owner] += batch.sentence(index).split()
    return [" ".join(words) for words in forms]


def _pattern(key: tuple[str, bool, bool, bool]) -> str:
    form, left_open, right_open, spaced = key
    if not spaced:
        return form
    return ("" if left_open else " ") + form + ("" if right_open else " ")


def _span(sentence: str, start: int, end: int, spaced: bool) -> Span:
    if not spaced:
        return Span(start, end, start, end)
    return Span(start, end, sentence.count(" ", 0, start), sentence.count(" ", 0, end) + 1)


def _follow(
    construction: Construction, rows: Sequence[Sequence[Span]], spans: tuple[Span, ...], dead: set[tuple[int, int]]
) -> tuple[Span, ...] | None:
    """Complete a pattern whose first parts stand at ``spans``; the nearest places win.

    ``dead`` remembers what led nowhere, so that a sentence made of nothing but parts of a pattern costs no more than its length.
    """
    if len(spans) == len(rows):
        return spans
    place = len(spans), spans[-1].end
    if place in dead:
        return None
    row, gap = rows[len(spans)], construction.parts[len(spans)].gap
    behind = spans[-1].last
    for index in range(bisect_left(row, spans[-1].end, key=lambda span: span.start), len(row)):
        distance = row[index].first - behind
        if distance > gap:
            break
        if distance >= 0 and (whole := _follow(construction, rows, (*spans, row[index]), dead)) is not None:
            return whole
    dead.add(place)
    return None


def _negates(negation: Span, spans: Sequence[Span]) -> bool:
    """Whether a negation stands directly before a pattern or between its parts."""
    if negation.last == spans[0].first:
        return True
    return any(before.last <= negation.first and negation.last <= after.first for before, after in pairwise(spans))
