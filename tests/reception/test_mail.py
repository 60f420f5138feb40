"""The mail address: real mail over LMTP. Whatever comes, nothing is lost, nothing is opened but text, and nothing goes round for ever."""

from __future__ import annotations

import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from tsbot.errors import StoreBusyError
from tsbot.reception import hearing as hearings
from tsbot.reception.letters import plain, read_letter, untracked
from tsbot.reception.mailroom import Mailroom
from tsbot.reception.unsealing import closed, opener
from tsbot.store import tables as t

from .conftest import CANARY, House

OURS = "tell-us@example.org"


@pytest.fixture
def mailroom(house: House) -> Iterator[Mailroom]:
    house.settings = house.desk.settings = msgspec.structs.replace(
        house.settings, reception=msgspec.structs.replace(house.settings.reception, mail_listen="127.0.0.1:0")
    )
    room = Mailroom(house.desk, closed)
    room.start()
    yield room
    room.close()


Send = Callable[..., tuple[int, bytes]]


@pytest.fixture
def send(mailroom: Mailroom) -> Send:
    """Hand a message over as a mail server does; what it is answered."""

    def deliver(message: EmailMessage | bytes, envelope: str = "me@example.net", to: str = OURS) -> tuple[int, bytes]:
        with smtplib.LMTP("127.0.0.1", mailroom.port, timeout=60) as server:
            server.ehlo()
            server.mail(envelope)
            code, said = server.rcpt(to)
            if code != 250:
                return code, said
            return server.data(message if isinstance(message, bytes) else message.as_bytes(policy=SMTP))

    return deliver


def mail(text: str = CANARY, *, subject: str = "Help", sender: str = "me@example.net", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, OURS, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def only(house: House) -> tuple[hearings.Hearing, Any]:
    with house.database.read() as connection:
        (found,) = hearings._many(connection)
        return found, hearings.read_said(connection, house.database.key, found)


def test_a_mail_becomes_a_case_and_is_acknowledged_without_a_word_of_it_in_the_subject(house: House, send: Send) -> None:
    assert send(mail())[0] == 250
    hearing, said = only(house)
    assert (hearing.channel, said.mail) == ("mail", "me@example.net")
    assert said.text == f"Help\n\n{CANARY}"
    with house.database.read() as connection:
        row = connection.execute(select(t.report)).mappings().one()
    assert (row["purpose"], row["state"], row["recipient"]) == ("answer", "queued", f"hearing:{hearing.id}")
    assert house.woken == [house.now]


def test_the_same_mail_delivered_twice_is_one_report(house: House, send: Send) -> None:
    for _ in range(2):
        assert send(mail(Message_ID="<a@example.net>"))[0] == 250
    only(house)


def test_who_is_not_us_gets_no_mail_here(send: Send) -> None:
    assert send(mail(), to="somebody@example.org")[0] == 550


def test_the_database_down_has_the_mail_server_keep_the_message(house: House, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> Any:
        raise StoreBusyError("The database does not answer.")

    monkeypatch.setattr(type(house.database), "write", down)
    assert send(mail())[0] == 451
    monkeypatch.undo()
    assert send(mail())[0] == 250


@pytest.mark.parametrize(
    ("message", "envelope"),
    [
        (mail(Auto_Submitted="auto-replied"), "me@example.net"),
        (mail(Auto_Submitted="auto-generated"), "me@example.net"),
        (mail(), ""),  # a bounce
        (mail(sender=OURS), OURS),  # our own mail come round
        (mail(subject="Out of office: away"), "me@example.net"),
        (mail(X_Autoreply="yes"), "me@example.net"),
    ],
)
def test_what_nobody_wrote_is_taken_and_answered_by_nothing(house: House, send: Send, message: EmailMessage, envelope: str) -> None:
    assert send(message, envelope)[0] == 250
    with house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.report)) == 0
        assert connection.scalar(select(func.count()).select_from(t.hearing)) == 0


def test_a_loop_is_known_by_the_servers_that_it_went_through(house: House) -> None:
    message = mail()
    for number in range(51):
        message["Received"] = f"from a by b; hop {number}"
    assert read_letter(message.as_bytes(), "me@example.net", OURS, closed).automatic


@pytest.mark.parametrize("sender", ["victim@example.com", "victim@example.com, me@example.net", "no address", "a@b.org\r\nBcc: c@d.org"])
def test_a_forged_sender_has_us_write_to_nobody_and_the_report_is_kept(house: House, send: Send, sender: str) -> None:
    raw = mail().as_bytes(policy=SMTP).replace(b"From: me@example.net", b"From: " + sender.encode())
    assert send(raw)[0] == 250
    _, said = only(house)
    assert said.mail == ""
    with house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.report)) == 0


def test_nobody_can_have_us_write_to_somebody_without_end(house: House, send: Send) -> None:
    for number in range(6):
        assert send(mail(f"report {number}"))[0] == 250
    with house.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.report)) == 3
        assert connection.scalar(select(func.count()).select_from(t.hearing)) == 6


