"""A desk with a case, as it stands after a day of work: flags, letters sent and held, a note, and names in all of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tsbot.cases.filing import Judged, Windows, case_key, file_flags, read_flag
from tsbot.cases.flag import Flag
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.housekeeping import Housekeeper, open_housekeeper
from tsbot.report.channels import Channel, open_channels
from tsbot.report.deliver import Deliverer
from tsbot.report.filing import file_reports
from tsbot.report.letter import Links
from tsbot.settings import Recipient, ReportSettings, Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.crypto import seal
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.store.outbox import Report
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage

NOW = 1_790_000_000.0
DAY = 86400.0
CANARY = "canary seven three nine one"
USER = "Canarius Example"
TITLE = "Talk:Canary house"
RECIPIENT = "desk@example.org"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def links(flag: Flag) -> Links:
    rev = flag.content.rev_id if flag.content else 0
    return Links(permanent=f"https://en.wikipedia.org/w/index.php?oldid={rev}", user="https://en.wikipedia.org/wiki/User:Canarius_Example")


@dataclass
class Desk:
    settings: Settings
    database: Database
    clock: Clock = field(default_factory=Clock)

    def edit(self, rev_id: int = 100, **more: Any) -> Event:
        given: dict[str, Any] = {"user": USER, "title": TITLE, "time": self.clock() - 5} | more
        return Event(
            id=f"event-{rev_id}", stream="mediawiki.recentchange", kind=EventKind.EDIT, wiki="enwiki", namespace=1, rev_id=rev_id,
            domain="en.wikipedia.org", server_url="https://en.wikipedia.org", **given,
        )  # fmt: skip

    def flag(self, rev_id: int = 100, kind: Kind = Kind.VIOLENCE, where: Field = Field.TEXT, text: str = CANARY, **more: Any) -> Flag:
        """What the patrol does with a finding."""
        passage = Passage(where, f"I will come tomorrow, {text}")
        finding = Finding(
            kinds={kind: 0.9}, flagged=(kind,), specificity=2, plausibility=2, imminence=1,
            evidence=(Evidence(0, 6, kind.value),), language="en", coverage=Coverage.SCORED,
        )  # fmt: skip
        event = self.edit(rev_id, **more)
        with self.database.write() as connection:
            (flag,) = file_flags(
                connection, self.database.key, [Judged(event, passage, finding)],
                detector="test-1", source="patrol", windows=Windows(), now=self.clock(),
            )  # fmt: skip
            file_reports(connection, flag, self.settings, self.clock())
        return flag

    def note(self, case: str, text: str) -> None:
        with self.database.write() as connection:
            key = case_key(connection, self.database.key, case)
            assert key is not None
            body = seal(key, text.encode(), f"note|body|{case}")
            connection.execute(insert(t.note).values(case_id=case, by="anna", created=self.clock(), body=body))

    def deliverer(self, channels: dict[str, Channel] | None = None, settings: Settings | None = None) -> Deliverer:
        settings = settings or self.settings
        return Deliverer(
            self.database, settings, open_channels(settings) if channels is None else channels,
            account_status=None, clock=self.clock, rng=random.Random(1), links=links,
        )  # fmt: skip

    def release(self, by: str = "anna") -> None:
        """Let everything that is held go."""
        with self.database.write() as connection:
            for report in outbox.listing(connection, outbox.ReportState.HELD):
                assert outbox.release(connection, report.id, by, self.clock())

    def send(self, by: str = "anna") -> None:
        deliverer = self.deliverer()
        deliverer.run_once()
        self.release(by)
        deliverer.run_once()

    def close(self, case: str, **columns: Any) -> None:
        with self.database.write() as connection:
            values = {"state": "closed", "closed": self.clock(), "updated": self.clock(), "outcome": "not_actionable"} | columns
            connection.execute(update(t.case).where(t.case.c.id == case).values(**values))

    def set(self, case: str, **columns: Any) -> None:
        with self.database.write() as connection:
            connection.execute(update(t.case).where(t.case.c.id == case).values(**columns))

    def keeper(self) -> Housekeeper:
        return open_housekeeper(self.settings, self.database, self.clock)

    def read(self, flag: Flag) -> Flag:
        with self.database.read() as connection:
            found = read_flag(connection, self.database.key, flag.id)
        assert found is not None
        return found

    def case(self, identity: str) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(t.case).where(t.case.c.id == identity)).one()

    def reports(self) -> list[Report]:
        with self.database.read() as connection:
            return sorted(outbox.listing(connection), key=lambda report: report.created)

    def spooled(self) -> dict[str, str]:
        return {path.stem: path.read_text(encoding="utf-8") for path in self.settings.spool_path.glob("*.eml")}

    def files(self) -> dict[str, bytes]:
        """Everything in the data folder."""
        folder = self.settings.data_path
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    recipients = {"default": (Recipient(to=RECIPIENT, excerpt=True),)}
    report = ReportSettings(reporter_name="Patrol desk", reporter_contact="reporter@example.org", recipients=recipients)
    settings = Settings(data_dir=str(tmp_path / "data"), report=report)
    database = open_store(settings)
    yield Desk(settings, database)
    database.close()
