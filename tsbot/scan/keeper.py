"""Keeping what a look back found together with up to where it looked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tsbot.cases.filing import Windows
from tsbot.scan.examine import Examined, Examiner, Find, Seen, finds, store
from tsbot.scan.job import Counts, Job, JobState, commit, ended, open_job, save_job
from tsbot.store.database import Database


@dataclass(frozen=True, slots=True)
class Told:
    """News of a scan, for whoever watches it."""

    job: Job
    finds: tuple[Find, ...]
    failed: tuple[str, ...] = ()
    """Subjects that could not be judged."""


@dataclass
class Keeper:
    """Stores the progress of jobs. Each method is one transaction."""

    database: Database
    examiner: Examiner
    windows: Windows
    clock: Callable[[], float]
    sleep: Callable[[float], object]

    def begin(self, fresh: Job) -> Job:
        """Open a job, or go on with it: one that was done looks for what is new since."""
        job = commit(self.database, lambda connection: open_job(connection, self.database.key, fresh), self.sleep)
        return replace(job, state=JobState.RUNNING, finished=None)

    def keep(self, job: Job, seen: Sequence[Seen], position: str) -> Told:
        """Judge a portion, and store what was found and the place after it."""
        return self.store(job, self.examiner.examine(seen), position)

    def store(self, job: Job, examined: Examined, position: str) -> Told:
        """Store what was found in a portion and the place after it."""
        now = self.clock()

        def work(connection: Connection) -> Told:
            told = self._flag(connection, job, examined, now)
            counts = job.counts.plus(examined.counts).plus(Counts(new_flags=sum(one.new for one in told)))
            later = replace(job, position=position, counts=counts, updated=now)
            save_job(connection, later)
            return Told(later, tuple(told), examined.failed)

        return commit(self.database, work, self.sleep)

    def end(self, job: Job, state: JobState = JobState.DONE) -> Job:
        """The job at its end, stored so."""
        done = ended(job, state, self.clock())
        commit(self.database, lambda connection: save_job(connection, done), self.sleep)
        return done

    def _flag(self, connection: Connection, job: Job, examined: Examined, now: float) -> list[Find]:
        if job.dry:
            return finds(connection, examined.judged)
        key, version = self.database.key, self.examiner.detector.version
        return store(connection, key, examined.judged, detector=version, windows=self.windows, now=now)
