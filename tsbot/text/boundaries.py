"""Where words and sentences begin and end, cheaply and for any script.

Rules of thumb, not a segmenter: they only decide how much of the surroundings of a change is shown to the detector.
"""

from __future__ import annotations

import re

_PUNCTUATION = r"!-/:-@\[-`{-~¡«·»¿\u2000-\u200b\u200e-\u206f\u3000-\u3003\u3008-\u3020\uff01-\uff0f\uff1a-\uff20"
_UNSPACED = r"\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts written without spaces (Thai, Lao, Burmese, Khmer, kana, Han): each character is a word of its own here."""

TOKEN = re.compile(rf"[{_UNSPACED}]|[^\s{_PUNCTUATION}{_UNSPACED}]+|[^\s]")
"""A word, or one punctuation character. Combining marks, emoji and unpaired surrogates belong to words."""

WORD = re.compile(rf"[^\s{_PUNCTUATION}]")
"""One character of something to read: no white space, no punctuation."""

_RUN = re.compile(rf"[^\s{_PUNCTUATION}{_UNSPACED}]*")

_SENTENCE_END = re.compile(
    r"""[.!?…‽]+['")\]”’»]*(?=\s|\Z)|[。！？｡؟۔।॥։።]+['")」』”’]*|</ref>|<ref\b[^<>]{0,100}/>"""
)
"""A footnote counts as the end of a sentence: it stands behind the full stop."""

_LONGEST_WORD = 64
_LONGEST_TAIL = 110
"""Characters that a match of ``_SENTENCE_END`` can reach back."""


def word_start(text: str, at: int) -> int:
    """Start of the word that reaches into ``at`` from the left, else ``at``; at most 64 characters away."""
    low = max(0, at - _LONGEST_WORD)
    reverse = text[low:at][::-1]
    match = _RUN.match(reverse)
    return at - match.end() if match else at


def word_end(text: str, at: int) -> int:
    """End of the word that goes on at ``at``, else ``at``; at most 64 characters away."""
    match = _RUN.match(text, at, at + _LONGEST_WORD)
    return match.end() if match else at


def inside_word(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` belong to one word."""
    match = _RUN.match(text, at - 1, at + 1) if at > 0 else None
    return match is not None and match.end() == at + 1


def sentence_start(text: str, at: int, limit: int) -> int:
    """Start of the sentence around ``at``: never past a line break, at most ``limit`` characters to the left."""
    low = max(0, at - limit)
    line = text.rfind("\n", low, at) + 1
    start = max(low, line)
    found = -1
    for match in _SENTENCE_END.finditer(text, start, at + 1):
        if match.end() <= at:
            found = match.end()
    if found >= 0:
        start = found
    elif line == 0 and low > 0:  # the limit was hit: do not begin inside a word
        space = text.find(" ", low, at)
        start = space + 1 if space >= 0 else low
    while start < at and text[start].isspace():
        start += 1
    return start


def sentence_end(text: str, at: int, limit: int) -> int:
    """End of the sentence around ``at``: never past a line break, at most ``limit`` characters to the right."""
    high = min(len(text), at + limit)
    line = text.find("\n", at, high)
    end = line if line >= 0 else high
    match = _SENTENCE_END.search(text, at, end)
    if match:
        return match.end()
    if line < 0 and high < len(text):
        space = text.rfind(" ", at, high)
        end = space if space >= 0 else high
    while end > at and text[end - 1].isspace():
        end -= 1
    return end


def ends_sentence(text: str, at: int) -> bool:
    """Whether a sentence (or the line) ends at ``at``; white space before ``at`` is overlooked."""
    low = max(0, at - _LONGEST_TAIL)
    while at > low and text[at - 1].isspace():
        if text[at - 1] == "\n":
            return True
        at -= 1
    if at == 0 or at >= len(text) or text[at] == "\n":
        return True
    return any(match.end() == at for match in _SENTENCE_END.finditer(text, max(0, at - _LONGEST_TAIL), at + 1))


def starts_sentence(text: str, at: int) -> bool:
    """Whether a sentence (or the line) starts at ``at``."""
    return ends_sentence(text, at) and (at == 0 or text[at - 1].isspace() or ord(text[at - 1]) > 0x2E7F)
