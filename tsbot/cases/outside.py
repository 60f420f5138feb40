"""Asking outside models about flagged revisions, beside the patrol.

A flag is stored, reported and paged first. What is learnt later moves its priority, in a transaction of its own; what cannot be
learnt moves nothing. Everything that waits is in the database, and taken up at the next start.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from sqlalchemy import Connection, exists, insert, select, update

from tsbot.cases.filing import lift, read_flag
from tsbot.cases.priority import Reason, with_risk
from tsbot.detect.finding import Kind
from tsbot.errors import WikiUnavailableError
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.wiki.scores import RevisionScores, ScoresUnavailableError

FRESH = 86400.0
"""Seconds for which a flag is worth asking about."""
MOST = 20
"""Revisions taken up at once."""
ATTEMPTS = 5
FIRST_WAIT, LONGEST_WAIT = 30.0, 3600.0
"""Seconds before asking again; doubled each time."""
POLL_SECONDS = 5.0
REVISION = ":rev:"


@dataclass
class Asker:
    """Asks about flagged revisions. One at a time; nothing else waits for it."""

    database: Database
    service: RevisionScores
    namespaces: tuple[int, ...]
    clock: Callable[[], float]

    def run_once(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Ask about what is due; how many revisions were settled. Raises ``StoreError`` and ``KeyFileError``."""
        self._enlist()
        settled = 0
        for wiki, rev_ids in self._due().items():
            if stopped():
                break
            wait: float | None = None
            try:
                found = self.service.scores(wiki, rev_ids)
            except WikiUnavailableError as error:
                structlog.get_logger().warning("scores.unavailable", wiki=wiki, reason=error, retry_after=error.retry_after)
                found = error.answered if isinstance(error, ScoresUnavailableError) else {}
                wait = error.retry_after or 0.0
            settled += self._store(wiki, rev_ids, found, wait)
        return settled

    def _enlist(self) -> None:
        """Note the flagged revisions that nobody was asked about yet."""
        now = self.clock()
        known = exists().where(t.revision_score.c.subject == t.flag.c.subject)
        query = select(t.flag.c.id, t.flag.c.subject).where(t.flag.c.created > now - FRESH, ~known, t.flag.c.subject.contains(REVISION))
        with self.database.read() as connection:
            fresh = {row.subject: row.id for row in connection.execute(query.order_by(t.flag.c.priority.desc()).limit(MOST))}
            wanted = {subject: self._is_wanted(connection, flag) for subject, flag in fresh.items()}
        if not wanted:
            return
        rows = [
            {"subject": subject, "service": self.service.name, "attempts": 0, "due": now if ask else None, "updated": now}
            for subject, ask in wanted.items()
        ]
        with self.database.write() as connection:
            connection.execute(insert(t.revision_score), rows)

    def _is_wanted(self, connection: Connection, flag: str) -> bool:
        found = read_flag(connection, self.database.key, flag)
        return found is not None and found.content is not None and (not self.namespaces or found.content.namespace in self.namespaces)

    def _due(self) -> dict[str, list[int]]:
        due: dict[str, list[int]] = defaultdict(list)
        query = select(t.revision_score.c.subject).where(t.revision_score.c.due <= self.clock())
        with self.database.read() as connection:
            for subject in connection.scalars(query.order_by(t.revision_score.c.due, t.revision_score.c.subject).limit(MOST)):
                wiki, _, rev_id = subject.partition(REVISION)
                due[wiki].append(int(rev_id))
        return due

    def _store(self, wiki: str, rev_ids: Sequence[int], found: Mapping[int, float | None], wait: float | None) -> int:
        now = self.clock()
        settled = 0
        with self.database.write() as connection:
            for rev_id in rev_ids:
                subject = f"{wiki}{REVISION}{rev_id}"
                row = t.revision_score.c.subject == subject
                attempts = (connection.scalar(select(t.revision_score.c.attempts).where(row)) or 0) + 1
                answered = rev_id in found or wait is None or attempts >= ATTEMPTS
                score = found.get(rev_id)
                due = None if answered else now + max(wait or 0.0, min(LONGEST_WAIT, FIRST_WAIT * 2.0**attempts))
                connection.execute(update(t.revision_score).where(row).values(score=score, attempts=attempts, due=due, updated=now))
                settled += answered
                if score is not None:
                    reprioritise(connection, subject, score)
        return settled


def reprioritise(connection: Connection, subject: str, risk: float | None) -> None:
    """Give the flags on a revision the priority that an outside model's answer makes."""
    columns = (t.flag.c.id, t.flag.c.case_id, t.flag.c.kind, t.flag.c.imminence, t.flag.c.reasons)
    rows = connection.execute(select(*columns).where(t.flag.c.subject == subject)).all()
    for row in rows:
        reasons = msgspec.json.decode(row.reasons, type=tuple[Reason, ...])
        priority = with_risk(Kind(row.kind), row.imminence, reasons, risk)
        changed = {"priority": priority.value, "reasons": msgspec.json.encode(priority.reasons).decode()}
        connection.execute(update(t.flag).where(t.flag.c.id == row.id).values(**changed))
    for case_id in sorted({row.case_id for row in rows}):
        lift(connection, case_id)


class AskingThread:
    """Runs an :class:`Asker` beside the patrol until it is stopped. Nothing that goes wrong ends it, or anything else."""

    def __init__(self, asker: Asker, poll: float = POLL_SECONDS) -> None:
        self.asker = asker
        self.poll = poll
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scores", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> bool:
        """Ask nothing more; False if a request under way takes longer than ``timeout`` seconds. What waits is in the database."""
        self._stop.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self.poll):
            try:
                self.asker.run_once(self._stop.is_set)
            except Exception as error:  # whatever it is: scores are worth less than a quiet patrol
                structlog.get_logger().error("scores.trouble", error=type(error).__name__)
