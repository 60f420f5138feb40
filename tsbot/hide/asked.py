"""What to look for: from flags, from what a person names, or from the revision itself."""

from __future__ import annotations

from collections.abc import Sequence

from tsbot.cases.flag import Flag
from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.hide.matter import Matter
from tsbot.hide.suggest import Question
from tsbot.text.passage import Field
from tsbot.text.passages import added_passages
from tsbot.wiki.history import Histories

MOST_CHARS = 200_000


def from_flags(flags: Sequence[Flag]) -> Question:
    """Look for what the flags on one revision or log entry have: their sentences with evidence in them, titles and names whole.

    Raises ``InputError`` where that is not kept: it was destroyed, or never stored (kind ``minors``).
    """
    contents = [(flag, flag.content) for flag in flags if flag.content is not None]
    pieces: list[Matter] = []
    narrow = False
    for flag, content in contents:
        if flag.field is Field.USER:
            pieces.append(Matter.of_name(content.user or content.excerpt))
        elif flag.field is Field.TITLE:
            pieces.append(Matter.of_name(content.excerpt or content.title))
        elif content.excerpt:
            telling = [(span.start, span.end) for span in content.evidence if span.label == flag.kind.value]
            telling = telling or [(span.start, span.end) for span in content.evidence]
            narrow = narrow or not telling
            pieces.append(Matter.of_excerpt(content.excerpt, telling, content.user or ""))
    matter = together(pieces)
    if matter.empty:
        raise InputError("The flag's text is not kept (of minors it never is). Name it yourself: --text FILE, or - for standard input.")
    first = contents[0][1]
    if first.abuse_id is not None:
        raise InputError("Nothing of it was saved: a filter stopped it. Its entry in the abuse log can be hidden there.")
    return Question(
        wiki=flags[0].wiki,
        rev_id=first.rev_id or 0,
        matter=matter,
        kinds=tuple(dict.fromkeys(flag.kind for flag in flags)),
        user=first.user,
        title=first.title,
        narrow=narrow,
        time=min(flag.event_time for flag in flags),
        log_id=first.log_id or 0,
    )


def from_revision(source: Histories, wiki: str, rev_id: int, fields: Sequence[Field], kinds: Sequence[Kind]) -> Question:
    """Look for what stands in some fields of a revision: all the text that it added, its summary, its author's name, its page's title.

    Raises ``InputError`` if the wiki does not show it, and what ``source`` raises.
    """
    found = source.revisions([rev_id])
    if not found:
        raise InputError(f"{wiki} has no revision {rev_id}: it never existed, or it is deleted.")
    ((page, revision),) = found
    pieces: list[Matter] = []
    for name in fields:
        if name is Field.TEXT:
            texts = dict(source.texts([revision.rev_id, *([revision.parent_id] if revision.parent_id else [])]))
            added = added_passages(texts.get(revision.parent_id), texts.get(rev_id) or "", max_chars=MOST_CHARS)
            pieces += [Matter.of_excerpt(passage.text, (), revision.user or "") for passage in added.passages]
        else:
            title = page.title.partition(":")[2] if page.namespace and ":" in page.title else page.title
            value = {Field.SUMMARY: revision.comment, Field.USER: revision.user, Field.TITLE: title}.get(name)
            pieces.append(Matter.of_name(value or ""))
    matter = together(pieces)
    if matter.empty:
        raise InputError(f"{', '.join(name.value for name in fields)} of revision {rev_id}: empty, or hidden from us.")
    return Question(wiki, rev_id, matter, tuple(kinds), revision.user, page.title, Field.TEXT in fields, revision.time)


def together(matters: Sequence[Matter]) -> Matter:
    """Everything that any of them looks for."""
    return Matter(tuple(dict.fromkeys(piece for matter in matters for piece in matter.pieces)))