@pytest.mark.parametrize("name", ["evidence.zip", "picture.png", "page.html", "../../etc/passwd"])
def test_attachments_are_refused_kindly_and_the_text_is_kept(house: House, send: Send, name: str) -> None:
    message = mail()
    message.add_attachment(b"PK\x03\x04\x00\xff" * 1000, maintype="application", subtype="zip", filename=name)
    assert send(message)[0] == 250
    _, said = only(house)
    assert CANARY in said.text
    assert "PK" not in said.text
    assert said.remarks == ("attachments",)


def test_attachments_alone_are_a_report_too(house: House, send: Send) -> None:
    message = mail("", subject="")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="a.bin")
    assert send(message)[0] == 250
    _, said = only(house)
    assert said.text == "(attachments only)"


def test_five_megabytes_of_text_are_kept_whole(house: House, send: Send) -> None:
    text = "\n".join(["word " * 14] * 70_000)
    assert send(mail(text))[0] == 250
    _, said = only(house)
    assert said.text.count("word") == text.count("word") or "long" in said.remarks
    assert len(said.text) > 4_800_000


def test_html_is_read_as_text_and_nothing_of_it_is_fetched() -> None:
    page = """<html><head><title>t</title><style>p{}</style></head><body><p>He follows me.</p>
    <img src="https://spy.example/p.gif?me=1" width=1>
    <script>track()</script><a href="https://en.wikipedia.org/w/index.php?diff=5&utm_source=mail&fbclid=abc">the edit</a></body></html>"""
    assert plain(page) == "He follows me.\n\nthe edit <https://en.wikipedia.org/w/index.php?diff=5>"
    assert untracked("javascript:alert(1)") == ""
    message = EmailMessage()
    message["From"], message["Subject"] = "me@example.net", "s"
    message.set_content(page, subtype="html")
    letter = read_letter(message.as_bytes(), "me@example.net", OURS, closed)
    assert "spy.example" not in letter.text
    assert letter.remarks == ()


def test_openpgp_is_opened_with_our_key_and_kept_as_it_came_without(tmp_path: Path) -> None:
    from pysequoia import Tsk, encrypt

    key = Tsk.generate("Tell us <tell-us@example.org>")
    file = tmp_path / "key.asc"
    file.write_text(str(key))
    inner = EmailMessage()
    inner["Subject"] = "the real subject"
    inner.set_content(CANARY)
    sealed = bytes(encrypt(inner.as_bytes(), recipients=[key.extract_certificate()])).decode()
    whole = EmailMessage()
    whole["From"], whole["Subject"] = "me@example.net", "..."
    whole["Content-Type"] = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    control, content = EmailMessage(), EmailMessage()
    control["Content-Type"] = "application/pgp-encrypted"
    control.set_payload("Version: 1\n")
    content["Content-Type"] = "application/octet-stream"
    content.set_payload(sealed)
    whole.set_payload([control, content])
    inline = mail(bytes(encrypt(CANARY.encode(), recipients=[key.extract_certificate()])).decode(), subject="...")
    for message in (whole, inline):
        opened = read_letter(message.as_bytes(), "me@example.net", OURS, opener(file))
        assert CANARY in opened.text
        assert opened.remarks == ("opened",)
        shut = read_letter(message.as_bytes(), "me@example.net", OURS, closed)
        assert CANARY not in shut.text
        assert "BEGIN PGP MESSAGE" in shut.text
        assert shut.remarks == ("sealed",)
    assert "the real subject" in read_letter(whole.as_bytes(), "me@example.net", OURS, opener(file)).text


def test_an_answer_to_our_mail_is_added_to_its_report_if_it_comes_from_the_same_address(house: House, send: Send) -> None:
    send(mail())
    hearing, _ = only(house)
    with house.database.read() as connection:
        ours = connection.scalar(select(t.report.c.message_id))
    assert ours is not None
    send(mail("it goes on", subject="Re", In_Reply_To=ours))
    with house.database.read() as connection:
        assert [word.text for word in hearings.words(connection, house.database.key, hearing)] == ["Re\n\nit goes on"]
    send(mail("I am somebody else", sender="other@example.com", In_Reply_To=ours), envelope="other@example.com")
    with house.database.read() as connection:
        assert len(hearings._many(connection)) == 2


NO_MAIL = [
    b"",
    b"\x00\xff",
    b"Subject: =?utf-8?b?!!!!?=\r\n\r\nx",
    b"Content-Type: multipart/mixed\r\n\r\nx",
    b"From: <" * 9999,
]


@pytest.mark.parametrize("raw", NO_MAIL)
def test_bytes_that_are_no_mail_raise_nothing(raw: bytes) -> None:
    read_letter(raw, "me@example.net", OURS, closed)
