"""The desk at which reports are taken, whichever way they come: checked, stored, acknowledged, read."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from tsbot.detect.finding import Kind
from tsbot.reception import hearing as hearings
from tsbot.reception import mailing
from tsbot.reception.handlers import accounts, named_in
from tsbot.reception.hearing import Arrival, Hearing, Terms
from tsbot.reception.letterbox import Letterbox
from tsbot.reception.reader import Reader
from tsbot.reception.said import Said, checked, targets
from tsbot.reception.tokens import hearing_id
from tsbot.referral.directory import Directory, Referral
from tsbot.settings import Settings
from tsbot.store.database import Database

ACCOUNTS_SECONDS = 60.0


def terms_of(settings: Settings) -> Terms:
    """What the settings promise to people."""
    ours = settings.reception
    return Terms(ours.wiki, ours.link_days, ours.news_days, ours.urgent_hours)


def nowhere(_base: str) -> str | None:
    """Where wikis are not known by their addresses."""
    return None


@dataclass
class FrontDesk:
    """Takes reports. Safe to share between threads."""

    database: Database
    settings: Settings
    letterbox: Letterbox
    directory_in_use: Callable[[], Directory]
    clock: Callable[[], float]
    reader: Reader | None = None
    database_of: Callable[[str], str | None] = nowhere
    """The database name of the wiki at an address, if that is known without asking anybody."""
    wake: Callable[[], None] = lambda: None
    """Told when there is mail to send."""
    _accounts: tuple[float, tuple[str, ...]] = field(default=(-ACCOUNTS_SECONDS, ()), repr=False)

    @property
    def directory(self) -> Directory:
        """Where help is to be found, as of now."""
        return self.directory_in_use()

    @property
    def terms(self) -> Terms:
        """What the settings promise."""
        return terms_of(self.settings)

    def take(self, said: Said, *, once: str, channel: str, language: str) -> Future[Hearing]:
        """Have a report stored; ``once`` is a random value of the form, or what tells one mail from another.

        Raises ``ReceptionError`` where it cannot be taken so. The future raises ``StoreError``: then nothing was stored.
        """
        said = checked(said)
        identity = hearing_id(self.database.key, once)

        def work(connection: Connection) -> Hearing:
            now = self.clock()
            away = named_in(said, self._handlers(connection, now))
            arrival = Arrival(identity, said, channel, language, self.wiki_of(said), away)
            taken = hearings.take_in(connection, self.database.key, arrival, self.terms, now)
            mailing.post(connection, self.settings, taken, said, mailing.ACKNOWLEDGEMENT, now)  # once: it knows what it has posted
            return taken

        done = self.letterbox.put(work)
        done.add_done_callback(self._told)
        return done

    def add(self, hearing: Hearing, text: str, pgp_key: str = "") -> Future[None]:
        """Have what a person adds stored. The first OpenPGP key that they send is kept, and their private link is sent again, to it."""
        key = self.database.key

        def work(connection: Connection) -> None:
            now = self.clock()
            hearings.said_more(connection, key, hearing, text, self.terms, now)
            said = hearings.keep_key(connection, key, hearing, pgp_key) if pgp_key else None
            if said is not None and mailing.post(connection, self.settings, hearing, said, mailing.LINK, now):
                self.wake()

        return self.letterbox.put(work)

    def withdraw(self, hearing: Hearing) -> Future[None]:
        """Have a report taken back."""

        def work(connection: Connection) -> None:
            mailing.stop(connection, hearing)
            hearings.withdraw(connection, self.database.key, hearing, self.clock())

        return self.letterbox.put(work)

    def wiki_of(self, said: Said) -> str:
        """The wiki that the first link of a report leads to; empty where none is known."""
        return next((name for _, target in targets(said) if (name := self.database_of(target.base))), "")

    def help(self, language: str, country: str, kind: Kind | None, now: float) -> Referral:
        """Help for a person."""
        today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
        return self.directory.refer(language=language, country=country, kind=kind, today=today)

    def _handlers(self, connection: Connection, now: float) -> tuple[str, ...]:
        then, known = self._accounts
        if not 0 <= now - then < ACCOUNTS_SECONDS:
            known = accounts(connection, self.database.key, self.settings)
            self._accounts = (now, known)
        return known

    def _told(self, done: Future[Hearing]) -> None:
        if not done.cancelled() and done.exception() is None:
            taken = done.result()
            structlog.get_logger().info("reception.received", id=taken.reference, channel=taken.channel)
            self.wake()
