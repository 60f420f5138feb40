"""User names folded so that look-alikes meet: letters that look alike, digits for letters, case, accents, invisible characters.

The table is a small part of Unicode's confusables (UTS 39) and of MediaWiki's AntiSpoof; it folds too much rather than too little, because
a name alone never makes a link.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_LOOKALIKE = str.maketrans(
    {
        **dict(zip("абвгдеёзіїјкмнорстухцьѕԁһӏ", "a6brдeeзiijkmhopctyxцbsdhl", strict=True)),
        **dict(zip("αβγεηικνορτυχωϲ", "abyenikvoptuxwc", strict=True)),
        **dict(zip("ı|!1łľ", "llllll", strict=True)),
        **dict(zip("034578@$€£", "oeastbasel", strict=True)),
        **dict(zip("ʌøðþßæœ", "aodpbao", strict=True)),
    }
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("ii", "u"))
_TAIL = re.compile(r"^(.*?\D)[\s_.\-]*(\d+|[ivx]+)$")
_REPEATED = re.compile(r"(.)\1+")
_SQUEEZED = re.compile(r"[\W_]+")


def _bare(name: str) -> str:
    """Without accents and invisible characters."""
    if name.isascii():
        return name
    plain = unicodedata.normalize("NFKD", name)
    return "".join(char for char in plain if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")


def folded(name: str) -> str:
    """Lower case, without accents and invisible characters; spaces and punctuation kept as one space."""
    return " ".join(_SQUEEZED.sub(" ", _bare(name).casefold()).split())


@lru_cache(maxsize=65536)
def skeleton(name: str) -> str:
    """What a reader in a hurry sees: equal for names that look alike."""
    plain = _bare(name).casefold()
    plain = _SQUEEZED.sub("", plain.translate(_LOOKALIKE)).translate(_LOOKALIKE)
    plain = plain.replace("i", "l")
    for pair, single in _PAIRS:
        plain = plain.replace(pair, single)
    return _REPEATED.sub(r"\1", plain)


def look_alike(first: str, second: str) -> bool:
    """Whether two names are the same to a reader in a hurry and differ in more than case, accents and punctuation."""
    return skeleton(first) == skeleton(second) and folded(first).replace(" ", "") != folded(second).replace(" ", "")


def stem(name: str) -> tuple[str, str]:
    """A name without its trailing number (digits or a Roman numeral), folded, and that number; the whole name if nothing is left."""
    plain = folded(name)
    match = _TAIL.match(plain)
    if match is None or len(_SQUEEZED.sub("", match[1])) < 3:
        return _SQUEEZED.sub("", plain), ""
    return _SQUEEZED.sub("", match[1]), match[2]


def spellings(name: str) -> set[str]:
    """How a name of two to six parts is often written as one: parts, initials and last part, first part and initial, initials."""
    parts = folded(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).split()
    whole = "".join(parts)
    if not 2 <= len(parts) <= 6:
        return {whole}
    first, last = parts[0], parts[-1]
    return {
        whole,
        first + last,
        last + first,
        first[0] + last,
        first + last[0],
        last + first[0],
        "".join(part[0] for part in parts),
        "".join(part[0] for part in parts[:-1]) + last,
        last,
        first,
    }


def shape(name: str) -> str:
    """Classes of characters in runs: ``Aa0`` for Example12, ``Aa Aa`` for Two Words."""
    classes = (
        ("0" if char.isdigit() else "A" if char.isupper() else "a" if char.isalpha() else char if char in " _-." else "*") for char in name
    )
    return _REPEATED.sub(r"\1", "".join(classes))
