"""What to hide: the plan for one text on one wiki. Pure; :mod:`tsbot.hide.suggest` gathers what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tsbot.hide.exposure import Answers, Why, clean_before, exposures
from tsbot.hide.matter import Matter
from tsbot.hide.policy import Ground, Level
from tsbot.text.passage import Field
from tsbot.wiki.history import LogEntry, PageHistory, PageRef, Revision, WikiFacts

NOTICED = 5
"""Struck-out lines of a history that hardly anybody minds."""
CONSPICUOUS = 50
"""Struck-out lines that make people ask what was there."""


class Reached(StrEnum):
    """How a page comes into the plan."""

    FLAGGED = "flagged"
    MOVE = "move"
    """It was moved from there or to there, or swapped."""
    MERGE = "merge"
    """A part of the history is, or was, there: merged, split or imported."""
    COPY = "copy"
    """An author of the text edited it at that time."""


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision and what of it is to be hidden."""

    rev_id: int
    time: float
    fields: tuple[Field, ...]
    """What shows the matter and is open: some of text, summary and user."""
    hidden: tuple[Field, ...]
    """What shows it and is hidden as thoroughly as it should be, as far as we are told."""
    why: Why
    current: bool = False
    by_author: bool = False
    """Made by one who put the text there; others lose what they wrote in the same revision."""


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page and its revisions that show the matter."""

    page: PageRef
    reached: Reached
    revisions: tuple[PlannedRevision, ...]
    """Oldest first."""
    of: int
    """How many revisions the page has."""
    unreadable: tuple[int, ...] = ()
    """Revisions whose text is hidden from us: whether they show it is not known."""
    suppressed: tuple[int, ...] = ()
    """Those of them that are hidden from administrators, too."""
    clean: int | None = None
    """The newest revision that does not show it."""
    title_shows: bool = False
    complete: bool = True

    @property
    def open(self) -> tuple[PlannedRevision, ...]:
        """Revisions of which something is left to hide."""
        return tuple(revision for revision in self.revisions if revision.fields)

    @property
    def revert_first(self) -> bool:
        """Whether the current revision shows it in its text, which no wiki lets anybody hide."""
        return any(revision.current and Field.TEXT in (*revision.fields, *revision.hidden) for revision in self.revisions)


@dataclass(frozen=True, slots=True)
class PlannedLog:
    """A log entry that shows the matter: in its title (or what a page was moved to), comment or user name."""

    log_id: int
    log_type: str
    action: str
    time: float
    fields: tuple[Field, ...]


class Note(StrEnum):
    """Something the reader has to know."""

    NOT_FOUND = "not_found"
    FLAGGED_HIDDEN = "flagged_hidden"
    FLAGGED_DELETED = "flagged_deleted"
    NOT_THERE = "not_there"
    UNREADABLE = "unreadable"
    INCOMPLETE = "incomplete"
    NO_CRITERION = "no_criterion"
    AUTHOR_HIDDEN = "author_hidden"
    ONLY_FORWARD = "only_forward"


NOTE_WORDS: dict[Note, str] = {
    Note.NOT_FOUND: "Nothing that can be read shows the text.",
    Note.FLAGGED_HIDDEN: "The text of the flagged revision is hidden already; what follows was searched for by what is known of it.",
    Note.FLAGGED_DELETED: "The flagged revision is deleted, with its page or alone. Logs and other pages were searched, deleted ones not.",
    Note.NOT_THERE: "The flagged revision itself does not show the text that was searched for. Is it the right text?",
    Note.UNREADABLE: "Some revisions are hidden already, from us too; somebody with the right must look whether that suffices.",
    Note.INCOMPLETE: "There is more than was looked at: the limits were reached.",
    Note.NO_CRITERION: "No criterion is known to cover this; whether to hide it, and how, is for a person to decide.",
    Note.AUTHOR_HIDDEN: "The author is hidden from us: copies on other pages were not looked for.",
    Note.ONLY_FORWARD: "Only revisions from the flagged one on were looked at.",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to hide. Carries no text; ``names`` and titles of pages may be matter themselves."""

    wiki: str
    subject: str
    """``wiki:rev:ID``, or ``wiki:log:ID``."""
    facts: WikiFacts
    grounds: tuple[Ground, ...]
    level: Level | None
    pages: tuple[PlannedPage, ...]
    log_entries: tuple[PlannedLog, ...] = ()
    names: tuple[str, ...] = ()
    """User names that show the matter: they are on every wiki, so a steward must lock them, with suppression."""
    authors: tuple[str, ...] = ()
    """Who put the text somewhere."""
    searched: int = 0
    """Revisions looked at."""
    read: int = 0
    """Texts read for that."""
    notes: tuple[Note, ...] = ()

    @property
    def count(self) -> int:
        """Revisions of which something is left to hide."""
        return sum(len(page.open) for page in self.pages)

    @property
    def by_others(self) -> int:
        """Those among them that somebody else made: their edits become unreadable too."""
        return sum(not revision.by_author and Field.TEXT in revision.fields for page in self.pages for revision in page.open)

    @property
    def nothing_left(self) -> bool:
        """Whether nothing that was looked at shows the matter any more."""
        return not self.count and not self.log_entries and not any(page.title_shows for page in self.pages)

    @property
    def exposed_since(self) -> float | None:
        """When it was first shown, in seconds since the epoch."""
        return min((revision.time for page in self.pages for revision in page.revisions), default=None)


