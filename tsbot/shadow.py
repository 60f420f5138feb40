"""Shadow mode: a candidate detector judges along, its scores are compared, nothing is flagged.

The candidate runs in a thread of its own and gets what the live detector has judged and stored already. One that is slow misses
passages (``skipped``), one that fails is counted (``failed``), one that hangs is left alone: the patrol does not wait for it. What is
stored are counts, and for differences the scores of both with the subject; never a text.
"""

from __future__ import annotations

import json
import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, func, insert, select, update

from tsbot.detect.detector import Detector
from tsbot.detect.finding import Finding
from tsbot.errors import StoreError
from tsbot.judge import Passages, judge
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.stream.events import Event
from tsbot.text.passage import Passage

WAITING = 50
"""Batches that may wait for the candidate."""
MOST_DIFFERENCES = 10_000
"""Differences of one candidate that are stored with their subjects; those beyond are counted only."""
NOT_LOADED = "(not loaded)"
"""Name of a candidate that could not even be loaded."""
BOTH, LIVE, CANDIDATE = "both.", "live.", "candidate."
CLEARED, FAILED, SKIPPED = "cleared", "failed", "skipped"
Judgement = tuple[Event, Passage, Finding]


@dataclass(frozen=True, slots=True)
class Difference:
    """A passage of which the two detectors flag different kinds."""

    event: Event
    passage: Passage
    live: Finding
    candidate: Finding


@dataclass
class Comparison:
    """What became of some passages."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Passages by what (``both.KIND``, ``live.KIND``, ``candidate.KIND``, ``cleared``, ``failed``, ``skipped``) and language."""
    differences: list[Difference] = field(default_factory=list)


def compare(judged: Sequence[Judgement], candidates: Sequence[Finding | None]) -> Comparison:
    """Compare what the live detector said of passages with what a candidate says; None where it failed."""
    result = Comparison()
    for (event, passage, live), candidate in zip(judged, candidates, strict=True):
        language = live.language[:16]
        if candidate is None:
            result.counts[FAILED, language] += 1
            continue
        ours, theirs = set(live.flagged), set(candidate.flagged)
        for prefix, kinds in ((BOTH, ours & theirs), (LIVE, ours - theirs), (CANDIDATE, theirs - ours)):
            for kind in kinds:
                result.counts[prefix + kind.value, language] += 1
        if not ours | theirs:
            result.counts[CLEARED, language] += 1
        if ours != theirs:
            result.differences.append(Difference(event, passage, live, candidate))
    return result


class Shadow:
    """A candidate that judges along. :meth:`offer` never waits and never raises."""

    def __init__(self, database: Database, load: Callable[[], Detector], clock: Callable[[], float], waiting: int = WAITING) -> None:
        """``load`` opens the candidate; it is called in the candidate's thread."""
        self._database = database
        self._load = load
        self._clock = clock
        self._queue: queue.Queue[tuple[str, list[Judgement]] | None] = queue.Queue(waiting)
        self._missed: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, items: Iterable[tuple[Event, Passage]], findings: Iterable[Finding | None], live: str) -> None:
        """Hand over passages that the live detector, of version ``live``, has judged."""
        judged = [(*item, finding) for item, finding in zip(items, findings, strict=True) if finding is not None]
        if not judged or self._closing:
            return
        try:
            self._queue.put_nowait((live, judged))
        except queue.Full:
            self._miss(judged)

    def close(self, timeout: float) -> bool:
        """Take nothing more; whether the candidate came to the end of what waits within ``timeout`` seconds."""
        self._closing = True
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _miss(self, judged: Sequence[Judgement], what: str = SKIPPED) -> None:
        with self._lock:
            self._missed.update((what, finding.language[:16]) for _, _, finding in judged)

    def _run(self) -> None:
        detector: Detector | None = None
        version = NOT_LOADED
        try:
            detector = self._load()
            version = detector.version[:64]
            structlog.get_logger().info("shadow.started", source=version)
        except Exception as error:  # whatever it is, it is the candidate's
            structlog.get_logger().error("shadow.not_loaded", error=type(error).__name__)
        while (offered := self._queue.get()) is not None:
            live, judged = offered
            try:
                found = compare(judged, _judge(detector, judged))
                with self._lock:
                    found.counts += self._missed
                    self._missed = Counter()
                self._store(version, live, found)
            except Exception as error:  # as above; a busy database too
                structlog.get_logger().warning("shadow.trouble", error=type(error).__name__)
                self._miss(judged)
        with self._lock:
            rest = Comparison(self._missed)
        if rest.counts:
            try:
                self._store(version, "", rest)
            except StoreError as error:
                structlog.get_logger().warning("shadow.trouble", error=type(error).__name__)

    def _store(self, candidate: str, live: str, found: Comparison) -> None:
        with self._database.write() as connection:
            store(connection, candidate, live, found, self._clock())


