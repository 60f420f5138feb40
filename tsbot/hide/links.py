"""Links to the form in which a person hides what the plan names.

``Special:RevisionDelete?type=revision&ids=1,2&wpReason=...`` (MediaWiki, ``SpecialRevisionDelete``). All ids of one form must be
on one page, so each page has links of its own; the form finds the page by the ids, and the link does not name it: a title can be
what has to vanish. The boxes of the form cannot be ticked by a link. ``tshide`` says which ones it is about, for a script on the
wiki (and for whoever reads the address).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tsbot.hide.plan import Plan, PlannedPage
from tsbot.hide.policy import Level, reason
from tsbot.text.passage import Field

LONGEST_LINK = 4000
"""Characters: browsers, mail programs and the wikis' front ends take twice as much, each with limits of its own."""
BOXES = {Field.TEXT: "content", Field.SUMMARY: "comment", Field.USER: "user", Field.TITLE: "content", Field.COMMENT: "comment"}
"""What the API (``action=revisiondelete``, ``hide``) calls a field; of log entries the title is their content."""


@dataclass(frozen=True, slots=True)
class HideLink:
    """A form for some revisions of one page, or for some log entries, of which the same fields are to be hidden."""

    url: str
    ids: tuple[int, ...]
    hide: tuple[str, ...]
    """Some of content, comment and user."""
    page_id: int = 0
    """0 for log entries."""


def revision_links(plan: Plan, page: PlannedPage, *, longest: int = LONGEST_LINK) -> tuple[HideLink, ...]:
    """Links for what is left to hide on one page: one, unless revisions differ in what of them shows the text, or are too many."""
    found: list[HideLink] = []
    for fields, ids in _by_fields((revision.fields, revision.rev_id) for revision in page.open):
        found += _links(plan, "revision", fields, ids, page.page.page_id, longest)
    return tuple(found)


def log_links(plan: Plan, *, longest: int = LONGEST_LINK) -> tuple[HideLink, ...]:
    """Links for log entries."""
    found: list[HideLink] = []
    for fields, ids in _by_fields((entry.fields, entry.log_id) for entry in plan.log_entries):
        found += _links(plan, "logging", fields, ids, 0, longest)
    return tuple(found)


def _by_fields(items: Iterator[tuple[tuple[Field, ...], int]]) -> list[tuple[tuple[Field, ...], list[int]]]:
    groups: dict[tuple[Field, ...], list[int]] = {}
    for fields, number in items:
        groups.setdefault(fields, []).append(number)
    return list(groups.items())


def _links(plan: Plan, kind: str, fields: Sequence[Field], ids: Sequence[int], page_id: int, longest: int) -> Iterator[HideLink]:
    hide = tuple(dict.fromkeys(BOXES[field] for field in fields))
    left = list(ids)
    while left:
        some = left
        while len(url := _url(plan, kind, hide, some)) > longest and len(some) > 1:
            some = some[: max(1, min(len(some) - 1, len(some) * longest // len(url)))]
        yield HideLink(url, tuple(some), hide, page_id)
        left = left[len(some) :]


def _url(plan: Plan, kind: str, hide: Sequence[str], ids: Sequence[int]) -> str:
    boxes = (*hide, "restricted") if plan.level is Level.SUPPRESSION else tuple(hide)
    query = {
        "title": "Special:RevisionDelete",
        "type": kind,
        "ids": ",".join(map(str, ids)),
        "wpReason": reason(plan.facts.language),
        "tshide": ",".join(boxes),
    }
    return f"{plan.facts.base}/w/index.php?{urlencode(query, safe=',:')}"
