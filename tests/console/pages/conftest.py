"""A console over a database of made-up cases, and people who are signed in to it. Nobody is asked over a network."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from tsbot.cases.case import Case, read_case
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.flag import Flag
from tsbot.console import sessions
from tsbot.console.access import Groups, shipped_matrix
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.people import FreshRights, Person
from tsbot.console.reading import Limits
from tsbot.detect.finding import Coverage, Evidence, Facets, Finding, Kind
from tsbot.errors import WikiUnavailableError
from tsbot.report.filing import file_reports
from tsbot.settings import CaseSettings, Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

NOW = 1_790_000_000.0
WORDS = ("anvils", "bassoons", "cobwebs", "dumplings", "eyelashes", "fiddlers", "gherkins", "hammocks", "icicles", "jugglers")


@dataclass
class House:
    """The cases, the clock, the wikis' word on groups, and the console over all of it."""

    database: Database
    now: float = NOW
    groups: dict[str, Groups] = field(default_factory=dict)
    """By subject; who is not named is a steward."""
    down: bool = False
    """Whether the wikis do not say who may do what."""
    asked: int = 0
    limits: Limits = field(default_factory=Limits)
    two_person: tuple[str, ...] = CaseSettings().two_person
    more: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    windows: Windows = field(default_factory=Windows)

    def _groups(self, person: Person) -> Groups:
        self.asked += 1
        if self.down:
            raise WikiUnavailableError("away")
        found = self.groups.get(person.subject, Groups({}, frozenset(("steward",))))
        return Groups(found.local, found.everywhere, found.named, self.now)

    def console(self) -> Console:
        settings = Settings(cases=CaseSettings(two_person=self.two_person))
        rights = FreshRights(self._groups, shipped_matrix(), lambda: self.now)
        return Console(settings, self.database, rights, lambda: self.now, secure=False, limits=self.limits, **self.more)

    def sign_in(self, name: str = "Reader") -> Browser:
        """Somebody with a session, at the console."""
        with self.database.write() as connection:
            cookie = sessions.sign_in(connection, self.database.key, f"central:{name}", name, self.now)
        app = create_app(self.console())
        client = TestClient(app, base_url="http://127.0.0.1:8787", follow_redirects=False, raise_server_exceptions=False)
        client.cookies.set("tsbot", cookie)
        return Browser(self, client, cookie)

    def flag(
        self, kind: Kind = Kind.VIOLENCE, *, by: str = "", text: str = "", scores: tuple[int, int, int] = (1, 1, 1), **more: Any
    ) -> Flag:
        """A new flag, unlike anything before but for what is given: ``evidence`` and ``language`` of the finding, the rest of the event."""
        number = next(self.numbers)
        text = text or f"{WORDS[number % 10] * 3} {sha256(str(number).encode()).hexdigest()} {WORDS[number // 10 % 10] * 2}"
        language, evidence = more.pop("language", "en"), more.pop("evidence", (0, 3))
        event = Event(
            **{
                "id": f"event-{number}", "stream": "mediawiki.recentchange", "kind": EventKind.EDIT, "wiki": "enwiki",
                "server_url": "https://en.wikipedia.org", "time": self.now, "title": f"Page {number}", "namespace": 0,
                "user": by or f"Editor {number}", "rev_id": 1000 + number, "parent_id": 999,
            }
            | more
        )  # fmt: skip
        finding = Finding(
            kinds={kind: 0.9}, flagged=(kind,), specificity=scores[0], plausibility=scores[1], imminence=scores[2],
            evidence=(Evidence(*evidence, kind.value),), language=language, coverage=Coverage.SCORED, facets=Facets(target=3, when=True),
        )  # fmt: skip
        with self.database.write() as connection:
            judged = [Judged(event, Passage(Field.TEXT, text), finding)]
            (flag,) = file_flags(connection, self.database.key, judged, detector="d", source="patrol", windows=self.windows, now=self.now)
        return flag

    def case(self, kind: Kind = Kind.VIOLENCE, **more: Any) -> str:
        return self.flag(kind, **more).case_id

    def letters(self, flag: Flag) -> list[str]:
        with self.database.write() as connection:
            return file_reports(connection, flag, Settings(), self.now)

    def __getitem__(self, case_id: str) -> Case:
        with self.database.read() as connection:
            return read_case(connection, case_id)

    def set(self, case_id: str, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(update(t.case).where(t.case.c.id == case_id).values(**values))

    def acts(self, obj: str) -> list[str]:
        with self.database.read() as connection:
            return [entry.act for entry in audit.entries(connection, obj=obj)]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


@dataclass
class Browser:
    """Somebody at the console: gets pages, sends the forms on them."""

    house: House
    client: TestClient
    cookie: str

    @property
    def session(self) -> sessions.Session:
        with self.house.database.read() as connection:
            found = sessions.find(connection, self.house.database.key, self.cookie, self.house.now)
        assert found is not None
        return found

    @property
    def actor(self) -> str:
        return self.session.person.pseudonym

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def send(self, path: str, _csrf: str | None = None, _part: bool = False, **fields: Any) -> Any:
        """Send a form as the page has it."""
        headers = {"hx-request": "true"} if _part else {}
        return self.client.post(path, data={"csrf": self.session.csrf if _csrf is None else _csrf, **fields}, headers=headers)

    def act(self, case_id: str, name: str, **fields: Any) -> Any:
        """Send a form of a case page, with the version that it has now."""
        return self.send(f"/cases/{case_id}/{name}", **{"version": self.house[case_id].version, **fields})

    def listed(self, query: str = "") -> list[str]:
        """Beginnings of the ids of the cases in the queue, in their order."""
        answer = self.get(f"/?{query}")
        assert answer.status_code == 200, answer.text
        return re.findall(r'<th scope="row"><a href="/cases/([0-9a-f]{8})', answer.text)


@pytest.fixture
def house(database: Database) -> House:
    """No cases yet."""
    return House(database)


@pytest.fixture
def make_house() -> Callable[[Database], House]:
    """Makes houses."""
    return House
