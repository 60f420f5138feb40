"""A message as it leaves the system, and its form as mail (RFC 5322)."""

from __future__ import annotations

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
    reply_to: str = ""
    """Where an answer acknowledges it, besides the sender; empty where that is not set up."""
    reason: str = ""
    """Of a page about waiting reports: :class:`tsbot.report.escalation.Reason`."""


def message_domain(contact: str) -> str:
    """The domain for Message-IDs of a reporter: that of the contact address."""
    domain = contact.rpartition("@")[2].strip("[]").lower()
    return domain if domain and domain.isascii() and domain.isprintable() and " " not in domain else NOWHERE


def to_email(message: OutboundMessage) -> EmailMessage:
    """The message as mail. Raises ``DeliveryRefusedError`` where a header cannot be made of what is given."""
    mail = EmailMessage(policy=SMTP)
    sender = message.sender_address or f"tsbot@{NOWHERE}"
    subject = message.subject if message.in_reply_to is None else f"Re: {message.subject}"
    try:
        mail["From"] = Address(shown(message.sender_name), addr_spec=sender)
        mail["To"] = Address(addr_spec=message.recipient) if "@" in message.recipient else Group(shown(message.recipient))
        answers = [Address(addr_spec=item) for item in (message.sender_address, message.reply_to) if item]
        if answers:
            mail["Reply-To"] = answers
        mail["Subject"] = subject
        mail["Date"] = format_datetime(datetime.fromtimestamp(int(message.date), UTC))
        mail["Message-ID"] = message.message_id
        if message.in_reply_to is not None:
            mail["In-Reply-To"] = message.in_reply_to
            mail["References"] = message.in_reply_to
        if message.purpose is Purpose.PAGE:
            mail["Auto-Submitted"] = "auto-generated"  # RFC 3834; letters stand for a person who answers
        plain = message.text.isascii() and all(len(line) <= MAX_LINE for line in message.text.splitlines())
        mail.set_content(message.text, charset="utf-8", cte="7bit" if plain else "quoted-printable")
    except (ValueError, IndexError, UnicodeError) as error:
        raise DeliveryRefusedError(f"mail: a header cannot be made ({type(error).__name__})") from error
    return mail
