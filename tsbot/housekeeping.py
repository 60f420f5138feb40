"""What is done about once an hour so that nothing private is kept longer than it should be.

Cases whose time is up are purged, old dead letters deleted, files of purged letters removed from the spool, SQLite's log emptied; the
activity index of traces is trimmed and looked through for watches; and what the wiki hid while a legal hold kept it is sealed once that
has ended. Every step can be repeated, and killed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection, delete, func, select

from tsbot.cases.hold import PURGE_EARLY, Need
from tsbot.cases.purge import Purged, purge_case
from tsbot.cases.retention import Due, Retention, due_cases, old_dead_letters, retention_of, shipped_retention
from tsbot.errors import InputError, TsbotError
from tsbot.report.channels import Channel, open_channels
from tsbot.report.sealing import seal_after_hold
from tsbot.scan.job import forget_old
from tsbot.settings import Settings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.trace.upkeep import trim
from tsbot.watching import tend_watches
from tsbot.wiki.session import simulating

Asking = Callable[[Database], AbstractContextManager[Connection]]
"""A transaction that keeps a request for approval although the act is not done."""
SYSTEM = "tsbot"
"""Who acts where no person does."""
EVERY = 3600.0
"""Seconds between rounds."""
BATCH = 50
"""Cases purged in one transaction."""
MOST = 1000
"""Cases purged in one round of the patrol; the rest waits for the next."""
BELIEVED = 2 * 86400.0
"""Seconds by which the clock and the newest event may differ: with a clock that has jumped ahead, everything would be due."""
FILES = 500


@dataclass(frozen=True, slots=True)
class Done:
    """What a round did."""

    cases: tuple[Purged, ...] = ()
    dead_letters: int = 0
    files: int = 0
    sealed: int = 0
    """Cases sealed because their legal hold has ended."""
    edits: int = 0
    """Edits that left the activity index."""
    clean: bool = True
    """Whether SQLite's log could be emptied; else the next round does it."""


