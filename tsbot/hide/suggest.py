"""From a flagged revision to the plan: pages are reached, histories and texts read, each distinct text once."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tsbot.detect.finding import Kind
from tsbot.errors import InputError
from tsbot.hide.exposure import content_key, exposures, spread, to_read
from tsbot.hide.matter import Matter
from tsbot.hide.plan import Note, Plan, PlannedPage, Reached, inserters, plan_logs, plan_page
from tsbot.hide.policy import Level, Policies, level_of, shipped_policies
from tsbot.wiki.history import Histories, LogEntry, PageHistory, Revision

HOUR = 3600.0
_LINK = re.compile(r"\[\[:?([^\[\]|\n]{1,255})\]\]")


@dataclass(frozen=True, slots=True)
class Question:
    """What to look for, from where."""

    wiki: str
    rev_id: int
    """0 for a flag on a log entry."""
    matter: Matter
    kinds: tuple[Kind, ...] = ()
    """What the flags on the revision say it is, or a person."""
    user: str | None = None
    """The author as the flag knew them, in case the wiki hides them now."""
    title: str | None = None
    """The page's title as the flag knew it, in case the page is deleted now."""
    narrow: bool = False
    """Whether nobody knows which sentences are meant: those that stood on the page before the edit are left out then."""
    time: float | None = None
    """When the flagged edit was made, in seconds since the epoch, if that is known."""
    log_id: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How far to look. What is beyond is said to be."""

    hours: float = 24.0
    """Before the flagged edit, for copies by the same authors; after it there is no limit."""
    pages: int = 20
    revisions: int = 20_000
    """Of one page."""
    contributions: int = 500
    """Of one author."""
    authors: int = 5
    log_entries: int = 500
    """About one title, or by one author."""
    text_chars: int = 200_000
    """Of added text, to find where in the wikitext the flagged passage stands."""
    forward: bool = False
    """Look at revisions of the flagged page from the flagged one on only."""


@dataclass
class _Search:
    """What is known while searching."""

    question: Question
    source: Histories
    limits: Limits
    level: Level | None
    matter: Matter
    answers: dict[int, bool | None] = field(default_factory=dict)
    by_content: dict[tuple[str, int], bool] = field(default_factory=dict)
    reached: dict[int, Reached] = field(default_factory=dict)
    queue: deque[int] = field(default_factory=deque)
    histories: dict[int, tuple[PageHistory, dict[int, bool | None]]] = field(default_factory=dict)
    authors: dict[str, int] = field(default_factory=dict)
    """Names and user ids of those whose other edits were, or are to be, looked at."""
    asked: set[str] = field(default_factory=set)
    """Authors looked at."""
    titles: set[str] = field(default_factory=set)
    """Titles whose logs are to be looked at."""
    asked_titles: set[str] = field(default_factory=set)
    log: list[LogEntry] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    searched: int = 0

    def note(self, note: Note) -> None:
        """Say something once."""
        if note not in self.notes:
            self.notes.append(note)

    def reach(self, page_id: int, how: Reached) -> None:
        """Put a page into the plan's search, unless it was."""
        if not page_id or page_id in self.reached:
            return
        if len(self.reached) >= self.limits.pages:
            self.note(Note.INCOMPLETE)
            return
        self.reached[page_id] = how
        self.queue.append(page_id)

    def add_author(self, revision: Revision) -> None:
        """Remember somebody whose other edits have to be looked at."""
        if not revision.user or revision.user in self.authors:
            return
        if len(self.authors) >= self.limits.authors:
            self.note(Note.INCOMPLETE)
            return
        self.authors[revision.user] = revision.user_id


def suggest(
    question: Question, source: Histories, *, policies: Policies | None = None, limits: Limits | None = None
) -> Plan:
    """What to hide.

    Raises ``InputError`` if there is nothing to search for, or no such revision and nothing known of it; and what ``source``
    raises.
    """
    if question.matter.empty:
        raise InputError("There is no text to search for: it has no letters or digits.")
    policies = policies or shipped_policies()
    grounds = policies.grounds(question.wiki, question.kinds)
    search = _Search(question, source, limits or Limits(), level_of(grounds), question.matter)
    facts = source.facts()
    flagged = _flagged(search)
    since = (question.time if question.time is not None else flagged.time if flagged else 0.0) - search.limits.hours * HOUR
    _look(search, since)
    pages = _pages(search)
    names = tuple(sorted({name for name in _names(search) if search.matter.shows(name)}))
    if names:
        grounds = (*grounds, *(ground for ground in (policies.name_ground(question.wiki),) if ground not in grounds))
    plan = Plan(
        wiki=question.wiki,
        subject=f"{question.wiki}:rev:{question.rev_id}" if question.rev_id else f"{question.wiki}:log:{question.log_id}",
        facts=facts,
        grounds=grounds,
        level=level_of(grounds),
        pages=pages,
        log_entries=plan_logs(search.log, search.matter),
        names=names,
        authors=tuple(search.authors),
        searched=search.searched,
        read=len(search.answers),
    )
    return replace(plan, notes=_notes(search, plan, flagged))


