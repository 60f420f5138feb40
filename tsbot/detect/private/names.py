"""Names of persons: behind "my name is" and the like, behind a title, or a known given name with what follows it.

The given names are ``given_names.txt``. A name by itself is no secret (articles are full of them): it matters where the words
around say whose it is, which ``exposure`` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tsbot.detect.private.cues import Words
from tsbot.detect.private.spans import Label, PersonalSpan

_UPPER = "".join(chr(code) for code in (*range(0x41, 0x530), *range(0x1E00, 0x2000)) if chr(code).isupper())
_BODY = r"[^\W\d_]{0,24}(?:['’-][^\W\d_]{1,24}){0,2}"
_WORD = rf"(?!(?:Apt|Suite|Unit|Flat|User)\b)[{_UPPER}]{_BODY}"
_LINK = r"(?:de la|de los|van der|van den|von der|van de|de|del|della|di|da|dos|von|van|den|der|bin|ibn|al|el|la|le|y|ben)"
_INITIAL = rf"[{_UPPER}]\."
_MORE = rf"{_BODY}(?!\w)(?: (?:{_INITIAL}|(?:{_LINK} )?{_WORD}(?!\w))){{0,4}}"
_SEQUENCE = re.compile(rf"[{_UPPER}](?<![\w'’._/-].){_MORE}")
_ASCII_SEQUENCE = re.compile(rf"[A-Z](?<![\w'._/-].){_MORE}")
"""Capitalised words in a row. (The first letter comes before what may not stand before it: the scan is faster so.)"""
_CUED = re.compile(rf"{_WORD}(?:[ \u00a0](?:{_INITIAL}|(?:{_LINK} )?{_WORD}(?!\w))){{0,4}}(?: (?:II|III|IV|Jr\.?|Sr\.?))?")
_UNCASED = re.compile(
    r"[\u0590-\u08ff\u0900-\u0dff]{2,20}(?: [\u0590-\u08ff\u0900-\u0dff]{2,20}){0,1}|[\u4e00-\u9fff]{2,4}|[\u30a0-\u30ff・]{2,16}|"
    r"[가-힣]{2,4}|[\u0e00-\u0e7f]{2,20}(?: [\u0e00-\u0e7f]{2,20})?"
)
_BETWEEN = re.compile(
    r"[\s:,.?\"'“”«»(\[*]{0,8}(?:(?:is|the|actually|really|really called|est|es|ist|è|это|user|name|"
    r"nick)[\s:]{1,3}){0,2}[\s:\"'“”«(\[*]{0,4}"
)
_LOWER = re.compile(r"[^\W\d_]{2,20}(?: [^\W\d_]{1,20}){0,2}")
_STOP = frozenset(
    (
        "the", "a", "an", "i", "you", "he", "she", "it", "we", "they", "this", "that", "there", "here", "not", "my", "your",
        "his", "her", "our", "their", "what", "why", "who", "when", "where", "how", "if", "in", "on", "at", "of", "and", "or",
        "but", "no", "yes", "so", "do", "does", "did", "is", "are", "was", "were", "be", "been", "being", "english", "french",
        "german", "spanish", "american", "british", "russian", "chinese", "japanese", "italian", "christian", "muslim", "jewish",
        "catholic", "wikipedia", "wiki", "admin", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
        "user", "talk", "page", "article",
    )
)
"""Words that are capitalised behind a cue and are no names."""
_ORGANISATION = re.compile(
    r"(?:Inc|Ltd|LLC|GmbH|Corp|Corporation|Company|Group|University|College|School|Hospital|Airport|Station|Street|Avenue|Road|River|"
    r"Lake|County|City|Park|Church|Prize|Award|Cup|Act|War|Bridge|Museum|Institute|Foundation|Society|Party|Records|Press|Orchestra|"
    r"Island|Islands|Mountains?|Castle|Palace|Tower|Stadium|House|Hall|Hotel|Battle|Times|News|Journal|Magazine|Bank|Association|"
    r"Union|Club|District|Province|State|States|Republic|Kingdom|Empire|Beach|Bay|Valley|Hills?|Wikipedia|Talk)\b"
)


def names(text: str, cues: Words, given: frozenset[str]) -> Iterator[PersonalSpan]:
    """Names of persons."""
    lower = text[:2000] == text[:2000].lower()
    for start, end in cues.of("title"):
        match = _CUED.match(text, end + (text[end : end + 1] == ".") + _blanks(text, end + (text[end : end + 1] == ".")))
        if match is None or _stop(match.group()) or match.start() - end > 3:
            continue
        if text[start:end].lower() not in AMBIGUOUS or match.group().split()[0].lower() in given:
            yield PersonalSpan(match.start(), match.end(), Label.NAME)
    for start, end in cues.of("name"):
        yield from _cued(text, start, end, given, lower=lower)
    whole: list[tuple[int, int]] = []
    singles: list[tuple[int, int]] = []
    for match in (_ASCII_SEQUENCE if text.isascii() else _SEQUENCE).finditer(text):
        row = match.group()
        if " " in row:
            if (place := _sequence(match, given)) is not None:
                whole.append(place)
        elif len(row) > 3:
            row = _OWNED.split(row, maxsplit=1)[0]
            if row.lower() in given and not row.isupper():
                whole.append((match.start(), match.start() + len(row)))
            else:
                singles.append(match.span())
    yield from (PersonalSpan(start, end, Label.NAME) for start, end in whole)
    families = {text[start:end].rsplit(" ", 1)[1] for start, end in whole if " " in text[start:end]} if singles else set()
    if families:  # somebody named in full is named again by the family's name
        yield from (PersonalSpan(start, end, Label.NAME) for start, end in singles if text[start:end] in families)


AMBIGUOUS = frozenset(("bay", "pan", "miss", "sr.", "judge", "officer", "doctor", "sig."))
"""Titles that are other words too: a known given name must follow."""


def _blanks(text: str, at: int) -> int:
    return len(text[at : at + 2]) - len(text[at : at + 2].lstrip(" \u00a0"))


def _stop(found: str) -> bool:
    return found.split(" ", 1)[0].lower() in _STOP or _ORGANISATION.search(found) is not None


def _cued(text: str, start: int, end: int, given: frozenset[str], *, lower: bool) -> Iterator[PersonalSpan]:
    between = _BETWEEN.match(text, end)
    at = between.end() if between else end
    strong = text[start:end].lower() not in WEAK
    match = _CUED.match(text, at) or _UNCASED.match(text, at)
    if match and not _stop(match.group()):
        known = any(part.lower() in given for part in match.group().split())
        if strong or known:
            yield PersonalSpan(match.start(), match.end(), Label.NAME)
    elif lower and strong and (match := _LOWER.match(text, at)):
        words = match.group().split()
        kept = [word for word in words if word not in _STOP]
        if kept and kept[0] == words[0] and (any(word in given for word in kept) or match.end() >= len(text.rstrip(" .!?"))):
            yield PersonalSpan(match.start(), match.start() + len(words[0] if len(kept) == 1 else " ".join(words)), Label.NAME)


WEAK = frozenset(("is really", "is actually", "named", "called", "i am", "i'm", "this is", "adı", "nome", "numele", "名", "heter", "heet"))
"""Cues that other words follow as often: a known given name must."""


def _sequence(match: re.Match[str], given: frozenset[str]) -> tuple[int, int] | None:
    """The part of a row of capitalised words that begins with a given name."""
    row = match.group()
    for word in _WORDS.finditer(row):
        first = word.group().split("-")[0]
        if len(first) > 2 and first.lower() in given and not first.isupper():
            found = _OWNED.split(row[word.start() :], maxsplit=1)[0]
            if not _ORGANISATION.search(found) and (len(first) > 3 or " " in found):
                return match.start() + word.start(), match.start() + word.start() + len(found)
            return None
    return None


_WORDS = re.compile(r"\S+")
_OWNED = re.compile(r"['’]s\b")
