"""Rows of the outbox as they leave: what the recipient's rule lets out, encrypted where it asks for that.

Decided anew at each sending, because keys expire and settings change while a letter waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec
import structlog
from sqlalchemy import select

from tsbot.errors import KeyUnusableError, LetterError
from tsbot.report import letter as letters
from tsbot.report.bounce import envelope_id
from tsbot.report.letter import Letter, Release
from tsbot.report.message import OutboundMessage, to_seal
from tsbot.report.pgp import MailCrypto, Sequoia
from tsbot.report.policy import Decision, Policy, Rule, decide, guarded, rule_for
from tsbot.report.prepare import Writer
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import Purpose, Report

LINKS_ONLY = "links_only"
"""The template of letters that carry links and category only."""
PAGE_TEXT = "A case waits for a person.\n\nCase: {case}\nFlag: {flag}\n\nTo see it: tsbot flags show {flag}\n"


@dataclass(frozen=True)
class Outgoing:
    """Makes messages of rows."""

    database: Database
    settings: Settings
    writer: Writer
    clock: Callable[[], float]
    crypto: MailCrypto = field(default_factory=Sequoia)

    def ready(self, report: Report) -> tuple[OutboundMessage, Decision]:
        """A row as it is handed over, and what was decided of it.

        Raises ``LetterError`` if its letter is not there, ``DeliveryRefusedError`` if it cannot be made a mail, and ``KeyUnusableError``
        if the key changed just now; the next try decides anew.
        """
        message, decision = self.unsealed(report)
        return (self._sealed(message, report.channel) if decision.encrypted else message), decision

    def unsealed(self, report: Report) -> tuple[OutboundMessage, Decision]:
        """The same before it is encrypted, for people of the team to read."""
        if report.purpose is Purpose.PAGE:
            text = PAGE_TEXT.format(case=report.case_id, flag=report.flag_id)
            page = self._outbound(report, f"[TS] page {report.case_id[: letters.CASE_CHARS]}", text)
            return page, Decision(Policy.PLAIN, encrypted=False, quotes=False)
        decision = self.decide(report)
        with self.database.read() as connection:
            letter = self.writer.read(connection, report)
            if letter is None:
                raise LetterError("The letter is not written yet, or its texts were destroyed.")
            message = replace(
                self._letter(report, letter, decision),
                in_reply_to=outbox.thread_start(connection, report),
                external_id=outbox.thread_external_id(connection, report),
                priority=connection.scalar(select(t.case.c.priority).where(t.case.c.id == report.case_id)) or 0,
            )
        return message, decision

    def draft(self, report: Report) -> OutboundMessage:
        """A letter that is not written yet as it would be now, without asking a wiki. Raises as ``Writer.compose``."""
        return self._letter(report, self.writer.compose(report, ask=False), self.decide(report))

    def look_at_keys(self) -> None:
        """Shout, at start, about keys that cannot be used: better now than when a letter leaves with links only."""
        for _, rule in guarded(self.settings):
            if trouble := self._trouble(rule):
                remedy = "tsbot doctor tells whose key it is"
                structlog.get_logger().error("report.key_unusable", id=rule.fingerprint[-19:], reason=trouble, remedy=remedy)

    def decide(self, report: Report) -> Decision:
        """What may leave to the row's recipient now; its key is looked at if its rule asks for one."""
        rule = rule_for(self.settings, report.recipient, report.channel)
        return decide(rule, self._trouble(rule) if rule.policy.encrypts else "")

    def _trouble(self, rule: Rule) -> str:
        try:
            self.crypto.examine(self.settings.data_path / rule.key, rule.fingerprint, self.clock())
        except KeyUnusableError as error:
            return str(error)
        except Exception as error:  # a fault of the library must not keep a letter back either
            return type(error).__name__
        return ""

    def _sealed(self, message: OutboundMessage, channel: str) -> OutboundMessage:
        """The message encrypted. A wiki's EmailUser carries text and no parts, so what it is given is the text itself, encrypted."""
        rule = rule_for(self.settings, message.recipient, channel)
        subject = message.private_subject or message.subject
        content = f"{subject}\n\n{message.text}".encode() if channel == "emailuser" else to_seal(message)
        return replace(message, sealed=self.crypto.encrypt(self.settings.data_path / rule.key, rule.fingerprint, content, self.clock()))

    def _letter(self, report: Report, letter: Letter, decision: Decision) -> OutboundMessage:
        letter = limited(letter, decision)
        message = self._outbound(report, letter.subject, letters.render(letter, release_of(report)))
        return replace(
            message,
            private_subject=f"{letter.subject}: {', '.join(letter.threat_types)}, {letter.wiki}",
            with_text=decision.policy is not Policy.LINKS_ONLY,
            links=tuple((name, url) for name, url in msgspec.structs.asdict(letter.links).items() if url),
            threat_types=letter.threat_types,
            wiki=letter.wiki,
            envelope_id=envelope_id(self.database.key, report.id),
        )

    def _outbound(self, report: Report, subject: str, text: str) -> OutboundMessage:
        return OutboundMessage(
            id=report.id,
            message_id=report.message_id,
            purpose=report.purpose,
            case_id=report.case_id,
            flag_id=report.flag_id,
            recipient=report.recipient,
            subject=subject,
            text=text,
            date=report.created if report.released is None else report.released,
            sender_name=self.settings.report.reporter_name,
            sender_address=self.settings.report.reporter_contact,
        )


def limited(letter: Letter, decision: Decision) -> Letter:
    """The letter without what must not leave."""
    if decision.policy is Policy.LINKS_ONLY:
        return msgspec.structs.replace(letter, template=LINKS_ONLY, excerpts=(), details=(), account=(), title="", user="")
    return letter if decision.quotes else msgspec.structs.replace(letter, excerpts=())


def release_of(report: Report) -> Release:
    """Who let a letter go, as far as letters say it."""
    return Release(by_person=report.released_by is not None, automatic=report.auto)
