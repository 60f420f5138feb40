"""Checks of an installation: each says what is the matter and what to do about it."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select

from tsbot.errors import StreamUnavailableError, TsbotError
from tsbot.settings import Settings
from tsbot.store import backup, ledger, schema
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import PURGED

FREE_BYTES = 1 << 30
HELD_SECONDS = 900.0
"""A letter that nobody has released for this long is worth a warning."""
QUIET_SECONDS = 3600.0
"""A stream that was last read longer ago is worth a warning: canary events come every hour."""


BACKUP_SECONDS = 7 * 86400.0
"""A backup that is older is worth a warning."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding of the doctor."""

    check: str
    state: State
    words: str
    remedy: str = ""


def _ok(check: str, words: str) -> Diagnosis:
    return Diagnosis(check, State.OK, words)


def check_settings(settings: Settings) -> Iterator[Diagnosis]:
    """What the settings lack for live use."""
    if settings.wiki.contact:
        yield _ok("settings.contact", "the User-Agent names a contact")
    else:
        words = "no contact in the User-Agent"
        yield Diagnosis("settings.contact", State.WARNING, words, "Set wiki.contact; Wikimedia's policy asks for it.")
    if settings.report.reporter_contact:
        yield _ok("settings.reporter", "reports name a contact")
    else:
        words = "recipients of reports cannot reach you"
        yield Diagnosis("settings.reporter", State.WARNING, words, "Set report.reporter_contact to a mail address that is read.")
    channels = {settings.report.channel} | {one.channel for many in settings.report.recipients.values() for one in many}
    if channels <= {"", "spool"}:
        yield Diagnosis("settings.channel", State.WARNING, "reports only land in the spool", "Set report.channel and report.recipients.")
    else:
        yield _ok("settings.channel", "reports leave by " + ", ".join(sorted(channels - {""})))


def check_disk(settings: Settings) -> Iterator[Diagnosis]:
    """Room for the database, and privacy of its folder."""
    folder = settings.data_path
    free = shutil.disk_usage(folder if folder.exists() else Path()).free
    if free < FREE_BYTES:
        yield Diagnosis("disk.free", State.PROBLEM, f"{free / 1e6:,.0f} MB free", "Make room; when the disk is full nothing is stored.")
    else:
        yield _ok("disk.free", f"{free / 1e9:,.0f} GB free")
    if folder.exists() and folder.stat().st_mode & 0o077:
        yield Diagnosis("disk.privacy", State.WARNING, f"{folder} can be read by other users", f"Run: chmod 700 {folder}")
    elif folder.exists():
        yield _ok("disk.privacy", "the data folder is private")


def check_store(database: Database, now: float) -> Iterator[Diagnosis]:
    """Key, schema, accounting, and what waits for people."""
    yield _ok("key", f"master key {database.key.fingerprint} opens the database")
    yield _ok("schema", f"schema {schema.current(database)}")
    with database.read() as connection:
        totals = ledger.totals(connection)
        reasons = ledger.dead_letter_reasons(connection)
        read = connection.scalar(select(func.max(t.cursor.c.updated)))
        held = connection.scalar(select(func.min(t.report.c.created)).where(t.report.c.state == "held"))
        undelivered = (t.report.c.state == "dead", t.report.c.last_error != PURGED)
        dead = connection.scalar(select(func.count()).select_from(t.report).where(*undelivered)) or 0
        gaps = connection.scalar(select(func.count()).select_from(t.gap).where(t.gap.c.filled.is_(None))) or 0
    if totals.balanced:
        yield _ok("accounting", f"{totals.received:,} events received, each accounted for once")
    else:
        words = f"{totals.received:,} events received, but the parts do not add up"
        yield Diagnosis("accounting", State.PROBLEM, words, "Keep the database and report this as a fault of tsbot.")
    if reasons:
        words = "dead letters: " + ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        yield Diagnosis("dead_letters", State.WARNING, words, "See `tsbot dead list`; after mending the cause, `tsbot dead redrive`.")
    else:
        yield _ok("dead_letters", "none")
    if read is not None and now - read > QUIET_SECONDS:
        words = f"nothing read for {(now - read) / 3600:,.1f} h"
        yield Diagnosis("patrol", State.WARNING, words, "Is `tsbot patrol` (or `tsbot listen`) running?")
    else:
        yield _ok("patrol", "never run here" if read is None else f"last read {now - read:,.0f} s ago")
    if held is not None and now - held > HELD_SECONDS:
        words = f"a report waits for release for {(now - held) / 60:,.0f} min"
        yield Diagnosis("reports.held", State.WARNING, words, "tsbot reports list --state held")
    else:
        yield _ok("reports.held", "no report waits too long")
    if dead:
        words = f"{dead} reports could not be delivered"
        yield Diagnosis("reports.dead", State.PROBLEM, words, "tsbot reports list --state dead; then `tsbot reports retry ID`.")
    else:
        yield _ok("reports.dead", "none")
    if gaps:
        words = f"{gaps} gaps in the stream are not filled"
        yield Diagnosis("gaps", State.WARNING, words, "The patrol fills them while it runs, as far as wikis allow.")
    else:
        yield _ok("gaps", "none open")


