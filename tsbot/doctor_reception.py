"""Is the reception well: can people reach it, is mail taken and opened, is the directory of help fresh, does anybody wait for news."""

from __future__ import annotations

import datetime
import importlib.util
import socket
from collections.abc import Iterator

import urllib3
from sqlalchemy import func, select

from tsbot.doctor import Diagnosis, State
from tsbot.errors import KeyUnusableError, SettingsError
from tsbot.http_client import pool
from tsbot.reception.answering import waiting_count
from tsbot.reception.mailing import directory_of, origin
from tsbot.reception.unsealing import opener, public_key
from tsbot.referral.check import check as check_directory
from tsbot.report.pgp import usable_key
from tsbot.settings import Settings
from tsbot.store import tables as t
from tsbot.store.database import Database

PACKAGES = ("fastapi", "uvicorn", "jinja2", "python_multipart")
"""What the page needs beyond the patrol; mail needs ``aiosmtpd`` as well."""
TIMEOUT = 5.0
UNREAD_SECONDS = 3600.0
"""A report that the detector has not read after this long says that no reception runs."""


def check_reception(settings: Settings, database: Database, now: float, *, offline: bool) -> Iterator[Diagnosis]:
    """What stands in the way of `tsbot receive`, and of the people who use it. ``now`` in seconds since the epoch."""
    ours = settings.reception
    if not ours.url and not ours.address:
        yield Diagnosis("reception", State.OK, "no public page is set up (reception.url), so nobody is received")
        return
    needed = (*PACKAGES, "aiosmtpd") if ours.mail_listen else PACKAGES
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        yield Diagnosis("reception", State.PROBLEM, f"the reception needs {', '.join(missing)}", "Run: pip install 'tsbot[reception]'")
        return
    try:
        ours.check(settings.console)  # a host name of its own, TLS where others can reach it, mail from this machine only
    except SettingsError as error:
        yield Diagnosis("reception", State.PROBLEM, str(error), "`tsbot receive` does not start with these settings.")
        return
    yield Diagnosis("reception", State.OK, f"the page is at {origin(settings)}, apart from the console")
    if ours.client_id and not ours.client_secret:
        words = "the OAuth client of the page has no secret"
        yield Diagnosis("reception.secret", State.WARNING, words, "Set TSBOT_RECEPTION__CLIENT_SECRET, unless it is registered as public.")
    yield from _check_key(settings, now)
    yield from _check_directory(settings, now)
    yield from _check_people(database, now)
    if ours.address and not ours.mail_listen:
        words = "an address for mail is shown, and no mail is taken here"
        yield Diagnosis("reception.mail", State.WARNING, words, "Set reception.mail_listen, and have your mail server deliver there.")
    if not offline:
        yield _check_page(settings)
        if ours.mail_listen:
            yield _check_mail(settings)


def _check_key(settings: Settings, now: float) -> Iterator[Diagnosis]:
    name = settings.reception.pgp_key
    if not name:
        return
    file = settings.data_path / name
    try:
        opener(file)
        usable_key(public_key(file).encode(), now)
    except (SettingsError, KeyUnusableError) as error:
        words = f"mail cannot be encrypted to reception.pgp_key ({error})"
        yield Diagnosis("reception.pgp_key", State.PROBLEM, words, "Make a new key, or prolong it; people get its public part at /key.asc.")
        return
    if file.stat().st_mode & 0o077:
        yield Diagnosis("reception.pgp_key", State.WARNING, f"{name} can be read by other users", f"Run: chmod 600 {file}")
    else:
        yield Diagnosis("reception.pgp_key", State.OK, "mail that is encrypted to us can be opened")


def _check_directory(settings: Settings, now: float) -> Iterator[Diagnosis]:
    try:
        found = check_directory(directory_of(settings), datetime.datetime.fromtimestamp(now, datetime.UTC).date())
    except SettingsError as error:
        yield Diagnosis("reception.directory", State.PROBLEM, str(error), "Mend the file; until then the reception does not start.")
        return
    words = f"{found.countries} countries, {found.entries} places of help"
    if found.stale or found.unconfirmed:
        words += f"; {len(found.stale)} not looked at for a year, {len(found.unconfirmed)} confirmed by nobody"
        remedy = "They are marked so and never shown alone. `tsbot directory check` lists them."
        yield Diagnosis("reception.directory", State.WARNING, words, remedy)
    else:
        yield Diagnosis("reception.directory", State.OK, words)


def _check_people(database: Database, now: float) -> Iterator[Diagnosis]:
    c = t.hearing.c
    with database.read() as connection:
        late = waiting_count(connection, now)
        unread = (c.judged.is_(None), c.body.is_not(None), c.created < now - UNREAD_SECONDS)
        waiting = connection.scalar(select(func.count()).select_from(t.hearing).where(*unread)) or 0
    if late:
        words = f"{late} people wait longer for news than they were told"
        yield Diagnosis("reception.check_ins", State.WARNING, words, "tsbot hearings due")
    else:
        yield Diagnosis("reception.check_ins", State.OK, "nobody waits longer for news than they were told")
    if waiting:
        words = f"{waiting} reports were not read by the detector within an hour"
        yield Diagnosis("reception.unread", State.WARNING, words, "Is `tsbot receive` running? They wait in the queue all the same.")


def _check_page(settings: Settings) -> Diagnosis:
    """Whether the page answers: where it listens, or where people reach it if it speaks TLS itself."""
    ours = settings.reception
    url = origin(settings) if ours.certificate else "http://{}:{}".format(*ours.bind)
    remedy = "Is `tsbot receive` running?"
    try:
        with pool(url) as http:
            answer = http.request("GET", f"{url}/robots.txt", timeout=TIMEOUT, retries=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return Diagnosis("reception.page", State.WARNING, f"the page does not answer ({type(error).__name__})", remedy)
    if answer.status != 200:
        return Diagnosis("reception.page", State.WARNING, f"something else answers there ({answer.status})", remedy)
    return Diagnosis("reception.page", State.OK, "the page answers")


def _check_mail(settings: Settings) -> Diagnosis:
    remedy = "Is `tsbot receive` running? Your mail server keeps what it cannot deliver."
    try:
        with socket.create_connection(settings.reception.mail_bind or ("", 0), TIMEOUT) as connection:
            connection.settimeout(TIMEOUT)
            greeting = connection.recv(200)
    except OSError as error:
        return Diagnosis("reception.mail", State.WARNING, f"nobody takes mail there ({type(error).__name__})", remedy)
    if not greeting.startswith(b"220"):
        return Diagnosis("reception.mail", State.WARNING, "what answers there takes no mail", remedy)
    return Diagnosis("reception.mail", State.OK, "mail is taken")
