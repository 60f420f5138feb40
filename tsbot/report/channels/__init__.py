"""Ways out of the system."""

from __future__ import annotations

from typing import Protocol

from tsbot.report.channels.emailuser import EmailUser, EmailUserChannel
from tsbot.report.channels.smtp import SmtpChannel
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.channels.webhook import WebhookChannel
from tsbot.report.message import OutboundMessage
from tsbot.report.oncall import hooks
from tsbot.settings import Settings


class Channel(Protocol):
    """One way to hand messages over."""

    def send(self, message: OutboundMessage) -> None:
        """Hand over one message; returning means that the other side has taken it.

        Raises ``DeliveryDeferredError`` (try again) or ``DeliveryRefusedError`` (a person must look). Their messages hold codes only:
        nothing of the message, and nothing that the other side wrote.
        """


def open_channels(settings: Settings, email_user: EmailUser | None = None) -> dict[str, Channel]:
    """The channels that the settings configure; ``email_user`` is how a wiki is asked to mail. Touches no network yet."""
    urls = (*settings.page.webhooks, *hooks(settings))
    channels: dict[str, Channel] = {"spool": SpoolChannel(settings.spool_path), "webhook": WebhookChannel(urls)}
    if settings.mail.host:
        channels["smtp"] = SmtpChannel(settings.mail)
    if email_user is not None:
        channels["emailuser"] = EmailUserChannel(email_user)
    return channels
