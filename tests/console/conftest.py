"""A console with made-up people and cases; wikis and an OAuth provider on loopback."""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.flag import Flag
from tsbot.console import sessions, tokens
from tsbot.console.access import Act, Groups, shipped_matrix
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.people import FreshRights, Person
from tsbot.console.tracing.jobs import Jobs
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.errors import WikiUnavailableError
from tsbot.settings import ConsoleSettings, Settings, WikiSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage
from tsbot.trace.answer import Subject, Trace
from tsbot.trace.question import Asked, Tracer
from tsbot.wiki import session
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.sites import Sites

HERE = Path(__file__).parent
NOW = 1_790_000_000.0
TEXT = "made-up"
WORDS = ("anvils", "bassoons", "cobwebs", "dumplings", "eyelashes", "fiddlers", "gherkins", "hammocks", "icicles", "jugglers")
CONTACT = "operator@example.org"
GROUPS: dict[str, dict[str, Any]] = {
    "nobody": {"local": {}},
    "oversighter": {"local": {"enwiki": frozenset({"suppress"})}},
    "elsewhere": {"local": {"dewiki": frozenset({"suppress"})}},
    "checkuser": {"local": {"enwiki": frozenset({"checkuser"})}},
    "sysop": {"local": {"enwiki": frozenset({"sysop"})}},
    "steward": {"local": {}, "everywhere": frozenset({"steward"})},
    "team": {"local": {}, "named": frozenset({"team"})},
    "admin": {"local": {}, "named": frozenset({"admin"})},
    "auditor": {"local": {}, "named": frozenset({"auditor"})},
}
"""What makes somebody have a role."""


def load(name: str) -> ModuleType:
    """A module of this folder that is no test."""
    full = f"console_tests_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@dataclass
class Silence:
    """Stands where a tracer would ask wikis."""

    now: float

    def ask(self, asked: Asked) -> Trace:
        return Trace(f"trace:{asked.account}", self.now, Subject(asked.account, "account", "unknown"))


