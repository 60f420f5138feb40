"""Answers to letters: which acknowledge them, and which do not. The mails of mails.txt, and hostile ones."""

from __future__ import annotations

import email.policy
import random
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tsbot.detect.finding import Kind
from tsbot.errors import SettingsError
from tsbot.report.bounce import envelope_id
from tsbot.report.codes import CODE, code, codes_in, fits, reply_address
from tsbot.report.receive import REFUSED, Outcome, Receiver, Taken
from tsbot.report.replies import MOST_BYTES, MOST_PARTS, SHIPPED, Sort, load_automatic, read_reply
from tsbot.settings import OnCallPerson, OnCallSettings, Recipient, ReleaseRule, ReportSettings
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.store.outbox import Purpose, ReportState

Desk = Any
OTHER_CASE = "0c5e1a2b-0000-4000-8000-000000000002"
REPORT = ReportSettings(
    reporter_contact="reporter@example.org",
    ack_address="reports@example.org",
    recipients={"default": (Recipient(to="desk@example.org"),)},
    release={kind.value: ReleaseRule() for kind in Kind},
)
DUTY = OnCallSettings(people=(OnCallPerson(name="duty", mail="duty@example.org"),))


def sent(desk: Desk, report: ReportSettings = REPORT, **more: Any) -> str:
    """A letter that has left; its id."""
    configured = desk.settings(report=report, oncall=DUTY)
    (identity,) = desk.file(desk.flag(**more), configured)
    desk.deliverer(configured).run_once()
    assert desk.row(identity).state is ReportState.SENT
    return str(identity)


def receiver(desk: Desk) -> Receiver:
    return Receiver(desk.database, desk.settings(report=REPORT, oncall=DUTY), desk.clock)


def mails() -> list[tuple[str, str, str]]:
    """Name, what becomes of it, and the mail itself."""
    text = Path(__file__).with_name("mails.txt").read_text(encoding="utf-8")
    parts = re.split(r"^=== (.+?) => (.+)$\n", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[0::3], parts[1::3], parts[2::3], strict=True))


@pytest.mark.parametrize(("name", "becomes", "mail"), mails(), ids=lambda part: re.sub(r"\W+", "_", part)[:50])
def test_the_mails(desk: Desk, name: str, becomes: str, mail: str) -> None:
    identity = sent(desk)
    other = sent(desk, rev_id=200, case=OTHER_CASE)
    given_, wrong = code(desk.database.key, identity, "desk@example.org"), code(MasterKey(b"1" * 32), identity, "desk@example.org")
    words = {"CODE": given_, "WRONG": wrong, "ID": identity, "OTHER": other, "BIG": given_.upper()}
    outcome = receiver(desk).take(re.sub(r"\{([A-Z]+)\}", lambda found: words[found[1]], mail).encode())
    said = " ".join(word for word in (outcome.taken.value, outcome.reason or outcome.result) if word)
    assert said == becomes
    row = desk.row(identity)
    assert (row.acknowledged is not None) == (outcome.taken is Taken.ACKNOWLEDGED)
    assert (row.state is ReportState.DEAD) == (outcome.taken is Taken.BOUNCED)
    assert desk.row(other).acknowledged is None


# -- what an acknowledgement does -------------------------------------------------------------------------------------------


def answer(desk: Desk, identity: str, text: str = "Thank you, we have it.\n", **headers: str) -> bytes:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = "someone@example.org"
    mail["To"] = reply_address("reports@example.org", code(desk.database.key, identity, desk.row(identity).recipient))
    mail["Subject"] = "Re: [TS] report"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def test_an_answer_stops_the_timers_and_is_told_everywhere(desk: Desk) -> None:
    identity = sent(desk)
    assert desk.row(identity).step_due is not None
    outcome = receiver(desk).take(answer(desk, identity, "Result: passed on\n\nWe gave it to the police.\n"))
    assert outcome == Outcome(Taken.ACKNOWLEDGED, identity, result="passed_on")
    row = desk.row(identity)
    assert (row.acknowledged, row.acknowledged_by, row.result, row.step_due) == (desk.clock.now, "recipient", "passed_on", None)
    with desk.database.read() as connection:
        said = {(one.what, one.by) for one in connection.execute(select(t.annotation))}
        state, when = connection.execute(select(t.case.c.state, t.case.c.acknowledged)).one()
        acts = [entry.act for entry in audit.entries(connection, obj=identity)]
        assert audit.verify(connection) is None
    assert said == {("acknowledged", "recipient"), ("passed_on", "recipient")}
    assert (state, when) == ("acknowledged", desk.clock.now)
    assert acts == ["report.sent", "report.acknowledged"]


def test_the_role_that_answered_is_noted_and_no_person(desk: Desk) -> None:
    identity = sent(desk, msgspec.structs.replace(REPORT, recipients={}))
    receiver(desk).take(answer(desk, identity))
    assert desk.row(identity).acknowledged_by == "emergency"


