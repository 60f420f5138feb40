"""What letters say, and what they never say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from tsbot.cases.flag import Flag, FlagContent, flag_id
from tsbot.cases.priority import Reason
from tsbot.detect.finding import Kind
from tsbot.errors import LetterError
from tsbot.i18n.voice import Phrase
from tsbot.report.letter import Letter, Links, Manner, Release, Reminder, bare, mail_subject, render, write
from tsbot.report.links import flag_links
from tsbot.report.wording import shown
from tsbot.settings import ReportSettings
from tsbot.text.passage import Field
from tsbot.wiki.types import AccountStatus

NOW = 1_790_000_000.0
EXCERPT = "I will come to your office tomorrow and hurt you"
REPORTER = ReportSettings(reporter_name="Patrol desk", reporter_contact="reporter@example.org")
FIXED: dict[str, Any] = {"report_id": "r", "last_of_thread": False, "now": NOW}
KNOWN = AccountStatus(exists=True, blocked=True, block_expiry="infinity", locked=False, registered="2026-09-20T00:00:00Z", edit_count=3)


def flag(kind: Kind = Kind.VIOLENCE, **content: Any) -> Flag:
    base = {"title": "Talk:Town hall", "user": "Example", "rev_id": 100, "parent_id": 99, "server_url": "https://example.wikipedia.org"}
    subject = "examplewiki:rev:100"
    return Flag(
        id=flag_id(subject, kind),
        subject=subject,
        kind=kind,
        case_id="0c5e1a2b-0000-4000-8000-000000000001",
        wiki="examplewiki",
        field=Field.TEXT,
        probability=0.9,
        specificity=2,
        plausibility=2,
        imminence=2,
        language="en",
        coverage=content.pop("coverage", "scored"),
        detector="linear-1",
        source="patrol",
        event_time=NOW - 60,
        created=NOW,
        content=FlagContent(**base | {"excerpt": EXCERPT} | content),
    )


def letter(*flags: Flag, status: AccountStatus | None = None, excerpt: bool = False, settings: ReportSettings = REPORTER) -> Letter:
    return write(flags or [flag()], settings=settings, links=flag_links, status=status, excerpt=excerpt, **FIXED)


def text(*flags: Flag, release: Release | None = None, **more: Any) -> str:
    return render(letter(*flags, **more), release or Release(by_person=False))


def test_the_emergency_letter_begins_as_the_incident_reporting_system_does() -> None:
    assert text(flag(target=3, when=True)).splitlines()[:6] == [
        "Reporting user: Patrol desk",
        "Reported user: Example",
        "Link to page: https://example.wikipedia.org/w/index.php?oldid=100",
        "",
        "Threat type: threats-physical-harm",
        "Details: The software reads a threat of violence against a person. It stands in text that an edit added. "
        "It seems to name: a specific person, a time.",
    ]


def test_a_letter_holds_what_its_reader_needs() -> None:
    body = text(status=KNOWN)
    for line in (
        "Wiki: examplewiki",
        "Page: Talk:Town hall",
        "Time of the edit: 2026-09-21 14:12:20 UTC",
        "Language of the text: en",
        "Diff: https://example.wikipedia.org/w/index.php?diff=100&oldid=99",
        "Permanent link: https://example.wikipedia.org/w/index.php?oldid=100",
        "Page history: https://example.wikipedia.org/w/index.php?title=Talk:Town_hall&action=history",
        "User page: https://example.wikipedia.org/wiki/User:Example",
        "User contributions: https://example.wikipedia.org/wiki/Special:Contributions/Example",
        "Accounts on other wikis: https://meta.wikimedia.org/wiki/Special:CentralAuth/Example",
        "By software: yes (linear-1).",
        "By a person: not yet seen by a person.",
        "Account: registered",
        "Blocked: yes, without end",
        "Globally locked: no",
        "Registered: 2026-09-20 00:00:00 UTC",
        "Edits on this wiki: 3",
        "New account: yes",
        "Reporter contact: reporter@example.org",
        "Case: 0c5e1a2b-0000-4000-8000-000000000001",
    ):
        assert line in body.splitlines()


@pytest.mark.parametrize(
    ("kind", "threat_type"),
    [
        (Kind.MASS_VIOLENCE, "threats-public-harm"),
        (Kind.VIOLENCE, "threats-physical-harm"),
        (Kind.SEXUAL_VIOLENCE, "threats-physical-harm"),
        (Kind.SELF_HARM, "threats-self-harm"),
        (Kind.DOXING, "doxing"),
        (Kind.HARASSMENT, "intimidation"),
        (Kind.LEGAL, "other"),
    ],
)
def test_the_threat_type_is_one_that_the_incident_reporting_system_knows(kind: Kind, threat_type: str) -> None:
    assert f"Threat type: {threat_type}" in text(flag(kind)).splitlines()


def test_two_kinds_on_one_edit_are_one_letter_the_graver_first() -> None:
    both = text(flag(Kind.SELF_HARM), flag(Kind.VIOLENCE))
    assert "Threat type: threats-physical-harm, threats-self-harm" in both
    assert both.count("Link to page:") == 1


def test_a_letter_about_self_harm_asks_for_help_and_for_no_sanction() -> None:
    body = text(flag(Kind.SELF_HARM))
    assert "may need help" in body
    assert "asks for no block" in body
    assert "may need help" not in text(flag(Kind.VIOLENCE))


def test_the_text_is_quoted_only_where_the_recipient_may_have_it() -> None:
    assert EXCERPT not in text()
    assert f"> {EXCERPT}" in text(excerpt=True)


def test_matter_about_minors_is_neither_quoted_nor_described() -> None:
    body = text(flag(Kind.MINORS, title="A title", excerpt="must not be here"), excerpt=True)
    assert "must not be here" not in body
    assert "A title" not in body
    assert "oldid=100" in body
    assert EXCERPT not in text(flag(Kind.VIOLENCE), flag(Kind.MINORS, excerpt=""), excerpt=True)


@pytest.mark.parametrize(
    ("release", "line"),
    [
        (Release(by_person=True), "By a person: released by the reporter named above."),
        (Release(by_person=True, automatic=True), "By a person: released by the reporter named above."),
        (Release(by_person=False, automatic=True), "By a person: not yet seen by a person; sent by a rule that the reporter has set."),
        (Release(by_person=False), "By a person: not yet seen by a person."),
    ],
)
def test_it_says_whether_a_person_has_looked(release: Release, line: str) -> None:
    assert line in text(release=release).splitlines()


def test_what_is_not_known_of_an_account_is_said() -> None:
    body = text(status=None).splitlines()
    for what in ("Account", "Blocked", "Globally locked", "Registered", "Edits on this wiki", "New account"):
        assert f"{what}: not known" in body
    assert any("could not be asked" in line for line in body)
    assert text(status=AccountStatus()).splitlines() == body


def test_what_the_edit_itself_told_of_the_account_is_used() -> None:
    body = text(flag(user_is_temp=True, user_registered=NOW - 90 * 86400, user_edit_count=500)).splitlines()
    assert {"Account: temporary", "Edits on this wiki: 500", "New account: no"} <= set(body)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (AccountStatus(exists=False), "Account: does not exist under this name (any more)"),
        (AccountStatus(anonymous=True, blocked=False), "Account: not logged in"),
        (AccountStatus(exists=True, temporary=True, blocked=False), "Account: temporary"),
        (AccountStatus(exists=True, blocked=False, groups=("sysop",)), "Groups: sysop"),
        (AccountStatus(exists=True, blocked=True, locked=True), "Globally locked: yes"),
    ],
)
def test_account_states(status: AccountStatus, line: str) -> None:
    assert line in text(status=status).splitlines()


def test_an_address_has_no_accounts_on_other_wikis() -> None:
    assert "Accounts on other wikis" not in text(flag(user="192.0.2.7"))


def test_a_hidden_author_is_said_to_be_hidden() -> None:
    body = text(flag(user=None))
    assert "Reported user: not shown by the wiki" in body
    assert "Special:Contributions" not in body


def test_a_log_entry_has_a_log_link_and_no_diff() -> None:
    body = text(flag(Kind.ATTACK_NAME, rev_id=None, parent_id=None, log_id=7))
    assert "Log entry: https://example.wikipedia.org/wiki/Special:Redirect/logid/7" in body
    assert "Diff:" not in body


def test_a_new_page_has_no_diff() -> None:
    body = text(flag(parent_id=0))
    assert "Diff:" not in body
    assert "Permanent link:" in body


@pytest.mark.parametrize("coverage", ["weak", "unscored"])
def test_a_language_that_the_software_cannot_judge_is_said(coverage: str) -> None:
    assert "somebody who reads it should look" in text(flag(coverage=coverage))
    assert "somebody who reads it should look" not in text()


def test_the_subject_says_nothing_but_a_number() -> None:
    assert mail_subject("0c5e1a2b-0000-4000-8000-000000000001") == "[TS] report 0c5e1a2b"


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: letter(flag(server_url="")), "address is not known"),
        (lambda: letter(sealed_for_ever()), "destroyed"),
        (lambda: write([], settings=REPORTER, links=flag_links, status=None, excerpt=False, **FIXED), "no flag"),
    ],
)
def test_a_letter_that_cannot_be_written_says_why(make: Callable[[], Letter], complaint: str) -> None:
    with pytest.raises(LetterError, match=complaint):
        make()


def test_a_letter_is_the_same_whatever_the_priority() -> None:
    ranked = replace(flag(), priority=93, reasons=(Reason("school", 8, "on a page about a school"),))
    assert letter(ranked) == letter(flag())
    assert text(ranked) == text(flag())


def sealed_for_ever() -> Flag:
    made = flag()
    return Flag(**{name: getattr(made, name) for name in made.__slots__} | {"content": None})


def test_a_template_that_wants_what_a_letter_does_not_have_is_an_error() -> None:
    with pytest.raises(LetterError, match="no_such_template"):
        render(msgspec.structs.replace(letter(), template="no_such_template"), Release(by_person=False))


# -- languages, manners, and letters stored before ----------------------------------------------------------------------


def test_a_letter_can_be_read_in_another_language_than_it_was_written_for() -> None:
    made = letter(flag(target=3, when=True), status=KNOWN)
    german = render(made, Release(by_person=True), Manner(language="de"))
    assert german.startswith("Gemeldet von: Patrol desk\nGemeldetes Benutzerkonto: Example\n")
    assert "Genannt scheinen zu sein: eine bestimmte Person, eine Zeit." in german
    assert "Gesperrt: ja, unbegrenzt" in german.splitlines()
    assert render(msgspec.structs.replace(made, language="de"), Release(by_person=True)) == german


def test_a_letter_of_links_only_asks_the_reporter_for_the_rest() -> None:
    body = render(letter(flag(target=3), status=KNOWN, excerpt=True), Release(by_person=True), Manner(links_only=True))
    assert "Details: The software reads a threat of violence against a person.\n" in body
    assert "This letter gives links and the category only." in body
    assert "Diff: https://example.wikipedia.org/w/index.php?diff=100&oldid=99" in body
    for private in (EXCERPT, "Example", "Talk", "Account", "specific person", "Language of the text"):
        assert private not in body


def test_of_a_log_entry_the_number_is_given() -> None:
    named = flag(Kind.ATTACK_NAME, rev_id=None, parent_id=None, log_id=7)
    body = render(letter(named), Release(by_person=True), Manner(links_only=True))
    assert body.count("https://") == 2
    assert "Log entry: https://example.wikipedia.org/wiki/Special:Redirect/logid/7" in body


@pytest.mark.parametrize(
    "links",
    [
        Links(page="https://example.wikipedia.org/wiki/User:Example"),
        Links(permanent="https://example.wikipedia.org/w/index.php?oldid=1&title=User:Example"),
        Links(page="https://example.wikipedia.org/wiki/X", diff="https://example.wikipedia.org/wiki/User:Example?diff=Example"),
        Links(log="https://example.wikipedia.org/wiki/Special:Log/Example"),
    ],
)
def test_where_every_link_holds_a_name_none_is_given(links: Links) -> None:
    made = write([flag()], settings=REPORTER, links=lambda _: links, status=None, excerpt=False, **FIXED)
    assert bare(made).links == Links()
    assert "No link can be given that does not hold a name." in render(made, Release(by_person=True), Manner(links_only=True))


def test_a_letter_on_paper_of_its_own_cannot_let_slip_what_it_does_not_hold() -> None:
    held = msgspec.json.encode(bare(letter(flag(target=3), status=KNOWN, excerpt=True))).decode()
    assert not any(private in held for private in (EXCERPT, "Example", "Talk", "named-person"))


@pytest.mark.parametrize(
    ("waited", "words"), [(30.0, "one minute"), (600.0, "10 minutes"), (3600.0, "one hour"), (3 * 3600.0 + 1800, "3 hours")]
)
def test_a_reminder_says_since_when_nobody_has_acknowledged(waited: float, words: str) -> None:
    body = render(letter(), Release(by_person=True), Manner(reminder=Reminder(sent=NOW, waited=waited)))
    first = f"Reminder: this letter was sent on 2026-09-21 14:13:20 UTC, and nobody has acknowledged it since ({words})."
    assert body.splitlines()[0] == first
    assert body.splitlines()[2].startswith("Reporting user:")


def test_the_second_address_is_told_why_it_is_asked() -> None:
    reminder = Reminder(sent=NOW, waited=3600.0, second_address=True)
    body = render(letter(), Release(by_person=True), Manner(reminder=reminder))
    assert body.splitlines()[1] == "It comes to you because the address that it was sent to first has not acknowledged it."


def test_a_letter_that_a_person_sends_once_more_says_so() -> None:
    body = render(letter(), Release(by_person=True), Manner(reminder=Reminder(sent=NOW)))
    first = "This letter was sent to you on 2026-09-21 14:13:20 UTC and is sent once more, in case it did not arrive."
    assert body.splitlines()[0] == first


def test_the_second_address_may_be_told_the_first() -> None:
    reminder = Reminder(sent=NOW, waited=60.0, second_address=True, first_address="first@example.org\nCase: none")
    body = render(letter(), Release(by_person=True), Manner(reminder=reminder)).splitlines()
    assert body[2] == "It was sent to first@example.org\\u{A}Case: none first."


def test_where_the_software_reads_answers_the_letter_says_how_to_acknowledge_it() -> None:
    body = render(letter(), Release(by_person=True), Manner(acknowledgement="7k2m-4qxp"))
    assert "the reply address holds a code of its own" in body
    assert "begin with a line such as “Result: passed_on”; other results are no_action, false_positive." in body
    assert "Acknowledgement code: 7k2m-4qxp" in body.splitlines()
    assert "so that the reporter knows that a person has read it" not in body
    assert "so that the reporter knows that a person has read it" in text()


@pytest.mark.parametrize(
    ("manner", "what", "language", "subject"),
    [
        (Manner(), "report", "de", "[TS] Meldung 0c5e1a2b"),
        (Manner(exercise=True), "report", "en", "[TS] EXERCISE: report 0c5e1a2b"),
        (Manner(exercise=True), "page", "fr", "[TS] EXERCICE (EXERCISE) : alerte 0c5e1a2b"),
        (Manner(reminder=Reminder(sent=NOW, waited=1.0)), "report", "en", "[TS] reminder, report 0c5e1a2b"),
        (Manner(language="es"), "closed", "en", "[TS] cerrado, informe 0c5e1a2b"),
    ],
)
def test_subjects(manner: Manner, what: str, language: str, subject: str) -> None:
    assert mail_subject("0c5e1a2b-0000-4000-8000-000000000001", language, manner, what=what) == subject


def test_what_the_wiki_has_done_and_whom_to_reach_is_said_where_it_is_known() -> None:
    happened = (Phrase("happened-hidden", ("2026-09-21 14:13:00 UTC",)),)
    made = write(
        [flag()],
        settings=REPORTER,
        links=flag_links,
        status=None,
        excerpt=False,
        happened=happened,
        contact="target@example.org",
        follow_up=True,
        **FIXED,
    )
    body = render(made, Release(by_person=True)).splitlines()
    assert "Hidden on the wiki: 2026-09-21 14:13:00 UTC" in body
    assert "Contact of a person concerned: target@example.org" in body
    assert "This is about a further edit of a case that was reported to you before." in body


@pytest.mark.parametrize("template", ["oversight", "minors"])
def test_a_letter_stored_before_letters_had_languages_is_still_sent(template: str) -> None:
    stored = Path(__file__).with_name(f"stored_before_{template}.json").read_bytes()
    old = msgspec.json.decode(stored, type=Letter)
    body = render(old, Release(by_person=True))
    assert body.splitlines()[1] == "Reported user: Example"
    assert {"Blocked: yes, without end", "Edits on this wiki: 3"} <= set(body.splitlines())
    assert ("It seems to name a specific person." in body) == (template == "oversight")
    assert "specific person" not in render(old, Release(by_person=True), Manner(links_only=True))


def test_a_stored_letter_is_what_was_written() -> None:
    made = letter(flag(target=3, when=True), status=KNOWN, excerpt=True)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Letter) == made


HOSTILE = st.text(st.characters(codec=None), max_size=60)  # lone surrogates, controls and direction marks included
LINE_BREAKS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@given(HOSTILE)
@example("a\u2029b\u2028c\x85d")
def test_a_name_stays_on_its_line_and_turns_no_text_around(name: str) -> None:
    safe = shown(name)
    assert not LINE_BREAKS.search(safe)
    assert not DIRECTIONS.search(safe)
    safe.encode("utf-8")


@limits(deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_nobody_writes_lines_of_a_letter_by_their_name(user: str, title: str, reporter: str) -> None:
    settings = ReportSettings(reporter_name=reporter, reporter_contact="reporter@example.org")
    made = flag(user=user + "\nBlocked: yes", title=title + "\r\nCase: none")
    plain = len(render(write_safely(flag(), settings), Release(by_person=False)).splitlines())
    assert len(render(write_safely(made, settings), Release(by_person=False)).splitlines()) == plain


def write_safely(made: Flag, settings: ReportSettings) -> Letter:
    """With links of its own: names of lone surrogates have no address."""
    links = Links(permanent="https://example.wikipedia.org/w/index.php?oldid=100", history="https://example.wikipedia.org/h")
    return write([made], settings=settings, links=lambda _: links, status=None, excerpt=False, **FIXED)


def test_joiners_that_names_are_spelt_with_stay() -> None:
    assert shown("می\u200cخواهم") == "می\u200cخواهم"
    assert shown("a\u202eb\tc") == "a\\u{202E}b\\u{9}c"


def test_every_line_of_a_quotation_is_marked_as_one() -> None:
    body = text(flag(excerpt="one\ntwo\u2028three\r\nBlocked: yes"), excerpt=True)
    assert "> one\n> two\\u{2028}three\n> Blocked: yes\n" in body
