"""What words in disguise say: ``k1ck``, ``k.i.c.k``, ``kiiiick``, a Cyrillic letter among Latin ones, Korean syllables taken apart.

One text at a time, after its characters were folded (:mod:`tsbot.text.normalise`, which also picks the few texts that are worth it).
Each rule says what must stand around a disguise, so that ``B2B``, ``CH3OH``, ``e.g.``, ``1980s`` and ``hello!there`` stay as they are.
Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from unicodedata import category, normalize

DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t"}
SYMBOLS = {"@": "a", "$": "s", "€": "e", "|": "l"}
SOFT = {"!": "i", "+": "t"}
"""Symbols that stand between words more often than in one."""
_LEET = DIGITS | SYMBOLS | SOFT
_CYRILLIC_DIGITS = {"0": "о", "3": "з", "4": "ч", "6": "б", "8": "в"}
JOINERS = "*~^•"
"""What stands within words only to break them up; so do emoji."""
EMOJI = (("\u2600", "\u27bf"), ("\U0001f300", "\U0001faff"))
REGIONAL = 0x1F1E6
"""The first of 26 letters that make flags by twos."""
_ALIKE = dict(
    zip(
        "авсеһіјкмнорѕтухԁгпӏԝԛүαεικνορτυχγωհոսցօա",
        "abcehijkmhopstyxdrnlwqyaeiknoptuxywhnugow",
        strict=True,
    )
)
"""Letters that look like Latin ones, small or capital."""
_CYRILLIC = dict(zip("aceopxyk", "асеорхук", strict=True))
_GREEK = dict(zip("aoviknupxty", "αονικηυρχτγ", strict=True))
_CYRILLIC_CAPITALS = dict(zip("bhmt", "внмт", strict=True))
BENT = dict(zip("ɨɩɭɫŧƀɠɦɱɳƥʂƭʈʐʉɵ", "iilltbghmnpsttzuo", strict=True))
"""Latin letters of no everyday spelling that Unicode does not decompose."""
ODD = (
    *BENT,
    *map(chr, range(REGIONAL, REGIONAL + 26)),
    *map(chr, (*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3))),  # Korean letters by themselves
    *("\u3099", "\u309a"),
)
"""What is hardly seen but in disguises, in Latin or Korean or Japanese."""
OVERRIDE = "\u202e"
"""Shows what follows from right to left."""
LONGEST_GAP = 4
"""Characters between two letters of a word that is spelled letter by letter."""
_VOWELS = frozenset("aeiouy")
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxz")

_BETWEEN = (
    "\\s!-/:-@\\[-`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b8\u00bb-\u00bf"
    "\u2010-\u2bff\u2e00-\u2e7f\u3000-\u3003\u30fb\U0001f000-\U0001faff"
)
"""What may stand between letters: punctuation, symbols, spaces; no marks, which belong to letters."""
_SPELLED = re.compile(rf"(?<![^\W_])[^\W_](?P<gap>[{_BETWEEN}]{{1,{LONGEST_GAP}}})[^\W_](?:(?P=gap)[^\W_](?=[{_BETWEEN}]|(?![\s\S])))+")
_EMOJI_CLASS = "".join(f"{first}-{last}" for first, last in EMOJI)
_BROKEN = re.compile(rf"(?<!\w)[^\W_]{{1,4}}(?:[{re.escape(JOINERS)}{_EMOJI_CLASS}]{{1,2}}[^\W_]{{1,4}})+(?!\w)")
_WORD = re.compile(r"[^\W_]+")
_LATIN_TOKEN = re.compile(r"(?<![a-z])[a-z]*[0-9@$€|!+][a-z0-9@$€|!+]*")
_ALPHABETS = re.compile(r"[\u0370-\u058f]")
_LATIN = re.compile(r"[a-z\u00df-\u024f]")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_FLAGS = re.compile(r"[\U0001f1e6-\U0001f1ff]+")
_BENT = re.compile(rf"[{''.join(BENT)}]")
_TAKEN_APART = re.compile(
    r"[\u1100-\u1112][\u1161-\u1175](?:[\u11a8-\u11c2]|[\u1100-\u1112](?![\u1161-\u1175]))?"
    r"|[가-힣][\u1100-\u110e\u1110\u1111](?=[가-힣])"  # not the consonants of laughter
)
_VOICED = re.compile(r"[\u3040-\u30ff] ?[\u3099\u309a]")
_FORMULA = re.compile(r"(?:(?:[HBCNOFPSKVYIWU]|[A-Z][a-z])[3-57]?)+")
_OVERRIDE = re.compile(r"\u202e([^\u202c\u202d\n]*)")
_ABBREVIATIONS = {(True, True): 5, (True, False): 4, (False, True): 3, (False, False): 2}
"""Letters that abbreviations with full stops have at most: in capitals or not, with a full stop at the end or not."""
_ROMAN = frozenset("ivxlcdm")


@dataclass(frozen=True, slots=True)
class Text:
    """A text on its way out of disguise."""

    folded: str
    origins: list[int]
    """For each character of ``folded``, its offset in ``raw``."""
    raw: str

    def edited(self, pattern: re.Pattern[str], change: Callable[[Text, re.Match[str]], str | None]) -> Text:
        """This text with matches replaced by something no longer; ``change`` says by what (none: stay)."""
        parts: list[str] = []
        origins: list[int] = []
        last = 0
        for match in pattern.finditer(self.folded):
            new = change(self, match)
            if new is None or new == match[0]:
                continue
            start, end = match.span()
            parts += self.folded[last:start], new
            origins += self.origins[last:start]
            origins += _spread(self.origins[start:end], len(new))
            last = end
        if not parts:
            return self
        return Text("".join((*parts, self.folded[last:])), origins + self.origins[last:], self.raw)

    def capital(self, start: int, end: int) -> bool:
        """Whether all letters of a stretch are capitals."""
        return self.original(start, end).isupper()

    def original(self, start: int, end: int) -> str:
        """The raw characters of a stretch of the folded text."""
        return "".join([self.raw[origin] for origin in self.origins[start:end]])


def _spread(origins: Sequence[int], count: int) -> list[int]:
    """As many offsets as asked for, from the first to the last."""
    if count == len(origins):
        return list(origins)
    if count == 1:
        return [origins[0]]
    return [origins[place * (len(origins) - 1) // (count - 1)] for place in range(count)]


def turned(raw: str) -> str:
    """The text with what is shown from right to left by force turned round, as long as before."""
    return _OVERRIDE.sub(lambda match: "\u202e" + match[1][::-1], raw)


def undisguised(text: Text) -> Text:
    """The text without its disguises; the same object if it has none that the first form leaves."""
    plain = text.edited(_FLAGS, _read_flags).edited(_BENT, lambda _, match: BENT[match[0]])
    plain = plain.edited(_TAKEN_APART, _compose_hangul).edited(_VOICED, _compose_kana)
    plain = plain.edited(_SPELLED, _join_spelled).edited(_BROKEN, _join_broken)
    if _ALPHABETS.search(plain.folded):
        latin = len(_LATIN.findall(plain.folded)) > 3 * len(_ALPHABETS.findall(plain.folded))
        plain = plain.edited(_WORD, lambda whole, match: _one_alphabet(whole, match, latin))
        plain = plain.edited(_WORD, _read_cyrillic_digits)
    plain = plain.edited(_LATIN_TOKEN, _read_leet).edited(_REPEATED, _cut)
    return text if plain is text or _shortened(plain.folded) == _shortened(text.folded) else plain


def _shortened(folded: str) -> str:
    """A folded text with three and more equal letters cut to two, as the first form has it."""
    return _REPEATED.sub(r"\1\1", folded)


@cache
def _words(name: str) -> frozenset[str]:
    """The words of a file beside this one."""
    lines = (files("tsbot.text") / name).read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _stays(word: str) -> bool:
    """Whether a word is known to mean what it says."""
    known = _words("not_disguised.txt")
    return word in known or (word[:1].isdigit() and "*" + word[1:] in known)


def _read_flags(_: Text, match: re.Match[str]) -> str | None:
    """Letters that make no flags, or stand alone."""
    letters = "".join([chr(ord(char) - REGIONAL + 97) for char in match[0]])
    pairs = [letters[place : place + 2] for place in range(0, len(letters), 2)]
    return None if _words("flags.txt").issuperset(pairs) else letters


def _compose_hangul(_: Text, match: re.Match[str]) -> str:
    """One syllable of its parts; a first consonant that stands last is a final one."""
    parts = match[0]
    if "\u1100" <= parts[-1] <= "\u1112":
        parts = parts[:-1] + _final(parts[-1])
    composed = normalize("NFC", parts)
    return composed if len(composed) == 1 else match[0]


def _final(first: str) -> str:
    """The final form of a first consonant; itself if it has none."""
    final = "ᆨᆩᆫᆮ\0ᆯᆷᆸ\0ᆺᆻᆼᆽ\0ᆾᆿᇀᇁᇂ"[ord(first) - 0x1100]
    return final if final != "\0" else first


def _compose_kana(_: Text, match: re.Match[str]) -> str | None:
    """A kana with its voicing mark."""
    composed = normalize("NFC", match[0].replace(" ", ""))
    return composed if len(composed) == 1 else None


def _join_spelled(text: Text, match: re.Match[str]) -> str | None:
    """A word spelled letter by letter, unless it may as well be an abbreviation, a list or a row of short words."""
    if match.start() and category(text.folded[match.start() - 1])[0] == "M":
        return None  # the sign before it belongs to a letter
    gap = match["gap"]
    letters = match[0][:: len(gap) + 1]
    count = len(letters)
    digits = sum(char.isdigit() for char in letters)
    if digits and (count < 4 or digits * 2 >= count or not set(filter(str.isdigit, letters)) <= DIGITS.keys() or letters[-1].isdigit()):
        return None
    if letters[0].isdigit() or len(set(letters)) < 2 or all(ord(after) - ord(before) == 1 for before, after in pairwise(letters)):
        return None
    capital = text.capital(match.start(), match.end())
    dotted = text.folded[match.end() : match.end() + 1] == "."
    if gap.strip() == "." and count <= _ABBREVIATIONS[capital, dotted]:
        return None
    if count == 3 and letters[0] < "\u1100" and (capital or gap.strip() in tuple("/+=,;&|<>*:")):
        return None
    if gap.isspace():
        if any("가" <= char <= "힣" for char in letters):
            return None
        if count == 3 and not (letters[0] in _CONSONANTS or letters[0] >= "\u0590"):
            return None
    if "a" <= letters[0] <= "z" and not any(char in _VOWELS or char.isdigit() for char in letters):
        return None
    return None if all(char in _VOWELS for char in letters) else letters


def _join_broken(_: Text, match: re.Match[str]) -> str | None:
    """A word that is broken up by stars or emoji."""
    parts = _WORD.findall(match[0])
    word = "".join(parts)
    if len(word) < 4 or max(map(len, parts)) < 2 or (len(parts) == 2 and len(parts[0]) < 2):
        return None
    if not word[0].isalpha() or any(char.isdigit() and char not in DIGITS for char in word):
        return None
    return word


def _one_alphabet(text: Text, match: re.Match[str], latin: bool) -> str | None:
    """A word of two alphabets in the one that all of it can be read in; one that only looks Latin, in a text that is."""
    word = match[0]
    others = [char for char in word if "\u0370" <= char <= "\u058f"]
    if not others:
        return None
    own = [char for char in word if _LATIN.match(char)]
    if len(own) + len(others) != sum(map(str.isalpha, word)):
        return None
    readable = all(char in _ALIKE for char in others)
    if not own:
        return _mapped(word, _ALIKE) if latin and readable and len(others) >= 3 else None
    raw = text.original(*match.span())
    capitals = [char.isupper() for char in raw if char.isalpha()]
    if len(own) > 1 and sum(capitals) == len(own) and all(char.isascii() for char in raw[: len(own)]) and all(capitals[: len(own)]):
        return None  # an abbreviation with an ending
    other = _GREEK if "\u0370" <= others[0] < "\u0400" else _CYRILLIC | (_CYRILLIC_CAPITALS if raw.isupper() else {})
    back = all(char in other for char in own)
    if readable and (not back or len(own) > len(others) or (latin and len(own) == len(others))):
        return _mapped(word, _ALIKE)
    return _mapped(word, other) if back else None


def _mapped(word: str, table: dict[str, str]) -> str:
    return "".join([table.get(char, char) for char in word])


def _read_cyrillic_digits(_: Text, match: re.Match[str]) -> str | None:
    """Digits that stand for Cyrillic letters: within a word, or before one that is no unit."""
    word = match[0]
    if word.isalpha() or (not word[-1].isalpha() and word[-1] != "0") or "00" in word or _stays(word):
        return None
    letters = [char for char in word if char.isalpha()]
    digits = [char for char in word if char.isdigit()]
    if len(letters) < 3 or len(digits) * 2 > len(letters) or not all("\u0400" <= char <= "\u052f" for char in letters):
        return None
    if not set(digits) <= _CYRILLIC_DIGITS.keys() or any(before.isdigit() and after.isdigit() for before, after in pairwise(word)):
        return None
    if word[0].isdigit() and word[0] not in "34":
        return None
    return _mapped(word, _CYRILLIC_DIGITS)


def _read_leet(text: Text, match: re.Match[str]) -> str | None:
    """A Latin word with digits or symbols for letters."""
    token = match[0]
    if token.isalpha() or token.isdigit() or _in_code(text.folded, *match.span()):
        return None
    start = len(token) - len(token.lstrip("!|+€"))
    end = len(token.rstrip("!|+€" if token.count("@") > 1 else "!|+€@"))
    core = token[start:end]
    if len(core) < 3 or core.isalpha() or core.isdigit() or _stays(core):
        return None
    raw = text.original(match.start() + start, match.start() + end)
    if not _means_letters(core, raw):
        return None
    return token[:start] + _spelt(core) + token[end:]


def _in_code(folded: str, start: int, end: int) -> bool:
    """Whether a token is part of an address, a file name or a name in a program."""
    before, after = folded[max(start - 2, 0) : start], folded[end : end + 2]
    if before and (before[-1].isalpha() or (before[-1] in "_=&?#%/:\\.@{[" and len(before) > 1 and not before[0].isspace())):
        return True
    return bool(after) and (after[0].isalpha() or (after[0] in "_=&?#%/:\\.(" and len(after) > 1 and after[1].isalnum()))


def _means_letters(core: str, raw: str) -> bool:
    """Whether the digits and symbols of a token stand for letters."""
    letters = sum(map(str.isalpha, core))
    digits = [char for char in core if char.isdigit()]
    inner = core[1:-1]
    if not set(digits) <= DIGITS.keys() or len(digits) > letters + (core.endswith("55") and letters == 1):
        return False
    runs = re.findall(r"\d{2,}", core)
    if any(len(run) > 2 or run[0] != run[1] for run in runs):
        return False
    if re.search(r"[a-z][A-Z]", raw) or (digits and raw.upper() == raw and len(raw) < 4):
        return False
    if digits and any(char.isupper() for char in raw[1:]) and _FORMULA.fullmatch(raw):
        return False
    if not _symbols_fit(core, raw):
        return False
    if not core[0].isalpha() and not _starts_word(core, raw):
        return False
    if not core[-1].isalpha() and not _ends_word(core, raw, letters, len(digits)):
        return False
    if len(core) == 3 and core[0].isalpha() and core[2].isalpha() and core[1].isdigit():
        return (core[0] in _CONSONANTS or core[0] == "y") and core[1] in "0134"
    return any(not char.isalpha() for char in inner) or not core[0].isalpha() or not core[-1].isalpha()


def _symbols_fit(core: str, raw: str) -> bool:
    """Whether symbols within a token do not rather stand between two words."""
    if "$" in core and raw.upper() == raw and len(core) < 5:
        return False
    parts = core.split("@")
    if len(parts) == 2 and (len(parts[0]) > 3 or len(parts[1]) > 4):
        return False
    found = re.search(r"[!+|]+", core)
    if found is None:
        return True
    left, right = core[: found.start()], core[found.end() :]
    if found[0] == "||":
        return len(core) > 4 and 0 < len(left) < 4 and len(right) < 4
    if len(found[0]) > 1 or not 0 < len(left) < 4 or not right or len(core) < 4 or not _CONSONANTS.issuperset(left):
        return False
    return right[0] in _CONSONANTS or (len(core) > 4 and found[0] == "+")


def _starts_word(core: str, raw: str) -> bool:
    """Whether the digit or symbol that a token starts with is its first letter."""
    first, rest = core[0], core[1:]
    if first == "@":
        return rest.startswith(("ss", "s5", "$$", "55"))
    if raw.upper() == raw and len(core) < 6:
        return False
    if first == "$":
        return len(rest) > 3 and rest[0] in "tkhlwcqnm"
    if len(rest) < 3 or not rest[0].isalpha():
        return False
    if any(not char.isalpha() for char in rest):
        return True
    return (rest[0] in _VOWELS) if first in "7" else (rest[0] in _CONSONANTS or first == "5")


def _ends_word(core: str, raw: str, letters: int, digits: int) -> bool:
    """Whether the digit or symbol that a token ends with is its last letter."""
    if raw.upper() == raw and len(core) < 6:
        return False
    if core.endswith("$"):
        return letters > 3 or core.endswith("$$")
    if any(not char.isalpha() for char in core[1 : len(core.rstrip("0123457"))]):
        return letters > digits and not core[-2].isdigit()
    return re.search(r"(?:^|[a-z])[aeo]55$|^[^aeiouy\d]{1,2}[aeiu]11$|[iuv]3$|[bdgkptfz]l3$", core) is not None


def _spelt(core: str) -> str:
    """The letters of a token; what looks like both i and l is told by its neighbours."""
    letters: list[str] = []
    for place, char in enumerate(core):
        after = core[place + 1 : place + 2]
        before = letters[-1] if letters else ""
        if char == "1" and ((before in _VOWELS and after in ("1", "l")) or before == "i" or (before == "l" and core[place - 1] == "1")):
            letters.append("l")
        elif char == "|" and before in _CONSONANTS and after in _CONSONANTS:
            letters.append("i")
        else:
            letters.append(_LEET.get(char, char))
    return "".join(letters)


def _cut(text: Text, match: re.Match[str]) -> str | None:
    """A letter that is said again and again, once, or twice where it mostly stands so."""
    letter = match[1]
    if letter >= "\u1100":
        return None
    start, end = match.span()
    before = _letters(text.folded[max(start - 30, 0) : start][::-1])[::-1]
    after = _letters(text.folded[end : end + 30])
    if not before and not after:
        return None
    word = before + letter + after
    if letter.isascii() and (_stays(word) or not _VOWELS.intersection(word)):
        return None
    if end - start == 3 and len(word) == 2 and text.capital(start - len(before), end + len(after)):
        return None  # an abbreviation
    if letter in "ixcm" and end - start == 3 and _ROMAN.issuperset(word):
        return None
    return letter * 2 if letter in "lf" else letter


def _letters(stretch: str) -> str:
    """The letters that a stretch starts with."""
    found = re.match(r"[^\W\d_]*", stretch)
    return found[0] if found else ""
