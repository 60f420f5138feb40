"""Checks of the doctor that concern what is kept, under which keys, and the log of who did what."""

from __future__ import annotations

from collections.abc import Iterator

from tsbot.cases.retention import DAY, due_cases, held_cases, soon_lost
from tsbot.doctor import Diagnosis, State
from tsbot.errors import TsbotError
from tsbot.housekeeping import open_housekeeper
from tsbot.settings import Settings
from tsbot.store import audit, rotation
from tsbot.store.database import Database
from tsbot.store.keyfile import key_source

OVERDUE = 2 * DAY
"""Seconds past its time after which a case that still stands is a problem: the patrol purges about hourly."""


def check_privacy(database: Database, settings: Settings, now: float) -> Iterator[Diagnosis]:
    """The audit log holds, keys are where they should be, and nothing is kept too long."""
    yield from _check_audit(database)
    try:
        yield from _check_keys(database, settings)
        yield from _check_retention(database, settings, now)
    except TsbotError as error:
        yield Diagnosis("privacy", State.PROBLEM, str(error), "Nothing is purged until this is mended.")


def _check_audit(database: Database) -> Iterator[Diagnosis]:
    with database.read() as connection:
        broken, head = audit.verify(connection), audit.head(connection)
    if broken is None:
        yield Diagnosis("audit", State.OK, f"the log holds; its head is {head}")
    else:
        yield Diagnosis("audit", State.PROBLEM, broken.reason, "Somebody changed the database past tsbot. Keep it, and compare backups.")


def _check_keys(database: Database, settings: Settings) -> Iterator[Diagnosis]:
    keys = rotation.held(database, key_source(settings))
    missing = sum(key.data_keys for key in keys if key.state == "missing")
    unfinished = [key for key in keys if key.state == "new" or (key.state == "old" and key.data_keys)]
    old = [key.fingerprint for key in keys if key.state == "old"]
    if missing:
        words = f"{missing} cases are locked with a master key that is not there"
        yield Diagnosis("keys", State.PROBLEM, words, "Put the key file back that holds it; `tsbot keys list` names it.")
    elif unfinished:
        yield Diagnosis("keys", State.WARNING, "a rotation of the master key is not finished", "tsbot keys rotate")
    elif old:
        words = f"{', '.join(old)} wraps nothing any more"
        yield Diagnosis("keys", State.WARNING, words, "When the new key is backed up: tsbot keys retire FINGERPRINT")
    else:
        yield Diagnosis("keys", State.OK, "one master key wraps everything")


def _check_retention(database: Database, settings: Settings, now: float) -> Iterator[Diagnosis]:
    table = open_housekeeper(settings, database, lambda: now).table
    with database.read() as connection:
        overdue = sum(due.since < now - OVERDUE for due in due_cases(connection, table, now))
        soon = soon_lost(connection, table, now)
        held = held_cases(connection, now)
    if overdue:
        words = f"{overdue} cases are kept longer than they should be"
        yield Diagnosis("retention", State.PROBLEM, words, "The patrol purges while it runs on a live stream; else run `tsbot purge`.")
    elif soon:
        words = f"{soon} cases that nobody has closed lose their texts within 30 days"
        yield Diagnosis("retention", State.WARNING, words, "Look at them; `tsbot purge --dry-run` shows what is due.")
    else:
        yield Diagnosis("retention", State.OK, "nothing is kept too long" + (f"; {len(held)} legal holds" if held else ""))
