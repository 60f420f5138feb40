"""Messages by SMTP to a relay (RFC 5321), with STARTTLS (RFC 3207) or TLS from the first byte (RFC 8314)."""

from __future__ import annotations

import contextlib
import smtplib
import ssl

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.message import OutboundMessage, message_domain, to_email
from tsbot.settings import MailSettings


class SmtpChannel:
    """Sends each message in a connection of its own, to its one recipient.

    What goes wrong before the server has heard of the message (connection, certificate, login) is trouble of the relay, and the message
    is tried again. Afterwards the server's answer decides: 4xx is tried again, 5xx is final (RFC 5321, section 4.2.1). A connection that
    ends after the text was sent leaves open whether it was taken: the message is sent again under the same Message-ID.

    Bounces go to the address for acknowledgements where there is one: its code tells which letter came back.
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
            size = [f"size={len(content)}"] if server.has_extn("size") else []
            _expect(step, server.mail(message.reply_to or message.sender_address, size)[0])
            step = "RCPT"
            _expect(step, server.rcpt(message.recipient)[0])
            step = "DATA"
            _expect(step, server.data(content)[0])
        except smtplib.SMTPResponseException as error:
            _expect(step, error.smtp_code)
            raise DeliveryDeferredError(f"smtp: {_code(error)} at {step}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryDeferredError(f"smtp: {_code(error)} at {step}") from error


def _expect(step: str, code: int) -> None:
    """Take a reply for what it is."""
    if 200 <= code < 300:
        return
    if 500 <= code < 600:
        raise DeliveryRefusedError(f"smtp: {code} at {step}")
    raise DeliveryDeferredError(f"smtp: {code} at {step}")


def _code(error: Exception) -> str:
    """What went wrong, in a word; never the server's own text, which may quote addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    return type(error).__name__
