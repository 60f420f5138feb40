"""Letters under the policies, from the outbox to what a real gpg reads at the other end."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest

from tsbot.demo.gpg import Gpg
from tsbot.detect.finding import Kind
from tsbot.report.channels.emailuser import EmailUserChannel
from tsbot.report.deliver import DeliveryThread
from tsbot.report.message import OutboundMessage
from tsbot.settings import PageSettings, Recipient, ReleaseRule, ReportSettings, WebhookSettings
from tsbot.store import audit
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
StartSink = Callable[..., Any]
EXCERPT = "I will come to your office tomorrow"


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with Gpg() as real:
        yield real


@pytest.fixture(scope="module")
def good(gpg: Gpg) -> str:
    return gpg.desk("desk@example.org")


@pytest.fixture(scope="module")
def expired(gpg: Gpg) -> str:
    return gpg.desk("late@example.org", expires="2026-06-01")


@pytest.fixture
def recipient(desk: Desk, gpg: Gpg) -> Callable[..., Recipient]:
    """A recipient that may be quoted to, with a key of gpg's laid where the settings say."""

    def make(policy: str, fingerprint: str = "", **more: Any) -> Recipient:
        parts: dict[str, Any] = {"to": "desk@example.org", "policy": policy, "excerpt": True} | more
        if fingerprint:
            (desk.folder / "desk.asc").write_bytes(gpg.export(fingerprint))
            parts |= {"key": "desk.asc", "fingerprint": fingerprint}
        return Recipient(**parts)

    return make


def settings_for(desk: Desk, *recipients: Recipient, **more: Any) -> Any:
    report = ReportSettings(
        channel=more.pop("channel", "spool"),
        reporter_name="Patrol desk",
        reporter_contact="reporter@example.org",
        recipients={"default": recipients},
        release={kind.value: ReleaseRule() for kind in Kind},
    )
    return desk.settings(report=report, **more)


def parsed(content: str | bytes) -> EmailMessage:
    data = content.encode() if isinstance(content, str) else content
    mail = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def opened(gpg: Gpg, mail: EmailMessage) -> EmailMessage:
    """What is inside a PGP/MIME mail, if it is one (RFC 3156, section 4)."""
    assert mail.get_content_type() == "multipart/encrypted"
    assert mail.get_param("protocol") == "application/pgp-encrypted"
    control, content = mail.iter_parts()
    assert (control.get_content_type(), str(control.get_payload()).strip()) == ("application/pgp-encrypted", "Version: 1")
    assert content.get_content_type() == "application/octet-stream"
    return parsed(gpg.decrypt(content.get_payload(decode=True)))  # type: ignore[arg-type]


def test_a_letter_arrives_encrypted_and_its_reader_sees_all_of_it(
    desk: Desk, gpg: Gpg, good: str, recipient: Any, start_sink: StartSink
) -> None:
    sink = start_sink("starttls")
    settings = settings_for(desk, recipient("require", good), channel="smtp", mail=sink.mail("starttls"))
    (identity,) = desk.file(desk.flag(title="Talk:Zürich 你好"), settings)
    desk.deliverer(settings).run_once()
    (text,) = sink.texts
    assert text.isascii()
    for word in (EXCERPT, "Example", "Zürich", "threats", "examplewiki"):
        assert word not in text
    mail = parsed(text)
    assert (mail["Subject"], mail["Message-ID"]) == ("[TS] report 0c5e1a2b", f"<{identity}@example.org>")
    inside = opened(gpg, mail)
    assert EXCERPT in inside.get_content()
    assert "Talk:Zürich 你好" in inside.get_content()
    assert inside["Subject"] == "[TS] report 0c5e1a2b: threats-physical-harm, examplewiki"
    assert (inside["From"], inside["To"], inside["Message-ID"]) == (mail["From"], mail["To"], mail["Message-ID"])
    assert (inside.get_param("hp"), inside.get_param("protected-headers")) == ("cipher", "v1")
    assert "Subject: [TS] report 0c5e1a2b" in inside.get_all("HP-Outer", [])
    assert (desk.row(identity).policy, desk.row(identity).last_error) == ("require", "")


def test_follow_ups_stay_in_their_thread_outside_and_inside(desk: Desk, gpg: Gpg, good: str, recipient: Any) -> None:
    settings = settings_for(desk, recipient("require", good))
    first, second = (desk.file(desk.flag(rev_id=number), settings)[0] for number in (1, 2))
    desk.deliverer(settings).run_once()
    mail = parsed(desk.spooled()[second])
    inside = opened(gpg, mail)
    assert mail["In-Reply-To"] == inside["In-Reply-To"] == f"<{first}@example.org>"
    assert mail["Subject"] == "Re: [TS] report 0c5e1a2b"
    assert inside["Subject"].startswith("Re: [TS] report 0c5e1a2b: ")


