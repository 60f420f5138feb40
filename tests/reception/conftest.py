"""A reception with its letterbox, a detector that reads one word, and a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.reception import hearing as hearings
from tsbot.reception.desk import FrontDesk
from tsbot.reception.hearing import Hearing
from tsbot.reception.letterbox import Letterbox
from tsbot.reception.reader import Reader
from tsbot.reception.web import create_app
from tsbot.referral.directory import shipped_directory
from tsbot.settings import MailSettings, ReceptionSettings, ReportSettings, Settings
from tsbot.store.database import Database

NOW = 1_790_000_000.0
CANARY = "canary seven three nine"


class OneWord:
    """Reads danger to life where a text says ``danger``, and minors where it says ``minors``."""

    version = "one word"

    def judge(self, texts: Sequence[str], *, fields: Any = None, languages: Any = None) -> list[Finding]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Finding:
        if "poison" in text:
            raise RuntimeError("a text that the detector trips over")
        kinds = {Kind.VIOLENCE: 0.5 if "danger" in text else 0.0, Kind.MINORS: 0.9 if "minors" in text else 0.0}
        flagged = tuple(kind for kind, p in kinds.items() if p >= 0.5)
        return Finding(kinds=kinds, flagged=flagged, language="en", coverage=Coverage.SCORED)


@dataclass
class House:
    database: Database
    settings: Settings
    now: float = NOW
    woken: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.letterbox = Letterbox(self.database)
        self.letterbox.start()
        self.reader = Reader(self.database, self.letterbox, OneWord, self.terms, lambda: self.now, 10_000)  # type: ignore[arg-type]
        self.desk = FrontDesk(self.database, self.settings, self.letterbox, shipped_directory, lambda: self.now)
        self.desk.database_of = {"https://en.wikipedia.org": "enwiki"}.get
        self.desk.wake = lambda: self.woken.append(self.now)

    @property
    def terms(self) -> hearings.Terms:
        ours = self.settings.reception
        return hearings.Terms(ours.wiki, ours.link_days, ours.news_days, ours.urgent_hours)

    def with_reader(self) -> None:
        """Let the page ask the detector."""
        self.reader.start()
        self.desk.reader = self.reader

    def browser(self, language: str = "en") -> TestClient:
        headers = {"accept-language": language}
        return TestClient(create_app(self.desk), base_url="http://tell-us.test", headers=headers, follow_redirects=False)

    def take(self, text: str, *, once: str = "", channel: str = "web", language: str = "en", **more: Any) -> Hearing:
        from tsbot.reception.form import fresh
        from tsbot.reception.said import Said

        return self.desk.take(Said(text=text, **more), once=once or fresh(), channel=channel, language=language).result(60)

    def hearing(self, identity: str) -> Hearing:
        with self.database.read() as connection:
            found = hearings.find(connection, identity)
        assert found is not None
        return found

    def close(self) -> None:
        self.reader.stop() if self.reader._thread.ident else None
        self.letterbox.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=str(tmp_path),
        reception=ReceptionSettings(url="https://tell-us.test", address="tell-us@example.org"),
        report=ReportSettings(reporter_contact="operator@example.org"),
        mail=MailSettings(host="127.0.0.1", port=25, security="none"),
    )


@pytest.fixture
def house(database: Database, settings: Settings) -> Iterator[House]:
    made = House(database, settings)
    yield made
    made.close()


@pytest.fixture
def link_of() -> Callable[[str], str]:
    """The private link of a page."""

    def find(page: str) -> str:
        found = re.search(r'value="(https://tell-us\.test/l/[A-Za-z0-9_-]{43})"', page)
        assert found is not None
        return found[1]

    return find