def plan_page(
    history: PageHistory, shows: Answers, matter: Matter, *, reached: Reached, level: Level | None, authors: frozenset[str]
) -> PlannedPage:
    """The plan for one page. ``shows`` is what :func:`tsbot.hide.exposure.spread` made; ``level`` says what counts as hidden."""
    planned = []
    current = history.page.current or (history.revisions[-1].rev_id if history.revisions else 0)
    for exposure in exposures(history.revisions, shows, matter):
        revision = exposure.revision
        hidden = tuple(field for field in exposure.fields if _hidden(revision, field, level))
        planned.append(
            PlannedRevision(
                rev_id=revision.rev_id,
                time=revision.time,
                fields=tuple(field for field in exposure.fields if field not in hidden),
                hidden=hidden,
                why=exposure.why,
                current=revision.rev_id == current,
                by_author=revision.user in authors,
            )
        )
    unreadable = [revision for revision in history.revisions if revision.text_hidden and shows.get(revision.rev_id) is None]
    return PlannedPage(
        page=history.page,
        reached=reached,
        revisions=tuple(planned),
        of=len(history.revisions),
        unreadable=tuple(revision.rev_id for revision in unreadable),
        suppressed=tuple(revision.rev_id for revision in unreadable if revision.suppressed),
        clean=clean_before(history.revisions, shows),
        title_shows=matter.shows(history.page.title),
        complete=history.complete,
    )


def _hidden(revision: Revision, field: Field, level: Level | None) -> bool:
    mark = {Field.TEXT: revision.text_hidden, Field.SUMMARY: revision.comment_hidden, Field.USER: revision.user_hidden}[field]
    return mark and (revision.suppressed or level is not Level.SUPPRESSION)


def inserters(history: PageHistory, shows: Answers, matter: Matter, *, names: bool) -> list[Revision]:
    """Revisions whose authors put the text there, again or first, in text, summary or name; oldest first.

    ``names`` says that the text is somebody's name: whoever takes back edits of that account writes it into a summary, and means no harm.
    """
    found = [exposure for exposure in exposures(history.revisions, shows, matter) if exposure.why is not Why.KEPT]
    return [exposure.revision for exposure in found if not names or exposure.fields != (Field.SUMMARY,)]


def plan_logs(entries: Sequence[LogEntry], matter: Matter) -> tuple[PlannedLog, ...]:
    """The log entries that show the matter, each once, oldest first."""
    found = {}
    for entry in entries:
        fields = []
        if not entry.title_hidden and (matter.shows(entry.title) or matter.shows(entry.target)):
            fields.append(Field.TITLE)
        if not entry.comment_hidden and matter.shows_cut(entry.comment):
            fields.append(Field.COMMENT)
        if not entry.user_hidden and matter.shows(entry.user):
            fields.append(Field.USER)
        if fields and entry.log_id:
            found[entry.log_id] = PlannedLog(entry.log_id, entry.log_type, entry.action, entry.time, tuple(fields))
    return tuple(found[log_id] for log_id in sorted(found))


def attention(plan: Plan) -> str:
    """How hiding so much looks to others, in a sentence."""
    count = plan.count
    if not count:
        return "Nothing is left to hide."
    lines = f"{count} line{'s' if count != 1 else ''} of page histories will be struck out"
    if plan.level is not Level.SUPPRESSION:
        lines += ", and the public deletion log will say so"
    if count <= NOTICED:
        looks = "That is seldom noticed."
    elif count <= CONSPICUOUS:
        looks = "Whoever watches the page will notice; say nothing of it in public."
    else:
        looks = "That is conspicuous, and draws readers to copies elsewhere: consider with a second oversighter whether less will do."
    return f"{lines}. {looks}"