@dataclass
class Housekeeper:
    """Keeps the house of one database."""

    database: Database
    settings: Settings
    clock: Callable[[], float]
    retention: Callable[[], Retention] = shipped_retention
    channels: Callable[[], Mapping[str, Channel]] = dict
    """Opens the ways by which whoever watches is told of news."""
    _next: float = 0.0
    _watching: threading.Thread | None = None

    @property
    def table(self) -> Retention:
        """How long what is kept, as of now."""
        return self.retention()

    def tend(self, now: float, newest: float | None) -> None:
        """Do a round if it is time; for the patrol. ``now`` is monotonic, ``newest`` the time of the newest event. Raises nothing."""
        if now < self._next or newest is None:
            return
        self._next = now + EVERY
        if abs(self.clock() - newest) > BELIEVED:
            return  # a recording, or a clock that is wrong
        try:
            done = self.run(limit=MOST)
        except (TsbotError, OSError) as error:  # the patrol goes on; the doctor tells what is kept too long
            structlog.get_logger().warning("purge.put_off", error=type(error).__name__)
        else:
            if done.cases or done.dead_letters or done.sealed:
                structlog.get_logger().info("purge.done", count=len(done.cases), dead=done.dead_letters)

        if self._watching is None or not self._watching.is_alive():
            self._watching = threading.Thread(target=self._look, name="watches", daemon=True)
            self._watching.start()

    def _look(self) -> None:
        """Look for matches of watches, beside the patrol: it may take minutes. What is interrupted is done in the next round."""
        try:
            tend_watches(self.database, self.settings, self.clock(), self.channels)
        except Exception as error:  # the database may be closed meanwhile
            structlog.get_logger().warning("trace.watches_put_off", error=type(error).__name__)

    def due(self) -> list[Due]:
        """What a round would purge."""
        with self.database.read() as connection:
            return due_cases(connection, self.table, self.clock())

    def run(self, *, by: str = SYSTEM, limit: int | None = None) -> Done:
        """Do a round. Raises ``StoreError`` or ``KeyFileError``; what was done until then is done."""
        with self.database.read() as connection:
            waiting = due_cases(connection, self.table, self.clock(), limit)
        purged: list[Purged] = []
        for start in range(0, len(waiting), BATCH):
            with self.database.write() as connection:
                now = self.clock()
                some = (purge_case(connection, due.case, why=due.why, by=by, now=now) for due in waiting[start : start + BATCH])
                purged += [one for one in some if one is not None]
        letters = self._delete_dead_letters(by)
        with self.database.write() as connection:
            forget_old(connection, self.clock())
            sealed = seal_after_hold(connection, self.database.key, self.clock(), sealing=self.settings.cases.seal_when_hidden)
        trimmed = trim(self.database, self.settings.trace, self.clock())
        return Done(tuple(purged), letters, self.sweep(), sealed, trimmed.edits, self.database.checkpoint())

    def purge_one(self, case_id: str, *, by: str, need: Need, asking: Asking = Database.write) -> Done:
        """Purge one case now; before its time a second person must have approved. ``asking`` opens the transaction in which to ask.

        Raises ``InputError`` for a case that does not exist, was purged or is held, and what ``need`` raises.
        """
        with asking(self.database) as connection:
            now = self.clock()
            row = connection.execute(select(t.case.c.purged, t.case.c.hold_until).where(t.case.c.id == case_id)).first()
            if row is None:
                raise InputError(f"There is no case {case_id}.")
            if row.purged is not None:
                raise InputError("The case was purged before.")
            if row.hold_until is not None and row.hold_until > now:
                raise InputError("The case is under a legal hold; `tsbot hold list` shows until when.")
            why = next((due.why for due in due_cases(connection, self.table, now) if due.case == case_id), "early")
            if why == "early":
                need(connection, PURGE_EARLY, case_id, by, now)
            done = purge_case(connection, case_id, why=why, by=by, now=now)
        return Done((done,) if done else (), 0, self.sweep(), 0, 0, self.database.checkpoint())

    def sweep(self) -> int:
        """Remove the files of purged letters from the spool; how many."""
        folder = self.settings.spool_path
        files = [path for path in folder.glob("*") if _letter_of(path)] if folder.is_dir() else []
        removed = 0
        for start in range(0, len(files), FILES):
            some = files[start : start + FILES]
            query = select(t.report.c.id).join(t.case, t.case.c.id == t.report.c.case_id).where(t.case.c.purged.is_not(None))
            with self.database.read() as connection:
                gone = set(connection.scalars(query.where(t.report.c.id.in_([_letter_of(path) for path in some]))))
            for path in some:
                if _letter_of(path) in gone:
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def _delete_dead_letters(self, by: str) -> int:
        now = self.clock()
        old = t.dead_letter.c.failed < old_dead_letters(self.table, now)
        with self.database.read() as connection:
            if not connection.scalar(select(func.count()).select_from(t.dead_letter).where(old)):
                return 0
        with self.database.write() as connection:
            number = connection.execute(delete(t.dead_letter).where(old)).rowcount
            audit.record(connection, by, "dead_letters.purged", "", now, {"count": number})
        return number


def open_housekeeper(
    settings: Settings, database: Database, clock: Callable[[], float], channels: Callable[[], Mapping[str, Channel]] | None = None
) -> Housekeeper:
    """With the table that the settings name, and, unless others are given, the settings' channels. Raises ``SettingsError``."""

    def configured() -> Mapping[str, Channel]:
        return {} if simulating() else open_channels(settings)

    retention_of(settings.cases.retention)  # refuses a table that is wrong
    return Housekeeper(database, settings, clock, lambda: retention_of(settings.cases.retention), channels or configured)


def _letter_of(path: Path) -> str:
    """The report that a file of the spool belongs to: ``ID.eml``, or ``.ID.tmp`` of a crash."""
    name = path.name
    return name.removesuffix(".eml") if name.endswith(".eml") else name[1:-4] if name.startswith(".") and name.endswith(".tmp") else ""