def _judge(detector: Detector | None, judged: Sequence[Judgement]) -> list[Finding | None]:
    if detector is None:
        return [None] * len(judged)
    return list(judge(detector, Passages([(event, passage) for event, passage, _ in judged])).findings)


def store(connection: Connection, candidate: str, live: str, found: Comparison, now: float) -> None:
    """Add a comparison to what is stored of a candidate."""
    for (what, language), passages in found.counts.items():
        c = t.shadow_count.c
        same = (c.candidate == candidate, c.what == what, c.language == language)
        changed = connection.execute(update(t.shadow_count).where(*same).values(passages=c.passages + passages))
        if not changed.rowcount:
            connection.execute(insert(t.shadow_count).values(candidate=candidate, what=what, language=language, passages=passages))
    if not found.differences:
        return
    counted = select(func.count()).select_from(t.shadow_difference).where(t.shadow_difference.c.candidate == candidate)
    room = MOST_DIFFERENCES - (connection.scalar(counted) or 0)
    rows = [
        {
            "candidate": candidate,
            "live": live[:64],
            "subject": difference.event.subject or "",
            "wiki": difference.event.wiki,
            "field": difference.passage.field.value,
            "language": difference.live.language[:16],
            "scores": json.dumps({"live": _scores(difference.live), "candidate": _scores(difference.candidate)}),
            "created": now,
        }
        for difference in found.differences[: max(0, room)]
    ]
    if rows:
        connection.execute(insert(t.shadow_difference), rows)


def _scores(finding: Finding) -> dict[str, object]:
    return {
        "flagged": [kind.value for kind in finding.flagged],
        "kinds": {kind.value: round(p, 4) for kind, p in finding.kinds.items()},
        "specificity": finding.specificity,
        "plausibility": finding.plausibility,
        "imminence": finding.imminence,
    }


@dataclass
class KindDiff:
    """How a candidate differs from the live detector in one kind and language, in passages."""

    kind: str
    language: str
    both: int = 0
    only_live: int = 0
    only_candidate: int = 0
    subjects_only_live: list[str] = field(default_factory=list)
    subjects_only_candidate: list[str] = field(default_factory=list)


@dataclass
class ShadowReport:
    """What is stored of one candidate, in passages."""

    candidate: str
    cleared: int = 0
    failed: int = 0
    skipped: int = 0
    diffs: list[KindDiff] = field(default_factory=list)


def reports(connection: Connection) -> list[ShadowReport]:
    """What is stored of each candidate, by version; kinds and languages in alphabetical order."""
    counts: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for row in connection.execute(select(t.shadow_count)):
        counts[row.candidate][row.what, row.language] = row.passages
    return [_report(connection, candidate, counts[candidate]) for candidate in sorted(counts)]


def _report(connection: Connection, candidate: str, counts: dict[tuple[str, str], int]) -> ShadowReport:
    report = ShadowReport(candidate)
    diffs: dict[tuple[str, str], KindDiff] = {}
    for (what, language), passages in counts.items():
        who, _, kind = what.rpartition(".")
        if not who:
            setattr(report, what, getattr(report, what) + passages)
            continue
        diff = diffs.setdefault((kind, language), KindDiff(kind, language))
        setattr(diff, {"both": "both", "live": "only_live", "candidate": "only_candidate"}[who], passages)
    for who, kind, language, subject in _differences(connection, candidate):
        diff = diffs.setdefault((kind, language), KindDiff(kind, language))
        subjects = diff.subjects_only_live if who == "live" else diff.subjects_only_candidate
        if subject and subject not in subjects:
            subjects.append(subject)
    report.diffs = [diffs[key] for key in sorted(diffs)]
    return report


def _differences(connection: Connection, candidate: str) -> Iterator[tuple[str, str, str, str]]:
    """Who alone flags which kind, in which language, of which subject."""
    query = select(t.shadow_difference).where(t.shadow_difference.c.candidate == candidate).order_by(t.shadow_difference.c.id)
    for row in connection.execute(query):
        scores = json.loads(row.scores)
        live, other = set(scores["live"]["flagged"]), set(scores["candidate"]["flagged"])
        for kind in sorted(live - other):
            yield "live", kind, row.language, row.subject
        for kind in sorted(other - live):
            yield "candidate", kind, row.language, row.subject
