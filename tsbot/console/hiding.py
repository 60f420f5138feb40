"""The plan of what to hide as a case's page shows it: page by page, run by run, with the links; what the text shows in it is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tsbot.cases.flag import Flag
from tsbot.console.console import AskHistories
from tsbot.errors import TsbotError
from tsbot.hide.asked import from_flags
from tsbot.hide.links import HideLink, log_links, revision_links
from tsbot.hide.plan import NOTE_WORDS, Plan, PlannedPage, PlannedRevision, attention
from tsbot.hide.suggest import suggest
from tsbot.hide.view import ground_words, runs

UNREADABLE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Run:
    """Revisions one after the other of which the same is to be done."""

    first: PlannedRevision
    last: int
    revisions: int


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What to hide on one page."""

    page: PlannedPage
    title: str | None
    """None where it shows the text itself."""
    runs: tuple[Run, ...]
    links: tuple[HideLink, ...]

    @property
    def unreadable(self) -> tuple[int, ...]:
        """Some of the revisions that are hidden already."""
        return self.page.unreadable[:UNREADABLE_SHOWN]


@dataclass(frozen=True, slots=True)
class HidePlan:
    """A plan as the page shows it."""

    plan: Plan | None = None
    pages: tuple[PagePlan, ...] = ()
    log_links: tuple[HideLink, ...] = ()
    grounds: tuple[str, ...] = ()
    attention: str = ""
    notes: tuple[str, ...] = ()
    trouble: str = ""
    """Why there is none."""


def plan(flags: Sequence[Flag], histories: AskHistories | None) -> HidePlan:
    """What to hide for the flags on one subject. Never raises for a wiki that does not answer: the page says so."""
    if histories is None or not flags:
        return HidePlan(trouble="off")
    content = next((flag.content for flag in flags if flag.content is not None), None)
    try:
        made = suggest(from_flags(flags), histories(flags[0].wiki, content.server_url if content else ""))
    except TsbotError as error:
        return HidePlan(trouble=str(error))
    return HidePlan(
        plan=made,
        pages=tuple(_page(made, page) for page in made.pages),
        log_links=log_links(made),
        grounds=tuple(ground_words(ground) for ground in made.grounds),
        attention=attention(made),
        notes=tuple(NOTE_WORDS[note] for note in made.notes),
    )


def _page(made: Plan, page: PlannedPage) -> PagePlan:
    title = None if page.title_shows else page.page.title
    some = tuple(Run(run[0], run[-1].rev_id, len(run)) for run in runs(page.revisions))
    return PagePlan(page, title, some, revision_links(made, page))
