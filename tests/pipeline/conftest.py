"""A patrol in miniature: the real stages over messages made here, with a detector that finds one harmless word.

The word keeps these tests about the accounting; tests/detect is about judging.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.errors import WikiError
from tsbot.intake import Intake
from tsbot.pipeline import Pipeline
from tsbot.report.filing import file_reports
from tsbot.settings import AdmissionSettings, Settings
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.stream.admission import Admission
from tsbot.stream.seen import SeenIndex
from tsbot.stream.source import Batch
from tsbot.text.passage import Field
from tsbot.wiki.budget import Budget
from tsbot.wiki.fetcher import Fetcher
from tsbot.wiki.queue import FetchQueue
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

WORD = "walrus"
NOW = 1_700_000_000.0


class WordDetector:
    """Flags texts with the word; fails on texts with the word ``crash``."""

    version = "word-1"

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """One finding per text."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Finding:
        if "crash" in text:
            raise RuntimeError("crash")
        start = text.find(WORD)
        if start < 0:
            return Finding(language="en", coverage=Coverage.SCORED)
        return Finding(
            kinds={Kind.VIOLENCE: 0.9},
            flagged=(Kind.VIOLENCE,),
            specificity=2,
            plausibility=2,
            imminence=1,
            evidence=(Evidence(start, start + len(WORD), "violence"),),
            language="en",
            coverage=Coverage.SCORED,
        )


@dataclass
class Texts:
    """Revision texts at hand, by id; ``trouble`` is raised instead of answering."""

    texts: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    trouble: list[WikiError] = field(default_factory=list)
    requests: int = 0

    def batch_size(self, wiki: str) -> int:
        """As an anonymous client."""
        return 25

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """Answer from memory."""
        self.requests += 1
        if self.trouble:
            raise self.trouble.pop(0)
        return [self._one(ref) for ref in refs]

    def _one(self, ref: RevisionRef) -> FetchedRevision:
        if ref.rev_id in self.hidden:
            return FetchedRevision(ref, RevisionState.HIDDEN)
        if ref.rev_id not in self.texts:
            return FetchedRevision(ref, RevisionState.DELETED)
        return FetchedRevision(ref, RevisionState.PRESENT, text=self.texts[ref.rev_id], parent_text=self.texts.get(ref.parent_id))


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """One database with what surrounds it; :meth:`pipeline` is a process starting on it."""

    database: Database
    settings: Settings
    texts: Texts = field(default_factory=Texts)
    clock: Clock = field(default_factory=Clock)
    slept: list[float] = field(default_factory=list)

    def pipeline(self, *, fetch: bool = True, load: bool = True) -> Pipeline:
        """A pipeline as a new process would open it; without ``load`` as a worker does."""
        queue = FetchQueue(self.texts.batch_size, window=0, attempts=3) if fetch else None
        fetcher = Fetcher(self.texts, queue, Budget(None), now=self.clock, settle=0) if queue is not None else None
        pipeline = Pipeline(
            database=self.database,
            intake=Intake(Admission(AdmissionSettings()), lambda event: event.wiki.endswith("wiki"), SeenIndex(10_000), SeenIndex(10_000)),
            detector=WordDetector(),
            file_reports=lambda connection, flag, now: file_reports(connection, flag, self.settings, now),
            clock=self.clock,
            sleep=self.slept.append,
            texts=queue,
            fetcher=fetcher,
        )
        if load:
            pipeline.load()
        return pipeline

    def totals(self) -> ledger.Totals:
        """The books, which must balance at every moment."""
        with self.database.read() as connection:
            totals = ledger.totals(connection)
        assert totals.balanced
        return totals

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """An empty world."""
    return World(database, Settings(data_dir=str(tmp_path)))


def drain(pipeline: Pipeline, clock: Clock | None = None) -> None:
    """Fetch until no text is waited for; the clock jumps over pauses."""
    for _ in range(2000):
        if not pipeline.fetching:
            return
        pipeline.fetch()
        if pipeline.fetcher is not None and pipeline.fetching:
            waits = pipeline.fetcher.wait_time()
            if waits and clock is not None:
                clock.now += waits
            for result in [pipeline.fetcher.collect(wait=0.2)]:
                if result:
                    pipeline._finish(result)
    raise AssertionError("texts never arrived")


NUMBERS = itertools.count(1)


def change(**fields: Any) -> bytes:
    """A recentchange message about a mild edit on enwiki; ``fields`` replace parts, ``meta`` parts of ``meta``."""
    number = next(NUMBERS)
    meta = {"id": f"event-{number}", "dt": "2023-11-14T22:13:20Z", "domain": "en.wikipedia.org", "stream": "mediawiki.recentchange"}
    message: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": meta | fields.pop("meta", {}),
        "type": "edit",
        "namespace": 1,
        "title": f"Talk:Example {number}",
        "comment": "a mild remark",
        "timestamp": int(NOW),
        "user": f"Editor {number}",
        "bot": False,
        "revision": {"old": 1000 + number, "new": 100_000 + number},
        "length": {"old": 10, "new": 20},
        "server_url": "https://en.wikipedia.org",
        "server_name": "en.wikipedia.org",
        "wiki": "enwiki",
    }
    return json.dumps(message | fields).encode()


def visibility(rev_id: int, **visible: bool) -> bytes:
    """A revision-visibility-change message on enwiki."""
    number = next(NUMBERS)
    return json.dumps(
        {
            "$schema": "/mediawiki/revision/visibility-change/1.0.0",
            "meta": {
                "id": f"event-{number}",
                "dt": "2023-11-14T22:14:20Z",
                "domain": "en.wikipedia.org",
                "stream": "mediawiki.revision-visibility-change",
            },
            "database": "enwiki",
            "page_id": 1,
            "page_title": "Talk:Example",
            "page_namespace": 1,
            "rev_id": rev_id,
            "rev_timestamp": "2023-11-14T22:13:20Z",
            "visibility": {"text": True, "user": True, "comment": True} | visible,
        }
    ).encode()


@dataclass(frozen=True)
class Make:
    """The makers of messages, for test modules."""

    change: Callable[..., bytes] = change
    visibility: Callable[..., bytes] = visibility
    drain: Callable[..., None] = drain
    word: str = WORD

    def batch(self, *messages: bytes, cursor: str | None = None) -> Batch:
        """Messages as a source gives them."""
        return Batch(messages, cursor)


@pytest.fixture
def make() -> Make:
    """Makers of messages."""
    return Make()