@dataclass
class House:
    """The console, its database, and people who use it."""

    database: Database
    settings: Settings
    groups: dict[str, Groups] = field(default_factory=dict)
    """By subject; who is missing here is one of whom the wiki says nothing."""
    now: float = NOW
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rights = FreshRights(self.ask, shipped_matrix(), lambda: self.now)
        self.console = Console(self.settings, self.database, self.rights, lambda: self.now, secure=False)
        self.app: FastAPI = create_app(self.console)

    def ask(self, person: Person) -> Groups:
        self.asked.append(person.subject)
        if person.subject not in self.groups:
            raise WikiUnavailableError("The wiki answers HTTP 503.")
        return self.groups[person.subject]

    def become(self, subject: str, role: str, name: str = "") -> None:
        """The wikis say from now on that somebody has a role."""
        given = GROUPS[role]
        self.groups[subject] = Groups(given["local"], given.get("everywhere", frozenset()), given.get("named", frozenset()), self.now, name)

    def client(self, role: str = "oversighter", name: str = "") -> TestClient:
        """A browser of somebody who is signed in; ``client.csrf`` is their form token, ``client.person`` who they are."""
        number = next(self.numbers)
        subject = str(number)
        self.become(subject, role)
        with self.database.write() as connection:
            cookie = sessions.sign_in(connection, self.database.key, subject, name or f"User {number}", self.now)
        with self.database.read() as connection:
            found = sessions.find(connection, self.database.key, cookie, self.now)
        assert found is not None
        client = self.stranger()
        client.cookies.set(self.console.cookie, cookie)
        client.csrf, client.person = found.csrf, found.person  # type: ignore[attr-defined]
        return client

    def program(self, role: str = "oversighter", name: str = "", scopes: tuple[Act, ...] = tokens.SCOPES, days: int = 30) -> TestClient:
        """Somebody's program that has a token (``client.token``)."""
        browser: Any = self.client(role, name)
        with self.database.write() as connection:
            token = tokens.make(connection, browser.person, "a program", scopes, days, self.now)
        client: Any = self.stranger()
        client.headers["authorization"] = f"Bearer {token}"
        client.token, client.person = token, browser.person
        return client  # type: ignore[no-any-return]

    def stranger(self) -> TestClient:
        """A browser of somebody who is not signed in."""
        return TestClient(self.app, base_url="http://testserver", follow_redirects=False, raise_server_exceptions=True)

    def flag(self, kind: Kind = Kind.VIOLENCE, *, wiki: str = "enwiki", user: str = "", **more: Any) -> Flag:
        """A new flag in a new case."""
        number = next(self.numbers)
        event = Event(
            **{
                "id": f"event-{number}",
                "stream": "mediawiki.recentchange",
                "kind": EventKind.EDIT,
                "wiki": wiki,
                "server_url": "https://en.wikipedia.org",
                "time": self.now,
                "title": f"Page {number}",
                "namespace": 0,
                "user": user or f"Editor {number}",
                "rev_id": 1000 + number,
            }
            | more
        )
        finding = Finding(
            kinds={kind: 0.9},
            flagged=(kind,),
            specificity=1,
            plausibility=1,
            imminence=1,
            evidence=(Evidence(0, 3, kind.value),),
            language="en",
            coverage=Coverage.SCORED,
        )
        with self.database.write() as connection:
            one, two = WORDS[number % 10], WORDS[number // 10 % 10]  # texts that are nearly equal would make one case
            judged = [Judged(event, Passage(Field.TEXT, f"{one * 3} {sha256(str(number).encode()).hexdigest()} {two * 2} {TEXT}"), finding)]
            more = {"detector": "d", "source": "patrol", "windows": Windows(), "now": self.now}
            (flag,) = file_flags(connection, self.database.key, judged, **more)
        return flag

    def case(self, **more: Any) -> str:
        """A new case; its id."""
        return self.flag(**more).case_id

    def set(self, case_id: str, **values: Any) -> None:
        """What only time or accident does to a case."""
        with self.database.write() as connection:
            connection.execute(update(t.case).where(t.case.c.id == case_id).values(**values))

    def trace_nothing(self) -> None:
        """From now on whoever asks about an account is told at once that no wiki answered."""
        self.console.traces = Jobs(lambda _progress, _early: Silence(self.now), lambda: self.now)  # type: ignore[arg-type,return-value]

    def asked_trace(self, person_id: str) -> str:
        """A question of somebody that was answered; its id."""
        assert self.console.traces is not None
        job = self.console.traces.start(person_id, Asked("Example", "lime", "case 12"))
        assert job.wait(10)
        return job.id

    def acts(self, obj: str) -> list[tuple[str, str]]:
        """Who did what to something, oldest first."""
        with self.database.read() as connection:
            assert audit.verify(connection) is None
            return [(entry.actor, entry.act) for entry in audit.entries(connection, obj=obj)]


@pytest.fixture
def house(database: Database) -> House:
    """A console without cases."""
    origins = ("https://en.wikipedia.org",)
    return House(database, Settings(console=ConsoleSettings(client_id="c", wiki_origins=origins)))


@pytest.fixture(scope="session")
def _provider() -> Iterator[Any]:
    running = load("provider").Running()
    yield running
    running.close()


@pytest.fixture
def provider(_provider: Any) -> Any:
    """An OAuth provider that knows nobody yet."""
    fresh = load("provider").Provider(port=_provider.provider.port)
    for name, value in vars(fresh).items():
        setattr(_provider.provider, name, value)
    return _provider.provider


@pytest.fixture(scope="session")
def _wikis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """pywikibot is one per process; the family of these wikis is made known to it by :func:`wikis`."""
    running = load("wiki_stub").Running()
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("PYWIKIBOT_DIR", raising=False)
        patch.chdir(home)
        session.prepare(Settings(data_dir=str(home / "data"), wiki=WikiSettings(contact=CONTACT)))
    family = home / "people_family.py"
    family.write_text(
        "from pywikibot import family\n"
        "class Family(family.Family):\n"
        "    name = 'people'\n"
        f"    langs = {{code: '127.0.0.1:{running.port}' for code in ('meta', 'en', 'de')}}\n"
        "    def protocol(self, code): return 'http'\n"
        "    def scriptpath(self, code): return f'/{code}/w'\n"
        "    def dbName(self, code): return f'{code}wiki'\n"
    )
    yield running, home, family
    running.close()


@pytest.fixture
def wikis(_wikis: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Wikis without accounts. Other tests do not see their family."""
    from pywikibot import config

    running, home, family = _wikis
    monkeypatch.setattr(config, "base_dir", str(home))
    monkeypatch.setitem(config.family_files, "people", str(family))
    return running.fresh()


@pytest.fixture
def wiki_settings() -> WikiSettings:
    return WikiSettings(contact=CONTACT, families=("people",), domains=(), timeout=5.0)


@pytest.fixture
def make_api(wikis: Any, wiki_settings: WikiSettings) -> Iterator[Callable[..., Api]]:
    """Makes an ``Api`` that is nobody, or that keeps cookies."""
    opened = []

    def make(*, keep_cookies: bool = False) -> Api:
        opened.append(session.own_session(keep_cookies=keep_cookies))
        return Api(Sites(wiki_settings), wiki_settings, Budget(None), own=opened[-1])

    yield make
    for one in opened:
        one.close()


def load_village() -> ModuleType:
    """The made-up accounts of tests/trace, and the farm of wikis that they live on."""
    full = "console_tests_village"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, HERE.parent / "trace" / "conftest.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@pytest.fixture(scope="session")
def _village() -> tuple[Any, ...]:
    found: tuple[Any, ...] = load_village().people()
    return found


@pytest.fixture
def farm(_village: tuple[Any, ...]) -> Any:
    """Wikis with CentralAuth, on which a puppeteer, a look-alike, a victim and ordinary people edit."""
    return load_village().Farm.of(_village, ("enwiki", "dewiki", "frwiki", "metawiki"), central="metawiki")


@pytest.fixture
def make_jobs(database: Database, farm: Any) -> Callable[[Callable[[], float]], Jobs]:
    """Makes what asks the farm."""

    def make(clock: Callable[[], float]) -> Jobs:
        def tracer(progress: Any, early: Any) -> Tracer:
            return Tracer(Settings(), database, farm, Budget(None), clock, lambda _seconds: None, progress, early=early)

        return Jobs(tracer, clock)

    return make


@pytest.fixture
def csrf_of() -> Callable[[str], str]:
    """The form token of a page."""

    def find(page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    return find
