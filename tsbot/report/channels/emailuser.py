"""Messages through a wiki's Special:EmailUser, to users who are known by name only."""

from __future__ import annotations

from collections.abc import Callable

from tsbot.errors import DeliveryRefusedError
from tsbot.report.message import OutboundMessage

EmailUser = Callable[[str, str, str, str], None]
"""Mails a user: wiki, user name, subject, text (:func:`tsbot.wiki.email.send`). Raises as ``Channel.send``."""


class EmailUserChannel:
    """Sends through the wiki of a recipient ``wiki:User name``.

    The wiki makes a Message-ID of its own. If this program dies between the wiki's answer and noting it, the letter is sent
    again and the recipient sees it twice; the case id in it tells that.
    """

    def __init__(self, email_user: EmailUser) -> None:
        self.email_user = email_user

    def send(self, message: OutboundMessage) -> None:
        """Ask the wiki to mail the message."""
        wiki, _, user = message.recipient.partition(":")
        if not (wiki and user):
            raise DeliveryRefusedError("emailuser: the recipient is no wiki:User name")
        subject = message.subject if message.in_reply_to is None else f"Re: {message.subject}"
        self.email_user(wiki, user, subject, message.sealed or message.text)
