"""What is markup in wikitext, by regular expressions whose every match is short, so that none can be made slow."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SWITCH = (
    r"__(?:(?:NO|FORCE)?TOC|NOEDITSECTION|(?:NO)?NEWSECTIONLINK|NOGALLERY|HIDDENCAT|EXPECTUNUSED(?:CATEGORY|TEMPLATE)|(?:NO)?INDEX"
    r"|NOCONTENTCONVERT|NOCC|NOTITLECONVERT|NOTC|STATICREDIRECT|NOGLOBAL|DISAMBIG)__"
)
"""Behaviour switches (mediawiki.org, Help:Magic_words): they may stand within a word and show nothing."""
MARKUP = re.compile(rf"[\[\]{{}}<&\0]|''|://|^[=:;*#|!]|{_SWITCH}", re.MULTILINE)
"""Where this does not match, wikitext is plain text."""

_OPENING = re.compile(r"\{\{|\[\[|\[h|\{\||<[A-Za-z!]|^[:;*#|!]", re.MULTILINE)

NOISE = re.compile(
    r"'{2,}|\[{2}[^\[\]|\n]{0,255}\|(?=[^\[\]|\n]{1,255}\]\])|\[{1,64}(?=https?:|//)|\[{2,}|\]{2,}|\{{2,}\|?|\}{2,}|\{\||\|\}|<!--[^<>]{0,99}-->|<!--|-->"
    r"|</?[A-Za-z]{1,20}\s?/?>|https?://|^[:;*#]{1,64}|^={2,6}|={2,6}[ \t]{0,9}$|&\#?\w{1,32};|\0|" + _SWITCH,
    re.MULTILINE,
)
"""Markup to drop where nothing is parsed. Every alternative is bounded, so that matching is linear."""

NESTING = re.compile(
    r"\{[{|]|<|\[(?=https?:|//)|\[\[[^\[\]|\n]{0,255}\|[^\[\]|]{0,999}[\[|]|^[|!]|\0", re.MULTILINE
)
"""Markup that needs a parser. Links, formatting, headings, lists and entities (a reply on a talk page) do not nest."""

INLINE_TAGS = frozenset(
    (
        "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark",
        "nowiki", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
    )
)
SILENT_ATTRIBUTES = frozenset(
    (
        "class", "style", "id", "name", "group", "align", "valign", "width", "height", "colspan", "rowspan",
        "scope", "bgcolor",
    )
)
IMAGE_OPTION = re.compile(
    r"\s*(thumb|thumbnail|frame|frameless|border|left|right|center|none|upright(=[^|]*)?|\d*(x\d+)?px)\s*"
)
PARAMETER = 150
"""What a bar costs the parser, in the same measure: it may begin a parameter, which is a node of its own."""
_SENTENCE_WORDS = 3
_BETWEEN_WORDS = (" ", "_", "%20")
"""Not the hyphen: addresses of news pages are made of it, and they quote headlines."""


@dataclass(slots=True)
class Allowance:
    """How much parsing may still be done, in characters times openings of markup; one costs up to about 100 ns."""

    left: int = 2_000_000
    single: int = 150_000
    """Most for one fragment."""

    def take(self, source: str, start: int, end: int) -> bool:
        """Whether this fragment may be parsed; it is paid for then."""
        cost = (end - start) * (1 + sum(1 for _ in _OPENING.finditer(source, start, end))) + PARAMETER * source.count("|", start, end)
        if cost > self.single or cost > self.left:
            return False
        self.left -= cost
        return True


def like_a_sentence(text: str) -> bool:
    """Whether a name or an address has so many words, or lines, that somebody may be saying something with it."""
    text = text.strip()
    return "\n" in text or sum(map(text.count, _BETWEEN_WORDS)) >= _SENTENCE_WORDS - 1
