"""Text that is hidden in a simple code: ROT13, base64, hexadecimal digits, percent signs.

Only what looks suspicious is decoded, in time linear in the text, and what comes out must be readable; it is then judged as one
more form of the text. Wikis are full of long codes that are none of these (file names, hashes, addresses of pages).
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

MOST = 20
"""Codes decoded in one text."""
LEAST = 12
"""Letters and spaces that must come out."""
LONGEST = 4_000
"""Characters of one code that are decoded."""
_BASE64 = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=])")
_HEX = re.compile(r"(?<![\w#])(?:[0-9A-Fa-f]{2}[ :]?){12,}(?!\w)")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){3,}(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9+_-]){0,2000}")
_FREQUENT = (
    *("the", "and", "you", "will", "your", "this", "that", "with", "have", "not", "are", "for", "was", "from", "what", "when", "where"),
    *("kill", "die", "hurt", "know", "live", "find", "come", "going", "want", "all", "who", "how", "they", "them", "out", "and", "must"),
    *("ich", "dich", "und", "nicht", "werde", "die", "der", "que", "los", "las", "para", "por", "les", "des", "vous", "pas", "est"),
)
_PLAIN = frozenset(_FREQUENT)
_ROTATED = frozenset(codecs.encode(word, "rot13") for word in _FREQUENT) - _PLAIN
_WORD = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A readable text that came out of ``raw[start:end]``."""

    start: int
    end: int
    text: str
    origins: tuple[int, ...]
    """For each character of ``text`` where it stems from in the raw text, and the end; in codes of bits only roughly."""


def decoded(raw: str) -> list[Decoded]:
    """What is hidden in a text; mostly nothing. Never raises."""
    found: list[Decoded] = []
    for some in (_rotated(raw), _bits(raw)):
        for one in some:
            found.append(one)
            if len(found) == MOST:
                return found
    return found


def _rotated(raw: str) -> Iterator[Decoded]:
    """The whole text, if more of its words are frequent ones rotated by 13 letters than frequent ones."""
    words = set(_WORD.findall(raw[:LONGEST].lower()))
    rotated = len(words & _ROTATED)
    if (rotated >= 2 and rotated > len(words & _PLAIN)) or (rotated and "rot13" in raw[:LONGEST].lower()):
        text = codecs.encode(raw[:LONGEST], "rot13")
        yield Decoded(0, len(text), text, tuple(range(len(text) + 1)))


def _bits(raw: str) -> Iterator[Decoded]:
    for match in _BASE64.finditer(raw):
        code = match.group()[:LONGEST].rstrip("=").replace("-", "+").replace("_", "/")
        yield from _readable(match, partial(base64.b64decode, code + "=" * (-len(code) % 4)))
    for match in _HEX.finditer(raw):
        yield from _readable(match, partial(bytes.fromhex, re.sub(r"[ :]", "", match.group())[:LONGEST]))
    if "%" in raw:
        for match in _PERCENT.finditer(raw):
            yield from _readable(match, partial(_unquote, match.group().replace("+", " ").replace("_", " ")))


def _unquote(code: str) -> bytes:
    """Bytes of a text with percent signs (RFC 3986, 2.1)."""
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda hit: bytes.fromhex(hit[1].decode()), code.encode())


def _readable(match: re.Match[str], decode: Callable[[], bytes]) -> Iterator[Decoded]:
    """What comes out, if it is words."""
    try:
        text = decode().decode("utf-8")
    except ValueError:
        return
    letters = sum(char.isalpha() or char == " " for char in text)
    if letters < LEAST or letters < 0.85 * len(text) or (" " not in text.strip() and text.isascii()):
        return
    start, end = match.span()
    origins = tuple(start + index * (end - start) // len(text) for index in range(len(text)))
    yield Decoded(start, end, text, (*origins, end))
