"""The normal form in which texts are compared: folded, without disguise, with the way back to the raw text.

A whole batch of texts is normalised at once, as arrays of code points; only the few that look disguised are looped over in
Python. The normal form is lower case, without diacritics and invisible characters, with one space where anything that is
not part of a word stood, and two where a sentence ended. Letters that repeat three times or more are cut to two.

Two forms are made. :func:`normalise` gives the plain one. :func:`unmask` gives a second one for texts in which something
looks disguised (``k1ll``, ``k.i.l.l``, ``diiiie``, a Cyrillic letter among Latin ones). It changes only such words, so real
Cyrillic stays Cyrillic, and both forms are judged. :mod:`tsbot.text.disguise` holds the rules.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tsbot.text.disguise import DIGITS, EMOJI, JOINERS, LONGEST_GAP, ODD, OVERRIDE, SOFT, SYMBOLS, Text, turned, undisguised

Codes = NDArray[np.uint32]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

TABLE_SIZE = 0x20000
"""Code points from here on (rare ideographs, tags, private use) are looked up as one of the last entries."""

SPACE = 32
_DROP, _EXPAND = 0, 1
_SEPARATOR, _WORD, _BREAK, _STOP = 0, 1, 2, 3
_LETTER, _DIGIT, _LATIN, _OTHER_ALPHABET = 1, 2, 4, 8
_LEET, _SOFT, _JOINER, _ODD = 16, 32, 64, 128

_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029!?…。！？؟۔।॥｡"
_STOPS = ".．"
# Marks that carry no sound of their own and are dropped: all but the vowel signs, viramas and voicing marks of scripts
# that cannot be read without them (canonical combining classes of the Unicode character database).
_KEPT_CLASSES = frozenset((0, 8, 9, 84, 91, 103, 118, 122, 129, 130, 132))

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
"""Letters and marks that show nothing: the grapheme joiner, fillers, inherent vowels, variation selectors."""
_UNSEEN_PLANE = (0xE0000, 0xE1000)
"""Tags and variation selectors, beyond the tables."""
_SPECIAL = {
    **{"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "’": "'", "ʼ": "'", "ґ": "г", "ـ": ""},
    # Ornamental alphabets that Unicode does not decompose: small capitals, white on black.
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡ", "abcdefghijklmnoprstuvwyzag", strict=True)),
    **{chr(first + number): chr(97 + number) for first in (0x1F150, 0x1F170) for number in range(26)},
}
"""What Unicode does not decompose."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Lookups by code point, built once from the Unicode character database."""

    fold: Codes
    """What a code point becomes: 0 nothing, 1 several (see ``expansions``)."""
    role: NDArray[np.uint8]
    """Separator, part of a word, sentence break, full stop."""
    script: NDArray[np.uint8]
    """Bits: letter, digit, Latin letter, Cyrillic or Greek or Armenian letter; digit or symbol that looks like a letter, symbol that
    seldom does, what stands between the letters of a word, what is hardly seen but in disguises."""
    expansions: dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """The normal forms of several texts in one row."""

    codes: Codes
    """Code points. Every sentence starts and ends with a space, so words are bounded by spaces everywhere."""
    origins: Indices
    """For each of ``codes``, the offset in the raw text that it stems from."""
    sentences: Indices
    """Where each sentence starts in ``codes``, and the end: one entry more than there are sentences."""
    owners: Indices
    """For each sentence, the index of its text. A text without words has none."""

    @property
    def text(self) -> str:
        """All normal forms as one string; offsets are those of ``codes``."""
        return self.codes.astype("<u4").tobytes().decode("utf-32-le")

    def sentence(self, index: int) -> str:
        """The normal form of one sentence, with its spaces."""
        return self.codes[self.sentences[index] : self.sentences[index + 1]].astype("<u4").tobytes().decode("utf-32-le")

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the raw text (end exclusive) of ``codes[start:end]``, spaces at both ends left out."""
        while start < end and self.codes[start] == SPACE:
            start += 1
        while end > start and self.codes[end - 1] == SPACE:
            end -= 1
        if start == end:
            return int(self.origins[start]), int(self.origins[start])
        return int(self.origins[start]), int(self.origins[end - 1]) + 1


@cache
def tables() -> Tables:
    """The lookups; built at first use (about 0.1 s)."""
    fold = np.arange(TABLE_SIZE, dtype=np.uint32)
    role = np.zeros(TABLE_SIZE, dtype=np.uint8)
    script = np.zeros(TABLE_SIZE, dtype=np.uint8)
    expansions: dict[int, tuple[int, ...]] = {}
    for point in range(TABLE_SIZE):
        category = unicodedata.category(chr(point))
        if 0x3400 <= point < 0xD800 and category == "Lo":  # ideographs and Hangul syllables stand for themselves
            role[point], script[point] = _WORD, _LETTER
            continue
        folded = _fold(chr(point), category)
        if len(folded) == 1:
            fold[point] = ord(folded)
        else:
            fold[point] = _EXPAND if folded else _DROP
            if folded:
                expansions[point] = tuple(map(ord, folded))
        if category[0] in "LMN":
            role[point] = _WORD
            script[point] = _LETTER | _alphabet(chr(point)) if category[0] != "N" else _DIGIT
    for mark in _BREAKS:
        role[ord(mark)] = _BREAK
    for mark in _STOPS:
        role[ord(mark)] = _STOP
    fold[0xD800:0xE000] = SPACE  # lone surrogates, as JSON can spell them
    role[0xD800:0xE000] = _SEPARATOR
    for bit, chars in ((_LEET, (*DIGITS, *SYMBOLS)), (_SOFT, SOFT), (_JOINER, JOINERS), (_ODD, ODD)):
        for char in chars:
            script[ord(char)] |= bit
    for first, last in EMOJI:
        script[ord(first) : ord(last) + 1] |= _JOINER
    for array in (fold, role, script):
        array.flags.writeable = False
    return Tables(fold, role, script, expansions)


def _fold(char: str, category: str) -> str:
    """The normal form of one character: compatibility form, case-folded, without marks."""
    if category in ("Cf", "Me") or (category == "Cc" and not char.isspace()) or 0xFE00 <= ord(char) <= 0xFE0F or char in _UNSEEN:
        return ""
    if category == "Cs":
        return " "
    decomposed = unicodedata.normalize("NFKD", char).casefold()
    bare = "".join(c for c in decomposed if unicodedata.combining(c) in _KEPT_CLASSES)
    composed = unicodedata.normalize("NFC", "".join(_SPECIAL.get(c, c) for c in bare))
    return "".join(str(unicodedata.digit(c)) if unicodedata.category(c) == "Nd" else c for c in composed)


def _alphabet(char: str) -> int:
    """The alphabet bit of a letter, told from its Unicode name."""
    name = unicodedata.name(char, "")
    if name.startswith("LATIN"):
        return _LATIN
    return _OTHER_ALPHABET if name.startswith(("CYRILLIC", "GREEK", "ARMENIAN")) else 0


@dataclass(frozen=True, slots=True)
class _Row:
    """Folded code points of a batch, before words are told apart; ``where`` are offsets in the joined raw texts."""

    codes: Codes
    where: Indices
    starts: Indices
    """Offset of each text in the joined raw texts, and the end."""


def normalise(texts: Sequence[str]) -> Batch:
    """Normalise a batch of texts. Never fails, whatever the texts hold; time is linear in their length."""
    return _finish(_read(texts))


def unmask(texts: Sequence[str]) -> tuple[list[int], Batch]:
    """Make the second form of those texts that look disguised: their indices, and their batch (owners index the list)."""
    raws = [turned(text) if OVERRIDE in text else text for text in texts]
    row = _read(raws)
    starts = np.searchsorted(row.where, row.starts)
    chosen: list[int] = []
    parts: list[Codes] = []
    places: list[Indices] = []
    for index in _suspects(row, starts, [index for index, raw in enumerate(raws) if raw != texts[index]]):
        part = slice(int(starts[index]), int(starts[index + 1]) - 1)  # without the line break after it
        folded = row.codes[part].astype("<u4").tobytes().decode("utf-32-le")
        masked = Text(folded, (row.where[part] - row.starts[index]).tolist(), raws[index])
        plain = undisguised(masked)
        if plain is masked and raws[index] == texts[index]:
            continue
        chosen.append(index)
        parts.append(np.frombuffer(f"{plain.folded}\n".encode("utf-32-le"), dtype="<u4").astype(np.uint32))
        places.append(np.array([*plain.origins, len(raws[index])], dtype=np.int64) + row.starts[index])
    if not chosen:
        return [], _nothing()
    # Offsets count within each text, so the row of the chosen ones can be closed up without renumbering its texts.
    batch = _finish(_Row(np.concatenate(parts), np.concatenate(places), row.starts))
    return chosen, Batch(batch.codes, batch.origins, batch.sentences, np.searchsorted(np.array(chosen, dtype=np.int64), batch.owners))


@cache
def _nothing() -> Batch:
    """The batch of no texts."""
    return _finish(_read([]))


def _read(texts: Sequence[str]) -> _Row:
    """Fold every code point of the joined texts; a line break stands after each text."""
    lookups = tables()
    joined = "\n".join(texts) + "\n"
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32)
    lengths = np.fromiter((len(text) + 1 for text in texts), dtype=np.int64, count=len(texts))
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
    small = np.minimum(raw, TABLE_SIZE - 1)
    folded = lookups.fold[small]
    far = raw >= TABLE_SIZE
    if far.any():
        folded[far] = raw[far]
        folded[(raw >= _UNSEEN_PLANE[0]) & (raw < _UNSEEN_PLANE[1])] = _DROP
    where: Indices = np.arange(len(raw), dtype=np.int64)
    if (folded == _EXPAND).any():
        folded, where = _expand(folded, raw, lookups)
    keep = folded != _DROP
    if not keep.all():
        folded, where = folded[keep], where[keep]
    return _Row(folded, where, starts)


def _expand(folded: Codes, raw: Codes, lookups: Tables) -> tuple[Codes, Indices]:
    """Put several code points where one stands for them (``ß``, ligatures)."""
    places = np.flatnonzero(folded == _EXPAND)
    counts = np.ones(len(folded), dtype=np.int64)
    parts = [lookups.expansions[int(raw[place])] for place in places]
    counts[places] = [len(part) for part in parts]
    where = np.repeat(np.arange(len(folded), dtype=np.int64), counts)
    wide = np.repeat(folded, counts)
    wide[wide == _EXPAND] = [code for part in parts for code in part]
    return wide, where


def _look(table: NDArray[np.uint8], codes: Codes) -> NDArray[np.uint8]:
    """A lookup that sends code points beyond the tables to plain letters (rare ideographs)."""
    found = table[np.minimum(codes, TABLE_SIZE - 1)]
    found[(codes >= TABLE_SIZE) & (codes < 0x40000)] = 1
    return found


def _finish(row: _Row) -> Batch:
    """Tell words and sentences apart; runs of three and more equal letters are cut to two."""
    lookups = tables()
    codes, where = row.codes, row.where
    too_many = _repeats(codes, lookups)
    if too_many.any():
        codes, where = codes[~too_many], where[~too_many]
    codes = np.concatenate((np.array([10], dtype=np.uint32), codes))
    where = np.concatenate((np.zeros(1, dtype=np.int64), where))
    role = _look(lookups.role, codes)
    word = role == _WORD
    after = np.append(word[1:], False)
    before = np.concatenate(([False], word[:-1]))
    ends = (role == _BREAK) | ((role == _STOP) & ~after)
    # A run of separators becomes one space, or two if a sentence ends in it.
    run_starts = np.flatnonzero(~word & (before | (np.arange(len(codes)) == 0)))
    counts = word.astype(np.int64)
    if len(run_starts):
        counts[run_starts] = 1 + np.maximum.reduceat(ends, run_starts)
    codes = np.where(word, codes, SPACE).astype(np.uint32)
    codes, where = np.repeat(codes, counts), np.repeat(where, counts)
    blank = codes == SPACE
    second = np.flatnonzero(blank[1:] & blank[:-1]) + 1
    # Every text ends in a line break, so the last code is the second space after the last sentence.
    sentences = second if len(second) else np.zeros(1, dtype=np.int64)
    first_words = np.minimum(sentences[:-1] + 1, len(where) - 1)
    owners = np.searchsorted(row.starts, where[first_words], side="right") - 1
    text_of = np.searchsorted(row.starts, where, side="right") - 1
    return Batch(codes, where - row.starts[np.minimum(text_of, len(row.starts) - 1)], sentences, owners.astype(np.int64))


def _repeats(codes: Codes, lookups: Tables) -> Mask:
    """Letters that stand after two equal ones."""
    found = np.zeros(len(codes), dtype=np.bool_)
    if len(codes) <= 2:
        return found
    same = codes[1:] == codes[:-1]
    run = same[1:] & same[:-1]
    letters = (_look(lookups.script, codes[2:]) & _LETTER) != 0
    found[2:] = run & letters
    return found


def _suspects(row: _Row, starts: Indices, others: list[int]) -> list[int]:
    """Which texts hold anything that may be a disguise, and ``others``; :mod:`tsbot.text.disguise` looks closely."""
    lookups = tables()
    codes = row.codes
    if len(codes) < 3:
        return others
    script = _look(lookups.script, codes)
    word = (script & (_LETTER | _DIGIT)) != 0
    hits = (script & _ODD) != 0
    repeated = np.flatnonzero(_repeats(codes, lookups))
    if len(repeated):  # within longer words: `www` is none
        beside = np.minimum(repeated + 1, len(codes) - 1)
        letters = ((script[repeated - 3] & _LETTER) != 0) | ((script[beside] & _LETTER != 0) & (codes[beside] != codes[repeated]))
        hits[repeated[letters]] = True
    # The last code is a line break; it stands before the first one too.
    before, after = np.concatenate((script[-1:], script[:-1])), np.concatenate((script[1:], script[-1:]))
    after_letter, before_letter = (before & _LETTER) != 0, (after & _LETTER) != 0
    hits |= ((script & _LEET) != 0) & (after_letter | (before_letter & ((before & _DIGIT) == 0)))
    hits |= ((script & _SOFT) != 0) & after_letter & before_letter
    hits |= ((script & _JOINER) != 0) & after_letter & ((after & (_LETTER | _DIGIT | _JOINER)) != 0)
    alphabet = (script & _OTHER_ALPHABET) != 0
    if alphabet.any():
        latin = (script & _LATIN) != 0
        hits |= latin & ((before | after) & _OTHER_ALPHABET != 0)
        hits |= ((script & _DIGIT) != 0) & (before & after & _OTHER_ALPHABET != 0)
        # A whole word may only look Latin where most of the text is.
        many = np.add.reduceat(np.stack((alphabet, latin)), starts[:-1], axis=1, dtype=np.int64)
        hits[starts[:-1][(many[0] > 0) & (many[1] > 3 * many[0])]] = True
    edges = np.flatnonzero(word[1:] & ~word[:-1]) + 1
    if word[0]:
        edges = np.concatenate((np.zeros(1, dtype=np.int64), edges))
    if len(edges) > 2:  # three single letters at equal distances
        single = ~np.append(word, False)[edges + 1]
        gaps = np.diff(edges)
        spelled = single[:-2] & single[1:-1] & single[2:] & (gaps[1:] == gaps[:-1]) & (gaps[1:] <= LONGEST_GAP + 1)
        hits[edges[:-2][spelled]] = True
    owners = np.unique(np.searchsorted(starts, np.flatnonzero(hits), side="right") - 1)
    return sorted({*others, *(int(owner) for owner in owners)})
