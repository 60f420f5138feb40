"""Whether a plan was carried out, as the stream tells it; and whether the text came back. Pure.

Each change of visibility names one revision (``mediawiki.revision-visibility-change``), and not whether administrators still see
it: a change without a performer is taken for a suppression (EventBus withholds who did one). Entries of the deletion log name
revisions but not what of them was hidden, and those of the suppression log are in no stream. A deleted page is hidden from readers,
and no more than revision deletion does.

New edits to the plan's pages, and edits by the authors elsewhere, must be looked at: :func:`follow` lists them, whoever can
read them says by :func:`looked` what they show. :func:`renewed` takes a newer plan, for what no event told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tsbot.hide.plan import Plan
from tsbot.hide.policy import Level
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field

Spot = tuple[int, Field]
"""A field of a revision."""


class State(StrEnum):
    """How far a plan is carried out."""

    OPEN = "open"
    """Nothing of it is hidden yet."""
    PARTLY = "partly"
    """Something is left: to hide, or to suppress what is only revision-deleted, or to look at."""
    DONE = "done"
    REOPENED = "reopened"
    """It was done, and the text is shown again."""


@dataclass(frozen=True, slots=True)
class Following:
    """A plan and what became of it. Times in seconds since the epoch."""

    plan: Plan
    since: float
    """When the plan was made."""
    page_of: dict[int, int]
    """The page of each revision that shows the text."""
    to_hide: frozenset[Spot]
    hidden: frozenset[Spot] = frozenset()
    suppressed: frozenset[Spot] = frozenset()
    titles: dict[str, int] = field(default_factory=dict)
    """Titles of the plan's pages."""
    deleted: frozenset[int] = frozenset()
    """Pages that are deleted."""
    current: dict[int, int] = field(default_factory=dict)
    """The current revision of each page."""
    to_look: frozenset[int] = frozenset()
    """Revisions that were made since and may show the text."""
    to_look_page: dict[int, int] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    """Those that were looked at."""
    done_at: float | None = None
    """When all that is known to show it was hidden as thoroughly as it should be; None while something is not."""
    hidden_at: float | None = None
    """The same for readers: what is revision-deleted, or deleted with its page, counts though it is to be suppressed."""
    reopened: bool = False
    exposed_since: float | None = None
    """When it was first shown, as far as any plan knew."""

    @property
    def left(self) -> frozenset[Spot]:
        """What readers can still see."""
        return frozenset(spot for spot in self.to_hide - self.hidden if self.page_of[spot[0]] not in self.deleted)

    @property
    def to_suppress(self) -> frozenset[Spot]:
        """What readers cannot see any more and administrators can, though the plan asks for suppression."""
        if self.plan.level is not Level.SUPPRESSION:
            return frozenset()
        return self.to_hide - self.left - self.suppressed

    @property
    def revert_first(self) -> frozenset[int]:
        """Pages whose current revision shows the text."""
        return frozenset(
            page
            for rev_id, what in self.left
            if what is Field.TEXT and (page := self.page_of[rev_id]) and self.current.get(page) == rev_id
        )

    @property
    def state(self) -> State:
        """How far it is."""
        if not self.left and not self.to_suppress and not self.to_look:
            return State.DONE
        if self.reopened and self.left:
            return State.REOPENED
        touched = self.hidden & self.to_hide or any(self.page_of[rev_id] in self.deleted for rev_id, _ in self.to_hide)
        return State.PARTLY if touched or not self.left else State.OPEN

    @property
    def seconds_to_hide(self) -> float | None:
        """From the plan to when readers could see nothing any more; None while they can."""
        return None if self.hidden_at is None else max(0.0, self.hidden_at - self.since)

    @property
    def seconds_exposed(self) -> float | None:
        """From the first revision that showed it to then."""
        start = self.exposed_since
        return None if self.hidden_at is None or start is None else max(0.0, self.hidden_at - start)


def begin(plan: Plan, now: float) -> Following:
    """Start to follow a plan made at ``now``."""
    spots = frozenset((revision.rev_id, what) for page in plan.pages for revision in page.revisions for what in revision.fields)
    following = Following(
        plan=plan,
        since=now,
        page_of={revision.rev_id: page.page.page_id for page in plan.pages for revision in page.revisions},
        to_hide=spots,
        titles={page.page.title: page.page.page_id for page in plan.pages},
        current={page.page.page_id: page.page.current for page in plan.pages},
        exposed_since=plan.exposed_since,
    )
    return _timed(following, following, now)