def test_answering_twice_changes_nothing(desk: Desk) -> None:
    identity = sent(desk)
    assert receiver(desk).take(answer(desk, identity)).taken is Taken.ACKNOWLEDGED
    desk.clock.now += 60
    assert receiver(desk).take(answer(desk, identity)).taken is Taken.KNOWN
    assert desk.row(identity).acknowledged == desk.clock.now - 60
    with desk.database.read() as connection:
        assert len(connection.execute(select(t.annotation)).all()) == 1


def test_a_later_answer_may_bring_the_result(desk: Desk) -> None:
    identity = sent(desk)
    receiver(desk).take(answer(desk, identity))
    desk.clock.now += 60
    assert receiver(desk).take(answer(desk, identity, "result: no-action\n")).result == "no_action"
    assert desk.row(identity).result == "no_action"


def test_who_answers_a_letter_has_read_the_thread(desk: Desk) -> None:
    first, second = sent(desk, rev_id=1), sent(desk, rev_id=2)
    assert desk.row(second).step_due is None  # waited for once a thread
    receiver(desk).take(answer(desk, second))
    assert [desk.row(identity).acknowledged for identity in (first, second)] == [desk.clock.now] * 2
    later = sent(desk, rev_id=3)
    assert (desk.row(later).acknowledged, desk.row(later).step_due) == (None, desk.clock.now + 3600)


def test_who_answers_a_reminder_has_the_first_letter(desk: Desk) -> None:
    default = {"default": (Recipient(to="desk@example.org", second="second@example.org"),)}
    report = msgspec.structs.replace(REPORT, recipients=default)
    identity = sent(desk, report)
    desk.clock.now += 3601
    desk.deliverer(desk.settings(report=report)).run_once()
    (reminder,) = (row for row in desk.rows() if row.purpose is Purpose.REMINDER)
    assert receiver(desk).take(answer(desk, reminder.id)).taken is Taken.ACKNOWLEDGED
    assert desk.row(identity).acknowledged == desk.clock.now
    assert desk.row(identity).step_due is None


def test_a_held_letter_cannot_be_acknowledged(desk: Desk) -> None:
    (identity,) = desk.file(desk.flag(), desk.settings())
    assert receiver(desk).take(answer(desk, identity)) == Outcome(Taken.REFUSED, identity, "not_sent")


# -- forgeries --------------------------------------------------------------------------------------------------------------


def test_refusals_are_counted_and_logged_with_ids_only(desk: Desk, logged: list[Any]) -> None:
    identity = sent(desk)
    logged.clear()
    mail = answer(desk, identity).replace(b"ack-", b"ack-x")
    assert receiver(desk).take(mail + b"Secret words").reason == "no_code"
    assert receiver(desk).take(mail).reason == "no_code"
    with desk.database.read() as connection:
        counted = dict(connection.execute(select(t.counter.c.name, t.counter.c.value).where(t.counter.c.name.startswith(REFUSED))).all())
    assert counted == {"acknowledgement.refused.no_code": 2}
    assert [entry["event"] for entry in logged] == ["report.acknowledgement_refused"] * 2
    assert "someone" not in repr(logged)
    assert "Secret" not in repr(logged)


@settings(max_examples=30, deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20))
def test_no_guess_fits(proof: str) -> None:
    key, identity = MasterKey(b"0" * 32), "3f2a91c0-0000-5000-8000-000000000000"
    right = code(key, identity, "desk@example.org")
    assert fits(key, right, identity, "desk@example.org")
    assert not fits(key, f"ack-3f2a91c0{proof}", identity, "desk@example.org")


def test_a_code_is_good_for_one_letter_one_recipient_and_one_key() -> None:
    key, identity = MasterKey(b"0" * 32), "3f2a91c0-0000-5000-8000-000000000000"
    right = code(key, identity, "desk@example.org")
    assert CODE.fullmatch(right)
    assert not fits(key, right, identity.replace("0000-5", "0001-5"), "desk@example.org")
    assert not fits(key, right, identity, "other@example.org")
    assert not fits(MasterKey(b"1" * 32), right, identity, "desk@example.org")


def test_an_address_with_a_code_is_within_the_limits_of_mail() -> None:
    given_ = code(MasterKey(b"0" * 32), "3f2a91c0-0000-5000-8000-000000000000", "desk@example.org")
    assert len(reply_address(f"{'a' * 30}@example.org", given_).partition("@")[0]) <= 64
    assert list(codes_in(f"x {given_.upper()}, y")) == [(given_, "3f2a91c0")]


# -- bounces ----------------------------------------------------------------------------------------------------------------