def _flagged(search: _Search) -> Revision | None:
    """The flagged revision, if it is still there; what it tells about author, page and text is taken up."""
    question = search.question
    found = search.source.revisions([question.rev_id]) if question.rev_id else []
    if not found:
        if question.user is None and question.title is None:
            raise InputError(f"{question.wiki} has no revision {question.rev_id}: it never existed, or it is deleted.")
        if question.rev_id:
            search.note(Note.FLAGGED_DELETED)
        if question.user:
            search.authors[question.user] = 0
        if question.title:
            search.titles.add(question.title)
            for page in search.source.pages([question.title]):
                search.reach(page.page_id, Reached.FLAGGED)
        return None
    ((page, revision),) = found
    search.reach(page.page_id, Reached.FLAGGED)
    search.titles.add(page.title)
    if revision.text_hidden:
        search.note(Note.FLAGGED_HIDDEN)
    if revision.user:
        search.add_author(revision)
    elif question.user:
        search.authors[question.user] = 0
    else:
        search.note(Note.AUTHOR_HIDDEN)
    wanted = [revision.rev_id, *([revision.parent_id] if revision.parent_id else [])]
    texts = dict(search.source.texts(wanted))
    text, parent = texts.get(revision.rev_id), texts.get(revision.parent_id)
    if text is not None:
        search.matter = search.matter.in_wikitext(parent, text, max_chars=search.limits.text_chars)
        if question.narrow and (narrowed := search.matter.beyond(parent)).shows(text):
            search.matter = narrowed
        for rev_id, content in texts.items():
            search.answers[rev_id] = None if content is None else search.matter.shows(content)
        search.by_content[content_key(revision)] = search.matter.shows(text)
        if not any((search.matter.shows(text), search.matter.shows_cut(revision.comment), search.matter.shows(revision.user))):
            search.note(Note.NOT_THERE)
    return revision


def _look(search: _Search, since: float) -> None:
    """Go from page to author to page until nothing new is reached."""
    while True:
        waiting = [name for name in search.authors if name not in search.asked]
        if search.queue:
            _look_at_page(search, search.queue.popleft())
        elif waiting:
            search.asked.add(waiting[0])
            _look_at_author(search, waiting[0], search.authors[waiting[0]], since)
        elif search.titles:
            _look_at_title(search, search.titles.pop())
        else:
            return


def _look_at_page(search: _Search, page_id: int) -> None:
    history = search.source.history(page_id, search.limits.revisions)
    if history is None:  # deleted meanwhile
        return
    if search.limits.forward and search.reached[page_id] is Reached.FLAGGED:
        history = _from(history, search.question.rev_id)
        search.note(Note.ONLY_FORWARD)
    if not history.complete:
        search.note(Note.INCOMPLETE)
    search.titles.add(history.page.title)
    search.searched += len(history.revisions)
    _read(search, history.revisions)
    shows = spread(history.revisions, _known(search, history.revisions))
    search.histories[page_id] = (history, shows)
    named = any(search.matter.shows(name) for name in search.authors)
    for revision in inserters(history, shows, search.matter, names=named):
        search.add_author(revision)
    if exposures(history.revisions, shows, search.matter):
        _reach_neighbours(search, history)


def _known(search: _Search, revisions: Iterable[Revision]) -> dict[int, bool | None]:
    """What was read, here or of the same text on another page."""
    return {
        revision.rev_id: search.by_content.get(content_key(revision), search.answers.get(revision.rev_id))
        for revision in revisions
        if content_key(revision) in search.by_content or revision.rev_id in search.answers
    }


def _read(search: _Search, revisions: Sequence[Revision]) -> None:
    """Read each distinct text of some revisions once."""
    by_id = {revision.rev_id: revision for revision in revisions}
    while wanted := to_read(revisions, _known(search, revisions)):
        # The newest first: where reading is ended early, what people see now has been looked at.
        for rev_id, text in search.source.texts(sorted(wanted, reverse=True)):
            search.answers[rev_id] = None if text is None else search.matter.shows(text)
            if text is not None and rev_id in by_id:
                search.by_content[content_key(by_id[rev_id])] = search.matter.shows(text)


