"""The stages, wired for one process.

::

    source ─► intake ─► judge (summary, title, name) ─┬─► flags, cases, reports ─► outbox
              │ skipped, failed                       │
              └─ edits ─► fetch queue ─► fetch ─► passages ─► judge
                          outcomes wait for the edits that they may concern

Each turn takes one batch of messages and whatever texts have arrived, and stores results, counters and cursor in one
transaction each. What is in memory only can be lost at any moment: everything needed to go on is in the database.

Where many machines share the work (:mod:`tsbot.bus`), the same stages are cut in two: a listener calls :meth:`Pipeline.accept`, which
stores what was admitted; workers call :meth:`Pipeline.handle` with what they claimed of it, and :meth:`Pipeline.fetch` and
:meth:`Pipeline.settle` as a patrol does.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from tsbot.bus.order import PageOrder
from tsbot.cases import copypasta, outcomes
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.flag import Flag
from tsbot.detect.detector import Detector
from tsbot.endings import CREDITED, GONE, intake_counts, source_of, unusable, why
from tsbot.hide.observer import Observer
from tsbot.intake import BY_HAND, Intake, Sorted, redrivable
from tsbot.judge import Passages, Verdicts, judge
from tsbot.report.sealing import seal_hidden
from tsbot.shadow import Shadow
from tsbot.store import audit, claims, ledger
from tsbot.store.committing import Committing
from tsbot.store.ledger import DeadLetter, PendingEvent, Stage
from tsbot.stream.events import Event, EventKind
from tsbot.stream.seen import blob
from tsbot.stream.source import Batch
from tsbot.text.passage import Field, Passage
from tsbot.text.passages import added_passages, carried_passages
from tsbot.trace.index import ActivityIndex, Added
from tsbot.waiting import Waiting
from tsbot.wiki.abuselog import ABUSE_LOG
from tsbot.wiki.fetcher import Fetcher, FetchResult
from tsbot.wiki.queue import FetchQueue
from tsbot.wiki.sites import base_url
from tsbot.wiki.types import FetchedRevision, RevisionRef

EVENTS, SUBJECTS = "event", "subject"
"""Scopes of what was seen."""
MOST_SETTLED = 200
"""Outcomes settled in one transaction, where several workers do it."""
TRIM_EVERY = 10_000
"""Batches after which what is remembered of events too old to matter is deleted."""
OWN = (BY_HAND, ABUSE_LOG)
"""Beginnings of the names of sources that hand in events as they are."""


class FileReports(Protocol):
    """Writes the reports of a new or strengthened flag to the outbox, in the transaction that stores the flag."""

    def __call__(self, connection: Connection, flag: Flag, now: float) -> None:
        """Raises nothing but ``StoreError``."""


@dataclass(kw_only=True)
class Pipeline(Committing):
    """One patrol's stages. Single-threaded: only the source and the fetcher have threads of their own."""

    intake: Intake
    detector: Detector
    file_reports: FileReports
    clock: Callable[[], float]
    texts: FetchQueue | None = None
    """Edits whose texts are to be fetched; None judges only what events carry."""
    fetcher: Fetcher | None = None
    """Fetches what is in ``texts``."""
    case_windows: Windows = field(default_factory=Windows)
    max_passage_chars: int = 200_000
    remember: int = 2_000_000
    seal_when_hidden: bool = True
    """Whether our copy of a text goes once the wiki has hidden it."""
    activity: ActivityIndex | None = None
    """Keeps who edited what when; None where the index is off."""
    observer: Observer | None = None
    """Takes note of what the stream tells of plans of what to hide."""
    shadow: Shadow | None = None
    """A candidate detector that judges along, after everything is stored."""
    owner: str | None = None
    """The worker's name under which it has leased what it handles; None where one process has everything."""
    begin_again: Callable[[PendingEvent], bool] = field(default=lambda item: True)  # noqa: ARG005
    """Asked before an edit is judged alone that workers began with in vain; False if that is not to be."""
    order: PageOrder | None = None
    """Keeps texts in the order of their page; None judges them as they come."""
    judged: Counter[str] = field(default_factory=Counter)
    """Passages judged in this run, per field."""
    active: dict[str, str] = field(default_factory=dict)
    """Wikis that ever had edits here, with their addresses."""
    _turns: int = 0
    waiting: Waiting = field(default_factory=Waiting)

    def load(self) -> None:
        """Take up where the last process stopped: what was seen, and what is pending."""
        self.resume_intake()
        pending = self._pending()
        if fresh := [item for item in pending if item.stage is Stage.FRESH]:  # what a listener left
            self.handle(fresh)
            pending = self._pending()
        self._await(pending)
        self._settle_waiting()

    def _pending(self) -> list[PendingEvent]:
        with self.database.read() as connection:
            return list(ledger.load_pending(connection, self.database.key))

    def resume_intake(self) -> None:
        """Learn what was seen before this process began."""
        with self.database.write() as connection:
            for scope, index in ((EVENTS, self.intake.events), (SUBJECTS, self.intake.subjects)):
                ledger.trim_seen(connection, scope, self.remember)
                blobs = list(ledger.load_seen(connection, scope))
                index.load(blobs)
                ledger.compact_seen(connection, scope, blobs)
            self.active.update(ledger.load_wikis(connection))

    # -- many machines ------------------------------------------------------------------------------------------------

    def accept(self, batch: Batch, source: str) -> Sorted:
        """Sort one batch of messages, and store what workers are to handle, with the place to go on from."""
        got = self.intake.sort(batch.messages, own=source.startswith(OWN))
        key = self.database.key
        fresh = [PendingEvent(e, stage=Stage.FRESH, lane=outcomes.lane(key, e), waits_for=outcomes.waits_for(e)) for e in got.events]
        trim, wikis = self._turn(got.events)

        added = Added()

        def store(connection: Connection) -> None:
            nonlocal added
            self._book_intake(connection, batch, source, got, trim=trim, wikis=wikis)
            added = self._observe(connection, got)
            ledger.add_pending(connection, key, fresh)
            ledger.count(connection, intake_counts(got))

        self.commit_once(store)
        self._remember(got, added)
        self.active.update(wikis)
        return got

    def handle(self, items: Sequence[PendingEvent]) -> int:
        """Judge what fresh events carry, and queue edits for their texts; how many of them were still ours to judge."""
        if not items:
            return 0
        rules = {item.event.id: self.intake.rule(item.event) for item in items}
        carried = Passages()
        for item in items:
            if rules[item.event.id] is None:
                carried.add(item.event, partial(carried_passages, item.event), item.event.text)
        verdicts = judge(self.detector, carried)
        self.judged.update(passage.field.value for _, passage in carried.items)

        def store(connection: Connection) -> list[PendingEvent]:
            ours = claims.fresh_ones(connection, self.owner, [item.event.id for item in items])
            some = [item for item in items if item.event.id in ours]
            return self._store_handled(connection, some, verdicts.of(carried.items, ours), rules)

        waiting = self.commit(store)
        self._show_shadow(carried, verdicts)
        self._await(waiting)
        return len(waiting)

    def take_up(self, items: Sequence[PendingEvent]) -> None:
        """Queue edits for their texts whose other parts a worker judged that is gone."""
        self._await(items)

    def has(self, event_id: str) -> bool:
        """Whether the text of an edit is waited for here."""
        return event_id in self.waiting.edits

    def forget_others(self, held: Collection[str]) -> list[str]:
        """Let go of edits that another worker has by now, those not in ``held``; their ids."""
        gone = [event_id for event_id in self.waiting.edits if event_id not in held]
        for event_id in gone:
            self.waiting.let_go(self.waiting.edits[event_id])
            if self.order is not None:
                self.order.forget(event_id)
        return gone

    def settle(self) -> int:
        """End the outcomes that waited for edits which are judged by now; how many."""

        def work(connection: Connection) -> int:
            ready = claims.ripe(connection, self.database.key, MOST_SETTLED)
            if ready:
                self._end(connection, ready, claims.remove(connection, None, [item.event.id for item in ready]))
            return len(ready)

        return self.commit(work)

    # -- messages -----------------------------------------------------------------------------------------------------

    def take(self, batch: Batch, source: str, again: Sequence[DeadLetter] = ()) -> Sorted:
        """Sort, judge and store one batch of messages, with the place to go on from.

        ``again`` are the dead letters that the messages come from when they are driven through once more: they leave the
        books in the same transaction. Messages made by :func:`tsbot.intake.redrivable` stand for events as they are.
        """
        sorted_batch = self.intake.sort(batch.messages, again=bool(again), own=bool(again) or source.startswith(OWN))
        judged_events = [event for event in sorted_batch.events if event.id not in sorted_batch.otherwise]
        carried = Passages()
        for event in judged_events:
            carried.add(event, partial(carried_passages, event), event.text)
        verdicts = judge(self.detector, carried)
        self.judged.update(passage.field.value for _, passage in carried.items)
        trim, wikis = self._turn(judged_events)

        added = Added()

        def store(connection: Connection) -> list[PendingEvent]:
            nonlocal added
            self._book_intake(connection, batch, source, sorted_batch, trim=trim, wikis=wikis)
            flagged = self._file(connection, verdicts.flagged)
            added = self._observe(connection, sorted_batch)
            waiting = self._store_batch(connection, sorted_batch, verdicts, flagged)
            # Last: SQLite gives the number of a deleted last row to the next one, and a letter that fails again must get a higher one.
            removed = ledger.remove_dead_letters(connection, [letter.id for letter in again])
            ledger.count(connection, {"received": -removed, "failed": -removed})
            return waiting

        waiting = self.commit_once(store)
        self._show_shadow(carried, verdicts)
        self._remember(sorted_batch, added)
        self.active.update(wikis)
        self._await(waiting)
        return sorted_batch

    def redrive(self, reason: str | None, last: int) -> int:
        """Take some dead letters, of one reason or of all, up to the id ``last``, once more; how many."""
        with self.database.read() as connection:
            letters = ledger.dead_letters(connection, self.database.key, reason, last=last)
        if letters:
            self.take(Batch([letter.message for letter in letters]), "redrive", letters)
        return len(letters)

    def _turn(self, events: Sequence[Event]) -> tuple[bool, dict[str, str]]:
        """Whether it is time to delete what is remembered in vain, and the wikis seen for the first time."""
        self._turns += 1
        new = {event.wiki: base_url(event.server_url, event.domain) for event in events if event.wiki not in self.active}
        return self._turns % TRIM_EVERY == 0, new

    def _book_intake(
        self, connection: Connection, batch: Batch, source: str, got: Sorted, *, trim: bool, wikis: Mapping[str, str]
    ) -> None:
        """Note what came: what was seen, what failed, gaps, and the place to go on from. The counts are for the caller."""
        now = self.clock()
        ledger.add_dead_letters(connection, self.database.key, got.failed, now)
        ledger.save_seen(connection, EVENTS, blob(got.event_keys))
        ledger.save_seen(connection, SUBJECTS, blob(got.subject_keys))
        ledger.record_gaps(connection, source, batch.gaps, now)
        if batch.cursor is not None:
            ledger.save_cursor(connection, source, batch.cursor, now)
        if wikis:
            ledger.save_wikis(connection, self.active | dict(wikis))
        if trim:
            ledger.trim_seen(connection, EVENTS, self.remember)
            ledger.trim_seen(connection, SUBJECTS, self.remember)
            copypasta.forget(connection, now)

    def _observe(self, connection: Connection, got: Sorted) -> Added:
        """What all events tell, judged or not: of plans (before outcomes close cases that show something still), and of activity."""
        if self.observer is not None:
            self.observer.observe(connection, got.distinct, self.clock())
        return self.activity.add(connection, got.distinct, self.clock()) if self.activity is not None else Added()

    def _remember(self, got: Sorted, added: Added) -> None:
        """Once it is stored."""
        self.intake.remember(got)
        if self.activity is not None:
            self.activity.remember(added)

    def _store_batch(self, connection: Connection, got: Sorted, verdicts: Verdicts, flagged: set[str]) -> list[PendingEvent]:
        counts = intake_counts(got) + verdicts.coverage
        failed: list[DeadLetter] = []
        waiting: list[PendingEvent] = []
        fetched = [event for event in got.events if self._is_fetched(event) and event.id not in verdicts.broken]
        touched = {key for event in fetched for key in outcomes.touches(event)}
        for event in got.events:
            letter = unusable(event, verdicts, flagged)
            if letter is not None:
                failed.append(letter)
            elif self._is_fetched(event) or self._may_concern(event, touched):
                waiting.append(PendingEvent(event, flagged=event.id in flagged))
            else:
                counts[self._ending(connection, event, flagged=event.id in flagged, rule=got.otherwise.get(event.id))] += 1
        ledger.add_pending(connection, self.database.key, waiting)
        self._bury(connection, failed, counts)
        ledger.count(connection, counts)
        return waiting

    def _store_handled(
        self, connection: Connection, items: Sequence[PendingEvent], verdicts: Verdicts, rules: Mapping[str, str | None]
    ) -> list[PendingEvent]:
        counts = Counter(verdicts.coverage)
        flagged = self._file(connection, verdicts.flagged)
        failed: list[DeadLetter] = []
        ended: list[PendingEvent] = []
        moved: dict[Stage, list[PendingEvent]] = {Stage.FETCHING: [], Stage.WAITING: []}
        for item in items:
            letter = unusable(item.event, verdicts, flagged)
            if letter is not None:
                failed.append(letter)
            elif self._is_fetched(item.event):
                moved[Stage.FETCHING].append(replace(item, stage=Stage.FETCHING, flagged=item.event.id in flagged))
            elif item.waits_for:
                moved[Stage.WAITING].append(item)
            else:
                ended.append(item)
        for stage, some in moved.items():
            claims.move(connection, [item.event.id for item in some], stage, flagged=flagged)
        claims.remove(connection, None, [*(item.event.id for item in ended), *(letter.event_id for letter in failed)])
        for item in ended:
            rule = rules[item.event.id]
            counts["flagged" if item.event.id in flagged else ledger.SKIPPED + rule if rule else "cleared"] += 1
        self._bury(connection, failed, counts)
        ledger.count(connection, counts)
        return moved[Stage.FETCHING]

    def _bury(self, connection: Connection, letters: Sequence[DeadLetter], counts: Counter[str]) -> None:
        counts["failed"] += len(letters)
        ledger.add_dead_letters(connection, self.database.key, letters, self.clock())

    def _is_fetched(self, event: Event) -> bool:
        return self.texts is not None and event.kind is EventKind.EDIT

    def _may_concern(self, event: Event, touched: Collection[tuple[str, ...]]) -> bool:
        """Whether an event may be the outcome of an edit that waits, or of one that ``touched`` is of."""
        concerned = outcomes.concerns(event)
        return any(key in touched for key in concerned) or self.waiting.touches(concerned)

    def _ending(self, connection: Connection, event: Event, *, flagged: bool, rule: str | None) -> str:
        """The counter that an event ends in, once nothing more will be known of it."""
        concerned = outcomes.record(connection, self.database.key, event, self.clock())
        if concerned and self.seal_when_hidden:
            seal_hidden(connection, self.database.key, event, self.clock())
        if flagged:
            return "flagged"
        if concerned:
            return "outcome"
        return ledger.SKIPPED + rule if rule else "cleared"

    def _file(self, connection: Connection, judged: Sequence[Judged]) -> set[str]:
        """Store flags and their reports; ids of the events flagged."""
        if not judged:
            return set()
        now = self.clock()
        audit.queue_up(connection)  # which case a flag belongs to depends on those before it: one process after the other
        for source in ("patrol", *CREDITED):
            some = [item for item in judged if source_of(item.event) == source]
            filed = file_flags(
                connection,
                self.database.key,
                some,
                detector=self.detector.version,
                source=source,
                windows=self.case_windows,
                now=now,
            )
            for flag in filed:
                self.file_reports(connection, flag, now)
        return {item.event.id for item in judged}

    # -- texts --------------------------------------------------------------------------------------------------------

    def fetch(self, wait: float = 0.0) -> int:
        """Ask for texts that wait, and finish the edits whose texts arrive within ``wait`` seconds; how many were finished."""
        if self.fetcher is None:
            return 0
        self.fetcher.submit()
        results = self.fetcher.collect(wait)
        # Another worker may have taken some over while they were asked for.
        results = [result for result in results if str(result.item.token) in self.waiting.edits]
        if self.order is not None:
            results = self.order.sort(results, time.monotonic())
        again = [result for result in results if self.waiting.edits[str(result.item.token)].attempts >= claims.ALONE]
        for result in again:  # alone, since workers may have died of it, and first: they are the older ones of their pages
            item = self.waiting.edits[str(result.item.token)]
            if self.begin_again(item):
                self._finish([result])
            else:
                self.waiting.let_go(item)
        plain = [result for result in results if str(result.item.token) in self.waiting.edits]
        if plain:
            self._finish(plain)
        return len(results)

    def _finish(self, results: Sequence[FetchResult]) -> None:
        arrived = [(self.waiting.edits[str(result.item.token)], result) for result in results]
        passages = Passages()
        cut = 0

        def added(revision: FetchedRevision, text: str) -> Sequence[Passage]:
            nonlocal cut
            found = added_passages(revision.parent_text, text, max_chars=self.max_passage_chars)
            cut += bool(found.cut or revision.truncated)
            return found.passages

        for item, result in arrived:
            revision = result.revision
            if revision is not None and revision.text is not None:
                passages.add(item.event, partial(added, revision, revision.text), revision.text)
        verdicts = judge(self.detector, passages)
        self.judged[Field.TEXT.value] += len(passages.items)
        self.commit(lambda connection: self._store_texts(connection, arrived, passages.items, verdicts, cut))
        self._show_shadow(passages, verdicts)
        for item, _ in arrived:
            self.waiting.let_go(item)
        self._settle_waiting()

    def _store_texts(
        self,
        connection: Connection,
        arrived: Sequence[tuple[PendingEvent, FetchResult]],
        items: Sequence[tuple[Event, Passage]],
        verdicts: Verdicts,
        cut: int,
    ) -> None:
        counts: Counter[str] = Counter(texts_cut=cut)
        failed: list[DeadLetter] = []
        ours = claims.remove(connection, self.owner, [item.event.id for item, _ in arrived])
        verdicts = verdicts.of(items, ours)  # what another process finished, it counted and filed
        counts += verdicts.coverage
        flagged = self._file(connection, verdicts.flagged)
        for item, result in arrived:
            event = item.event
            if event.id not in ours:
                continue
            if result.revision is None or event.id in verdicts.broken:
                reason, detail = why(result)
                failed.append(DeadLetter(event.id, reason, detail, redrivable(event), event.wiki))
            elif item.flagged or event.id in flagged:
                counts["flagged"] += 1
            else:
                counts[GONE.get(result.revision.state, "cleared")] += 1
        self._bury(connection, failed, counts)
        ledger.count(connection, counts)

    def _show_shadow(self, passages: Passages, verdicts: Verdicts) -> None:
        if self.shadow is not None:
            self.shadow.offer(passages.items, verdicts.findings, self.detector.version)

    # -- what waits ---------------------------------------------------------------------------------------------------

    @property
    def fetching(self) -> int:
        """Edits that wait for their texts."""
        return len(self.waiting.edits)

    @property
    def asking(self) -> bool:
        """Whether a wiki is being asked for texts right now."""
        return self.texts is not None and self.texts.in_flight > 0

    @property
    def pending(self) -> int:
        """Events that wait: edits for their texts, outcomes for such edits."""
        return len(self.waiting)

    def _await(self, items: Sequence[PendingEvent]) -> None:
        """Queue edits for fetching; have outcomes wait for the edits that are under way by then, and for none that comes later."""
        for item in items:
            event = item.event
            if self.texts is not None and self._is_fetched(event):
                if event.id in self.waiting.edits:
                    continue
                self.waiting.add_edit(item)
                if self.order is not None:
                    self.order.expect(event.id, item.lane)
                ref = RevisionRef(event.wiki, event.rev_id or 0, event.parent_id or 0, base_url(event.server_url, event.domain))
                # An edit of tomorrow has a wrong clock; it is not fetched tomorrow for that.
                self.texts.add(ref, min(event.time, self.clock()), event.id)
        for item in items:
            if item.event.id not in self.waiting.edits:
                self.waiting.add_outcome(item)

    def _settle_waiting(self) -> None:
        """End the outcomes whose edits are all judged, and, without a fetcher, the edits that an earlier run left."""
        ready = list(self.waiting.ripe())
        if not ready:
            return

        def settle(connection: Connection) -> None:
            self._end(connection, ready, claims.remove(connection, None, [item.event.id for item in ready]))

        self.commit(settle)
        for item in ready:
            self.waiting.ended(item)

    def _end(self, connection: Connection, items: Sequence[PendingEvent], ours: set[str]) -> None:
        """Write outcomes on what they concern, and count what they end in; those that another process ended, it counted."""
        audit.queue_up(connection)
        mine = [item for item in items if item.event.id in ours]
        ends = (self._ending(connection, item.event, flagged=item.flagged, rule=self.intake.rule(item.event)) for item in mine)
        ledger.count(connection, Counter(ends))