def test_a_bounce_makes_the_letter_dead_and_wakes_on_call(desk: Desk) -> None:
    identity = sent(desk)
    bounce = next(mail for name, becomes, mail in mails() if becomes.startswith("bounced"))
    text = bounce.replace("{CODE}", code(desk.database.key, identity, "desk@example.org")).replace("{ID}", identity)
    assert receiver(desk).take(text.encode()).taken is Taken.BOUNCED
    row = desk.row(identity)
    assert (row.state, row.last_error) == (ReportState.DEAD, "bounced: 5.1.1")
    (page,) = (one for one in desk.rows() if one.purpose is Purpose.PAGE)
    assert (page.recipient, page.state) == ("duty@example.org", ReportState.QUEUED)
    assert receiver(desk).take(text.encode()).taken is Taken.KNOWN
    assert len(desk.rows()) == 2


def test_a_bounce_that_brings_only_the_envelope_back_is_read_as_well(desk: Desk) -> None:
    identity = sent(desk)
    lines = (
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
    )

    def bounce(envelope: str) -> bytes:
        told = (f"Original-Envelope-Id: {envelope}", "", "Action: failed", "Status: 5.1.1", "", "--b--", "")
        return "\r\n".join(("From: MAILER-DAEMON@mx.example.org", *lines, *told)).encode()

    assert receiver(desk).take(bounce(f"{identity}.{'0' * 16}")).taken is Taken.AUTOMATIC  # anybody could have written this one
    assert desk.row(identity).state is ReportState.SENT
    assert receiver(desk).take(bounce(envelope_id(desk.database.key, identity))) == Outcome(Taken.BOUNCED, identity, "5.1.1")
    assert (desk.row(identity).state, desk.row(identity).last_error) == (ReportState.DEAD, "bounced 5.1.1")


# -- hostile mail -----------------------------------------------------------------------------------------------------------

NESTED = b"Content-Type: message/rfc822\n\n" * 3000
BOUNDARIES = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(3000))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" * 1000,
        b":" * 100_000,
        b"To: " + b"a@b, " * 200_000 + b"\n\n",
        b"Subject: =?utf-8?b?//79?= =?x-none?q?=FF?=\n\nhello",
        b"Content-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\n\n\n--x--",
        b"Content-Type: multipart/mixed\n\nno boundary",
        NESTED,
        BOUNDARIES,
        b"X: " + b"ack-3f2a91c0" * 500_000,
        b"To: ack-3f2a91c0" + b"a" * 20 + b"@x\n\n" + b"ack-3f2a91c0" + b"b" * 20 + b" " * 10,
        b"\n".join(b"X-%d: y" % n for n in range(100_000)) + b"\n\nbody",
        b"To: x\nSubject: a\r\nBcc: victim@example.org\n\n",
    ],
    ids=range(15),
)
def test_hostile_mail_is_refused_quickly(desk: Desk, raw: bytes) -> None:
    outcome = receiver(desk).take(raw)
    assert outcome.taken in (Taken.REFUSED, Taken.AUTOMATIC)


def test_mail_of_too_many_parts_is_unreadable_whatever_code_it_carries(desk: Desk) -> None:
    identity = sent(desk)
    address = reply_address("reports@example.org", code(desk.database.key, identity, "desk@example.org"))
    raw = f"To: {address}\n\nYes.\n".encode() + b"boundary\n" * (MOST_PARTS + 1)
    assert receiver(desk).take(raw) == Outcome(Taken.REFUSED, reason="unreadable")
    assert desk.row(identity).acknowledged is None


def test_a_huge_answer_is_read_as_far_as_it_matters(desk: Desk) -> None:
    identity = sent(desk)
    mail = answer(desk, identity)
    assert receiver(desk).take(mail + b"A" * 10_000_000).taken is Taken.ACKNOWLEDGED


def test_a_code_beyond_what_is_read_is_none() -> None:
    late = b"To: x@example.org\n\n" + b"A" * MOST_BYTES + b" ack-3f2a91c0" + b"a" * 20
    assert read_reply(late).codes == ()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from([mail for _, _, mail in mails()]))
def test_broken_mail_is_never_an_error(seed: int, mail: str) -> None:
    rng = random.Random(seed)
    raw = bytearray(mail.encode())
    for _ in range(rng.randrange(1, 20)):
        at = rng.randrange(len(raw))
        raw[at : at + rng.randrange(3)] = bytes(rng.randrange(256) for _ in range(rng.randrange(4)))
    assert read_reply(bytes(raw)).sort in Sort


def test_the_table_of_automatic_answers_names_its_mistakes(tmp_path: Path) -> None:
    table = tmp_path / "autoreply.toml"
    for old, new, complaint in (
        ('precedence = "bulk|junk|auto_reply"', 'precedence = "("', "headers.precedence is no regular expression"),
        ('nl = ["automatisch antwoord"', 'nl = [""', "subjects.nl has an empty entry"),
        ("[subjects]", "[subject]", "autoreply.toml"),
    ):
        text = SHIPPED.read_text(encoding="utf-8")
        assert old in text
        table.write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(SettingsError, match=re.escape(complaint)):
            load_automatic(table)