def check_backup(database: Database, settings: Settings, now: float) -> Iterator[Diagnosis]:
    """When the last backup was made; not asked before there is anything to lose."""
    with database.read() as connection:
        saved = backup.fact(connection, backup.LAST)
        cases = connection.scalar(select(func.count()).select_from(t.case)) or 0
    remedy = "tsbot backup --to DIR --keys-to OTHER_DIR; a timer does it best (docs/backup.md)."
    if saved is None and cases and settings.alarm.backup:
        yield Diagnosis("backup", State.WARNING, "no backup was ever made with `tsbot backup`", remedy)
    elif saved is not None and now - float(saved) > BACKUP_SECONDS and settings.alarm.backup:
        yield Diagnosis("backup", State.WARNING, f"the last backup is {(now - float(saved)) / 86400:,.0f} days old", remedy)
    else:
        yield _ok("backup", "nothing to lose yet" if saved is None else f"made {(now - float(saved)) / 3600:,.1f} h ago")


def check_detector(load: Callable[[], str]) -> Iterator[Diagnosis]:
    """Models and packs load, with their checksums."""
    try:
        yield _ok("detector", f"version {load()}")
    except TsbotError as error:
        yield Diagnosis("detector", State.PROBLEM, str(error), "Reinstall tsbot, or train again with `tsbot train`.")


def check_stream(settings: Settings, probe: Callable[[str, float], None]) -> Iterator[Diagnosis]:
    """The stream answers."""
    url = settings.stream.url
    try:
        probe(url.rstrip("/") + "/" + ",".join(settings.stream.streams), 10.0)
    except StreamUnavailableError as error:
        yield Diagnosis("stream", State.PROBLEM, str(error), "Check the network and stream.url; `make demo` needs no network.")
    else:
        yield _ok("stream", f"{url} answers")


def check_mail(settings: Settings) -> Iterator[Diagnosis]:
    """The mail server answers and speaks TLS as configured; nothing is sent."""
    mail = settings.mail
    if not mail.host:
        state = State.PROBLEM if settings.report.channel == "smtp" or settings.page.mail else State.OK
        yield Diagnosis("mail", state, "no mail server configured", "Set mail.host." if state is State.PROBLEM else "")
        return
    context = ssl.create_default_context(cafile=mail.ca_file or None)
    try:
        if mail.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout, context=context)
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout)
        with server:
            if mail.security == "starttls":
                server.starttls(context=context)
            if mail.user:
                server.login(mail.user, mail.password)
            server.noop()
    except (OSError, smtplib.SMTPException) as error:
        yield Diagnosis("mail", State.PROBLEM, f"{mail.host}:{mail.port}: {type(error).__name__}", "Check mail.* and the certificate.")
    else:
        yield _ok("mail", f"{mail.host}:{mail.port} answers ({mail.security})")


def check_clock(settings: Settings) -> Iterator[Diagnosis]:
    """The clock is plausible; wikis refuse and letters mislead where it is far off."""
    now = time.time()
    newest = max((path.stat().st_mtime for path in settings.data_path.glob("*")), default=now) if settings.data_path.exists() else now
    if newest > now + 60:
        yield Diagnosis("clock", State.WARNING, f"files were written {newest - now:,.0f} s in the future", "Set the clock (NTP).")
    else:
        yield _ok("clock", "no sign of a wrong clock")
