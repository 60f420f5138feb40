"""Messages by SMTP to a relay (RFC 5321), with STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314)."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.message import OutboundMessage, message_domain, to_email
from tsbot.settings import MailSettings

ENHANCED = re.compile(rb"[245]\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
"""A status as RFC 3463 has it, at the start of a reply."""
MAILBOX_FULL = (2, 2)
TOO_LONG = (3, 4)
"""Subject and detail: X.2.2 passes when somebody tidies up, X.3.4 (too long for the system) does not."""


class SmtpChannel:
    """Sends each message in a connection of its own, to its one recipient.

    What goes wrong before the server has heard of the message (connection, certificate, login) is trouble of the relay, and the message
    is tried again. Afterwards the server's answer decides: 4xx is tried again, 5xx is final (RFC 5321, section 4.2.1), except that a
    full mailbox (552, 5.2.2) is tried again, too. A connection that ends after the text was sent leaves open whether it was taken: the
    message is sent again under the same Message-ID.

    A server that knows how (RFC 3461) is asked to tell of failures under the report's id, and to send no text back with that.

    Bounces go to ``mail.bounces``, else to the address for acknowledgements where there is one: its code tells which letter came back.
    """

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    def send(self, message: OutboundMessage) -> None:
        """Hand the message to the relay."""
        if not message.sender_address:
            raise DeliveryRefusedError("smtp: report.reporter_contact is not set")
        if "@" not in message.recipient:
            raise DeliveryRefusedError("smtp: the recipient is no mail address")
        content = to_email(message).as_bytes()
        server = self._connect(message)
        try:
            self._hand_over(server, message, content)
        finally:
            # Taken or refused is settled by now; a rude goodbye changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connect(self, message: OutboundMessage) -> smtplib.SMTP:
        """A connection on which the message can be offered. Anything but that is tried again later."""
        settings = self.settings
        name = message_domain(message.sender_address)
        server: smtplib.SMTP | None = None
        try:
            if settings.security == "tls":
                server = smtplib.SMTP_SSL(settings.host, settings.port, name, timeout=settings.timeout, context=self._context())
            else:
                server = smtplib.SMTP(settings.host, settings.port, name, timeout=settings.timeout)
            server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                server.starttls(context=self._context())
                server.ehlo()
            if settings.user:
                server.login(settings.user, settings.password)
        except (smtplib.SMTPException, OSError) as error:
            if server is not None:
                server.close()
            raise DeliveryDeferredError(f"smtp: no usable connection ({_code(error)})") from error
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.settings.ca_file or None)

    def _hand_over(self, server: smtplib.SMTP, message: OutboundMessage, content: bytes) -> None:
        step = "MAIL"
        try:
            notify = server.has_extn("dsn")
            size = [f"size={len(content)}"] if server.has_extn("size") else []
            tell = ["RET=HDRS", f"ENVID={message.envelope_id or message.id}"] if notify else []
            sender = self.settings.bounces or message.reply_to or message.sender_address
            _expect(step, *server.mail(sender, [*size, *tell]))
            step = "RCPT"
            _expect(step, *server.rcpt(message.recipient, ["NOTIFY=FAILURE,DELAY"] if notify else []))
            step = "DATA"
            _expect(step, *server.data(content))
        except smtplib.SMTPResponseException as error:
            _expect(step, error.smtp_code, error.smtp_error)
            raise DeliveryDeferredError(f"smtp: {_code(error)} at {step}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryDeferredError(f"smtp: {_code(error)} at {step}") from error


def _expect(step: str, code: int, text: bytes | str) -> None:
    """Take a reply for what it is."""
    if 200 <= code < 300:
        return
    status = ENHANCED.match(text if isinstance(text, bytes) else text.encode())
    detail = (int(status[1]), int(status[2])) if status else None
    words = f"smtp: {code}{' ' + status[0].decode() if status else ''} at {step}"
    full = detail == MAILBOX_FULL or (code == 552 and detail != TOO_LONG)
    if 500 <= code < 600 and not full:
        raise DeliveryRefusedError(words)
    raise DeliveryDeferredError(words)


def _code(error: Exception) -> str:
    """What went wrong, in a word; never the server's own text, which may quote addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    return type(error).__name__
