"""OpenPGP keys that people send along: what we write to them is encrypted, and nothing secret stands in an open mail to who encrypts."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tsbot.reception import hearing as hearings
from tsbot.reception.letters import read_letter
from tsbot.reception.mailroom import _Clerk
from tsbot.reception.unsealing import closed, opener
from tsbot.report.deliver import Deliverer
from tsbot.report.message import to_email
from tsbot.store import outbox

from .conftest import CANARY, House

pysequoia = pytest.importorskip("pysequoia")
OURS, THEIRS = "tell-us@example.org", "me@example.net"
BEFORE = 1_000_000_000.0
"""A time at which no key of these tests is good."""
Make = Callable[[Any], EmailMessage]
Take = Callable[[EmailMessage], str]
BLOCK = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxxx\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture(scope="module")
def key() -> Any:
    return pysequoia.Tsk.generate(f"Me <{THEIRS}>")


@pytest.fixture(scope="module")
def our_key() -> Any:
    return pysequoia.Tsk.generate(f"Tell us <{OURS}>")


def public(key: Any) -> str:
    return str(key.extract_certificate())


def mail(text: str = CANARY, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = THEIRS, OURS, "Help"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def attached(key: Any, text: str = CANARY, **headers: str) -> EmailMessage:
    message = mail(text, **headers)
    message.add_attachment(public(key).encode(), maintype="application", subtype="pgp-keys", filename="key.asc")
    return message


def autocrypt(key: Any, *, prefer: str = "mutual", addr: str = THEIRS) -> EmailMessage:
    data = base64.b64encode(bytes(key.extract_certificate())).decode()
    return mail(Autocrypt=f"addr={addr}; prefer-encrypt={prefer}; keydata={data}")


def inline(key: Any) -> EmailMessage:
    return mail(f"{CANARY}\n\n{public(key)}\n")


@pytest.mark.parametrize("make", [attached, inline, autocrypt])
def test_a_key_is_found_and_is_no_part_of_the_text(key: Any, make: Make) -> None:
    letter = read_letter(make(key).as_bytes(), THEIRS, OURS, closed)
    assert letter.key
    assert letter.remarks == ()
    assert "PGP" not in letter.text
    assert CANARY in letter.text


@pytest.mark.parametrize(
    "message",
    [
        lambda key: autocrypt(key, prefer="nopreference"),
        lambda key: autocrypt(key, addr="other@example.net"),
        lambda _: mail(Autocrypt="x"),
    ],
)
def test_a_header_that_asks_for_nothing_is_left_alone(key: Any, message: Make) -> None:
    assert read_letter(message(key).as_bytes(), THEIRS, OURS, closed).key == b""


@pytest.fixture
def take(house: House, our_key: Any, tmp_path: Path) -> Take:
    (tmp_path / "our.asc").write_text(str(our_key))
    clerk = _Clerk(house.desk, opener(tmp_path / "our.asc"))
    return lambda message: clerk._take(message.as_bytes(), THEIRS)


def sent(house: House, at: float | None = None) -> list[EmailMessage]:
    """The mails that would leave now, as they leave."""
    import random

    clock = (lambda: at) if at is not None else (lambda: house.now)
    deliverer = Deliverer(house.database, house.settings, {}, account_status=None, clock=clock, rng=random.Random(1), simulate=True)
    with house.database.read() as connection:
        rows = outbox.listing(connection)
    mails = [to_email(deliverer.outgoing.ready(row)[0]).as_bytes() for row in sorted(rows, key=lambda row: row.created)]
    return [email.message_from_bytes(one, policy=email.policy.default) for one in mails]


def opened(key: Any, message: EmailMessage) -> str:
    payload = list(message.iter_parts())[1].get_payload(decode=True)
    return bytes(pysequoia.decrypt(payload, decryptor=key.decryptor()).bytes).decode()


@pytest.mark.parametrize("make", [attached, inline, autocrypt])
def test_who_gave_a_key_is_answered_encrypted(house: House, key: Any, take: Take, make: Callable[[Any], EmailMessage]) -> None:
    house.now = _made(key)
    assert take(make(key)).startswith("250")
    (answer,) = sent(house)
    assert answer.get_content_type() == "multipart/encrypted"
    assert "/l/" not in answer.as_string()
    assert "/l/" in opened(key, answer)
    assert answer["subject"].startswith("Reference ")


def _made(key: Any) -> float:
    """A time at which a key made just now is not of the future."""
    import time

    del key
    return time.time() + 60


def test_a_key_that_is_good_no_more_shows_nothing(house: House, key: Any, take: Take) -> None:
    house.now = _made(key)
    take(attached(key))
    (answer,) = sent(house, BEFORE)
    assert answer.get_content_type() == "text/plain"
    assert "/l/" not in answer.get_content()
    assert "send you the link encrypted" in " ".join(answer.get_content().split())


@pytest.mark.parametrize(
    "damaged", [b"no key at all", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxxxx\n-----END PGP PUBLIC KEY BLOCK-----\n"]
)
def test_a_key_that_cannot_be_used_is_told_and_the_report_is_taken(house: House, take: Take, damaged: bytes) -> None:
    message = mail()
    message.add_attachment(damaged, maintype="application", subtype="pgp-keys", filename="key.asc")
    assert take(message).startswith("250")
    with house.database.read() as connection:
        (found,) = hearings._many(connection)
        said = hearings.read_said(connection, house.database.key, found)
    assert said is not None
    assert (said.key, said.remarks) == ("", ("key",))
    (answer,) = sent(house)
    assert "to which we cannot encrypt" in " ".join(answer.get_content().split())


def test_who_encrypts_gets_the_link_once_there_is_a_key_to_encrypt_it_to(house: House, key: Any, our_key: Any, take: Take) -> None:
    house.now = _made(key)
    sealed = pysequoia.encrypt(CANARY.encode(), recipients=[our_key.extract_certificate()])
    assert take(mail(bytes(sealed).decode())).startswith("250")
    (first,) = sent(house)
    assert "/l/" not in first.get_content()
    assert "send you the link encrypted" in " ".join(first.get_content().split())
    house.now += 60
    assert take(attached(key, "here it is", In_Reply_To=first["message-id"])) == "250 2.0.0 Added"
    mails = sent(house)
    assert len(mails) == 2
    assert "/l/" in opened(key, mails[1])


def test_the_first_key_is_kept_whoever_sends_another(house: House, key: Any, our_key: Any, take: Take) -> None:
    house.now = _made(key)
    take(attached(key))
    (first,) = sent(house)
    take(attached(our_key, "more", In_Reply_To=first["message-id"]))
    assert all("/l/" in opened(key, one) for one in sent(house))


def test_taking_a_report_back_forgets_the_key(house: House, key: Any, take: Take) -> None:
    house.now = _made(key)
    take(attached(key))
    with house.database.read() as connection:
        (found,) = hearings._many(connection)
    house.desk.withdraw(found).result(30)
    with house.database.read() as connection:
        said = hearings.read_said(connection, house.database.key, found)
    assert said is not None
    assert said.key == ""
