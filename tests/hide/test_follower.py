"""Plans that are followed: made beside the patrol, kept up to date by the stream, and by asking the wiki again."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from tsbot.cases import outcomes
from tsbot.cases.case import Case, read_case
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.purge import purge_case
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.errors import StoreBusyError, WikiUnavailableError
from tsbot.hide import kept
from tsbot.hide.follow import State
from tsbot.hide.follower import FRESH, Follower, FollowingThread
from tsbot.hide.kept import Kept, Progress
from tsbot.hide.observer import Observer
from tsbot.parts import Wikis, open_follower
from tsbot.settings import HideSettings, Settings, WikiSettings
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage
from tsbot.wiki.history import Histories

PAGE = "Talk:Mill"
BASE = "https://en.wikipedia.org"


@dataclass
class Desk:
    """A wiki, a database with a flag on one of its revisions, and what follows."""

    database: Database
    wiki: Any
    text: str
    author: str
    down: bool = False
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.observer = Observer(self.database.key)
        self.follower = Follower(self.database, self._histories, lambda: self.wiki.now)

    def _histories(self, wiki: str, server_url: str) -> Histories:
        assert (wiki, server_url) == ("enwiki", BASE)
        if self.down:
            raise WikiUnavailableError("enwiki does not answer.")
        return self.wiki  # type: ignore[no-any-return]

    def flag(self, rev_id: int, kind: Kind = Kind.LEGAL, *, source: str = "patrol", priority: int = 0) -> str:
        """Flag a revision of the page; the id of its case."""
        number = next(self.numbers)
        event = Event(
            id=f"edit-{number}", stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki="enwiki", server_url=BASE,
            time=self.wiki.now, title=PAGE, user=self.author, rev_id=rev_id,
        )  # fmt: skip
        grades = {"specificity": 1, "plausibility": 1, "imminence": 1}
        finding = Finding(kinds={kind: 0.9}, flagged=(kind,), language="en", coverage=Coverage.SCORED, **grades)
        with self.database.write() as connection:
            judged = [Judged(event, Passage(Field.TEXT, self.text), finding)]
            (flag,) = file_flags(
                connection, self.database.key, judged, detector="d", source=source, windows=Windows(), now=self.wiki.now
            )
            if priority:
                connection.execute(update(t.flag).where(t.flag.c.id == flag.id).values(priority=priority))
        return flag.case_id

    def told(self, kind: EventKind = EventKind.VISIBILITY, **fields: Any) -> None:
        """The stream tells something; the pipeline's order: plans first, then outcomes."""
        event = Event(
            **{"id": f"told-{next(self.numbers)}", "stream": "s", "kind": kind, "wiki": "enwiki", "time": self.wiki.now, "title": PAGE}
            | fields
        )
        with self.database.write() as connection:
            self.observer.observe(connection, [event], self.wiki.now)
            outcomes.record(connection, self.database.key, event, self.wiki.now)

    def hide(self, rev_id: int, *, visible: bool = False, by: str | None = "Example Sysop") -> None:
        """Somebody hides the text of a revision, or shows it again."""
        self.wiki.now += 60
        self.told(rev_id=rev_id, user=by, text_visible=visible, comment_visible=True, user_visible=True)

    def edit(self, text: str, user: str = "Maple Reader") -> int:
        """Somebody edits the page, and the stream tells."""
        rev_id = int(self.wiki.edit(PAGE, text, user))
        self.told(EventKind.EDIT, rev_id=rev_id, user=user, page_id=self.wiki.page_id(PAGE))
        return rev_id

    def case(self, case_id: str) -> Case:
        with self.database.read() as connection:
            return read_case(connection, case_id)

    def progress(self, case_id: str) -> Progress:
        with self.database.read() as connection:
            (one,) = kept.progress_of(connection, case_id)
        return one

    def kept(self, subject: str) -> Kept | None:
        with self.database.read() as connection:
            return kept.read(connection, self.database.key, subject)


@pytest.fixture
def desk(database: Database, wiki: Any, text: str, author: str) -> Desk:
    """A page with a threat in revisions 1002 and 1003, taken out in 1004."""
    wiki.edit(PAGE, "Calm.")
    wiki.edit(PAGE, text, author)
    wiki.edit(PAGE, f"{text} No.")
    wiki.edit(PAGE, "Calm again.")
    return Desk(database, wiki, text, author)


def test_a_flag_gets_a_plan_by_itself(desk: Desk) -> None:
    case = desk.flag(1002)
    assert desk.follower.run_once() == 1
    one = desk.progress(case)
    assert (one.subject, one.state, one.revisions, one.exposed) == ("enwiki:rev:1002", "open", 2, 2)
    assert desk.follower.run_once() == 0


