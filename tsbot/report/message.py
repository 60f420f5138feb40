"""A message as it leaves the system, and its form as mail (RFC 5322), encrypted where it must be (PGP/MIME, RFC 3156)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address, Group
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from tsbot.errors import DeliveryRefusedError
from tsbot.report.wording import shown
from tsbot.store.outbox import Purpose

NOWHERE = "tsbot.invalid"
"""Domain of ids and senders where no contact is configured (RFC 2606 reserves ``.invalid``)."""
MAX_LINE = 990
"""Longer lines are encoded; RFC 5322 allows 998 octets."""


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What a channel hands over. ``id`` and ``message_id`` are the same for every attempt, so that a receiver can tell."""

    id: str
    message_id: str
    purpose: Purpose
    case_id: str
    flag_id: str
    recipient: str
    """As the outbox names it (:class:`tsbot.report.routing.Destination`)."""
    subject: str
    text: str
    date: float
    """Seconds since the epoch."""
    sender_name: str
    sender_address: str
    """Empty where none is configured."""
    in_reply_to: str | None = None
    """Message-ID of the first letter of the thread."""
    private_subject: str = ""
    """What an encrypted message, or a case management, has for a subject; empty: ``subject``."""
    sealed: str = ""
    """The message encrypted to its recipient, armoured; empty where it leaves in clear."""
    with_text: bool = True
    """Whether the text may go to where machines read it; False: links and ids only."""
    links: tuple[tuple[str, str], ...] = ()
    """What each link is, and its address."""
    threat_types: tuple[str, ...] = ()
    wiki: str = ""
    priority: int = 0
    """Of the case, 0-100."""
    external_id: str = ""
    """Number that the other side gave the thread; empty if it gave none yet."""
    envelope_id: str = ""
    """What bounces must bring back (:mod:`tsbot.report.bounce`); empty for pages."""
    reply_to: str = ""
    """Where an answer acknowledges it, besides the sender; empty where that is not set up."""
    reason: str = ""
    """Of a page about waiting reports: :class:`tsbot.report.escalation.Reason`."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side says of a message that it has taken."""

    external_id: str = ""
    """Its own number for the message's thread; at most 64 characters."""


def message_domain(contact: str) -> str:
    """The domain for Message-IDs of a reporter: that of the contact address."""
    domain = contact.rpartition("@")[2].strip("[]").lower()
    return domain if domain and domain.isascii() and domain.isprintable() and " " not in domain else NOWHERE


def to_email(message: OutboundMessage) -> EmailMessage:
    """The message as mail. Raises ``DeliveryRefusedError`` where a header cannot be made of what is given.

    An encrypted message is ``multipart/encrypted`` (RFC 3156) around ``message.sealed``, and its headers say no more than they must.
    """
    mail = EmailMessage(policy=SMTP)
    with _headers_can_be_made():
        _add_headers(mail, message, message.subject)
        if message.envelope_id:
            mail["X-Tsbot-Envelope"] = message.envelope_id
        if message.sealed:
            _set_encrypted(mail, message.sealed)
        else:
            _set_text(mail, message)
    return mail


def to_seal(message: OutboundMessage) -> bytes:
    """What is encrypted of a mail: a MIME entity with the text and the real headers (RFC 9788, "header protection").

    The older form of that, which more programs read, is marked too: ``protected-headers="v1"``. Raises ``DeliveryRefusedError``.
    """
    mail = EmailMessage(policy=SMTP)
    with _headers_can_be_made():
        _add_headers(mail, message, message.private_subject or message.subject)
        for name, value in _outer(message):
            mail.add_header("HP-Outer", f"{name}: {value}")
        _set_text(mail, message)
        mail.set_param("hp", "cipher")
        mail.set_param("protected-headers", "v1")
    return mail.as_bytes()


@contextmanager
def _headers_can_be_made() -> Iterator[None]:
    try:
        yield
    except (ValueError, IndexError, UnicodeError) as error:
        raise DeliveryRefusedError(f"mail: a header cannot be made ({type(error).__name__})") from error


def _outer(message: OutboundMessage) -> list[tuple[str, str]]:
    """The headers of a mail as they can be seen without the key."""
    outer = EmailMessage(policy=SMTP)
    _add_headers(outer, message, message.subject)
    return [(name, str(value)) for name, value in outer.items()]


def _add_headers(mail: EmailMessage, message: OutboundMessage, subject: str) -> None:
    sender = message.sender_address or f"tsbot@{NOWHERE}"
    mail["From"] = Address(shown(message.sender_name), addr_spec=sender)
    mail["To"] = Address(addr_spec=message.recipient) if "@" in message.recipient else Group(shown(message.recipient))
    answers = [Address(addr_spec=item) for item in (message.sender_address, message.reply_to) if item]
    if answers:
        mail["Reply-To"] = answers
    mail["Subject"] = subject if message.in_reply_to is None else f"Re: {subject}"
    mail["Date"] = format_datetime(datetime.fromtimestamp(int(message.date), UTC))
    mail["Message-ID"] = message.message_id
    if message.in_reply_to is not None:
        mail["In-Reply-To"] = message.in_reply_to
        mail["References"] = message.in_reply_to
    if message.purpose is Purpose.PAGE:
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834; letters stand for a person who answers
    if message.purpose is Purpose.ANSWER:
        mail["Auto-Submitted"] = "auto-replied"  # no absence is to answer it


def _set_text(mail: EmailMessage, message: OutboundMessage) -> None:
    plain = message.text.isascii() and all(len(line) <= MAX_LINE for line in message.text.splitlines())
    mail.set_content(message.text, charset="utf-8", cte="7bit" if plain else "quoted-printable")


def _set_encrypted(mail: EmailMessage, sealed: str) -> None:
    control, content = EmailMessage(policy=SMTP), EmailMessage(policy=SMTP)
    control["Content-Type"] = "application/pgp-encrypted"
    control.set_payload("Version: 1\n")
    content["Content-Type"] = 'application/octet-stream; name="encrypted.asc"'
    content["Content-Disposition"] = 'inline; filename="encrypted.asc"'
    content.set_payload(sealed)
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    mail.set_payload([control, content])
