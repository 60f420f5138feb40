"""From an edit to the passages that are judged.

:func:`added_passages` gives those of the page's text, which must be fetched;
:func:`tsbot.text.event_fields.event_passages` those of what the event itself carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tsbot.stream.events import Event, EventKind
from tsbot.text.diff import Limits, Span, added_spans
from tsbot.text.event_fields import event_passages
from tsbot.text.markup import Allowance
from tsbot.text.passage import Field, Passage
from tsbot.text.plain import plain_passage

__all__ = ["PASSAGE_CHARS", "AddedText", "added_passages", "carried_passages", "event_passages"]

PASSAGE_CHARS = 2_000
"""Most characters of wikitext in one passage: some paragraphs, so that a sentence is judged with what surrounds it and
still counts among it."""

_NEAR = 300
"""Characters of unchanged text between two additions to one paragraph that still make one passage."""


def carried_passages(event: Event) -> list[Passage]:
    """Passages of all that an event carries: those of :func:`event_passages`, and the text of an attempt."""
    passages = event_passages(event)
    if event.kind is EventKind.ATTEMPT and event.text:
        passages += added_passages(None, event.text, max_chars=len(event.text)).passages
    return passages


@dataclass(frozen=True, slots=True)
class AddedText:
    """What an edit added."""

    passages: tuple[Passage, ...]
    cut: int
    """Characters of added wikitext beyond ``max_chars``, which nobody has judged."""


def added_passages(
    old: str | None, new: str, *, max_chars: int, passage_chars: int = PASSAGE_CHARS, limits: Limits | None = None
) -> AddedText:
    """What an edit added to a page, as passages whose ``source_span`` points into ``new``.

    ``old`` is None where there is no earlier text: then all of ``new`` is added. Additions to one paragraph make one
    passage; long ones are cut between paragraphs, else lines, else sentences, else words. At most ``max_chars``
    characters of wikitext are taken, from the beginning.
    """
    spans = added_spans(old or "", new, limits=limits)
    total = sum(span.end - span.start for span in spans)
    allowance = Allowance()
    passages: list[Passage] = []
    for group in _groups(new, _first(spans, max_chars) if total > max_chars else spans, passage_chars):
        passage = plain_passage(Field.TEXT, new, group, allowance)
        if passage is not None:
            passages.append(passage)
    return AddedText(tuple(passages), max(0, total - max_chars))


def _first(spans: Sequence[Span], chars: int) -> Iterator[Span]:
    """The first ``chars`` characters of the spans."""
    for start, end in spans:
        if chars <= 0:
            return
        yield Span(start, min(end, start + chars))
        chars -= end - start


def _groups(new: str, spans: Iterator[Span] | Sequence[Span], size: int) -> Iterator[list[Span]]:
    """Spans and parts of spans that make one passage."""
    group: list[Span] = []
    for span in spans:
        for piece in _pieces(new, span, size):
            if group and not (
                piece.start - group[-1].end <= _NEAR
                and piece.end - group[0].start <= size
                and "\n\n" not in new[group[-1].end : piece.start]
            ):
                yield group
                group = []
            group.append(piece)
    if group:
        yield group


def _pieces(new: str, span: Span, size: int) -> Iterator[Span]:
    """A span in pieces of at most ``size`` characters, cut where it tears least."""
    start, end = span
    while end - start > size:
        low, high = start + size // 2, start + size
        for mark in ("\n\n", "\n", ". ", "。", " "):
            at = new.rfind(mark, low, high)
            if at >= 0:
                cut = at + len(mark)
                break
        else:
            cut = high
        yield Span(start, cut)
        start = cut
    yield Span(start, end)
