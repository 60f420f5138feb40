"""Each way out, against a real server that behaves or misbehaves."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tsbot.errors import DeliveryDeferredError, DeliveryRefusedError
from tsbot.report.channels.emailuser import EmailUserChannel
from tsbot.report.channels.smtp import SmtpChannel
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.channels.webhook import WebhookChannel, webhooks
from tsbot.report.message import OutboundMessage, message_domain, to_email, to_seal
from tsbot.report.routing import check_routing, pagers, webhook_label
from tsbot.report.signature import verify
from tsbot.settings import MailSettings, PageSettings, Settings, WebhookSettings
from tsbot.store.outbox import Purpose

StartSink = Callable[..., Any]


def message(recipient: str = "desk@example.org", **more: Any) -> OutboundMessage:
    base: dict[str, Any] = {
        "id": "6a0c0f2e-0000-5000-8000-000000000001",
        "message_id": "<6a0c0f2e-0000-5000-8000-000000000001@example.org>",
        "purpose": Purpose.LETTER,
        "case_id": "0c5e1a2b-0000-4000-8000-000000000001",
        "flag_id": "f1a60000-0000-5000-8000-000000000001",
        "recipient": recipient,
        "subject": "[TS] report 0c5e1a2b",
        "text": "Reporting user: Patrol desk\nReported user: Beispiel Müller\n",
        "date": 1_790_000_000.0,
        "sender_name": "Patrol desk",
        "sender_address": "reporter@example.org",
    }
    return OutboundMessage(**base | more)


def parsed(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def said(content: bytes) -> str:
    """The text of a mail, with the line ends of this machine."""
    return str(parsed(content).get_content()).replace("\r\n", "\n")


# -- mail as such ---------------------------------------------------------------------------------------------------------


def test_a_letter_as_mail() -> None:
    mail = parsed(to_email(message(in_reply_to="<first@example.org>")).as_bytes())
    assert mail["From"] == "Patrol desk <reporter@example.org>"
    assert mail["Reply-To"] == "reporter@example.org"
    assert mail["Subject"] == "Re: [TS] report 0c5e1a2b"
    assert mail["Message-ID"] == "<6a0c0f2e-0000-5000-8000-000000000001@example.org>"
    assert mail["In-Reply-To"] == mail["References"] == "<first@example.org>"
    assert mail["Date"] == "Mon, 21 Sep 2026 14:13:20 +0000"
    assert mail["Auto-Submitted"] is None
    assert said(to_email(message()).as_bytes()) == message().text


def test_a_page_says_that_nobody_wrote_it() -> None:
    assert to_email(message(purpose=Purpose.PAGE))["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("hostile", ["a\r\nBcc: other@example.org", "a\nb", "\x00", "\ud800"])
def test_no_header_can_be_slipped_in_neither_outside_nor_inside(hostile: str) -> None:
    for make, field in ((to_email, "subject"), (to_seal, "subject"), (to_seal, "private_subject")):
        try:
            mail = parsed(bytes(make(message(**{field: hostile}))))
        except DeliveryRefusedError:
            continue
        assert (mail["Bcc"], "\n" in str(mail["Subject"])) == (None, False)


def test_an_encrypted_mail_says_no_more_outside_than_it_must() -> None:
    sealed = "-----BEGIN PGP MESSAGE-----\n\nwcDM\n-----END PGP MESSAGE-----\n"
    mail = parsed(to_email(message(sealed=sealed, private_subject="[TS] report: doxing, examplewiki")).as_bytes())
    assert (mail.get_content_type(), mail["Subject"]) == ("multipart/encrypted", "[TS] report 0c5e1a2b")
    assert mail.preamble is None or not mail.preamble.strip()
    _, content = mail.iter_parts()
    assert content.get_payload(decode=True).strip() == sealed.replace("\n", "\r\n").strip().encode()  # type: ignore[union-attr]
    assert "Beispiel" not in mail.as_string()
    assert "doxing" not in mail.as_string()


def test_mail_is_seven_bit_whatever_it_says() -> None:
    long_line = "https://example.wikipedia.org/" + "x" * 3000
    content = to_email(message(text=f"Ünïcödé\n{long_line}\n")).as_bytes()
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert said(content) == f"Ünïcödé\n{long_line}\n"


@pytest.mark.parametrize(
    "field",
    [
        {"sender_name": "Desk\r\nBcc: other@example.org"},
        {"subject": "x\r\nBcc: other@example.org"},
        {"recipient": "desk@example.org\r\nBcc: other@example.org"},
        {"sender_address": "reporter@example.org\nBcc: other@example.org"},
        {"message_id": "<a@b>\r\nBcc: other@example.org"},
        {"in_reply_to": "<a@b>\nBcc: other@example.org"},
    ],
)
def test_no_value_can_add_a_header(field: dict[str, str]) -> None:
    try:
        mail = to_email(message(**field))
    except DeliveryRefusedError:
        return
    assert parsed(mail.as_bytes())["Bcc"] is None
    assert b"\nBcc:" not in mail.as_bytes()


@pytest.mark.parametrize(
    ("contact", "domain"),
    [("reporter@Example.ORG", "example.org"), ("", "tsbot.invalid"), ("a@[127.0.0.1]", "127.0.0.1"), ("a@b\nc", "tsbot.invalid")],
)
def test_the_domain_of_message_ids(contact: str, domain: str) -> None:
    assert message_domain(contact) == domain


# -- spool ----------------------------------------------------------------------------------------------------------------


def test_a_spooled_message_is_one_private_file(tmp_path: Path) -> None:
    SpoolChannel(tmp_path / "spool").send(message())
    (file,) = (tmp_path / "spool").iterdir()
    assert file.name == "6a0c0f2e-0000-5000-8000-000000000001.eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert parsed(file.read_bytes())["To"] == "desk@example.org"


def test_a_message_spooled_before_a_crash_is_left_as_it_is(tmp_path: Path) -> None:
    SpoolChannel(tmp_path).send(message())
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    SpoolChannel(tmp_path).send(message(text="something else\n"))
    assert file.read_bytes() == before


def test_half_a_file_left_by_a_crash_is_written_over(tmp_path: Path) -> None:
    (tmp_path / f".{message().id}.tmp").write_text("half")
    SpoolChannel(tmp_path).send(message())
    (file,) = tmp_path.iterdir()
    assert said(file.read_bytes()) == message().text


def test_a_draft_lies_in_the_spool_until_the_message_replaces_it(tmp_path: Path) -> None:
    spool = SpoolChannel(tmp_path)
    spool.draft(message())
    spool.draft(message(text="written anew"))
    (file,) = tmp_path.glob("*.eml")
    assert file.read_bytes().startswith(b"X-Tsbot-State: held")
    assert b"written anew" in file.read_bytes()
    spool.send(message())
    assert b"X-Tsbot-State" not in file.read_bytes()
    spool.draft(message(text="too late"))
    spool.discard(file.stem)
    assert b"too late" not in file.read_bytes()


def test_a_draft_that_will_not_leave_is_removed(tmp_path: Path) -> None:
    spool = SpoolChannel(tmp_path)
    spool.draft(message())
    (file,) = tmp_path.glob("*.eml")
    spool.discard(file.stem)
    spool.discard(file.stem)
    assert list(tmp_path.iterdir()) == []


def test_a_spool_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    with pytest.raises(DeliveryDeferredError, match="spool: "):
        SpoolChannel(tmp_path / "spool").send(message())


@pytest.mark.parametrize("identity", ["../escaped", "/escaped", "", ".", "a/b", "a\0b", "x" * 300])
def test_an_id_that_leads_out_of_the_spool_is_no_file(tmp_path: Path, identity: str) -> None:
    with pytest.raises(DeliveryRefusedError, match="no file name"):
        SpoolChannel(tmp_path / "spool").send(message(id=identity))
    assert list(tmp_path.rglob("*")) == []


# -- SMTP -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_travels_encrypted_to_a_server_that_proves_who_it_is(start_sink: StartSink, security: str) -> None:
    sink = start_sink(security)
    SmtpChannel(sink.mail(security)).send(message())
    assert sink.secure == [True]
    assert sink.taken[0].rcpt_tos == ["desk@example.org"]
    assert sink.taken[0].mail_from == "reporter@example.org"
    assert said(sink.taken[0].content) == message().text


def test_lines_that_begin_with_a_dot_arrive_whole(start_sink: StartSink) -> None:
    sink = start_sink()
    SmtpChannel(sink.mail("none")).send(message(text=".\n..two\nend\n"))
    assert said(sink.taken[0].content) == ".\n..two\nend\n"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_another_authority_vouches_for_gets_nothing(start_sink: StartSink, security: str) -> None:
    sink = start_sink(security)
    with pytest.raises(DeliveryDeferredError, match="SSLCertVerificationError"):
        SmtpChannel(msgspec.structs.replace(sink.mail(security), ca_file="")).send(message())
    assert sink.taken == []


def test_a_certificate_for_another_host_is_not_enough(start_sink: StartSink) -> None:
    sink = start_sink("tls", host="mail.example.org")
    with pytest.raises(DeliveryDeferredError, match="SSLCertVerificationError"):
        SmtpChannel(sink.mail("tls")).send(message())
    assert sink.taken == []


def test_a_server_without_starttls_gets_nothing_in_clear(start_sink: StartSink) -> None:
    sink = start_sink("none")
    with pytest.raises(DeliveryDeferredError, match="SMTPNotSupportedError"):
        SmtpChannel(sink.mail("starttls")).send(message())
    assert sink.taken == []


def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """Knows one password."""
    return AuthResult(success=(data.login, data.password) == (b"patrol", b"right"), handled=False)


def test_login(start_sink: StartSink) -> None:
    sink = start_sink("starttls", auth_required=True, authenticator=authenticate)
    SmtpChannel(sink.mail("starttls", user="patrol", password="right")).send(message())
    assert len(sink.taken) == 1


def test_a_wrong_password_is_trouble_of_ours_and_costs_no_letter(start_sink: StartSink) -> None:
    sink = start_sink("starttls", auth_required=True, authenticator=authenticate)
    with pytest.raises(DeliveryDeferredError, match=r"no usable connection \(535\)"):
        SmtpChannel(sink.mail("starttls", user="patrol", password="wrong")).send(message())
    assert sink.taken == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [("451 Try later", DeliveryDeferredError), ("452 Mailbox full", DeliveryDeferredError), ("550 No such user", DeliveryRefusedError)],
)
def test_what_a_server_says_of_a_recipient(start_sink: StartSink, reply: str, error: type[Exception]) -> None:
    sink = start_sink()
    sink.replies["desk@example.org"] = reply
    with pytest.raises(error, match=f"^smtp: {reply[:3]} at RCPT$"):
        SmtpChannel(sink.mail("none")).send(message())


@pytest.mark.parametrize(("reply", "error"), [("451 Busy", DeliveryDeferredError), ("554 Spam", DeliveryRefusedError)])
def test_what_a_server_says_of_a_text(start_sink: StartSink, reply: str, error: type[Exception]) -> None:
    sink = start_sink()
    sink.data_reply = reply
    with pytest.raises(error, match=f"^smtp: {reply[:3]} at DATA$"):
        SmtpChannel(sink.mail("none")).send(message())


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        ("552 5.2.2 Mailbox full", DeliveryDeferredError, "552 5.2.2"),
        ("552 Requested mail action aborted", DeliveryDeferredError, "552"),
        ("452 4.2.2 Mailbox full", DeliveryDeferredError, "452 4.2.2"),
        ("554 5.2.2 Mailbox full", DeliveryDeferredError, "554 5.2.2"),
        ("552 5.3.4 Message too long", DeliveryRefusedError, "552 5.3.4"),
        ("550 5.1.1 No such mailbox", DeliveryRefusedError, "550 5.1.1"),
        ("550 5.7.1 desk@example.org is not for you", DeliveryRefusedError, "550 5.7.1"),
        ("550 5.2.2.2 is no status", DeliveryRefusedError, "550"),
        ("421 4.3.2 Going down", DeliveryDeferredError, "421 4.3.2"),
    ],
)
@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_full_mailbox_is_tried_again(start_sink: StartSink, reply: str, error: type[Exception], words: str, step: str) -> None:
    sink = start_sink()
    if step == "RCPT":
        sink.replies["desk@example.org"] = reply
    else:
        sink.data_reply = reply
    with pytest.raises(error, match=f"^smtp: {words} at {step}$"):
        SmtpChannel(sink.mail("none")).send(message())


class Notifying(SMTP):
    """A server that knows RFC 3461."""

    asked: list[str]

    async def smtp_MAIL(self, arg: str) -> None:
        self.asked.append(arg)
        await super().smtp_MAIL(arg.split(" RET=", maxsplit=1)[0])

    async def smtp_RCPT(self, arg: str) -> None:
        self.asked.append(arg)
        await super().smtp_RCPT(arg.split(" NOTIFY=", maxsplit=1)[0])


def test_failures_are_told_under_the_report_s_id_and_without_its_text() -> None:
    asked: list[str] = []

    class Handler:
        async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, replies: list[str]) -> list[str]:
            session.host_name = hostname
            return [replies[0], "250-DSN", *replies[1:]]

        async def handle_DATA(self, *_: Any) -> str:
            return "250 OK"

    class Server(Controller):
        def factory(self) -> Any:
            server = Notifying(self.handler)
            server.asked = asked
            return server

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(Handler(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        SmtpChannel(MailSettings(host="127.0.0.1", port=port, security="none", timeout=5)).send(message())
    finally:
        server.stop()
    assert asked[0].endswith(f" RET=HDRS ENVID={message().id}")
    assert asked[1] == "TO:<desk@example.org> NOTIFY=FAILURE,DELAY"


def test_a_server_that_dies_after_the_text_leaves_it_open_and_is_tried_again(start_sink: StartSink) -> None:
    sink = start_sink()
    sink.die_after_data = 1
    with pytest.raises(DeliveryDeferredError, match="at DATA"):
        SmtpChannel(sink.mail("none")).send(message())
    assert len(sink.taken) == 1


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_server_is_given_up_in_time(silent_port: int) -> None:
    settings = MailSettings(host="127.0.0.1", port=silent_port, security="none", timeout=0.2)
    with pytest.raises(DeliveryDeferredError, match="no usable connection"):
        SmtpChannel(settings).send(message())


def test_no_server_at_all(silent_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DeliveryDeferredError, match="ConnectionRefusedError"):
        SmtpChannel(MailSettings(host="127.0.0.1", port=port, security="none", timeout=1)).send(message())


@pytest.mark.parametrize("field", [{"sender_address": ""}, {"recipient": "metawiki:Example"}])
def test_mail_without_sender_or_address_is_not_tried(field: dict[str, str]) -> None:
    with pytest.raises(DeliveryRefusedError):
        SmtpChannel(MailSettings(host="127.0.0.1", port=1, security="none")).send(message(**field))


# -- EmailUser ------------------------------------------------------------------------------------------------------------


def test_emailuser_names_wiki_and_user() -> None:
    asked: list[tuple[str, ...]] = []
    channel = EmailUserChannel(lambda *words: asked.append(words))
    channel.send(message("metawiki:Example: the user", in_reply_to="<a@b>"))
    assert asked == [("metawiki", "Example: the user", "Re: [TS] report 0c5e1a2b", message().text)]


def test_emailuser_needs_a_wiki() -> None:
    with pytest.raises(DeliveryRefusedError):
        EmailUserChannel(lambda *_: None).send(message("Example"))


# -- webhook --------------------------------------------------------------------------------------------------------------


class Hook(HTTPServer):
    """Answers each POST with the next of ``answers``."""

    answers: list[int]
    bodies: list[dict[str, Any]]
    raw: list[bytes]
    headers: list[Any]
    keys: list[str | None]


class Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.server.raw.append(body)
        self.server.headers.append(self.headers)
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(self.server.answers.pop(0))
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook(("127.0.0.1", 0), Answer) as server:
        server.answers, server.bodies, server.keys, server.raw, server.headers = [], [], [], [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def post(hook: Hook, answer: int) -> None:
    hook.answers = [answer]
    url = f"http://127.0.0.1:{hook.server_port}/secret"
    page = message(webhook_label(url), purpose=Purpose.PAGE, text="not for a webhook")
    WebhookChannel({webhook_label(url): WebhookSettings(url=url, timeout=5)}).send(page)


def test_a_webhook_gets_ids_and_nothing_else(hook: Hook) -> None:
    post(hook, 204)
    ids = message()
    assert hook.bodies == [
        {"case": ids.case_id, "flag": ids.flag_id, "report": ids.id, "command": f"tsbot flags show {ids.flag_id}"},
    ]
    assert hook.keys == [ids.id]


def letter_body(hook: Hook, **more: Any) -> dict[str, Any]:
    hook.answers = [200]
    signed = WebhookSettings(url=f"http://127.0.0.1:{hook.server_port}/", secret="sixteen-bytes-or-more", timeout=5)
    more = {"links": (("diff", "https://example.wikipedia.org/?diff=1"),), "threat_types": ("doxing",), "wiki": "examplewiki"} | more
    WebhookChannel({"desk": signed}, clock=lambda: 1_790_000_000.0).send(message("desk", **more))
    return hook.bodies[-1]


def test_a_letter_by_webhook_carries_ids_category_and_links(hook: Hook) -> None:
    ids = message()
    assert letter_body(hook, with_text=False, private_subject="[TS] report: doxing") == {
        "type": "letter",
        "report": ids.id,
        "case": ids.case_id,
        "flag": ids.flag_id,
        "follow_up": False,
        "wiki": "examplewiki",
        "threat_types": ["doxing"],
        "links": {"diff": "https://example.wikipedia.org/?diff=1"},
        "reporter": {"name": "Patrol desk", "contact": "reporter@example.org"},
    }


def test_a_letter_by_webhook_has_its_text_only_under_a_policy_that_lets_it(hook: Hook) -> None:
    body = letter_body(hook, in_reply_to="<first@example.org>", private_subject="[TS] report: doxing")
    assert (body["text"], body["subject"], body["follow_up"]) == (message().text, "[TS] report: doxing", True)


def test_what_is_posted_is_signed(hook: Hook) -> None:
    letter_body(hook)
    assert verify("sixteen-bytes-or-more", dict(hook.headers[-1]), hook.raw[-1], 1_790_000_000.0)
    assert hook.headers[-1]["webhook-id"] == message().id


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (429, DeliveryDeferredError),
        (500, DeliveryDeferredError),
        (503, DeliveryDeferredError),
        (404, DeliveryRefusedError),
        (302, DeliveryRefusedError),
    ],
)
def test_what_a_webhook_answers(hook: Hook, answer: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^webhook: {answer}$"):
        post(hook, answer)
    assert len(hook.bodies) == 1


def test_a_webhook_is_reached_through_the_proxy_of_the_environment(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{hook.server_port}")
    hook.answers = [204]
    url = "http://pager.example/secret"
    WebhookChannel({webhook_label(url): WebhookSettings(url=url, timeout=5)}).send(message(webhook_label(url), purpose=Purpose.PAGE))
    assert len(hook.bodies) == 1


def test_a_silent_webhook_is_given_up_in_time(silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}/"
    with pytest.raises(DeliveryDeferredError, match="ReadTimeoutError"):
        WebhookChannel({webhook_label(url): WebhookSettings(url=url, timeout=0.2)}).send(message(webhook_label(url)))


def test_pages_go_to_addresses_and_to_webhooks_with_a_name(hook: Hook) -> None:
    url = f"http://127.0.0.1:{hook.server_port}"
    named = {"duty": WebhookSettings(url=f"{url}/signed", secret="sixteen-bytes-or-more")}
    settings = Settings(webhooks=named, page=PageSettings(webhooks=(f"{url}/plain", "duty")))
    check_routing(settings)
    hook.answers = [200, 200]
    for pager in pagers(settings):
        WebhookChannel(webhooks(settings), clock=lambda: 1_790_000_000.0).send(message(pager.recipient, purpose=Purpose.PAGE))
    assert [headers["webhook-signature"] is not None for headers in hook.headers] == [False, True]
    assert hook.bodies[0] == hook.bodies[1]


def test_a_webhook_that_is_not_configured_any_more() -> None:
    with pytest.raises(DeliveryRefusedError, match="not configured any more"):
        WebhookChannel({}).send(message("hooks.example.org#000000000000"))
