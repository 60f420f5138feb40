"""A desk with a database: flags filed as the pipeline files them, and people who act on the cases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from tsbot.cases import outcomes
from tsbot.cases.acts import Desk, desk
from tsbot.cases.approvals import asking
from tsbot.cases.case import Case, read_case
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.flag import Flag
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
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
class Book:
    """The cases, and short words for what tests do with them."""

    database: Database
    now: float = NOW
    accounts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    two_person: tuple[str, ...] = CaseSettings().two_person
    windows: Windows = field(default_factory=Windows)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def settings(self) -> Settings:
        return Settings(people=self.accounts, cases=CaseSettings(two_person=self.two_person))

    def flag(
        self, kind: Kind = Kind.VIOLENCE, *, by: str | None = None, text: str = "", scores: tuple[int, int, int] = (1, 1, 1), **more: Any
    ) -> Flag:
        """A new flag; what is not given is unlike anything before. ``more`` goes to the event, and ``field`` and ``source`` to the flag."""
        number = next(self.numbers)
        one, two = WORDS[number % 10], WORDS[number // 10 % 10]
        text = text or f"{one * 3} {sha256(str(number).encode()).hexdigest()} {two * 2}"
        source, where = more.pop("source", "patrol"), more.pop("field", Field.TEXT)
        event = Event(
            **{
                "id": f"event-{number}",
                "stream": "mediawiki.recentchange",
                "kind": EventKind.EDIT,
                "wiki": "enwiki",
                "server_url": "https://en.wikipedia.org",
                "time": self.now,
                "title": f"Page {number}",
                "namespace": 0,
                "user": by or f"Editor {number}",
                "rev_id": 1000 + number,
            }
            | more
        )
        finding = Finding(
            kinds={kind: 0.9},
            flagged=(kind,),
            specificity=scores[0],
            plausibility=scores[1],
            imminence=scores[2],
            evidence=(Evidence(0, 3, kind.value),),
            language="en",
            coverage=Coverage.SCORED,
        )
        with self.database.write() as connection:
            judged = [Judged(event, Passage(where, text), finding)]
            (flag,) = file_flags(connection, self.database.key, judged, detector="d", source=source, windows=self.windows, now=self.now)
        return flag

    def case(self, kind: Kind = Kind.VIOLENCE, **more: Any) -> str:
        """A new case with one flag; its id."""
        return self.flag(kind, **more).case_id

    def file(self, flag: Flag) -> list[str]:
        """Letters about a flag; their ids."""
        with self.database.write() as connection:
            return file_reports(connection, flag, self.settings, self.now)

    def happens(self, flag: Flag, **fields: Any) -> None:
        """The stream tells that the visibility of a flagged edit changed; all that is not named stays visible."""
        wiki, _, rev_id = flag.subject.split(":")
        visible = {"text_visible": True, "comment_visible": True, "user_visible": True} | fields
        event_id, kind = f"outcome-{next(self.numbers)}", EventKind.VISIBILITY
        self.tell(Event(id=event_id, stream="x", kind=kind, wiki=wiki, time=self.now, rev_id=int(rev_id), **visible))

    def hide(self, flag: Flag) -> None:
        self.happens(flag, text_visible=False)

    def tell(self, event: Event) -> None:
        with self.database.write() as connection:
            outcomes.record(connection, self.database.key, event, self.now)

    def __getitem__(self, case_id: str) -> Case:
        with self.database.read() as connection:
            return read_case(connection, case_id)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that keeps requests for a second person; the log holds after it."""
        try:
            with asking(self.database) as connection:
                yield connection
        finally:
            with self.database.read() as connection:
                assert audit.verify(connection) is None

    def who(self, name: str) -> Desk:
        return desk(name, self.database.key, self.settings)

    def do(self, name: str, act: str, case_id: str, *arguments: Any, **more: Any) -> Any:
        """Somebody does something: ``do("ann", "close", case, "handled")``."""
        with self.write() as connection:
            return getattr(self.who(name), act)(connection, case_id, *arguments, now=self.now, **more)

    def set(self, case_id: str, **values: Any) -> None:
        """What only time or accident does to a row."""
        with self.database.write() as connection:
            connection.execute(update(t.case).where(t.case.c.id == case_id).values(**values))

    def acts(self, obj: str) -> list[str]:
        """What the log tells of something, oldest first."""
        with self.database.read() as connection:
            return [entry.act for entry in audit.entries(connection, obj=obj)]

    def became(self, case_id: str) -> list[tuple[str, str]]:
        """What became of a case, and who says so."""
        with self.database.read() as connection:
            query = select(t.annotation.c.what, t.annotation.c.by).where(t.annotation.c.case_id == case_id).order_by(t.annotation.c.id)
            return [(what, by) for what, by in connection.execute(query)]

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.fixture
def book(database: Database) -> Book:
    """No cases yet."""
    return Book(database)