def test_the_case_closes_with_the_last_revision_and_not_with_the_flagged_one(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    since = desk.progress(case).since
    desk.hide(1002)
    assert (desk.case(case).state, desk.progress(case).state, desk.progress(case).exposed) == ("new", "partly", 1)
    desk.hide(1003)
    assert (desk.case(case).state, desk.case(case).outcome) == ("closed", "hidden")
    assert (desk.progress(case).state, desk.progress(case).seconds_to_hide) == ("done", desk.wiki.now - since)


def test_without_a_plan_the_flagged_revision_alone_closes_the_case(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.hide(1002)
    assert desk.case(case).state == "closed"


def test_our_copy_goes_once_all_is_hidden(desk: Desk) -> None:
    desk.flag(1002)
    desk.follower.run_once()
    desk.hide(1002)
    held = desk.kept("enwiki:rev:1002")
    assert held is not None
    assert held.question is not None
    desk.hide(1003)
    held = desk.kept("enwiki:rev:1002")
    assert held is not None
    assert held.question is None


def test_a_body_is_sealed(desk: Desk) -> None:
    desk.flag(1002)
    desk.follower.run_once()
    with desk.database.read() as connection:
        body = connection.scalar(select(t.hide_following.c.body))
    for word in (b"office", b"Mill", desk.author.encode()):
        assert word not in body


def test_new_edits_are_looked_at(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    harmless = desk.edit("Calm, and a fence.")
    again = desk.edit(f"Calm. {desk.text}")
    assert desk.progress(case).to_look == 2
    desk.hide(1002)
    desk.hide(1003)
    assert desk.case(case).state == "new"  # nobody looked yet
    desk.follower.run_once()
    assert (desk.progress(case).to_look, desk.progress(case).exposed) == (0, 1)
    held = desk.kept("enwiki:rev:1002")
    assert held is not None
    assert {rev_id for rev_id, _ in held.following.left} == {again}
    assert harmless in held.following.seen
    desk.edit("Calm.")
    desk.hide(again)
    desk.follower.run_once()
    assert (desk.progress(case).state, desk.case(case).state) == ("done", "closed")


def test_shown_again_reopens_the_case(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    desk.hide(1002)
    desk.hide(1003)
    desk.hide(1003, visible=True)
    assert (desk.progress(case).state, desk.case(case).state) == ("reopened", "new")
    desk.hide(1003)
    assert (desk.progress(case).state, desk.case(case).state) == ("done", "closed")


def test_a_deletion_hides_and_a_restoration_shows(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    desk.wiki.now += 5
    desk.told(EventKind.DELETION, page_id=desk.wiki.page_id(PAGE))
    assert (desk.progress(case).state, desk.case(case).outcome) == ("done", "page_deleted")
    desk.told(EventKind.LOG, log_type="delete", log_action="restore", log_id=5)
    assert (desk.progress(case).state, desk.case(case).state) == ("reopened", "new")


def test_suppression_is_waited_for_where_it_is_asked_for(desk: Desk) -> None:
    case = desk.flag(1002, Kind.DOXING)
    desk.follower.run_once()
    desk.hide(1002)
    desk.hide(1003)
    assert (desk.progress(case).exposed, desk.progress(case).to_suppress, desk.progress(case).state) == (0, 2, "partly")
    assert desk.case(case).state == "new"
    desk.hide(1002, by=None)
    desk.hide(1003, by=None)
    assert desk.progress(case).state == "done"
    assert desk.case(case).state == "closed"


def test_the_wiki_is_asked_for_what_no_event_told(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    desk.wiki.hide(1002, 1003)
    assert desk.follower.run_once() == 0
    desk.wiki.now += 61
    assert desk.follower.run_once() == 1
    assert desk.progress(case).state == "done"


def test_what_the_stream_told_while_a_plan_was_made_is_kept(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    desk.hide(1002)
    desk.wiki.now += 61
    desk.follower.run_once()  # the wiki's answer lags: it still shows both
    assert desk.progress(case).exposed == 2
    desk.wiki.hide(1002)
    desk.wiki.now += 61
    desk.follower.run_once()
    assert desk.progress(case).exposed == 1


def test_a_wiki_that_is_down_is_asked_again(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.down = True
    assert desk.follower.run_once() == 0
    assert (desk.progress(case).state, desk.progress(case).trouble) == ("waiting", "WikiUnavailableError")
    desk.down = False
    assert desk.follower.run_once() == 0
    desk.wiki.now += 31
    assert desk.follower.run_once() == 1
    assert (desk.progress(case).state, desk.progress(case).trouble) == ("open", "")


def test_what_there_can_be_no_plan_for_blocks_nothing(desk: Desk) -> None:
    case = desk.flag(999)
    desk.wiki.deleted.add(desk.wiki.page_id(PAGE))
    desk.follower.run_once()
    assert desk.progress(case).state in ("none", "done")
    desk.hide(999)
    assert desk.case(case).state == "closed"


def test_for_a_text_that_is_not_kept_nobody_is_asked_again(desk: Desk) -> None:
    desk.text = ""
    case = desk.flag(1002)
    assert desk.follower.run_once() == 0
    assert (desk.progress(case).state, desk.progress(case).trouble) == ("none", "InputError")
    with desk.database.read() as connection:
        assert connection.scalar(select(t.hide_following.c.due)) is None


@pytest.mark.parametrize("source", ["drill"])
def test_exercises_get_none(desk: Desk, source: str) -> None:
    desk.flag(1002, source=source)
    assert desk.follower.run_once() == 0


def test_minors_get_none(desk: Desk) -> None:
    desk.flag(1002, Kind.MINORS)
    assert desk.follower.run_once() == 0


def test_old_flags_get_none(desk: Desk) -> None:
    desk.flag(1002)
    desk.wiki.now += FRESH + 1
    assert desk.follower.run_once() == 0


def test_only_so_many_are_followed_the_most_urgent_first(desk: Desk) -> None:
    desk.flag(1002, priority=10)
    urgent = desk.flag(1003, Kind.MASS_VIOLENCE, priority=90)
    desk.follower.most = 1
    assert desk.follower.run_once() == 1
    assert desk.kept("enwiki:rev:1003") is not None
    assert desk.kept("enwiki:rev:1002") is None
    del urgent


def test_a_purged_case_has_no_plan_any_more(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    with desk.database.write() as connection:
        purge_case(connection, case, why="time", by="tsbot", now=desk.wiki.now)
    assert desk.kept("enwiki:rev:1002") is None
    with desk.database.read() as connection:
        assert connection.execute(select(t.hide_following.c.body, t.hide_following.c.due)).one() == (None, None)
    desk.hide(1002)
    desk.wiki.now += 4000
    assert desk.follower.run_once() == 0


def test_another_process_takes_up_plans_where_they_are(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    desk.hide(1002)
    desk.observer = Observer(desk.database.key)
    desk.hide(1003)
    assert desk.progress(case).state == State.DONE.value


def test_events_told_twice_count_once(desk: Desk) -> None:
    case = desk.flag(1002)
    desk.follower.run_once()
    for _ in range(2):
        desk.told(id="one", rev_id=1002, user="Example Sysop", text_visible=False, comment_visible=True, user_visible=True)
    assert desk.progress(case).exposed == 1


def test_it_waits_while_something_more_urgent_needs_the_wikis(desk: Desk) -> None:
    desk.flag(1002)
    urgent = threading.Event()
    urgent.set()
    thread = FollowingThread(desk.follower, poll=0.01, waits=urgent.is_set)
    thread.start()
    try:
        assert not reached(lambda: desk.kept("enwiki:rev:1002") is not None, 0.3)
        urgent.clear()
        assert reached(lambda: desk.kept("enwiki:rev:1002") is not None, 30)
    finally:
        assert thread.stop(30)


def test_trouble_ends_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.flag(1002)
    troubles = [RuntimeError("made up"), StoreBusyError("made up")]
    real = desk.follower.run_once
    monkeypatch.setattr(desk.follower, "run_once", lambda stopped: (_ for _ in ()).throw(troubles.pop()) if troubles else real(stopped))
    thread = FollowingThread(desk.follower, poll=0.01)
    thread.start()
    try:
        assert reached(lambda: desk.kept("enwiki:rev:1002") is not None, 30)
    finally:
        assert thread.stop(30)


def reached(condition: Callable[[], bool], patience: float) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize(
    ("client", "follow", "made"),
    [("approved-bot", True, True), ("established-user", True, True), ("anonymous", True, False), ("approved-bot", False, False)],
)
def test_the_patrol_makes_plans_where_it_may_ask_often_enough(database: Database, client: Any, follow: bool, made: bool) -> None:
    settings = Settings(wiki=WikiSettings(client=client), hide=HideSettings(follow=follow))
    found = open_follower(settings, database, Wikis(*[None] * 3))  # type: ignore[arg-type]
    assert (found is not None) == made
