"""Writing letters: from a new row of the outbox to a sealed letter that waits for release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog
from sqlalchemy import Connection, func, select

from tsbot.cases.filing import case_key, read_flag
from tsbot.cases.flag import Flag
from tsbot.errors import LetterError
from tsbot.i18n.catalogue import SOURCE
from tsbot.i18n.voice import Phrase
from tsbot.report import letter as letters
from tsbot.report import wording
from tsbot.report.letter import FindLinks, Letter, Release
from tsbot.report.misuse import as_people_say
from tsbot.report.routing import Routing, destinations
from tsbot.report.stationery import Stationery, shipped_stationery
from tsbot.report.wording import moment
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.crypto import seal, unseal
from tsbot.store.database import Database
from tsbot.store.outbox import Report
from tsbot.wiki.types import AccountStatus

AskStatus = Callable[[str, str, str], AccountStatus]
"""Asks a wiki (database name) about a user; the third is the wiki's server address where the edit's event gave it."""


@dataclass
class Writer:
    """Writes letters. No database connection is held while a wiki is asked."""

    database: Database
    settings: Settings
    links: FindLinks
    clock: Callable[[], float]
    account_status: AskStatus | None = None
    routing: Routing | None = None
    stationery_in_use: Callable[[], Stationery] = shipped_stationery

    @property
    def stationery(self) -> Stationery:
        """What letters are written on now."""
        return self.stationery_in_use()

    def compose(self, report: Report, *, ask: bool = True) -> Letter:
        """The letter of a row as it would be now; ``ask`` says whether the wiki may be asked about the account.

        Raises ``LetterError``, ``WikiError`` (no links), ``KeyFileError`` or ``StoreError``.
        """
        with self.database.read() as connection:
            flags = self._flags(connection, report)
            number, newest = outbox.thread(connection, report.case_id, report.recipient)
            follow_up = outbox.thread_start(connection, report) is not None
            happened = self._happened(connection, flags)
        told = [
            destination
            for flag in flags
            for destination in destinations(self.settings.report, flag.kind, flag.wiki, self.routing)
            if destination.recipient == report.recipient
        ]
        return letters.write(
            flags,
            report_id=report.id,
            settings=self.settings.report,
            links=self.links,
            status=self._status(flags) if ask else None,
            excerpt=any(destination.excerpt for destination in told),
            last_of_thread=number > self.settings.report.follow_ups > 0 and report.created >= newest,
            now=self.clock(),
            language=next((destination.language for destination in told), SOURCE),
            happened=happened,
            follow_up=follow_up,
            stationery=self.stationery,
        )

    def prepare(self, report: Report) -> None:
        """Write, seal and store a letter. Raises as :meth:`compose`; ``LetterError`` where it can never be written."""
        letter = self.compose(report)
        letters.render(letter, Release(by_person=False), stationery=self.stationery)
        with self.database.write() as connection:
            # Its case may have been merged or split meanwhile.
            report = outbox.get(connection, report.id) or report
            data_key = case_key(connection, self.database.key, report.case_id)
            if data_key is None:
                raise LetterError("The case's texts were destroyed; there is nothing left to report.")
            flags = self._flags(connection, report)
            quotable = {wording.quoted(flag.content.excerpt) for flag in flags if flag.content is not None}
            if {flag.id for flag in flags} == set(letter.flag_ids) and quotable.issuperset(letter.excerpts):
                body = seal(data_key, msgspec.json.encode(letter), body_context(report.id))
                outbox.prepared(connection, report, body, self.clock())
            # Else the edit was flagged once more meanwhile, or its text hidden: the letter is written again next time.

    def read(self, connection: Connection, report: Report) -> Letter | None:
        """The stored letter; None if there is none (yet, or any more)."""
        data_key = case_key(connection, self.database.key, report.case_id)
        if data_key is None or report.body is None:
            return None
        return msgspec.json.decode(unseal(data_key, report.body, body_context(report.id)), type=Letter)

    def _flags(self, connection: Connection, report: Report) -> list[Flag]:
        """The flags on the report's edit that its recipient is told of; always the one that it was filed for."""
        flags = []
        for identity in connection.scalars(select(t.flag.c.id).where(t.flag.c.subject == report.subject).order_by(t.flag.c.id)).all():
            flag = read_flag(connection, self.database.key, identity)
            if flag is None:
                continue
            flag = as_people_say(connection, flag)
            if flag.id == report.flag_id or self._is_told(flag, report.recipient):
                flags.append(flag)
        return flags

    def _happened(self, connection: Connection, flags: list[Flag]) -> list[Phrase]:
        """What the wiki has done about the flags, each thing once, when it happened first."""
        concerned = t.outcome.c.flag_id.in_([flag.id for flag in flags])
        query = select(t.outcome.c.what, func.min(t.outcome.c.time).label("first")).where(concerned)
        rows = connection.execute(query.group_by(t.outcome.c.what).order_by("first", t.outcome.c.what))
        known = self.stationery.catalogue.keys
        return [Phrase(f"happened-{what}", (moment(first),)) for what, first in rows if f"happened-{what}" in known]

    def _is_told(self, flag: Flag, recipient: str) -> bool:
        return any(item.recipient == recipient for item in destinations(self.settings.report, flag.kind, flag.wiki, self.routing))

    def _status(self, flags: list[Flag]) -> AccountStatus | None:
        """What the wiki says of the account. A letter does not wait for it."""
        content = flags[0].content if flags else None
        if self.account_status is None or content is None or not content.user:
            return None
        try:
            return self.account_status(flags[0].wiki, content.user, content.server_url)
        except Exception as error:  # whatever it is, the letter matters more
            structlog.get_logger().warning("report.no_account_status", flag=flags[0].id, error=type(error).__name__)
            return None


def body_context(identity: str) -> str:
    """What the sealed content of a message is bound to."""
    return f"report|body|{identity}"
