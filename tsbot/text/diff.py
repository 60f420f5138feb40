"""What an edit added to a page.

The way from coarse to fine, each step on what the one before left over:

1. equal beginning and end are trimmed (rapidfuzz, in C): a reply on a long talk page is done here;
2. lines that stood anywhere in the old text are not added, however far they moved (counted: a second copy is added);
3. runs of new lines are paired with the old lines that stood in their place;
4. words are compared within each pair (longest common subsequence, capped).

What is left is made readable: an edit that changes words inside a sentence gives the whole sentence, because "I will
hurt you" may be made by deleting one word. Time and memory are linear in the page, but for step 4, which
:class:`Limits` bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import LCSseq, Postfix, Prefix

from tsbot.text.boundaries import (
    TOKEN,
    WORD,
    ends_sentence,
    inside_word,
    sentence_end,
    sentence_start,
    starts_sentence,
    word_end,
    word_start,
)
from tsbot.text.lines import line_hunks


class Span(NamedTuple):
    """A stretch of the new text: code point offsets, end exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work a comparison may do; what is beyond is compared more coarsely, never left out."""

    lines: int = 50_000
    """Most lines on either side; beyond, all that lies between equal beginning and end counts as added."""
    chars: int = 64_000
    """Most characters (old and new together, per edit) that are compared word by word."""
    pairs: int = 4_000_000
    """Most pairs of words (old times new, per edit) that are compared; 4 million take about a millisecond."""
    sentence: int = 300
    """Most characters of unchanged sentence that are given on either side of a change."""


class _Change(NamedTuple):
    """``old[old_start:old_end]`` became ``new[start:end]``."""

    start: int
    end: int
    old_start: int
    old_end: int


_ISLAND_CHARS = 40
_SLIDE = 200


def added_spans(old: str, new: str, *, limits: Limits | None = None) -> list[Span]:
    """Stretches of ``new`` that are not in ``old``, in order and disjoint, each with something to read in it.

    A stretch reaches to the ends of its words and, where an edit changed words within a sentence, to the ends of the
    sentence. Changes of white space and punctuation alone give nothing; neither do whole sentences or lines that were
    only removed.
    """
    limits = limits or Limits()
    if old == new:
        return []
    if not old:
        return _joined(new, [Span(0, len(new))])
    spans: list[Span] = []
    for change in _changes(old, new, limits):
        if spans and change.end < spans[-1].end:
            continue  # a second change of the same sentence
        span = _readable(old, new, change, limits.sentence)
        if span is not None:
            spans.append(span)
    return _joined(new, spans)


def _changes(old: str, new: str, limits: Limits) -> Iterator[_Change]:
    whole = _trim(old, new, _Change(0, len(new), 0, len(old)))
    if whole.old_start == whole.old_end or whole.start == whole.end:
        yield whole
        return
    if old.find("\n", whole.old_start, whole.old_end) < 0 and new.find("\n", whole.start, whole.end) < 0:
        yield from _words(old, new, whole, limits.chars, limits.pairs)[0]
        return
    if max(old.count("\n", whole.old_start, whole.old_end), new.count("\n", whole.start, whole.end)) > limits.lines:
        yield whole
        return
    # To whole lines. What surrounds the change is equal in both texts, so both move by the same number of characters.
    left = whole.start - (new.rfind("\n", 0, whole.start) + 1)
    right = new.find("\n", whole.end)
    right = (len(new) if right < 0 else right) - whole.end
    chars, pairs = limits.chars, limits.pairs
    hunks = line_hunks(
        old[whole.old_start - left : whole.old_end + right], new[whole.start - left : whole.end + right]
    )
    for start, end, old_start, old_end in hunks:
        hunk = _Change(
            start + whole.start - left,
            end + whole.start - left,
            old_start + whole.old_start - left,
            old_end + whole.old_start - left,
        )
        if hunk.old_start == hunk.old_end:
            yield hunk
            continue
        changes, used_chars, used_pairs = _words(old, new, _trim(old, new, hunk), chars, pairs)
        chars -= used_chars
        pairs -= used_pairs
        yield from changes


def _trim(old: str, new: str, change: _Change) -> _Change:
    """Without the equal beginning and end."""
    before = old if change.old_end - change.old_start == len(old) else old[change.old_start : change.old_end]
    after = new if change.end - change.start == len(new) else new[change.start : change.end]
    head = Prefix.similarity(before, after)
    tail = min(Postfix.similarity(before, after), len(before) - head, len(after) - head)
    return _Change(change.start + head, change.end - tail, change.old_start + head, change.old_end - tail)


def _words(old: str, new: str, change: _Change, chars: int, pairs: int) -> tuple[list[_Change], int, int]:
    """The change word by word, and how many characters and pairs were compared; the change itself beyond the caps."""
    start, end, old_start, old_end = change
    if start == end and old_start == old_end:
        return [], 0, 0
    size = end - start + old_end - old_start
    if size > chars or start == end or old_start == old_end:
        return [change], 0, 0
    # Do not cut words in two; what is outside is equal in both texts.
    left = min(start - word_start(new, start), old_start - word_start(old, old_start))
    right = min(word_end(new, end) - end, word_end(old, old_end) - old_end)
    old_tokens = [match.span() for match in TOKEN.finditer(old, old_start - left, old_end + right)]
    tokens = [match.span() for match in TOKEN.finditer(new, start - left, end + right)]
    work = len(old_tokens) * len(tokens)
    if work > pairs:
        return [change], size, 0
    opcodes = LCSseq.opcodes([old[a:b] for a, b in old_tokens], [new[a:b] for a, b in tokens])
    changes: list[_Change] = []
    first: tuple[int, int] | None = None
    last = (0, 0)
    # LCSseq never says "replace": a delete and an insert side by side are one change.
    for opcode in opcodes:
        if opcode.tag != "equal":
            first = first or (opcode.src_start, opcode.dest_start)
            last = (opcode.src_end, opcode.dest_end)
        elif first is not None:
            changes.append(_between(old_tokens, tokens, first, last, change))
            first = None
    if first is not None:
        changes.append(_between(old_tokens, tokens, first, last, change))
    return changes, size, work


_Extents = list[tuple[int, int]]


def _between(
    old_tokens: _Extents, tokens: _Extents, first: tuple[int, int], last: tuple[int, int], within: _Change
) -> _Change:
    """The change from token ``first`` to token ``last`` (old and new numbers) in characters."""
    pure = first[0] == last[0] or first[1] == last[1]
    start, end = _extent(tokens, first[1], last[1], within.end, pure)
    old_start, old_end = _extent(old_tokens, first[0], last[0], within.old_end, pure)
    return _Change(start, end, old_start, old_end)


def _extent(tokens: _Extents, first: int, last: int, otherwise: int, pure: bool) -> tuple[int, int]:
    if first == last:
        at = tokens[first][0] if first < len(tokens) else max(otherwise, tokens[-1][1] if tokens else 0)
        return at, at
    # A pure insertion or removal takes the white space behind it along, so that it can slide.
    return tokens[first][0], tokens[last][0] if pure and last < len(tokens) else tokens[last - 1][1]


def _readable(old: str, new: str, change: _Change, limit: int) -> Span | None:
    """The stretch of ``new`` that a reader needs to understand the change; None if there is nothing to read."""
    start, end, old_start, old_end = change
    if WORD.search(new, start, end) is None:
        return _without_words(old, new, change, limit)
    if old_start == old_end:
        shift = _slide(new, start, end)
        start, end, old_start, old_end = start - shift, end - shift, old_start - shift, old_end - shift
        if _self_contained(new, *_stripped(new, start, end)):
            return Span(start, end)
    start, end = _stripped(new, *_torn_words(old, new, _Change(start, end, old_start, old_end)))
    if not ends_sentence(new, end):
        end = sentence_end(new, end, limit)
    return Span(sentence_start(new, start, limit), end)


def _torn_words(old: str, new: str, change: _Change) -> tuple[int, int]:
    """The change with the rest of the words that it begins or ends in, in either text: they are other words now."""
    start, end, old_start, old_end = change
    if inside_word(new, start) or inside_word(old, old_start):
        start = word_start(new, start)
    if inside_word(new, end) or inside_word(old, old_end):
        end = word_end(new, end)
    return start, end


def _without_words(old: str, new: str, change: _Change, limit: int) -> Span | None:
    """The sentence around a change that added no words, if it lost words or if words in it were torn or joined."""
    start, end, old_start, old_end = change
    if WORD.search(old, old_start, old_end) is None:
        torn = old_start == old_end and inside_word(old, old_start)
        if not torn and not (start == end and inside_word(new, start)):
            return None
        return Span(
            sentence_start(new, word_start(new, start), limit), sentence_end(new, word_end(new, end), limit)
        )
    if start == end:
        shift = _slide(old, old_start, old_end)
        start, end, old_start, old_end = start - shift, end - shift, old_start - shift, old_end - shift
    if _self_contained(old, *_stripped(old, old_start, old_end)):
        return None
    if starts_sentence(old, old_start) and ends_sentence(old, old_end) and not inside_word(new, start):
        return None
    start, end = _torn_words(old, new, _Change(start, end, old_start, old_end))
    first = sentence_start(new, start, limit)
    last = end if first < end and ends_sentence(new, end) else sentence_end(new, end, limit)
    return Span(first, last) if WORD.search(new, first, last) else None


def _slide(text: str, start: int, end: int) -> int:
    """How far to move a stretch to the left so that it begins where a line, a sentence or a word begins.

    Where a stretch ends like what stands before it, several positions say the same: after "A stays. " became
    "A stays. A goes. ", both "A goes. " and "stays. A " are what was added.
    """
    low = max(0, start - _SLIDE)
    room = Postfix.similarity(text[low:start], text[max(low, end - (start - low)) : end])
    if room == 0:
        return 0
    shifts = range(room + 1)
    for shift in shifts:
        if start == shift or "\n" in text[start - shift - 1 : start - shift + 1]:
            return shift
    for shift in shifts:
        if starts_sentence(text, start - shift):
            return shift
    return next((shift for shift in shifts if text[start - shift - 1].isspace()), 0)


def _self_contained(text: str, start: int, end: int) -> bool:
    """Whether a stretch is one piece of markup that leaves the sentence around it as it was: a footnote, a template."""
    if start > 0 and WORD.match(text, start - 1) and WORD.match(text, end):
        return False  # it stands within a word
    if text.startswith("<", start):
        return text.endswith(">", start, end)
    return text.startswith("{{", start) and text.endswith("}}", start, end)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    stretch = text[start:end].rstrip()
    end = start + len(stretch)
    return end - len(stretch.lstrip()), end


def _joined(new: str, spans: list[Span]) -> list[Span]:
    """In order, without white space at the ends, overlapping and near ones of one line made one."""
    joined: list[Span] = []
    for start, end in sorted(_stripped(new, *span) for span in spans):
        if WORD.search(new, start, end) is None:
            continue
        if joined and start - joined[-1].end <= _ISLAND_CHARS and "\n" not in new[joined[-1].end : start]:
            joined[-1] = Span(joined[-1].start, max(end, joined[-1].end))
        else:
            joined.append(Span(start, end))
    return joined
