"""The mail sink keeps what it accepts, and misbehaves on request."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from tsbot.demo.sink import MailSink, Trouble
from tsbot.errors import DemoError


def letter(subject: str = "Report") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "bot@wiki.test", "desk@wiki.test", subject
    message["Message-ID"] = "<1@wiki.test>"
    message.set_content("Zur Prüfung.")
    return message


def send(port: int, message: EmailMessage | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(message or letter())


def test_a_message_is_kept_in_memory_and_as_a_file(tmp_path: Path):
    with MailSink(tmp_path / "mail") as sink:
        send(sink.port)
        [received] = sink.wait_for(1)
    assert (received.sender, received.recipients) == ("bot@wiki.test", ("desk@wiki.test",))
    assert received.message["Subject"] == "Report"
    assert received.message.get_content().rstrip() == "Zur Prüfung."
    assert not received.encrypted
    [path] = (tmp_path / "mail").iterdir()
    assert path.name == "0001.eml"
    assert path.read_bytes() == received.data
    assert path.stat().st_mode & 0o077 == 0


def test_waiting_for_mail_that_does_not_come_says_how_much_came():
    with MailSink() as sink, pytest.raises(DemoError, match="0 of 1"):
        sink.wait_for(1, timeout=0.01)


@pytest.mark.parametrize(
    ("command", "answer", "error", "attempts"),
    [
        ("MAIL", "550 5.7.1 no", smtplib.SMTPSenderRefused, 0),
        ("RCPT", "550 5.1.1 no such mailbox", smtplib.SMTPRecipientsRefused, 0),
        ("RCPT", "451 4.7.1 greylisted", smtplib.SMTPRecipientsRefused, 0),
        ("DATA", "451 4.3.0 try later", smtplib.SMTPDataError, 1),
        ("DATA", "554 5.6.0 no", smtplib.SMTPDataError, 1),
    ],
)
def test_it_refuses_where_told(command, answer, error, attempts):
    with MailSink() as sink:
        sink.trouble = Trouble(refuse={command: answer})
        with pytest.raises(error):
            send(sink.port)
        assert (len(sink.messages), sink.attempts) == (0, attempts)
        sink.trouble = Trouble()
        send(sink.port)
        assert len(sink.messages) == 1


@pytest.mark.parametrize(("trouble", "kept"), [(Trouble(drop_after_data=True), 1), (Trouble(drop_before_keeping=True), 0)])
def test_the_connection_dies_after_the_message(trouble, kept):
    with MailSink() as sink:
        sink.trouble = trouble
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(sink.port)
        assert (len(sink.messages), sink.attempts) == (kept, 1)


def test_a_slow_sink_outlasts_an_impatient_client():
    with MailSink() as sink:
        sink.trouble = Trouble(delay=0.3)
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)), smtplib.SMTP("127.0.0.1", sink.port, timeout=0.1) as client:
            client.send_message(letter())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_starttls(server_tls, client_tls):
    with MailSink(tls=server_tls, require_starttls=True) as sink:
        with pytest.raises(smtplib.SMTPSenderRefused):
            send(sink.port)
        with smtplib.SMTP("127.0.0.1", sink.port, timeout=10) as client:
            client.starttls(context=client_tls)
            client.send_message(letter())
        assert [received.encrypted for received in sink.messages] == [True]


def test_tls_from_the_first_byte(server_tls, client_tls):
    with MailSink(tls=server_tls, implicit_tls=True) as sink:
        with smtplib.SMTP_SSL("127.0.0.1", sink.port, timeout=10, context=client_tls) as client:
            client.send_message(letter())
        assert [received.encrypted for received in sink.messages] == [True]


def test_log_in(server_tls, client_tls):
    with MailSink(tls=server_tls, login=("bot", "secret")) as sink, smtplib.SMTP("127.0.0.1", sink.port, timeout=10) as client:
        client.starttls(context=client_tls)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("bot", "wrong")
        client.login("bot", "secret")
        client.send_message(letter())
        assert len(sink.messages) == 1


def test_a_port_in_use_is_named():
    with MailSink() as sink, pytest.raises(DemoError, match=str(sink.port)):
        MailSink(port=sink.port).start()
