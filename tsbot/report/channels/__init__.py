"""Ways out of the system."""

from __future__ import annotations

from typing import Protocol

from tsbot.report.channels.emailuser import EmailUser, EmailUserChannel
from tsbot.report.channels.smtp import SmtpChannel
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.channels.suitecrm import SuiteCrmChannel
from tsbot.report.channels.webhook import WebhookChannel, webhooks
from tsbot.report.channels.zammad import ZammadChannel
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import Settings


class Channel(Protocol):
    """One way to hand messages over."""

    def send(self, message: OutboundMessage) -> Receipt | None:
        """Hand over one message; returning means that the other side has taken it. The receipt is what it says of it, if anything.

        It may be called again with a message that was taken already, by a process that died before noting so: a channel whose other
        side does not recognise the message by its id looks there first.

        Raises ``DeliveryDeferredError`` (try again) or ``DeliveryRefusedError`` (a person must look). Their messages hold codes only:
        nothing of the message, and nothing that the other side wrote.
        """


def open_channels(settings: Settings, email_user: EmailUser | None = None) -> dict[str, Channel]:
    """The channels that the settings configure; ``email_user`` is how a wiki is asked to mail. Touches no network yet."""
    channels: dict[str, Channel] = {"spool": SpoolChannel(settings.spool_path), "webhook": WebhookChannel(webhooks(settings))}
    if settings.mail.host:
        channels["smtp"] = SmtpChannel(settings.mail)
    if email_user is not None:
        channels["emailuser"] = EmailUserChannel(email_user)
    if settings.suitecrm.url:
        channels["suitecrm"] = SuiteCrmChannel(settings.suitecrm)
    if settings.zammad.url:
        channels["zammad"] = ZammadChannel(settings.zammad, settings.report.reporter_contact)
    return channels