def renewed(following: Following, plan: Plan, now: float) -> Following:
    """Take a newer plan for the same text: what it says is left is left, and what it does not say is hidden, or gone."""
    fresh = begin(plan, now)
    earliest = [time for time in (following.exposed_since, plan.exposed_since) if time is not None]
    told = frozenset((revision.rev_id, what) for page in plan.pages for revision in page.revisions for what in revision.hidden)
    away = {rev_id for page in plan.pages for rev_id in page.suppressed}
    hidden = following.to_hide - fresh.to_hide | told
    newer = replace(
        fresh,
        since=following.since,
        to_hide=fresh.to_hide | following.to_hide,
        hidden=hidden,
        # What is told as hidden is so as thoroughly as the level asks; of what is not told any more only the mark says it.
        suppressed=told | frozenset(spot for spot in hidden if spot in following.suppressed or spot[0] in away),
        page_of=following.page_of | fresh.page_of,
        titles=following.titles | fresh.titles,
        deleted=following.deleted - fresh.current.keys(),
        seen=following.seen | following.to_look,
        done_at=following.done_at,
        hidden_at=following.hidden_at,
        reopened=following.reopened,
        exposed_since=min(earliest, default=None),
    )
    return _timed(following, newer, now)


def follow(following: Following, event: Event) -> Following:
    """Take an event of the plan's wiki into account; others change nothing. The same event twice is the same as once."""
    if event.wiki != following.plan.wiki:
        return following
    before = following
    if event.kind is EventKind.VISIBILITY and event.rev_id:
        following = _visibility(following, event)
    elif event.kind is EventKind.DELETION or (event.kind is EventKind.LOG and (event.log_type, event.log_action) == ("delete", "delete")):
        page = _page(following, event)
        following = replace(following, deleted=following.deleted | {page}) if page else following
    elif event.kind is EventKind.LOG and (event.log_type, event.log_action) == ("delete", "restore"):
        # Somebody brought (a part of) it back; what was hidden singly stays hidden.
        page = _page(following, event)
        following = replace(following, deleted=following.deleted - {page}) if page else following
    elif event.kind is EventKind.LOG and event.log_type == "move" and event.new_name:
        page = _page(following, event)
        following = replace(following, titles={**following.titles, event.new_name: page}) if page else following
    elif event.kind is EventKind.EDIT and event.rev_id:
        following = _edit(following, event)
    return _timed(before, following, event.time)


def follow_all(following: Following, events: Iterable[Event]) -> Following:
    """Take several events into account, in their order."""
    for event in events:
        following = follow(following, event)
    return following


def looked(following: Following, rev_id: int, page_id: int, fields: Iterable[Field], now: float) -> Following:
    """Say which fields of a new revision show the text (none: it is harmless, or hidden, or deleted)."""
    before = following
    spots = {(rev_id, what) for what in fields}
    following = replace(following, to_look=following.to_look - {rev_id}, seen=following.seen | {rev_id})
    if spots:
        following = replace(following, page_of={**following.page_of, rev_id: page_id}, to_hide=following.to_hide | spots)
    return _timed(before, following, now)


def _page(following: Following, event: Event) -> int:
    if event.page_id in following.current:
        return event.page_id or 0
    return following.titles.get(event.title, 0)


def _visibility(following: Following, event: Event) -> Following:
    rev_id = event.rev_id or 0
    shown = {Field.TEXT: event.text_visible, Field.SUMMARY: event.comment_visible, Field.USER: event.user_visible}
    away = {(rev_id, what) for what, visible in shown.items() if visible is False}
    open_ = {(rev_id, what) for what, visible in shown.items() if visible}
    suppressed = following.suppressed - open_ | (away if event.user is None else set())
    following = replace(following, hidden=following.hidden - open_ | away, suppressed=suppressed)
    # What was hidden before anybody looked at it need not be looked at.
    if rev_id in following.to_look and not open_:
        following = replace(following, to_look=following.to_look - {rev_id}, seen=following.seen | {rev_id})
    return following


def _edit(following: Following, event: Event) -> Following:
    rev_id = event.rev_id or 0
    page = _page(following, event)
    if page:
        following = replace(following, current={**following.current, page: max(rev_id, following.current.get(page, 0))})
        if event.title and event.title not in following.titles:  # moved
            following = replace(following, titles={**following.titles, event.title: page})
    known = rev_id in following.page_of or rev_id in following.seen or rev_id in following.to_look
    # Numbers grow over the whole wiki: the plan looked at all that was there when it was made.
    old = rev_id <= max((planned.page.current for planned in following.plan.pages), default=0)
    if known or old or not (page or event.user in following.plan.authors):
        return following
    return replace(
        following,
        to_look=following.to_look | {rev_id},
        to_look_page={**following.to_look_page, rev_id: page or event.page_id or 0},
    )


def _timed(before: Following, following: Following, now: float) -> Following:
    """Note when it became done, or open again."""
    hidden = not following.left
    done = hidden and not following.to_suppress
    return replace(
        following,
        hidden_at=(now if following.hidden_at is None else following.hidden_at) if hidden else None,
        done_at=(now if following.done_at is None else following.done_at) if done else None,
        reopened=(before.reopened or (before.done_at is not None and bool(following.left - before.left))) and not done,
    )