def test_a_long_letter_arrives_whole(desk: Desk, gpg: Gpg, good: str, recipient: Any) -> None:
    long = "Ünïcödé 😀 " * 20_000
    settings = settings_for(desk, recipient("require", good))
    (identity,) = desk.file(desk.flag(excerpt=long), settings)
    desk.deliverer(settings).run_once()
    content = opened(gpg, parsed(desk.spooled()[identity])).get_content().replace("\r\n", "\n")
    assert long.strip() in content
    assert max(len(line) for line in desk.spooled()[identity].splitlines()) <= 998


# -- keys that cannot be used ---------------------------------------------------------------------------------------------


def test_required_encryption_that_is_not_possible_sends_links_only_at_once_and_shouts(
    desk: Desk, expired: str, recipient: Any, logged: list[Any]
) -> None:
    settings = settings_for(desk, recipient("require", expired))
    (identity,) = desk.file(desk.flag(), settings)
    assert desk.deliverer(settings).run_once() == 1
    text = desk.spooled()[identity]
    assert "Permanent link: https://example.wikipedia.org/" in text
    assert "Threat type: threats-physical-harm" in text
    assert "This letter carries links only." in text
    for word in (EXCERPT, "It seems to name", "Account:", "Reported user"):
        assert word not in text
    row = desk.row(identity)
    assert (row.state, row.policy, row.last_error) == (ReportState.SENT, "links_only", "pgp: expired")
    (shout,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert (shout["event"], shout["id"], shout["reason"]) == ("report.not_encrypted", identity, "expired")
    with desk.database.read() as connection:
        (entry,) = audit.entries(connection, obj=identity)
    assert (entry.act, '"policy":"links_only"' in entry.details, '"trouble":"pgp: expired"' in entry.details) == ("report.sent", True, True)


@pytest.mark.parametrize("harm", ["missing", "garbage", "wrong fingerprint"])
def test_no_harm_to_the_key_file_lets_the_text_out(desk: Desk, good: str, recipient: Any, harm: str) -> None:
    one = recipient("require", good)
    if harm == "wrong fingerprint":
        one = msgspec.structs.replace(one, fingerprint="0" * 40)
    elif harm == "missing":
        (desk.folder / "desk.asc").unlink()
    else:
        (desk.folder / "desk.asc").write_text("garbage")
    settings = settings_for(desk, one)
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert (desk.row(identity).policy, EXCERPT in desk.spooled()[identity]) == ("links_only", False)


def test_a_key_that_expires_while_a_letter_waits(desk: Desk, gpg: Gpg, recipient: Any) -> None:
    fingerprint = gpg.desk("soon@example.org", expires="2026-09-22")
    settings = settings_for(desk, recipient("require", fingerprint))
    (identity,) = desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings)
    assert deliverer.message(desk_written(desk, deliverer, identity)).with_text
    desk.clock.now += 3 * 86400
    assert not deliverer.message(desk.row(identity)).with_text


def desk_written(desk: Desk, deliverer: Any, identity: str) -> Any:
    """The row once its letter is written, and before it is sent."""
    deliverer.simulate = True
    deliverer.run_once()
    return desk.row(identity)


def test_encryption_that_is_preferred_and_not_possible_leaves_out_the_excerpt(desk: Desk, expired: str, recipient: Any) -> None:
    settings = settings_for(desk, recipient("prefer", expired))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    text = desk.spooled()[identity]
    assert ("Reported user: Example" in text, EXCERPT in text) == (True, False)
    assert (desk.row(identity).policy, desk.row(identity).last_error) == ("plain", "pgp: expired")


def test_encryption_that_is_preferred_and_possible(desk: Desk, gpg: Gpg, good: str, recipient: Any) -> None:
    settings = settings_for(desk, recipient("prefer", good))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert EXCERPT in opened(gpg, parsed(desk.spooled()[identity])).get_content()
    assert desk.row(identity).policy == "prefer"


