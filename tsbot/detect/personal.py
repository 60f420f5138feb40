"""Telephone numbers, e-mail addresses and street addresses, told by their form.

The forms are those of the ITU-T recommendation E.123 (telephone numbers), RFC 5322 (addresses of mail, the usual part of
it), and street addresses as number and street name in either order. They are looked for only in sentences that speak of a
person's private details, so they may be generous. Every expression runs in time linear in the text: no nested repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PHONE = re.compile(r"(?<![\d\w])(?:00|0|1)?(?: ?\d){7,15}(?!\d)")
_NUMBER = re.compile(r"(?<!\w)\d(?: ?\d){5,19}(?!\w)")
_STREET_WORDS = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|close|court|terrace|way|place|square|crescent|"
    r"strasse|str|weg|platz|allee|gasse|ring|rue|chemin|impasse|quai|calle|avenida|avda|paseo|plaza|rua|travessa|via|viale|"
    r"piazza|corso|straat|laan|plein|gracht|ulica|ul|aleja|улица|ул|вулиця|вул|проспект|переулок|бульвар|sokak|caddesi|cadde|mahallesi|"
    r"شارع|طريق|marg|nagar|मार्ग|नगर|सड़क)"
)
_ADDRESS = re.compile(
    rf"(?<!\w)(?:\d{{1,5}} ?[a-z]? (?:\w+ ){{0,3}}{_STREET_WORDS}(?!\w)"
    rf"|\w*(?:strasse|straat|gasse|weg|laan) \d{{1,4}}(?!\d)"
    rf"|{_STREET_WORDS} (?:\w+ ){{1,4}}\d{{1,5}}(?!\d)"
    r"|(?:丁目|番地|号室|路|街|巷) ?\d{1,5}|\d{1,5} ?(?:丁目|番地|号|路|街|巷|弄|室))"
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_CHINESE_ADDRESS = re.compile(r"[\u3400-\u9fff]{1,12}(?:路|街|巷|弄|丁目|町|区)\d{1,5}")


def personal_spans(name: str, sentence: str, raw: str) -> Iterator[tuple[int, int]]:
    """Places in the normal form of a sentence where a built-in part (``phone``, ``email`` ...) stands.

    The normal form has spaces for signs, so ``+44 (0)20 7946 0018`` reads ``44 0 20 7946 0018``. E-mail addresses are
    recognised in ``raw``, where the sign still stands, and found again in the sentence.
    """
    if name == "phone":
        internet = {match.group().replace(".", " ") for match in _IPV4.finditer(raw)}
        yield from ((m.start() + _blank(m), m.end()) for m in _PHONE.finditer(sentence) if m.group().strip() not in internet)
    elif name == "number":
        yield from (m.span() for m in _NUMBER.finditer(sentence))
    elif name == "address":
        yield from (m.span() for m in _ADDRESS.finditer(sentence))
        yield from (m.span() for m in _CHINESE_ADDRESS.finditer(sentence))
    elif name == "word":
        yield from (m.span() for m in re.finditer(r"[^ ]+", sentence))
    elif name == "email" and "@" in raw:
        for match in _EMAIL.finditer(raw):
            words = " ".join(re.split(r"[\W_]+", match.group().lower())).strip()
            at = sentence.find(f" {words} ") if words else -1
            if at >= 0:
                yield at + 1, at + 1 + len(words)


def _blank(match: re.Match[str]) -> int:
    text = match.group()
    return len(text) - len(text.lstrip(" "))