def _reach_neighbours(search: _Search, history: PageHistory) -> None:
    """Pages that share history with one: where it was before, and where parts of it were merged or split to."""
    titles = []
    for before, revision in zip((None, *history.revisions), history.revisions, strict=False):
        if before is not None and revision.sha1 and content_key(before) == content_key(revision):
            titles += _LINK.findall(revision.comment or "")  # a move leaves a revision that changes nothing and names both titles
    new = [title for title in dict.fromkeys(titles) if title not in search.asked_titles | {history.page.title}][: search.limits.pages]
    for page in search.source.pages(new) if new else ():
        search.reach(page.page_id, Reached.MOVE)
    search.titles.update(new)
    here = {revision.rev_id for revision in history.revisions}
    parents = [revision.parent_id for revision in history.revisions if revision.parent_id and revision.parent_id not in here]
    for page, _ in search.source.revisions(parents[:50]) if history.complete and parents and not search.limits.forward else ():
        search.reach(page.page_id, Reached.MERGE)


def _look_at_title(search: _Search, title: str) -> None:
    """The log of a title: it shows what was moved or merged, and comments quote what was deleted."""
    if not title or title in search.asked_titles:
        return
    search.asked_titles.add(title)
    entries = search.source.log_of_title(title, search.limits.log_entries)
    if len(entries) >= search.limits.log_entries:
        search.note(Note.INCOMPLETE)
    search.log += entries
    targets = {entry.target: entry.log_type for entry in entries if entry.target and entry.log_type in ("move", "merge")}
    for page in search.source.pages(list(targets)) if targets else ():
        search.reach(page.page_id, Reached.MERGE if targets.get(page.title) == "merge" else Reached.MOVE)


def _look_at_author(search: _Search, name: str, user_id: int, since: float) -> None:
    """Other edits of an author at that time, and what they wrote into logs."""
    edits = search.source.contributions(name, user_id, since, search.limits.contributions)
    if len(edits) >= search.limits.contributions:
        search.note(Note.INCOMPLETE)
    elsewhere = [(page, revision) for page, revision in edits if page.page_id not in search.reached]
    search.searched += len(elsewhere)
    _read(search, [revision for _, revision in elsewhere])
    named = search.matter.shows(name)
    for page, revision in elsewhere:
        if named or search.answers.get(revision.rev_id) or search.matter.shows_cut(revision.comment) or search.matter.shows(page.title):
            search.reach(page.page_id, Reached.COPY)
    search.log += search.source.log_of_user(name, since, search.limits.log_entries)
    if named:
        search.titles.add(f"User:{name}")


def _from(history: PageHistory, rev_id: int) -> PageHistory:
    at = next((number for number, revision in enumerate(history.revisions) if revision.rev_id == rev_id), 0)
    return replace(history, revisions=history.revisions[at:])


def _pages(search: _Search) -> tuple[PlannedPage, ...]:
    """The pages that show anything, the flagged one first."""
    authors = frozenset(search.authors)
    planned = []
    for page_id, (history, shows) in search.histories.items():
        page = plan_page(history, shows, search.matter, reached=search.reached[page_id], level=search.level, authors=authors)
        if page.revisions or page.title_shows or (page.reached is Reached.FLAGGED and page.unreadable):
            planned.append(page)
    return tuple(sorted(planned, key=lambda page: page.reached is not Reached.FLAGGED))


def _names(search: _Search) -> Iterable[str]:
    """User names that were seen."""
    yield from search.authors
    for history, _ in search.histories.values():
        yield from (revision.user for revision in history.revisions if revision.user)


def _notes(search: _Search, plan: Plan, flagged: Revision | None) -> tuple[Note, ...]:
    """What has to be said of the plan, in the order of :class:`Note`."""
    if plan.nothing_left and not any(page.revisions for page in plan.pages):
        search.note(Note.NOT_FOUND)
    if any(page.unreadable for page in plan.pages):
        search.note(Note.UNREADABLE)
    if search.question.kinds and not plan.grounds:
        search.note(Note.NO_CRITERION)
    if flagged is None and search.question.user is None:
        search.note(Note.AUTHOR_HIDDEN)
    return tuple(note for note in Note if note in search.notes)
