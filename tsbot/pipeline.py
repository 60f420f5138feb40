"""The stages, wired for one process.

::

    source ─► intake ─► judge (summary, title, name) ─┬─► flags, cases, reports ─► outbox
              │ skipped, failed                       │
              └─ edits ─► fetch queue ─► fetch ─► passages ─► judge
                          outcomes wait for the edits that they may concern

Each turn takes one batch of messages and whatever texts have arrived, and stores results, counters and cursor in one
transaction each. What is in memory only can be lost at any moment: everything needed to go on is in the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from tsbot.cases import outcomes
from tsbot.cases.filing import Filed, Judged, file_flags
from tsbot.detect.detector import Detector
from tsbot.errors import StoreBusyError, StoreFullError
from tsbot.intake import Intake, Sorted, redrivable
from tsbot.judge import Verdicts, judge
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.store.ledger import DeadLetter, PendingEvent
from tsbot.stream.events import Event, EventKind
from tsbot.stream.source import Batch
from tsbot.text.passage import Passage
from tsbot.text.passages import added_passages, event_passages
from tsbot.wiki.fetcher import FetchedText, Fetcher
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

T = TypeVar("T")
EVENTS, SUBJECTS = "event", "subject"
"""Scopes of what was seen."""
MISSING_GRACE = 120.0
"""Seconds for which a revision that a wiki does not know (yet) is asked for again: replicas lag behind."""


class FileReports(Protocol):
    """Writes the reports of a new flag to the outbox, in the transaction that stores the flag."""

    def __call__(self, connection: Connection, filed: Filed, now: float) -> None:
        """Raises nothing but ``StoreError``."""


@dataclass
class Pipeline:
    """One patrol's stages. Single-threaded: only the source and the fetcher have threads of their own."""

    database: Database
    intake: Intake
    detector: Detector
    file_reports: FileReports
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    fetcher: Fetcher | None = None
    """None judges only what events carry."""
    case_window: float = 86400.0
    max_passage_chars: int = 200_000
    fetch_attempts: int = 12
    remember: int = 2_000_000
    trouble: str = ""
    """What keeps results from being stored now; empty if nothing does."""
    _waiting: dict[str, PendingEvent] = field(default_factory=dict)
    _touched: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def load(self) -> None:
        """Take up where the last process stopped: what was seen, and what is pending."""
        with self.database.write() as connection:
            for scope, index in ((EVENTS, self.intake.events), (SUBJECTS, self.intake.subjects)):
                blobs = list(ledger.load_seen(connection, scope, self.remember))
                index.load(blobs)
                ledger.compact_seen(connection, scope, blobs)
            for item in ledger.load_pending(connection, self.database.key):
                self._await(item)

    # -- messages -----------------------------------------------------------------------------------------------------

    def take(self, batch: Batch, source: str, *, again: bool = False) -> None:
        """Sort, judge and store one batch of messages, with the place to go on from."""
        sorted_batch = self.intake.sort(batch.messages, again=again)
        judged_events = [event for event in sorted_batch.events if event.id not in sorted_batch.otherwise]
        verdicts = judge(self.detector, [(event, p) for event in judged_events for p in event_passages(event)])
        waiting = self._commit(lambda connection: self._store_batch(connection, batch, source, sorted_batch, verdicts, again=again))
        self.intake.remember(sorted_batch)
        for item in waiting:
            self._await(item)

    def _store_batch(
        self, connection: Connection, batch: Batch, source: str, got: Sorted, verdicts: Verdicts, *, again: bool
    ) -> list[PendingEvent]:
        now = self.clock()
        counts: Counter[str] = Counter({"received": got.received, "duplicates": got.duplicates, "failed": len(got.failed)})
        counts.update({ledger.SKIPPED + rule: n for rule, n in got.skipped.items()})
        counts.update(verdicts.coverage)
        failed = [*got.failed]
        flagged = self._file(connection, verdicts.flagged, now)
        waiting: list[PendingEvent] = []
        touched = Counter(key for event in got.events if self._is_fetched(event) for key in outcomes.touches(event))
        for event in got.events:
            if event.id in verdicts.broken:
                failed.append(DeadLetter(event.id, "judge_failed", "the detector failed on a text", redrivable(event), event.wiki))
                counts["failed"] += 1
            elif self._is_fetched(event):
                waiting.append(PendingEvent(event, flagged=event.id in flagged))
            elif any(key in touched or key in self._touched for key in outcomes.concerns(event)):
                waiting.append(PendingEvent(event, flagged=event.id in flagged))
            else:
                counts[self._ending(connection, event, flagged=event.id in flagged, rule=got.otherwise.get(event.id))] += 1
        ledger.add_pending(connection, self.database.key, waiting)
        ledger.add_dead_letters(connection, self.database.key, failed, now)
        ledger.save_seen(connection, EVENTS, self.intake.events.blob(got.event_keys))
        ledger.save_seen(connection, SUBJECTS, self.intake.subjects.blob(got.subject_keys))
        ledger.record_gaps(connection, source, batch.gaps, now)
        if batch.cursor is not None:
            ledger.save_cursor(connection, source, batch.cursor, now)
        ledger.count(connection, counts)
        return waiting

    def _is_fetched(self, event: Event) -> bool:
        return self.fetcher is not None and event.kind is EventKind.EDIT

    def _ending(self, connection: Connection, event: Event, *, flagged: bool, rule: str | None) -> str:
        """The counter that an event ends in, once nothing more will be known of it."""
        concerned = outcomes.record(connection, self.database.key, event)
        if flagged:
            return "flagged"
        if concerned:
            return "outcome"
        return ledger.SKIPPED + rule if rule else "cleared"

    def _file(self, connection: Connection, judged: Sequence[Judged], now: float) -> set[str]:
        """Store flags and their reports; ids of the events flagged."""
        for source in ("patrol", "backfill", "hand"):
            some = [item for item in judged if _source(item.event) == source]
            filed = file_flags(
                connection,
                self.database.key,
                some,
                detector=self.detector.version,
                source=source,
                window=self.case_window,
                now=now,
            )
            for item in filed:
                if item.new:
                    self.file_reports(connection, item, now)
        return {item.event.id for item in judged}

    # -- texts --------------------------------------------------------------------------------------------------------

    def fetch(self) -> int:
        """Ask for texts that wait, and finish the edits whose texts have arrived; how many were finished."""
        if self.fetcher is None:
            return 0
        self.fetcher.submit(self.clock())
        return sum(self._finish(result) for result in self.fetcher.collect(self.clock()))
