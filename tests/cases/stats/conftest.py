"""Some weeks of cases, filed through the functions that the patrol files them with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from tsbot.cases import annotations, outcomes
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.labels import Correction, Verdict, store_label
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.report.filing import file_reports
from tsbot.settings import Recipient, ReportSettings, Settings
from tsbot.store import ledger, outbox, schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

SCENARIO = Path(__file__).with_name("scenario.txt")
TEXT = "I will come to your office tomorrow and hurt you"
UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}
NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Line:
    """One case of the scenario."""

    number: int
    opened: float
    wiki: str
    kind: Kind
    language: str
    source: str
    acts: tuple[tuple[str, ...], ...]

    def has(self, act: str) -> bool:
        return any(words[0] == act for words in self.acts)

    def event(self, offset: int = 0) -> Event:
        """The flagged edit."""
        rev_id = self.number * 100 + offset
        return Event(
            id=f"event-{rev_id}",
            stream="mediawiki.recentchange",
            kind=EventKind.EDIT,
            wiki=self.wiki,
            server_url="https://example.wikipedia.org",
            time=self.opened - 60 + offset,
            title=f"Talk:Town hall {self.number}",
            user=f"Example {self.number}",
            rev_id=rev_id,
            parent_id=1,
        )


def lines() -> Iterator[Line]:
    """The cases of the text file."""
    some = (line for line in SCENARIO.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    for number, line in enumerate(some, 1):
        opened, wiki, kind, language, source, acts = (part.strip() for part in line.split("|"))
        time = datetime.strptime(opened, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()
        yield Line(number, time, wiki, Kind(kind), language, source, tuple(tuple(act.split()) for act in acts.split(";")))


def _after(words: str) -> float:
    return float(words[:-1]) * UNITS[words[-1]]


@dataclass
class Office:
    """Files and handles the cases of a scenario."""

    database: Database
    settings: Settings

    def file(self, line: Line) -> str:
        """A case with its flags and its letter; its id."""
        with self.database.write() as connection:
            if line.source == "hand":
                row = {"wiki": line.wiki, "kind": line.kind.value, "state": "new", "updated": line.opened, "source": "hand"}
                connection.execute(insert(t.case).values(id=f"hand-{line.number}", opened=line.opened, **row))
                return f"hand-{line.number}"
            flags = file_flags(
                connection,
                self.database.key,
                [self._judged(line, offset) for offset in range(self._flags(line))],
                detector="word-1",
                source=line.source,
                windows=Windows(),
                now=line.opened,
            )
            for flag in flags:
                file_reports(connection, flag, self.settings, line.opened)
            return flags[0].case_id

    def _flags(self, line: Line) -> int:
        return next((int(words[1]) for words in line.acts if words[0] == "flags"), 1)

    def _judged(self, line: Line, offset: int) -> Judged:
        finding = Finding(
            kinds={line.kind: 0.9},
            flagged=(line.kind,),
            specificity=1,
            imminence=2,
            language=line.language,
            coverage=Coverage.UNSCORED if line.has("unscored") else Coverage.SCORED,
            evidence=(Evidence(0, 10, line.kind.value), Evidence(27, 35, "when")),
        )
        return Judged(line.event(offset), Passage(Field.TEXT, f"{TEXT} {line.number}"), finding)

    def act(self, line: Line, case: str, words: tuple[str, ...]) -> None:
        """Something that happens to a case."""
        act, *rest = words
        at = line.opened + (_after(rest[0]) if rest and rest[0][-1] in UNITS and rest[0][0].isdigit() else 0)
        with self.database.write() as connection:
            if act in ("human", "closed", "merged"):
                values: dict[str, object] = {"triaged": at}
                if act == "closed":
                    values = {"closed": at, "state": "closed", "outcome": rest[1] if len(rest) > 1 else None}
                if act == "merged":
                    first = select(t.case.c.id).order_by(t.case.c.opened).limit(1)
                    values = {"merged_into": connection.scalar(first), "state": "closed", "closed": at}
                connection.execute(update(t.case).where(t.case.c.id == case).values(**values))
            elif act in ("released", "sent", "acknowledged"):
                (report, *_) = connection.scalars(select(t.report.c.id).where(t.report.c.case_id == case).order_by(t.report.c.created))
                if act == "released":
                    assert outbox.release(connection, report, "anna", at)
                elif act == "sent":
                    row = outbox.get(connection, report)
                    assert row is not None
                    outbox.prepared(connection, row, b"sealed", at)
                    outbox.release(connection, report, "anna", at)
                    assert outbox.mark_sent(connection, report, at)
                else:
                    connection.execute(update(t.report).where(t.report.c.id == report).values(acknowledged=at))
            elif act == "hidden":
                event = line.event()
                hidden = Event(
                    id=f"{event.id}-hidden", stream="s", kind=EventKind.VISIBILITY, wiki=line.wiki, time=at, rev_id=event.rev_id,
                    text_visible=False, comment_visible=True, user_visible=True,
                )  # fmt: skip
                assert outcomes.record(connection, self.database.key, hidden, at) == 1
            elif act == "blocked":
                block = Event(
                    id=f"{case}-blocked", stream="s", kind=EventKind.LOG, wiki=line.wiki, time=at, title=f"User:Example {line.number}",
                    log_type="block", log_action="block", log_id=7,
                )  # fmt: skip
                assert outcomes.record(connection, self.database.key, block, at) == 1
            elif act == "said":
                assert annotations.add(connection, case, rest[1], by="anna", now=at)
            elif act == "label":
                flag = connection.scalar(select(t.flag.c.id).where(t.flag.c.case_id == case).order_by(t.flag.c.event_time).limit(1))
                correction = {"wrong_kind": Correction(kind=Kind.HARASSMENT), "wrong_score": Correction(imminence=0)}
                store_label(connection, flag, Verdict(rest[0]), correction.get(rest[0], Correction()), by="anna", now=at)
            else:
                assert act in ("flags", "unscored"), act


@pytest.fixture(scope="session")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with the cases of the scenario, and the books of a patrol; for reading."""
    folder = tmp_path_factory.mktemp("weeks")
    database = Database(connect(f"sqlite:///{folder / 'tsbot.sqlite'}"), MasterKey(b"k" * 32))
    schema.upgrade(database)
    report = ReportSettings(recipients={"default": (Recipient(to="desk@example.org"),)}, reporter_contact="reporter@example.org")
    office = Office(database, Settings(data_dir=str(folder), report=report))
    for line in lines():
        case = office.file(line)
        for words in line.acts:
            office.act(line, case, words)
    with database.write() as connection:
        ledger.count(connection, {"passages": 1000, "weak.dewiki": 40, "unscored.xhwiki": 25, "unscored.frwiki": 5})
    yield database
    database.close()
