"""Somebody at work in the console: what they may do on one case, and the desk at which they do it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import Connection

from tsbot.cases.acts import Desk
from tsbot.cases.case import Case, find_case, read_case
from tsbot.console import preferences
from tsbot.console.access import EVERYWHERE, Act
from tsbot.console.console import Console, Visit
from tsbot.console.listing import Filter, Listing, Sight, listing
from tsbot.console.parties import desk_of
from tsbot.console.preferences import Preferences
from tsbot.errors import ForbiddenError, InputError

NOT_YOURS = "You may not do this, or it does not exist."
SKIPPED_SECONDS = 8 * 3600.0
"""For how long a case that somebody skipped is not offered to them as the next one."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A visit with what the pages need of it."""

    console: Console
    visit: Visit
    prefs: Preferences

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.visit.now

    @property
    def who(self) -> Desk:
        """The desk: its acts are done under the pseudonym, and compare the signed-in person's name with author and target."""
        return desk_of(self.console, self.visit)

    @property
    def sight(self) -> Sight:
        """What they may see of the queue."""
        key = self.console.database.key
        return Sight(self.visit.rights.wikis(Act.SEE_QUEUE), self.visit.actor, self.visit.person.name, key)

    def may(self, act: Act, case: Case) -> bool:
        """Whether an act is allowed on a case, as far as is known from a few minutes ago."""
        return self.visit.rights.may(act, case.wiki)


def seat(
    console: Console,
    request: Request,
    act: Act,
    wiki: str = EVERYWHERE,
    *,
    anew: bool = False,
    touch: bool = True,
    instead: Act | None = None,
) -> Seat:
    """Let somebody in (:meth:`Console.visit`)."""
    visit = console.visit(request, act, wiki, anew=anew, touch=touch, instead=instead)
    with console.database.read() as connection:
        return Seat(console, visit, preferences.read(connection, visit.person.id))


def at_case(console: Console, request: Request, act: Act, case_id: str, *, anew: bool = False, touch: bool = True) -> tuple[Seat, Case]:
    """Let somebody in to a case. Who is author or target of it is told that it does not exist, as who has no right on its wiki.

    Raises as :meth:`Console.visit`.
    """
    taken = seat(console, request, act, touch=touch)
    with console.database.read() as connection:
        try:
            case = read_case(connection, case_id) if len(case_id) == 36 else find_case(connection, case_id)
        except InputError:
            raise ForbiddenError(NOT_YOURS) from None
        if not taken.may(act, case) or taken.who.people.is_party(connection, case.id, taken.visit.actor):
            raise ForbiddenError(NOT_YOURS)
    if anew:
        taken = Seat(console, console.visit(request, act, case.wiki, anew=True), taken.prefs)
    return taken, case


def next_case(connection: Connection, taken: Seat, wanted: Filter, but: str = "") -> str | None:
    """The next case of the queue that nobody works on and that they did not skip lately; None if there is none."""
    skipped = {case_id for case_id, time in taken.prefs.skipped if taken.now - SKIPPED_SECONDS < time <= taken.now}
    page: Listing = listing(connection, taken.sight, wanted, taken.now)
    for row in page.rows:
        if row.case.id not in skipped and row.case.id != but and row.case.lease in (None, taken.visit.actor):
            return row.case.id
    return None
