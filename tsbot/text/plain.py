"""Wikitext to the text that a reader sees, with the way back to the wikitext.

Only fragments of a page are parsed (what an edit added). Parsing costs more the more unclosed markup there is, so a
fragment is parsed only while an :class:`Allowance` lasts; the rest is only rid of its markup characters. Nothing that a
person wrote is left out:

* formatting, tags, link targets, template and parameter names, categories' and files' markup go;
* labels, captions, headings, values of template parameters, entities as characters stay;
* what is out of the flow of reading (footnotes, comments, attribute values, and names or targets that read like a
  sentence) follows after the rest, so that a sentence is not torn by it.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mwparserfromhell
from mwparserfromhell.nodes import (
    Argument,
    Comment,
    ExternalLink,
    Heading,
    HTMLEntity,
    Tag,
    Template,
    Text,
    Wikilink,
)
from mwparserfromhell.wikicode import Wikicode

from tsbot.text.markup import (
    IMAGE_OPTION,
    INLINE_TAGS,
    MARKUP,
    NESTING,
    NOISE,
    SILENT_ATTRIBUTES,
    Allowance,
    like_a_sentence,
)
from tsbot.text.passage import Field, Passage


@dataclass(frozen=True, slots=True)
class Plain:
    """Plain text. ``origins[i]`` is where in the source ``text[i]`` comes from, and one entry more for the end."""

    text: str
    origins: Sequence[int]


def plain_text(source: str, spans: Sequence[tuple[int, int]], allowance: Allowance) -> Plain:
    """Plain text of stretches of wikitext (code point offsets in ``source``), joined by line breaks.

    Each character is the one at its origin in ``source``, but for entities (their origin is the ``&``) and white space
    put where markup stood. Any string is accepted: unclosed markup, NULs, unpaired surrogates.
    """
    writer = _Writer(source)
    for start, end in spans:
        writer.gap(start, "\n")
        if MARKUP.search(source, start, end) is None:
            writer.copy(start, end)
            continue
        nested = NESTING.search(source, start, end) is not None
        if not (nested and allowance.take(source, start, end) and writer.write_parsed(start, end)):
            writer.write_stripped(start, end)
    return writer.result(spans[-1][1] if spans else 0)


def plain_passage(
    field: Field, source: str, spans: Sequence[tuple[int, int]], allowance: Allowance
) -> Passage | None:
    """Plain text of at least one stretch of a field's ``source`` as one passage; None if nothing is left to read."""
    start, end = spans[0]
    if len(spans) == 1 and MARKUP.search(source, start, end) is None:
        text = source[start:end].rstrip()
        start += len(text) - len(text := text.lstrip())
        return Passage(field, text, start) if text else None
    plain = plain_text(source, spans, allowance)
    return Passage(field, plain.text, 0, plain.origins) if plain.text else None


class _MisreadError(Exception):
    """The parser's tree does not say what the source says; never leaves this module."""


