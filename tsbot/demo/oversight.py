"""The demo's third play: private data on several pages, a plan for each, and an oversighter who hides it until the cases close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from tsbot.cases.case import Case, CaseState, read_case
from tsbot.demo.desk import DemoConsole, Guest, console_lines
from tsbot.demo.patrolled import AUTOMATIC, Patrolled
from tsbot.demo.scenario import Check
from tsbot.demo.world import World
from tsbot.errors import TsbotError
from tsbot.hide import kept
from tsbot.hide.kept import Kept, Progress

T = TypeVar("T")
WIKI = "enwiki"
PATIENCE = 60.0
AUTHORS = ("Grey Pebble", "Copper Kettle", "Plume Bleue", "Mariposa", "Andorinha")
TEXTS = (
    "Harbour Lights is really Jane Example. She lives at 12 Example Street in Exampleton, her phone number is (206) 555-0100.",
    "Everybody should know that Paper Lantern's real name is Rob Sample and he lives at 7 Sample Avenue in Exampleton.",
    "Quiet Brook is really Ann Placeholder, she works at Exampleton Library and her phone number is (206) 555-0142.",
    "The real name of Tin Whistle is Max Muster, his home address is 31 Mill Lane, Exampleton, call him at (206) 555-0177.",
    "Wooden Spoon is really Sue Specimen, she lives at 4 River Road in Exampleton and her e-mail is sue@example.org.",
)
"""Invented names, addresses and numbers from ranges that nobody has."""


@dataclass
class Page:
    """A page on which somebody put private data."""

    title: str
    shown: list[int] = field(default_factory=list)
    """Revisions that show it."""

    @property
    def subject(self) -> str:
        """What the flag is on."""
        return f"{WIKI}:rev:{self.shown[0]}"


@dataclass
class Oversight:
    """Plays on a running world; :meth:`run` yields a step after the other."""

    world: World
    say: Callable[[str], None]
    patrolled: Patrolled = field(init=False)
    pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.patrolled = Patrolled(self.world, "oversight", (*AUTOMATIC, *console_lines(self.world)))

    def run(self) -> Iterator[Check]:
        """Play."""
        try:
            self.patrolled.start()
            self.publish()
            with DemoConsole(self.patrolled) as console:
                yield from self._play(console)
        except TsbotError as error:
            yield Check("oversight.played", False, str(error))

    def publish(self, count: int = 2) -> None:
        """Have people put private data on pages, others edit after them, and the last one take it out; wait for the plans."""
        self.say("People put private data on pages.")
        family = self.world.family
        for number in range(count):
            page = Page(f"Talk:Landing stage {number + 1}")
            with family.actor("Maple Reader", WIKI) as reader:
                reader.edit(page.title, "The landing stage opens at nine.")
            with family.actor(AUTHORS[number], WIKI) as author:
                page.shown.append(author.edit(page.title, append=f"\n\n{TEXTS[number]}\n"))
            with family.actor("Maple Reader", WIKI) as reader:
                page.shown.append(reader.edit(page.title, append="\n\nIt closes at six.\n"))
                reader.edit(page.title, "The landing stage opens at nine, and closes at six.")
            self.pages.append(page)
        for page in self.pages:
            self.wait(lambda page=page: self.plan(page), f"there is no plan for {page.subject}")  # type: ignore[misc]

    def _play(self, console: DemoConsole) -> Iterator[Check]:
        accounts = self.world.family.accounts
        reader, stranger, sysop = Guest(console.url), Guest(console.url), Guest(console.url)
        status = reader.sign_in(accounts["Oversighter"])
        cases = {page.title: self.case_of(page) for page in self.pages}
        queue = reader.get("/").text
        shown = [case for case in cases.values() if case.id[:8] in queue]
        yield Check("oversight.queue_for_oversighters", len(shown) == len(cases), f"HTTP {status}, {len(shown)} of {len(cases)} cases")
        refused = sysop.sign_in(accounts["Example Sysop"])
        turned_away = [guest.get(f"/cases/{case.id}").url for guest in (stranger, sysop) for case in cases.values()]
        away = {urlsplit(url).path for url in turned_away}
        ok = refused == 403 and away == {"/sign-in"}
        detail = f"an administrator gets HTTP {refused}; both are led to {', '.join(sorted(away))}"
        yield Check("oversight.nothing_for_others", ok, detail)

        wrong = [page.title for page in self.pages if set(self._left(page)) != set(page.shown)]
        detail = ", ".join(f"{len(page.shown)} revisions of {page.title}" for page in self.pages)
        yield Check("oversight.plan_is_exact", not wrong, f"not so: {', '.join(wrong)}" if wrong else detail)

        self.say("An oversighter hides one revision, then the other.")
        first = self.pages[0]
        with self.world.family.actor("Oversighter", WIKI) as oversighter:
            oversighter.hide(first.shown[:1], suppress=True)
            self.wait(lambda: self._progress(first).exposed == 1, "the patrol does not see that one is hidden")
            still = self.case_of(first).state
            oversighter.hide(first.shown[1:], suppress=True)
        case = self.wait(lambda: self.closed(first), "the case does not close by itself")
        took = self._progress(first).seconds_to_hide
        ok = still is not CaseState.CLOSED and case.outcome == "hidden" and took is not None
        detail = f"{still} after one of two, {case.state} after both, hidden after {took or 0:.1f} s"
        yield Check("oversight.case_closes_itself", ok, detail)
        page = reader.get(f"/cases/{case.id}").text
        yield Check("oversight.console_tells_the_time", "all is hidden" in page, "on the page of the case")

        self.say("Somebody makes one visible again.")
        with self.world.family.actor("Oversighter", WIKI) as oversighter:
            oversighter.act(
                action="revisiondelete", type="revision", ids=str(first.shown[0]), show="content", suppress="no", reason="a mistake"
            )
        again = self.wait(lambda: self._reopened(first), "the case does not come back")
        yield Check("oversight.comes_back_when_shown", again.state is CaseState.NEW, f"case {again.state}")

    # -- looking ------------------------------------------------------------------------------------------------------

    def wait(self, until: Callable[[], T | None], complaint: str) -> T:
        """Wait for something to be there. Raises ``DemoError``."""
        found = self.patrolled.wait(until, PATIENCE, complaint)
        assert found is not None
        return found

    def plan(self, page: Page) -> Kept | None:
        """The plan of a page's flag, as the patrol keeps it; None until there is one."""
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return kept.read(connection, store.key, page.subject)

    def _left(self, page: Page) -> list[int]:
        one = self.plan(page)
        return sorted({rev_id for rev_id, _ in one.following.left}) if one is not None else []

    def _progress(self, page: Page) -> Progress:
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return next(one for one in kept.all_progress(connection, unfinished=False) if one.subject == page.subject)

    def case_of(self, page: Page) -> Case:
        """The case of a page's flag."""
        flag = next(flag for flag in self.patrolled.flags() if flag.subject == page.subject)
        with closing(self.patrolled.open()) as store, store.read() as connection:
            return read_case(connection, flag.case)

    def closed(self, page: Page) -> Case | None:
        """That case once it is closed; None before."""
        case = self.case_of(page)
        return case if case.state is CaseState.CLOSED else None

    def _reopened(self, page: Page) -> Case | None:
        case = self.case_of(page)
        return case if case.state is not CaseState.CLOSED else None


def play(world: World, say: Callable[[str], None]) -> Iterator[Check]:
    """Play it all."""
    oversight = Oversight(world, say)
    try:
        yield from oversight.run()
    finally:
        oversight.patrolled.kill()
