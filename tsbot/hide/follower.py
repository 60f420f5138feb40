"""Making plans for flagged edits, looking at what was written since, and asking the wiki again; beside the patrol.

Flags are stored, reported and paged first; a plan follows when the wiki has answered. What the stream tells of plans is taken up by
:mod:`tsbot.hide.observer`. Everything that waits is in the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import structlog
from sqlalchemy import Connection, exists, func, select

from tsbot.cases.case import SCAN
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import Flag
from tsbot.cases.grouping import DRILL
from tsbot.detect.finding import Kind
from tsbot.errors import InputError, TsbotError, WikiUnavailableError
from tsbot.hide import kept
from tsbot.hide.asked import from_flags
from tsbot.hide.follow import Following, begin, looked, renewed
from tsbot.hide.kept import Kept
from tsbot.hide.observer import store
from tsbot.hide.suggest import Limits, Question, suggest
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.text.passage import Field
from tsbot.wiki.history import Histories, PageRef, Revision

UNASKED = (DRILL, SCAN, "filter")
"""Sources of flags that get no plan by themselves: exercises, what is old (a person asks for that), and what was never saved."""
POLL_SECONDS = 2.0
FRESH = 86400.0
"""Seconds for which a flag gets a plan by itself; for older ones a person asks."""
AT_ONCE = 10
"""Plans taken up in one round."""
AGAIN = (60.0, 600.0, 3600.0, 86400.0)
"""Seconds after which the wiki is asked again, for what no event told; the longest that a plan is old enough for."""
GIVEN_UP = 30 * 86400.0
"""Seconds after which it is not asked any more."""
ATTEMPTS = 5
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
"""Seconds before asking a wiki again that did not answer; doubled each time."""

OpenHistories = Callable[[str, str], Histories]
"""The past of a wiki, by its name and its address."""


@dataclass
class Follower:
    """Keeps the plans of open cases up to date. One for each database; nothing else waits for it."""

    database: Database
    histories: OpenHistories
    clock: Callable[[], float]
    most: int = 500
    """Plans that are followed at once. Further flags get none until some are carried out, the most urgent first."""
    limits: Limits = field(default_factory=lambda: Limits(revisions=5_000))

    def run_once(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Do what is due; how many plans were made, or looked at again. Raises ``StoreError`` and ``KeyFileError``."""
        done = 0
        for work in (self._new(), self._due()):
            for subject in work:
                if stopped():
                    return done
                done += self.tend(subject)
        return done

    def tend(self, subject: str) -> bool:
        """Make the plan for the flags on something, or bring it up to date; whether that could be done."""
        with self.database.read() as connection:
            one = kept.read(connection, self.database.key, subject)
            flags = flags_on(connection, self.database, subject)
        if not flags:
            return False
        flag = next((flag for flag in flags if flag.content is not None), flags[0])
        try:
            histories = self.histories(flag.wiki, flag.content.server_url if flag.content is not None else "")
            if one is not None and one.question is not None and one.following.to_look:
                self._store_looked(one, _look(one, one.question, histories))
            else:
                self._plan(subject, flag.case_id, one, flags, histories)
        except TsbotError as error:
            self._give_up(subject, flag.case_id, flag.wiki, error)
            return False
        return True

    # --- what is to be done ---

    def _new(self) -> list[str]:
        """What was flagged lately and has no plan, the most urgent first."""
        c, f = t.flag.c, t.hide_following.c
        now = self.clock()
        known = exists().where(f.subject == c.subject)
        open_case = exists().where(t.case.c.id == c.case_id, t.case.c.state != "closed", t.case.c.data_key.is_not(None))
        query = select(c.subject, func.max(c.priority).label("priority"))
        query = query.where(c.created > now - FRESH, c.source.not_in(UNASKED), c.kind != Kind.MINORS.value, ~known, open_case)
        with self.database.read() as connection:
            followed = connection.scalar(select(func.count()).select_from(t.hide_following).where(f.due.is_not(None))) or 0
            room = min(AT_ONCE, self.most - followed)
            if room <= 0:
                return []
            return [row.subject for row in connection.execute(query.group_by(c.subject).order_by(func.max(c.priority).desc()).limit(room))]

    def _due(self) -> list[str]:
        c = t.hide_following.c
        query = select(c.subject).where(c.due <= self.clock()).order_by(c.due, c.subject).limit(AT_ONCE)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    # --- doing it ---

    def _plan(self, subject: str, case_id: str, one: Kept | None, flags: list[Flag], histories: Histories) -> None:
        """Make a plan, or a newer one: the wiki knows what no event told."""
        question = one.question if one is not None else None
        if one is not None and question is None:
            return
        question = question or from_flags(flags)
        now = self.clock()
        plan = suggest(question, histories, limits=self.limits)
        with self.database.write() as connection:
            # What the stream told meanwhile is in the row, and may be newer than the plan: the next one is near.
            latest = kept.read(connection, self.database.key, subject)
            before = latest.following if latest is not None else None
            if latest is not None and latest.question is None:
                return  # done meanwhile
            following = begin(plan, now) if before is None else renewed(before, plan, now)
            case = connection.scalar(select(t.flag.c.case_id).where(t.flag.c.subject == subject).limit(1)) or case_id
            due = _next(following, self.clock())
            store(connection, self.database.key, Kept(case, following, question), before, now, due=due)

    def _store_looked(self, one: Kept, found: dict[int, tuple[int, tuple[Field, ...]]]) -> None:
        now = self.clock()
        with self.database.write() as connection:
            latest = kept.read(connection, self.database.key, one.subject)
            if latest is None:
                return
            following = latest.following
            for rev_id, (page_id, fields) in found.items():
                if rev_id in following.to_look:
                    following = looked(following, rev_id, page_id, fields, now)
            store(connection, self.database.key, replace(latest, following=following), latest.following, now, due=_next(following, now))

    def _give_up(self, subject: str, case_id: str, wiki: str, error: TsbotError) -> None:
        now = self.clock()
        structlog.get_logger().warning("hide.put_off", wiki=wiki, error=type(error).__name__)
        c = t.hide_following.c
        with self.database.write() as connection:
            attempts = connection.scalar(select(c.attempts).where(c.subject == subject)) or 0
            due: float | None = now + min(LONGEST_WAIT, FIRST_WAIT * 2.0**attempts)
            if isinstance(error, InputError) or (not isinstance(error, WikiUnavailableError) and attempts + 1 >= ATTEMPTS):
                due = None  # the text is not kept, or the wiki knows nothing of it, or will not tell us
            kept.save_trouble(connection, subject, case_id, wiki, type(error).__name__, now=now, due=due)


