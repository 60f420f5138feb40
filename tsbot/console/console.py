"""What the pages of the console need, and the one door that every request goes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from tsbot.console import sessions
from tsbot.console.access import EVERYWHERE, Act, Rights
from tsbot.console.leaving import leave
from tsbot.console.people import FreshRights, Person
from tsbot.console.reading import Limits
from tsbot.console.render import Pages
from tsbot.console.security import CSRF_FIELD, RateLimit, check_form
from tsbot.console.sessions import Session
from tsbot.console.tracing.jobs import Jobs
from tsbot.dealings.asking import Farm
from tsbot.errors import ForbiddenError, SignInNeededError
from tsbot.report.prepare import AskStatus
from tsbot.settings import Settings
from tsbot.store.database import Database
from tsbot.wiki.types import RevisionSource

AskHistories = Callable[[str, str], Any]
"""Of a wiki (database name, address of its server), what :mod:`tsbot.hide` reads histories with."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in and may make it."""

    session: Session
    rights: Rights
    now: float

    @property
    def person(self) -> Person:
        """Who it is."""
        return self.session.person

    @property
    def actor(self) -> str:
        """How the log and other people see them."""
        return self.session.person.pseudonym

HidePlan = Callable[[str, int], Mapping[str, Any]]
"""Makes the plan of what to hide for a revision of a wiki, as JSON without texts. Raises ``WikiError`` and ``InputError``."""


@dataclass
class Console:
    """What the pages need. One per process."""

    settings: Settings
    database: Database
    rights: FreshRights
    clock: Callable[[], float]
    secure: bool = True
    """Whether people reach us over TLS; without it the cookie cannot be ``Secure`` (loopback only)."""
    signins: dict[str, str] = field(default_factory=dict)
    """Ways to sign in: label to the path that begins it."""
    form_targets: tuple[str, ...] = ()
    pages: Pages = field(default_factory=Pages)
    limit: RateLimit | None = None
    hide_plan: HidePlan | None = None
    limits: Limits = field(default_factory=Limits)
    """How much one person reads."""
    revisions: RevisionSource | None = None
    """Reads the two sides of an edit; without it there are no differences to see."""
    account_status: AskStatus | None = None
    """Asks the wiki about an account."""
    histories: AskHistories | None = None
    """Reads page histories, for plans of what to hide."""
    farm: Farm | None = None
    """All wikis together, to verify what accounts did on them."""
    database_of: Callable[[str], str | None] | None = None
    """The database name of the wiki at an address, if it is known without asking anybody."""
    traces: Jobs | None = None
    """Asks who else an account may be."""

    @property
    def cookie(self) -> str:
        """Name of the session cookie. ``__Host-`` has browsers refuse it without TLS or for another path or host."""
        return "__Host-tsbot" if self.secure else "tsbot"

    def session(self, request: Request, *, touch: bool = True) -> Session:
        """The session of a request. Raises ``SignInNeededError``.

        Without ``touch`` the request is no sign of life: a page that asks for news by itself keeps nobody signed in.
        """
        value = request.cookies.get(self.cookie, "")
        now = self.clock()
        with self.database.read() as connection:
            found = sessions.find(connection, self.database.key, value, now) if value else None
        if found is None:
            raise SignInNeededError("Sign in first; your session may have ended.")
        if touch and now - found.seen > sessions.TOUCH_SECONDS:
            with self.database.write() as connection:
                sessions.touch(connection, value, now)
        return found

    def visit(
        self, request: Request, act: Act, wiki: str = EVERYWHERE, *, anew: bool = False, touch: bool = True, instead: Act | None = None
    ) -> Visit:
        """Let somebody in who may do ``act`` on ``wiki`` (without one: on any), or else ``instead``.

        ``anew`` asks the wiki now, for reveals and acts.

        Raises ``SignInNeededError``, ``ForbiddenError``, ``RightsUnknownError`` or ``TooManyError``.
        """
        session = self.session(request, touch=touch)
        if self.limit is not None:
            self.limit.take(session.person.id)
        rights = self.rights_of(session.person, anew=anew)
        if not (rights.may(act, wiki) or (instead is not None and rights.may(instead))):
            raise ForbiddenError("You may not do this, or it does not exist.")
        return Visit(session, rights, self.clock())

    def rights_of(self, person: Person, *, anew: bool = False) -> Rights:
        """What somebody may do. Whoever may do nothing any more loses sessions, tokens and leases. Raises ``RightsUnknownError``."""
        rights = self.rights.of(person, anew=anew)
        if rights.nothing:
            with self.database.write() as connection:
                leave(connection, person, self.clock())
        return rights

    async def form(self, request: Request) -> tuple[Session, dict[str, str]]:
        """Session and fields of a form that this session was given. Raises ``SignInNeededError`` and ``ForgedError``."""
        fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        session = self.session(request)
        check_form(session, request.headers, fields.get(CSRF_FIELD, ""))
        return session, fields
