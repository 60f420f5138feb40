"""A look back as something that can be stopped at any moment and gone on with: what is examined, how far it got, what it found."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from tsbot.cases.flag import NAMESPACE
from tsbot.errors import StoreBusyError
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database

T = TypeVar("T")
KEPT = 90 * 86400.0
"""Seconds after its last step for which a job is remembered."""
BUSY_TRIES, BUSY_PAUSE = 30, 1.0
"""How often, and after how many seconds, a database that a patrol keeps busy is tried again."""


class What(StrEnum):
    """What is looked through."""

    PAGE = "page"
    USER = "user"
    WIKI = "wiki"
    PERIOD = "period"
    FILTERS = "filters"
    """Attempts that the wiki's filters stopped."""
    DUMP = "dump"
    """One file of a dump with texts."""
    HISTORY = "history"
    """One file of the history tables, which have no texts."""


class JobState(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    """Under way, or stopped on its way."""
    DONE = "done"
    BROKEN = "broken"
    """A file that cannot be read to its end; what came before the damage is examined."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a job did so far."""

    edits: int = 0
    log_entries: int = 0
    flagged: int = 0
    """Edits and log entries with at least one flag, whether it is new or not."""
    new_flags: int = 0
    """Flags stored; in a dry run those that would be."""
    unreadable: int = 0
    """Edits whose text is hidden or deleted, or no text."""
    failed: int = 0
    """Edits and log entries that could not be judged; their numbers are told."""
    cut: int = 0
    """Edits too long to be judged whole."""
    unscored: int = 0
    """Passages in languages that the detector does not know."""

    def plus(self, other: Counts) -> Counts:
        """The sum of both."""
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))


class Asked(msgspec.Struct, frozen=True):
    """What a job was asked to do; stored sealed, since it may name a page or an account."""

    words: str
    """As a person would say it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One look back."""

    id: str
    what: What
    wiki: str
    detector: str
    dry: bool
    state: JobState
    position: str
    """JSON, as the reader of the job writes it; empty at the beginning."""
    counts: Counts
    started: float
    updated: float
    finished: float | None = None
    words: str = ""


def job_id(key: MasterKey, what: What, wiki: str, detector: str, *parts: str, dry: bool) -> str:
    """The same for the same question to the same detector; tells nothing of names and titles."""
    asked = key.index("scan", what, wiki, detector, str(dry), *parts).hex()
    return str(uuid.uuid5(NAMESPACE, f"scan|{asked}"))


def open_job(connection: Connection, key: MasterKey, fresh: Job) -> Job:
    """The job as it was left, else ``fresh``, which is stored."""
    known = read_job(connection, key, fresh.id)
    if known is not None:
        return known
    connection.execute(
        insert(t.scan_job).values(
            id=fresh.id,
            what=fresh.what.value,
            wiki=fresh.wiki[:64],
            detector=fresh.detector[:64],
            dry=fresh.dry,
            body=key.seal_queue(msgspec.json.encode(Asked(fresh.words)), f"scan_job|body|{fresh.id}"),
            **_progress(fresh),
        )
    )
    return fresh


def save_job(connection: Connection, job: Job) -> None:
    """Store how far a job is; in the transaction that stores what it found."""
    connection.execute(update(t.scan_job).where(t.scan_job.c.id == job.id).values(**_progress(job)))


def read_job(connection: Connection, key: MasterKey, identity: str) -> Job | None:
    """One job; None if there is none."""
    found = [job for job in jobs(connection, key) if job.id == identity] if identity else []
    return found[0] if found else None


def jobs(connection: Connection, key: MasterKey) -> list[Job]:
    """All jobs, the newest first."""
    rows = connection.execute(select(t.scan_job).order_by(t.scan_job.c.started.desc(), t.scan_job.c.id)).mappings()
    return [
        Job(
            id=row["id"],
            what=What(row["what"]),
            wiki=row["wiki"],
            detector=row["detector"],
            dry=row["dry"],
            state=JobState(row["state"]),
            position=row["position"],
            counts=msgspec.json.decode(row["counts"], type=Counts),
            started=row["started"],
            updated=row["updated"],
            finished=row["finished"],
            words=msgspec.json.decode(key.unseal_queue(row["body"], f"scan_job|body|{row['id']}"), type=Asked).words,
        )
        for row in rows
    ]


def forget(connection: Connection, identities: list[str]) -> int:
    """Forget how far jobs got, so that they begin anew; what they flagged stays. How many there were."""
    return connection.execute(delete(t.scan_job).where(t.scan_job.c.id.in_(identities))).rowcount


def forget_old(connection: Connection, now: float) -> int:
    """Forget jobs that did nothing for long: they name pages and accounts. How many there were."""
    return connection.execute(delete(t.scan_job).where(t.scan_job.c.updated < now - KEPT)).rowcount


def ended(job: Job, state: JobState, now: float) -> Job:
    """The job when it has come to its end."""
    return replace(job, state=state, updated=now, finished=now)


def _progress(job: Job) -> dict[str, object]:
    return {
        "state": job.state.value,
        "position": job.position,
        "counts": msgspec.json.encode(job.counts).decode(),
        "started": job.started,
        "updated": job.updated,
        "finished": job.finished,
    }


def commit(database: Database, work: Callable[[Connection], T], sleep: Callable[[float], object]) -> T:
    """Do ``work`` in a transaction, again while the database is busy. Raises ``StoreError``; then nothing of it is done."""
    for _ in range(BUSY_TRIES):
        try:
            with database.write() as connection:
                return work(connection)
        except StoreBusyError:
            sleep(BUSY_PAUSE)
    with database.write() as connection:
        return work(connection)