def test_a_key_that_cannot_be_used_is_told_at_start_too(desk: Desk, expired: str, good: str, recipient: Any, logged: list[Any]) -> None:
    for fingerprint, shouts in ((good, 0), (expired, 1)):
        thread = DeliveryThread(desk.deliverer(settings_for(desk, recipient("require", fingerprint))), poll=60)
        thread.start()
        assert thread.stop(10)
        assert [entry["event"] for entry in logged if entry["log_level"] == "error"] == ["report.key_unusable"] * shouts
    assert "desk@example.org" not in repr(logged)


# -- other policies -------------------------------------------------------------------------------------------------------


def test_links_only_never_quotes(desk: Desk, recipient: Any, logged: list[Any]) -> None:
    settings = settings_for(desk, recipient("links_only"))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert EXCERPT not in desk.spooled()[identity]
    assert (desk.row(identity).policy, desk.row(identity).last_error) == ("links_only", "")
    assert [entry for entry in logged if entry["log_level"] == "error"] == []


def test_plain_quotes_where_it_is_asked_to(desk: Desk, recipient: Any) -> None:
    settings = settings_for(desk, recipient("plain"))
    (identity,) = desk.file(desk.flag(), settings)
    desk.deliverer(settings).run_once()
    assert (EXCERPT in desk.spooled()[identity], desk.row(identity).policy) == (True, "plain")


def test_what_the_settings_say_when_it_is_sent_counts_not_when_it_was_written(desk: Desk, recipient: Any) -> None:
    generous = settings_for(desk, recipient("plain"))
    (identity,) = desk.file(desk.flag(), generous)
    desk_written(desk, desk.deliverer(generous), identity)
    strict = settings_for(desk, recipient("plain", excerpt=False))
    desk.deliverer(strict).run_once()
    assert EXCERPT not in desk.spooled()[identity]


def test_pages_are_not_encrypted_and_say_nothing(desk: Desk, good: str, recipient: Any) -> None:
    page = PageSettings(specificity=0, plausibility=0, mail=("desk@example.org",))
    settings = settings_for(desk, recipient("require", good), page=page)
    desk.file(desk.flag(scores=(3, 3, 3)), settings)
    desk.deliverer(settings).run_once()
    (row,) = [row for row in desk.rows() if row.purpose is Purpose.PAGE]
    assert "A case waits for a person." in desk.spooled()[row.id]


def test_a_held_letter_lies_in_the_spool_encrypted_too(desk: Desk, gpg: Gpg, good: str, recipient: Any) -> None:
    report = ReportSettings(reporter_contact="reporter@example.org", recipients={"default": (recipient("require", good),)})
    settings = desk.settings(report=report)
    (identity,) = desk.file(desk.flag(), settings)
    deliverer = desk.deliverer(settings)
    deliverer.run_once()
    draft = desk.spooled()[identity]
    assert (draft.startswith("X-Tsbot-State: held"), EXCERPT in draft) == (True, False)
    assert EXCERPT in deliverer.message(desk.row(identity)).text  # people of the team read it with `tsbot reports preview`


def test_a_wiki_s_emailuser_carries_the_text_encrypted(desk: Desk, gpg: Gpg, good: str, recipient: Any) -> None:
    mailed: list[tuple[str, ...]] = []
    settings = settings_for(desk, recipient("require", good, to="Safety Desk", channel="emailuser"))
    desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"emailuser": EmailUserChannel(lambda *words: mailed.append(words))}).run_once()
    ((wiki, user, subject, text),) = mailed
    assert (wiki, user, subject) == ("metawiki", "Safety Desk", "[TS] report 0c5e1a2b")
    assert text.startswith("-----BEGIN PGP MESSAGE-----")
    said = gpg.decrypt(text.encode()).decode()
    assert said.startswith("[TS] report 0c5e1a2b: threats-physical-harm, examplewiki\n\n")
    assert EXCERPT in said


@pytest.mark.parametrize(("policy", "with_text"), [("", False), ("links_only", False), ("plain", True)])
def test_letters_by_webhook(desk: Desk, recipient: Any, policy: str, with_text: bool) -> None:
    got: list[OutboundMessage] = []

    class Tray:
        def send(self, message: OutboundMessage) -> None:
            got.append(message)

    hooks = {"desk": WebhookSettings(url="https://hooks.example.org/")}
    settings = settings_for(desk, recipient(policy, to="desk", channel="webhook"), webhooks=hooks)
    desk.file(desk.flag(), settings)
    desk.deliverer(settings, {"webhook": Tray()}).run_once()
    assert (got[0].with_text, EXCERPT in got[0].text) == (with_text, with_text)
    assert dict(got[0].links)["permanent"].startswith("https://example.wikipedia.org/")
