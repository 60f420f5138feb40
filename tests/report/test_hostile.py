"""Hostile names and texts: nothing in them becomes a line, a heading, a link, armour or a header of ours."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.cases.flag import EXCERPT_CHARS, Flag, FlagContent, flag_id
from tsbot.detect.finding import Kind
from tsbot.report.letter import Letter, Manner, Release, mail_subject, render, write
from tsbot.report.links import flag_links
from tsbot.report.message import OutboundMessage, to_email
from tsbot.report.wording import QUOTED_LINES, QUOTED_WIDTH, harmless, misleading, named, quoted, shown
from tsbot.settings import ReportSettings
from tsbot.store.outbox import Purpose
from tsbot.text.passage import Field
from tsbot.wiki.types import AccountStatus

NOW = 1_790_000_000.0
CASE = "0c5e1a2b-0000-4000-8000-000000000001"
LANGUAGES = ("en", "de", "ar", "ja", "zh-hant", "qqx")
PIECES = [
    "\nCase: none", "\r\nBcc: a@example.org\r\n\r\nhello", "\u2028Blocked: yes", "\x00", "\x1b[31m", "\ud800", "\u202e", "\u2066", "\u2069",
    "\u200b", "\ufeff", "\U000e0041", "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----", "-- ", "https://elsewhere.example.org/x",
    "HTTP://elsewhere.example.org", "www.elsewhere.example.org", "javascript:x", "$1", "{{PLURAL:$1|a|b}}", "{{ letter.user }}",
    "{% raw %}", "\\u{202E}", "<b>", "=?utf-8?q?x?=", ".\r\n", "From me", "שלום", "مثال", "漢字", "\u3164", "a" * 400, " " * 50,
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(codec=None), max_size=20)), max_size=6).map("".join)


def flag(kind: Kind = Kind.VIOLENCE, **content: Any) -> Flag:
    subject = content.pop("subject", "examplewiki:rev:100")
    base = {"title": "Talk:Town hall", "user": "Example", "rev_id": 100, "parent_id": 99, "server_url": "https://example.wikipedia.org"}
    return Flag(
        id=flag_id(subject, kind),
        subject=subject,
        kind=kind,
        case_id=CASE,
        wiki="examplewiki",
        field=Field.TEXT,
        probability=0.9,
        specificity=2,
        plausibility=2,
        imminence=2,
        language=content.pop("language", "en"),
        coverage="weak",
        detector="linear-1",
        source="patrol",
        event_time=NOW - 60,
        created=NOW,
        content=FlagContent(**base | {"excerpt": "one line"} | content),
    )


def letter(made: Flag, language: str = "en", **more: Any) -> Letter:
    given: dict[str, Any] = {"settings": ReportSettings(reporter_name="Desk", reporter_contact="desk@example.org"), "status": None} | more
    fixed: dict[str, Any] = {"report_id": "r", "last_of_thread": False, "now": NOW, "excerpt": True, "links": flag_links}
    return write([made], language=language, **fixed, **given)


def text(made: Letter, manner: Manner | None = None) -> str:
    return render(made, Release(by_person=True), manner or Manner())


def mail(body: str, **more: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "id": "r", "message_id": "<r@example.org>", "purpose": Purpose.LETTER, "case_id": CASE, "flag_id": "f",
        "recipient": "desk@example.org", "subject": mail_subject(CASE), "text": body, "date": NOW, "sender_name": "Desk",
        "sender_address": "desk@example.org",
    }  # fmt: skip
    return OutboundMessage(**values | more)


def own_lines(body: str) -> list[str]:
    """The lines of a letter that are no quotation."""
    return [line for line in body.split("\n") if not line.startswith("> ")]


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(LANGUAGES))
def test_strangers_write_no_line_of_a_letter(user: str, title: str, excerpt: str, group: str, language: str) -> None:
    status = AccountStatus(exists=True, blocked=True, block_expiry="x" + group, groups=("sysop" + group,))
    plain_status = AccountStatus(exists=True, blocked=True, block_expiry="x", groups=("sysop",))
    made = letter(flag(user="U" + user, title="T" + title, excerpt="E" + excerpt), language, status=status)
    plain = letter(flag(user="U", title="T", excerpt="E"), language, status=plain_status)
    ours, theirs = own_lines(text(made)), own_lines(text(plain))
    # A name that cannot be encoded has no address, so that a line with one may be missing; a quotation with an address adds a note.
    note = own_lines(text(letter(flag(excerpt="https://x"), language)))
    assert len(ours) <= len(theirs) + 2
    assert {label(line) for line in ours} <= {label(line) for line in (*theirs, *note)}


def label(line: str) -> str:
    """What a line begins with, up to its value."""
    return re.split("[:：\u2068]", line)[0]


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(LANGUAGES))
def test_what_a_letter_shows_cannot_hide_or_turn_around(user: str, title: str, excerpt: str, language: str) -> None:
    body = text(letter(flag(user=user, title=title, excerpt=excerpt), language))
    body.encode("utf-8")
    assert {char for char in body if misleading(char)} <= set("\n\u2068\u2069")
    for line in body.split("\n"):
        assert line.count("\u2068") == line.count("\u2069")
        assert "-----" not in line


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_the_only_links_in_a_letter_are_its_own(user: str, title: str, excerpt: str) -> None:
    body = text(letter(flag(user=user, title=title, excerpt=excerpt)))
    for address in re.findall(r"(?i)\b[a-z][a-z0-9+.-]*://\S*|www\.\S*", body):
        assert address.startswith(("https://example.wikipedia.org/", "https://meta.wikimedia.org/"))


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(LANGUAGES))
def test_a_letter_comes_out_of_the_mail_as_it_went_in(user: str, title: str, excerpt: str, reporter: str, language: str) -> None:
    report = ReportSettings(reporter_name=reporter, reporter_contact="desk@example.org")
    body = text(letter(flag(user=user, title=title, excerpt=excerpt), language, settings=report))
    subject = mail_subject(CASE, language, Manner(exercise=True))
    raw = to_email(mail(body, sender_name=reporter, subject=subject)).as_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    back = message_from_bytes(raw, policy=default)
    assert back.get_content().replace("\r\n", "\n") == body
    assert back["Subject"] == subject
    headers = [name.lower() for name, _ in back.items()]
    assert len(headers) == len(set(headers))
    assert not {"bcc", "cc"} & set(headers)
    assert not back.is_multipart()


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_for_a_recipient_of_links_only_nothing_of_it_is_there(user: str, title: str, excerpt: str) -> None:
    manner = Manner(links_only=True)
    given_letter = letter(flag(user="U" + user, title="T" + title, excerpt="E" + excerpt, target=3, when=True))
    assert text(given_letter, manner) == text(letter(flag(user="U", title="T", excerpt="E")), manner)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_subject_holds_nothing_that_anybody_wrote(language: str) -> None:
    assert "\n" not in mail_subject(CASE, language)
    assert mail_subject("\r\nBcc: a@example.org", "en").count("\n") == 0


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=60))
def test_names_keep_their_length_in_check(name: str) -> None:
    assert "\n" not in named(name * 50)
    assert len(named(name * 100_000)) < 4000


def test_a_title_of_ten_megabytes_costs_nothing() -> None:
    body = text(letter(flag(title="x" * 10_000_000, user="y" * 10_000_000, excerpt="z" * 10_000_000)))
    assert len(body) < 10_000
    assert f"Page: {'x' * 300}…\n" in body
    # An address of such a title is none that a wiki has; the edit is still found by its number.
    assert "action=history" not in body
    assert "?oldid=100\n" in body


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("see https://example.org/x", "see https[:]//example.org/x"),
        ("HTTP://EXAMPLE.ORG", "HTTP[:]//EXAMPLE.ORG"),
        ("www.example.org", "www[.]example.org"),
        ("a ://b", "a ://b"),
        ("-----BEGIN PGP MESSAGE-----", "-- -- -BEGIN PGP MESSAGE-- -- -"),
        ("1914--1918, a --- b", "1914--1918, a --- b"),
        ("someone@example.org", "someone@example.org"),
    ],
)
def test_what_mail_programs_would_act_on_is_written_another_way(written: str, read: str) -> None:
    assert harmless(written) == read


@pytest.mark.parametrize("char", "\u3164\u115f\u2800\u034f\u200b\u2060\U000e0041\u061c\u180e")
def test_what_shows_as_nothing_is_written_out(char: str) -> None:
    assert shown(f"a{char}b") == f"a\\u{{{ord(char):X}}}b"


def test_spaces_do_not_push_words_out_of_sight() -> None:
    assert named("Example" + " " * 200 + "Blocked: no") == "Example  Blocked: no"


def test_a_long_quotation_is_broken_where_its_mark_is_repeated() -> None:
    lines = quoted("x" * 250 + "\n" + "Blocked: yes")
    assert lines == ("x" * QUOTED_WIDTH, "  " + "x" * QUOTED_WIDTH, "  " + "x" * 50, "Blocked: yes")


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=3000))
def test_a_quotation_has_its_measure(excerpt: str) -> None:
    lines = quoted(excerpt)
    assert len(lines) <= QUOTED_LINES + 1
    assert max(len(line) for line in lines) <= QUOTED_WIDTH + 2


def test_what_is_cut_of_a_quotation_is_said_to_be_cut() -> None:
    assert quoted("x\n" * (QUOTED_LINES * 2))[-1] == "…"
    assert quoted("x" * (EXCERPT_CHARS + 1))[-1] == "…"
    assert quoted("x" * 20) == ("x" * 20,)


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"])
def test_half_a_character_has_no_address_and_stops_no_letter(name: str) -> None:
    body = text(letter(flag(user=name, title=name)))
    assert "Reported user: " in body
    assert "Contributions" not in body
    assert "?oldid=100" in body