def _look(one: Kept, question: Question, histories: Histories) -> dict[int, tuple[int, tuple[Field, ...]]]:
    """Which fields of newer edits show the text, with the page that each is on; of those that are gone none does."""
    wanted = sorted(one.following.to_look)
    told = {revision.rev_id: (page, revision) for page, revision in histories.revisions(wanted)}
    texts = dict(histories.texts([rev_id for rev_id in wanted if rev_id in told and not told[rev_id][1].text_hidden]))
    found = {}
    for rev_id in wanted:
        at = told.get(rev_id)
        page_id = at[0].page_id if at is not None else one.following.to_look_page.get(rev_id, 0)
        found[rev_id] = (page_id, _fields(question, at, texts.get(rev_id)))
    return found


def _fields(question: Question, at: tuple[PageRef, Revision] | None, text: str | None) -> tuple[Field, ...]:
    if at is None:
        return ()
    _, revision = at
    shows = {
        Field.TEXT: question.matter.shows(text),
        Field.SUMMARY: question.matter.shows_cut(revision.comment),
        Field.USER: question.matter.shows(revision.user),
    }
    return tuple(what for what, shown in shows.items() if shown)


def _next(following: Following, now: float) -> float | None:
    """When the wiki is asked again."""
    age = now - following.since
    if age > GIVEN_UP:
        return None
    return now + max(wait for wait in AGAIN if wait == AGAIN[0] or wait <= age)


def flags_on(connection: Connection, database: Database, subject: str) -> list[Flag]:
    """The flags on a revision or log entry, as far as their texts are kept."""
    identities: Iterable[str] = connection.scalars(select(t.flag.c.id).where(t.flag.c.subject == subject).order_by(t.flag.c.id)).all()
    found = [read_flag(connection, database.key, identity) for identity in identities]
    return [flag for flag in found if flag is not None and flag.kind is not Kind.MINORS]


class FollowingThread:
    """Runs a :class:`Follower` beside the patrol until it is stopped. Nothing that goes wrong ends it, or anything else."""

    def __init__(self, follower: Follower, poll: float = POLL_SECONDS, waits: Callable[[], bool] = lambda: False) -> None:
        """``waits`` tells whether something more urgent needs the wikis."""
        self.follower = follower
        self.poll = poll
        self.waits = waits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hide", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """Take up nothing more; False if a request under way takes longer than ``timeout`` seconds. What waits is in the database."""
        self._stop.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self.poll):
            try:
                if not self.waits():
                    self.follower.run_once(lambda: self._stop.is_set() or self.waits())
            except Exception as error:  # whatever it is: the patrol goes on
                structlog.get_logger().error("hide.trouble", error=type(error).__name__)
