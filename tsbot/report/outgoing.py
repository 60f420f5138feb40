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
from tsbot.i18n.catalogue import SOURCE
from tsbot.reception import mailing
from tsbot.report import letter as letters
from tsbot.report.bounce import envelope_id
from tsbot.report.codes import code, reply_address
from tsbot.report.letter import Letter, Manner, Release, Reminder
from tsbot.report.message import OutboundMessage, to_seal
from tsbot.report.notice import closed_text, page_text
from tsbot.report.pgp import MailCrypto, Sequoia, encrypt_to
from tsbot.report.policy import MAIL_CHANNELS, Decision, Policy, Rule, decide, guarded, rule_for
from tsbot.report.prepare import Writer
from tsbot.report.timers import page_note
from tsbot.settings import Settings
from tsbot.store import outbox
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.outbox import Purpose, Report


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
        if report.purpose is Purpose.ANSWER:
            return self._answer(report)
        message, decision = self.unsealed(report)
        return (self._sealed(message, report.channel) if decision.encrypted else message), decision

    def unsealed(self, report: Report, manner: Manner | None = None) -> tuple[OutboundMessage, Decision]:
        """The same before it is encrypted, for people of the team to read; in another ``manner`` if they wish."""
        if report.purpose is Purpose.ANSWER:
            with self.database.read() as connection:
                answer = mailing.compose(connection, self.database.key, self.settings, report, self.clock())
            return answer.message, Decision(Policy.PLAIN, encrypted=False, quotes=False)
        if report.purpose is Purpose.PAGE:
            how, language, stationery = manner or Manner(exercise=report.drill), self.settings.page.language, self.writer.stationery
            with self.database.read() as connection:
                note = page_note(connection, self.database, report)
            reason, reports = (note.reason.value, note.reports) if note else ("", ())
            text = page_text(report.case_id, report.flag_id, language, how, stationery, reason=reason, reports=reports)
            subject = letters.mail_subject(report.case_id, language, how, what="page", stationery=stationery)
            page = replace(self._outbound(report, subject, text), reason=reason)
            return page, Decision(Policy.PLAIN, encrypted=False, quotes=False)
        if report.purpose is Purpose.CLOSED:
            return self._closed(report, manner), Decision(Policy.PLAIN, encrypted=False, quotes=False)
        decision = self.decide(report)
        with self.database.read() as connection:
            letter = self.writer.read(connection, report)
            if letter is None:
                raise LetterError("The letter is not written yet, or its texts were destroyed.")
            message = replace(
                self._letter(report, letter, decision, manner),
                in_reply_to=outbox.thread_start(connection, report) or (letter.repeats.message_id if letter.repeats else None),
                external_id=outbox.thread_external_id(connection, report),
                priority=connection.scalar(select(t.case.c.priority).where(t.case.c.id == report.case_id)) or 0,
            )
        return message, decision

    def _answer(self, report: Report) -> tuple[OutboundMessage, Decision]:
        """What a person who reported something is told: encrypted where they gave a key."""
        with self.database.read() as connection:
            answer = mailing.compose(connection, self.database.key, self.settings, report, self.clock())
        if not answer.key:
            return answer.message, Decision(Policy.PLAIN, encrypted=False, quotes=False)
        sealed = encrypt_to(answer.key, to_seal(answer.message), self.clock())
        return replace(answer.message, sealed=sealed), Decision(Policy.PREFER, encrypted=True, quotes=False)

    def _closed(self, report: Report, manner: Manner | None) -> OutboundMessage:
        """What is told to who had a letter, in the language and the thread of that."""
        with self.database.read() as connection:
            found = connection.execute(select(t.case.c.state, t.case.c.outcome).where(t.case.c.id == report.case_id)).one()
            mine = (one for one in outbox.of_case(connection, report.case_id) if one.recipient == report.recipient)
            letters_read = (self.writer.read(connection, one) for one in mine if one.purpose is Purpose.LETTER)
            language = next((one.language for one in letters_read if one is not None), SOURCE)
            start = outbox.thread_start(connection, report)
        if found.state != "closed":
            raise LetterError("The case was opened again.")
        how, stationery = manner or Manner(exercise=report.drill), self.writer.stationery
        text = closed_text(report.case_id, found.outcome or "", language, self.settings.report, how, stationery)
        subject = letters.mail_subject(report.case_id, language, how, what="closed", stationery=stationery)
        return replace(self._outbound(report, subject, text), in_reply_to=start)

    def draft(self, report: Report, manner: Manner | None = None) -> OutboundMessage:
        """A letter that is not written yet as it would be now, without asking a wiki. Raises as ``Writer.compose``."""
        return self._letter(report, self.writer.compose(report, ask=False), self.decide(report), manner)

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

    def _letter(self, report: Report, letter: Letter, decision: Decision, manner: Manner | None = None) -> OutboundMessage:
        address = self.settings.report.ack_address
        answer = code(self.database.key, report.id, report.recipient) if address and report.channel in MAIL_CHANNELS else ""
        own, stationery = manner_of(report, letter, decision, answer), self.writer.stationery
        # Read in another manner, it still says what it repeats and how it is answered.
        how = own if manner is None else msgspec.structs.replace(manner, reminder=own.reminder, acknowledgement=own.acknowledgement)
        told = letter if decision.quotes else msgspec.structs.replace(letter, excerpts=())
        subject = letters.mail_subject(letter.case_id, letter.language, how, stationery=stationery)
        message = self._outbound(report, subject, letters.render(told, release_of(report), how, stationery))
        letter = letters.bare(letter) if how.links_only else letter
        return replace(
            message,
            private_subject=f"{subject}: {', '.join(letter.threat_types)}, {letter.wiki}",
            with_text=not how.links_only,
            links=tuple((name, url) for name, url in msgspec.structs.asdict(letter.links).items() if url),
            threat_types=letter.threat_types,
            wiki=letter.wiki,
            envelope_id=envelope_id(self.database.key, report.id),
            reply_to=reply_address(address, answer) if answer else "",
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


def release_of(report: Report) -> Release:
    """Who let a letter go, as far as letters say it."""
    return Release(by_person=report.released_by is not None, automatic=report.auto)


def manner_of(report: Report, letter: Letter, decision: Decision, answer: str = "") -> Manner:
    """How a letter is put, by its row and what was decided of it; ``answer`` is the code that acknowledges it."""
    links_only, reminder = decision.policy is Policy.LINKS_ONLY, None
    if letter.repeats is not None:
        first = letter.repeats
        waited = max(60.0, report.created - first.sent) if first.second else 0.0
        reminder = Reminder(sent=first.sent, waited=waited, second_address=first.second, first_address=first.to if first.second else "")
    return Manner(links_only=links_only, exercise=report.drill, reminder=reminder, acknowledgement=answer)