class _Writer:
    """Collects pieces of the source, in the order of reading."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.parts: list[str] = []
        self.origins: list[int] = []
        self._later: list[Callable[[], None]] = []

    def result(self, end: int) -> Plain:
        text = "".join(self.parts)
        kept = len(text.rstrip())
        last = self.origins[kept - 1] + 1 if kept else end
        return Plain(text[:kept], (*self.origins[:kept], last))

    def gap(self, at: int, white: str = " ") -> None:
        """White space (of this kind, if it is a line break), unless there is some."""
        if self.parts and not (self.parts[-1].endswith("\n") if white == "\n" else self.parts[-1][-1].isspace()):
            self.parts.append(white)
            self.origins.append(at)

    def copy(self, start: int, end: int) -> None:
        if start < end:
            self.parts.append(self.source[start:end])
            self.origins.extend(range(start, end))

    def write_stripped(self, start: int, end: int) -> None:
        """A stretch without its markup characters, unparsed."""
        self._later = []
        self._strip(start, end)
        self._write_later()

    def write_parsed(self, start: int, end: int) -> bool:
        """A stretch by way of the parser; False, and nothing written, if that did not give its text."""
        # The tokenizer, in C, ends at a NUL: what stands behind it would be hidden.
        fragment = self.source[start:end].replace("\0", " ")
        characters, parts = len(self.origins), len(self.parts)
        self._later = []
        try:
            read = self._code(mwparserfromhell.parse(fragment, skip_style_tags=True), start) == end
            self._write_later()
        except Exception:
            # Whatever the parser trips over, the text must still be read: markup must not be a way to hide.
            read = False
        if read and any(not part.isspace() for part in self.parts[parts:]):
            return True
        del self.origins[characters:], self.parts[parts:]
        return False

    def _write_later(self) -> None:
        for write in self._later:  # grows while it is walked: a comment in a footnote
            self.gap(self.origins[-1] if self.origins else 0, "\n")
            write()

    def _strip(self, start: int, end: int) -> None:
        for match in NOISE.finditer(self.source, start, end):
            self.copy(start, match.start())
            start = match.end()
            noise = match.group()
            if noise[0] == "&":
                self._character(noise, match.start())
            elif noise[0] == "[" and noise[-1] == "|" and like_a_sentence(noise):
                self._later_text(match.start() + 2, start - 1)
            elif noise[:4] == "<!--" and len(noise) > 4:
                self._later_text(match.start() + 4, start - 3)
            elif noise[0] in "<-|\0" and noise.strip("</ >").lower() not in INLINE_TAGS:
                self.gap(match.start())
        self.copy(start, end)

    def _character(self, entity: str, at: int) -> None:
        for character in html.unescape(entity):
            self.parts.append(character)
            self.origins.append(at)

    def _code(self, code: Wikicode, at: int) -> int:
        """Write the nodes that stand at ``at``; returns where they end."""
        for node in code.nodes:
            at = _HANDLERS[type(node)](self, node, at)
        return at

    def _text(self, node: Text, at: int) -> int:
        value = node.value
        end = at + len(value)
        if self.source[at:end] != value and self.source[at:end].replace("\0", " ") != value:
            raise _MisreadError
        if MARKUP.search(self.source, at, end) is None:
            self.copy(at, end)
        else:
            self._strip(at, end)
        return end

    def _later_text(self, start: int, end: int) -> None:
        if start < end:
            self._later.append(lambda: self._strip(start, end))

    def _unseen(self, code: object, at: int) -> int:
        """Something that readers do not see: it is kept, out of the flow, if it reads like a sentence."""
        text = str(code)
        if like_a_sentence(text):
            self._later_text(at, at + len(text))
        return at + len(text)

    def _template(self, node: Template, at: int) -> int:
        at = self._unseen(node.name, at + 2)
        apart = len(node.params) != 1 or node.params[0].showkey  # "h{{red|u}}rt" stays one word
        for param in node.params:
            if apart:
                self.gap(at)
            at += 1
            if param.showkey:
                at = self._unseen(param.name, at) + 1
            at = self._code(param.value, at)
        if apart and node.params:
            self.gap(at)
        return at + 2

    def _argument(self, node: Argument, at: int) -> int:
        at = self._unseen(node.name, at + 3)
        if node.default is not None:
            at = self._code(node.default, at + 1)
        return at + 3

    def _wikilink(self, node: Wikilink, at: int) -> int:
        at += 2
        if node.text is None:
            return self._code(node.title, at) + 2
        label = str(node.text)
        if not label.strip():
            return self._code(node.title, at) + 1 + len(label) + 2
        at = self._unseen(node.title, at) + 1
        end = at + len(label)
        while True:  # [[File:A.jpg|thumb|left|Caption]]
            match = IMAGE_OPTION.match(self.source, at, end)
            if match is None or self.source[match.end() : match.end() + 1] != "|":
                break
            at = match.end() + 1
        if at + len(label) == end:
            return self._code(node.text, at) + 2
        self._strip(at, end)
        return end + 2

    def _external_link(self, node: ExternalLink, at: int) -> int:
        if not node.brackets:
            return self._url(str(node.url), at)
        at += 1
        if node.title is None:
            return self._url(str(node.url), at) + 1
        at = self._unseen(node.url, at)
        if not node.suppress_space:
            at += 1
        return self._code(node.title, at) + 1

    def _url(self, url: str, at: int) -> int:
        """A bare address, which readers see, without its scheme."""
        scheme = url.find("//") + 2 if "//" in url[:12] else 0
        self.copy(at + scheme, at + len(url))
        return at + len(url)

    def _heading(self, node: Heading, at: int) -> int:
        level: int = node.level
        return self._code(node.title, at + level) + level

    def _comment(self, node: Comment, at: int) -> int:
        end = at + 4 + len(node.contents)
        self._later_text(at + 4, end)
        return end + 3

    def _entity(self, node: HTMLEntity, at: int) -> int:
        text = str(node)
        self._character(text, at)
        return at + len(text)

    def _tag(self, node: Tag, at: int) -> int:
        name = str(node.tag).strip().lower()
        inline = name in INLINE_TAGS
        if not inline:
            self.gap(at)
        if node.wiki_markup:
            at = self._attributes(node, at + len(node.wiki_markup)) + len(node.padding or "")
            at += len(node.wiki_style_separator or "")
            if node.self_closing:
                return at
            return self._contents(node, name, at) + len(node.closing_wiki_markup or "")
        at += 2 if node.invalid else 1
        at = self._attributes(node, at + len(str(node.tag))) + len(str(node.padding))
        if node.self_closing:
            return at + (1 if node.implicit else 2)
        end = self._contents(node, name, at + 1)
        if not inline:
            self.gap(end)
        return end + 3 + len(str(node.closing_tag))

    def _contents(self, node: Tag, name: str, at: int) -> int:
        if name != "ref":
            return self._code(node.contents, at)
        contents = node.contents
        self._later.append(lambda: self._exactly(contents, at))
        return at + len(str(contents))

    def _exactly(self, code: Wikicode, at: int) -> None:
        if self._code(code, at) != at + len(str(code)):
            raise _MisreadError

    def _attributes(self, node: Tag, at: int) -> int:
        told = at  # <b I will come> has four attributes: neighbours are kept as one text
        for attribute in node.attributes:
            end = at + len(str(attribute))
            if str(attribute.name).strip().lower() in SILENT_ATTRIBUTES:
                self._later_text(told, at)
                told = end
            at = end
        self._later_text(told, at)
        return at


_HANDLERS: dict[type, Callable[..., int]] = {
    Text: _Writer._text,
    Template: _Writer._template,
    Argument: _Writer._argument,
    Wikilink: _Writer._wikilink,
    ExternalLink: _Writer._external_link,
    Heading: _Writer._heading,
    Comment: _Writer._comment,
    HTMLEntity: _Writer._entity,
    Tag: _Writer._tag,
}
