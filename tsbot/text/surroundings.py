"""What stands around a stretch of wikitext: headings above it, templates and tags that enclose it, quotation marks.

Only what is certain is said: markup that is never closed, or that begins or ends far away, encloses nothing. Nothing is parsed, and
every step is linear, whatever the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WINDOW = 20_000
"""Characters before and after the stretch in which enclosing markup must begin and end."""
TAGS = ("poem", "blockquote", "q", "score")
"""Tags that enclose somebody's words, or a song's."""
QUOTES = {"“": "”", "„": "“”", "«": "»", "»": "«", "‹": "›", "「": "」", "『": "』", "《": "》", '"': '"'}
"""Opening quotation marks with those that close them."""

_HEADING = re.compile(r"^(={1,6})([^\n]{1,200}?)\1[ \t]{0,9}$", re.MULTILINE)
_TOKEN = re.compile(rf"\{{\{{|\}}\}}|<(/?)({'|'.join(TAGS)})(?=[\s/>])[^<>]{{0,200}}>", re.IGNORECASE)
_NAME = re.compile(r"[^|{}\[\]<>\n]{1,100}")
_MARKS = frozenset("".join((*QUOTES, *QUOTES.values())) + " .!?")
_PARAGRAPH = 2_000
"""Characters of a paragraph, before and after the stretch, that are searched for quotation marks."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a stretch of wikitext."""

    headings: tuple[str, ...] = ()
    """The headings that the stretch stands under, outermost first, as written."""
    templates: tuple[str, ...] = ()
    """Names of the templates that it is a parameter of, outermost first, as written."""
    tags: tuple[str, ...] = ()
    """Those of :data:`TAGS` that enclose it."""


def surroundings(wikitext: str, start: int, end: int) -> Surroundings:
    """What stands around ``wikitext[start:end]`` (code points, end exclusive)."""
    templates, tags = _enclosing(wikitext, start, end)
    return Surroundings(_headings(wikitext, start), templates, tags)


def _headings(wikitext: str, start: int) -> tuple[str, ...]:
    chain: list[tuple[int, str]] = []
    for match in _HEADING.finditer(wikitext, 0, start):
        level = len(match[1])
        while chain and chain[-1][0] >= level:
            chain.pop()
        chain.append((level, match[2].strip()))
    return tuple(heading for _, heading in chain)


def _enclosing(wikitext: str, start: int, end: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Templates and tags that open before ``start`` and close after ``end``, both within the window."""
    opened: list[tuple[str, int]] = []
    around: list[tuple[int, str]] = []
    for match in _TOKEN.finditer(wikitext, max(0, start - WINDOW), min(len(wikitext), end + WINDOW)):
        token = match[0]
        if token.endswith("/>"):
            continue
        what = match[2].lower() if match[2] else "{{"
        if token[0] == "{" or (match[2] and not match[1]):
            opened.append((what, match.end()))
            continue
        # What was opened inside and never closed does not matter any more.
        while opened:
            kind, at = opened.pop()
            if kind == what:
                if at <= start and match.start() >= end:
                    around.append((at, what))
                break
    around.sort()
    names = [name for at, what in around if what == "{{" and (name := _name(wikitext, at))]
    return tuple(names), tuple(what for _, what in around if what != "{{")


def _name(wikitext: str, at: int) -> str:
    match = _NAME.match(wikitext, at)
    return match[0].strip() if match else ""


def quoted(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` stands between quotation marks that open and close in its line."""
    start = next((at for at in range(start, end) if text[at] not in _MARKS), start)
    end = next((at for at in range(end, start, -1) if text[at - 1] not in _MARKS), end)
    line_end = text.find("\n", end)
    before = text[max(text.rfind("\n", 0, start) + 1, start - _PARAGRAPH) : start]
    after = text[end : min(len(text) if line_end < 0 else line_end, end + _PARAGRAPH)]
    return any(_is_open(before, opening, closing) and any(mark in after for mark in closing) for opening, closing in QUOTES.items())


def _is_open(before: str, opening: str, closing: str) -> bool:
    if opening == closing:
        return before.count(opening) % 2 == 1
    last = before.rfind(opening)
    return last >= 0 and not any(mark in before[last + 1 :] for mark in closing)
