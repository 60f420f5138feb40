"""A plan for people and for programs. What shows the text itself (names, titles) is left out unless it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tsbot.hide.exposure import Why
from tsbot.hide.links import HideLink, log_links, revision_links
from tsbot.hide.matter import Matter
from tsbot.hide.plan import NOTE_WORDS, Note, Plan, PlannedPage, PlannedRevision, attention
from tsbot.hide.policy import Ground, Level
from tsbot.report.wording import moment, shown
from tsbot.text.passage import Field

WITHHELD = "(the title shows it)"
LEVEL_WORDS = {Level.REVISION_DELETION: "revision deletion", Level.SUPPRESSION: "suppression"}
WHY_WORDS = {
    Why.INSERTED: "inserted here",
    Why.KEPT: "still there",
    Why.REINSERTED: "put back here",
    Why.BESIDE: "not in the text",
}


def plain(plan: Plan, matter: Matter | None = None) -> dict[str, Any]:
    """A plan as JSON has it. With ``matter`` the text is shown, and names and titles that contain it."""
    pages = []
    for page in plan.pages:
        hidden = page.title_shows and matter is None
        pages.append(
            {
                "page_id": page.page.page_id,
                "title": None if hidden else page.page.title,
                "namespace": page.page.namespace,
                "title_shows": page.title_shows,
                "reached": page.reached.value,
                "revisions_of_page": page.of,
                "revert_first": page.revert_first,
                "clean": page.clean,
                "unreadable": list(page.unreadable),
                "complete": page.complete,
                "revisions": [asdict(revision) for revision in page.revisions],
                "links": [asdict(link) for link in revision_links(plan, page)],
            }
        )
    out: dict[str, Any] = {
        "wiki": plan.wiki,
        "subject": plan.subject,
        "level": plan.level,
        "grounds": [asdict(ground) for ground in plan.grounds],
        "count": plan.count,
        "by_others": plan.by_others,
        "nothing_left": plan.nothing_left,
        "exposed_since": plan.exposed_since,
        "attention": attention(plan),
        "pages": pages,
        "log_entries": [asdict(entry) for entry in plan.log_entries],
        "log_links": [asdict(link) for link in log_links(plan)],
        "names_to_lock": len(plan.names),
        "searched": plan.searched,
        "read": plan.read,
        "notes": [{"note": note.value, "words": NOTE_WORDS[note]} for note in plan.notes],
    }
    if matter is not None:
        out |= {"matter": [piece.source for piece in matter.pieces], "names": list(plan.names), "authors": list(plan.authors)}
    return out


def lines(plan: Plan, matter: Matter | None = None) -> Iterator[str]:
    """A plan in words, line by line. With ``matter`` the text is shown, and names and titles that contain it."""
    pages = [page for page in plan.pages if page.open]
    if plan.count:
        since = f", since {moment(plan.exposed_since)}" if plan.exposed_since is not None else ""
        yield f"{plan.subject}: {_count(plan.count, 'revision')} on {_count(len(pages), 'page')} to hide{since}."
    else:
        yield f"{plan.subject}: no revision is left to hide."
    yield from _grounds(plan)
    if plan.count:
        yield attention(plan)
    if plan.by_others:
        yield f"{_count(plan.by_others, 'of these revisions is', 'of these revisions are')} by somebody else, who loses an edit with it."
    if matter is not None:
        yield from ("", "What was searched for:", *(f"  {shown(piece.source, 2000)}" for piece in matter.pieces))
    for page in plan.pages:
        yield from ("", *_page(plan, page, masked=matter is None))
    if plan.log_entries:
        yield from ("", "Log entries that show it:")
        for entry in plan.log_entries:
            yield f"  {entry.log_id}  {entry.log_type}/{entry.action}  {_fields(entry.fields)}"
        yield from (_link(link) for link in log_links(plan))
    if plan.names:
        yield from ("", f"{_count(len(plan.names), 'user name shows it', 'user names show it')}, on every wiki there is.")
        yield "  Ask the stewards, by private mail, for a global lock with suppression; a block on this wiki does not suffice."
        if matter is not None:
            yield from (f"  {shown(name)}" for name in plan.names)
    if plan.notes:
        yield ""
    yield from (f"Note: {NOTE_WORDS[note]}" for note in plan.notes)
    yield f"{_count(plan.searched, 'revision')} looked at, {_count(plan.read, 'text')} read."


def _grounds(plan: Plan) -> Iterator[str]:
    if plan.level is None:
        if Note.NO_CRITERION not in plan.notes:
            yield "How: not known, since nobody said what kind of thing it is (--kind)."
        return
    yield f"How: {LEVEL_WORDS[plan.level]}."
    yield from (f"  {ground_words(ground)}" for ground in plan.grounds)


def ground_words(ground: Ground) -> str:
    """A criterion in a sentence."""
    meanwhile = f"; meanwhile an administrator may hide it ({ground.interim})" if ground.interim else ""
    unsure = "; compare with the wiki's own page, nobody has yet" if not ground.confirmed else ""
    return f"{ground.criterion}, {ground.words} ({ground.policy}): {LEVEL_WORDS[ground.level]}{meanwhile}{unsure}"


def _page(plan: Plan, page: PlannedPage, *, masked: bool) -> Iterator[str]:
    title = WITHHELD if page.title_shows and masked else shown(page.page.title)
    number = len(page.revisions)
    yield f"Page {page.page.page_id} {title} ({page.reached.value}): {number} of {page.of:,} revisions show{'s' if number == 1 else ''} it"
    if page.revert_first:
        yield "  Revert first, with a neutral summary of your own: the current revision shows it, and its text cannot be hidden."
        yield f"  Newest revision without it: {page.clean}." if page.clean else "  No revision is without it: blank or delete the page."
    if page.title_shows:
        yield "  The title shows it: move the page without a redirect, or delete it. Hiding revisions does not change a title."
    for run in runs(page.revisions):
        first, last = run[0], run[-1]
        ids = f"{first.rev_id}" if len(run) == 1 else f"{first.rev_id} to {last.rev_id} ({len(run)})"
        done = f"; hidden already: {_fields(first.hidden)}" if first.hidden else ""
        yield f"  {ids}  {_fields(first.fields) or 'nothing left'}  {WHY_WORDS[first.why]}{done}{'; current' if last.current else ''}"
    yield from (_link(link) for link in revision_links(plan, page))
    if page.unreadable:
        more = " ..." if len(page.unreadable) > 20 else ""
        yield f"  Hidden already, and not readable: {', '.join(map(str, page.unreadable[:20]))}{more}"


def runs(revisions: tuple[PlannedRevision, ...]) -> list[list[PlannedRevision]]:
    """Neighbours of which the same is to be said."""
    return [list(run) for _, run in groupby(revisions, key=lambda one: (one.fields, one.hidden, one.why, one.current))]


def _link(link: HideLink) -> str:
    return f"  hide {' and '.join(link.hide)} of {len(link.ids)}: {link.url}"


def _fields(fields: tuple[Field, ...]) -> str:
    return ", ".join(name.value for name in fields)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
