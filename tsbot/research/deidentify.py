"""Texts without whoever they tell of: names, accounts, links, places, numbers and rare words are replaced, the same by the same.

It keeps what is known to be common rather than taking out what is known to be private: what no list has heard of goes. So it loses much,
most in languages that write nouns with capitals or words without spaces; it is meant to. What it cannot see is who somebody is by what they
tell. That is for the person who reviews a sample.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tsbot.detect.private import Label, find_personal
from tsbot.research.vocabulary import Vocabulary, shipped_vocabulary
from tsbot.research.widen import widened
from tsbot.research.words import name_words

TOKEN = re.compile(r"\w+(?:[.'’\-]\w+)*|[^\w\s]|\s+")
LINK = re.compile(r"(?:https?://|www\.)\S+|\[\[[^\]\n]{1,200}\]\]|\{\{[^}\n]{1,200}\}\}", re.IGNORECASE)
ACCOUNT = re.compile(r"(?:\b[Uu]ser(?:[_ ]talk)?:|(?<!\w)@)\w[\w .\-]{0,40}")
SENTENCE_END = frozenset(".!?…\n*#。！？؟।")
LABELS = {
    Label.EMAIL: "contact", Label.PHONE: "contact", Label.ADDRESS: "place", Label.NAME: "name", Label.URL: "link",
}  # fmt: skip


@dataclass
class Replaced:
    """A text after it, with how often what was replaced."""

    text: str
    counts: Counter[str] = field(default_factory=Counter)
    gone: list[tuple[int, int]] = field(default_factory=list)
    """What of the original was replaced, as offsets."""


def deidentify(
    text: str, *, names: Iterable[str] = (), frequent: frozenset[str] = frozenset(), vocabulary: Vocabulary | None = None
) -> Replaced:
    """Replace what could tell who somebody is. ``names`` are known to be names; ``frequent`` are words of many reports, small letters."""
    known = vocabulary or shipped_vocabulary()
    named = [name for name in names if len(name.strip()) > 1]
    first = list(_joined(text, sorted(_spans(text, named, frequent, known), key=_place)))
    more = widened(text, first, name_words(), known)
    spans = sorted([*first, *more], key=_place)
    result = Replaced("")
    numbers: dict[tuple[str, str], int] = {}
    out: list[str] = []
    at = 0
    for start, end, what in _joined(text, spans):
        out.append(text[at:start])
        same = (what, " ".join(text[start:end].casefold().split()))
        number = numbers.setdefault(same, sum(one == what for one, _ in numbers) + 1)
        out.append(f"[{what}]" if what == "word" else f"[{what}-{number}]")
        result.counts[what] += 1
        result.gone.append((start, end))
        at = end
    out.append(text[at:])
    result.text = "".join(out)
    return result


def _place(span: tuple[int, int, str]) -> tuple[int, int]:
    return span[0], -span[1]


def _spans(text: str, names: list[str], frequent: frozenset[str], known: Vocabulary) -> Iterator[tuple[int, int, str]]:
    for match in LINK.finditer(text):
        yield match.start(), match.end(), "link"
    for match in ACCOUNT.finditer(text):
        yield match.start(), match.end(), "account"
    for span in find_personal(text):
        yield span.start, span.end, LABELS.get(span.label, "number")
    for name in names:
        pattern = r"[\s_]+".join(map(re.escape, name.replace("_", " ").split()))
        yield from ((match.start(), match.end(), "account") for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE))
    begins = True
    first: tuple[int, int] | None = None
    for match in TOKEN.finditer(text):
        token = match.group()
        if token.isspace():
            begins = begins or "\n" in token
            continue
        if not token[0].isalnum() and token[0] != "_":
            begins = begins or token in SENTENCE_END
            first = None
            continue
        what = _what(token, begins, frequent, known)
        if what == "name" and first is not None:
            yield (*first, what)  # a capital at the beginning, or a particle, with a name behind it: both are the name
        if what:
            yield match.start(), match.end(), what
        leads = not what and ((begins and token[:1].isupper()) or token.casefold() in name_words().before)
        first = (first[0] if first else match.start(), match.end()) if leads else None
        begins = False


def _what(token: str, begins: bool, frequent: frozenset[str], known: Vocabulary) -> str:
    """What a word is replaced by; empty if it is kept."""
    low = token.casefold()
    if any(char.isdigit() for char in token):
        return "number"
    if low.rstrip(".") in name_words().titles:
        return "name"
    common = all(known.common(part) or part in frequent for part in re.split(r"[.'’\-]", low) if len(part) > 1)
    capital = token[:1].isupper()
    if capital and not begins and low not in ("i", "i'm", "i’m", "i've", "i’ve", "i'd", "i'll"):
        return "name"
    if capital and (low in known.names or low not in known.openers):
        return "name"
    if common or low in frequent:
        return ""
    return "name" if capital else "word"


def _one_name(first: str, second: str) -> bool:
    """Whether two things that stand side by side are one name."""
    return first == second == "word" or {first, second} <= {"name", "place", "number"}


def _within(between: str, what: str) -> bool:
    return not between.strip(" \t") or (what != "word" and name_words().may_join(between))


def _joined(text: str, spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Spans without overlaps; names that stand beside each other are one, and so are rare words."""
    held: tuple[int, int, str] | None = None
    for start, end, what in spans:
        if held is not None and start < held[1]:
            held = (held[0], max(end, held[1]), held[2])
        elif held is not None and _one_name(held[2], what) and _within(text[held[1] : start], held[2]):
            held = (held[0], end, held[2])
        else:
            if held is not None:
                yield held
            held = (start, end, what)
    if held is not None:
        yield held
