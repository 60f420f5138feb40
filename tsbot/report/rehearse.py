"""Letters tried out before they are needed: a made-up case in every template, language and manner that the settings can lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tsbot.detect.finding import Kind
from tsbot.errors import LetterError, SettingsError
from tsbot.i18n.catalogue import SOURCE, Catalogue
from tsbot.i18n.voice import Phrase
from tsbot.report import wording
from tsbot.report.letter import Letter, Links, Manner, Release, Reminder, render
from tsbot.report.notice import MOST_REPORTS, closed_text, page_text
from tsbot.report.routing import EVERYWHERE, Routing, shipped
from tsbot.report.stationery import Stationery, stationery_of
from tsbot.settings import ReportSettings, Settings

CASE = "0c5e1a2b-0000-4000-8000-000000000001"
FLAG = "4d8b5f7e-0000-5000-8000-000000000001"
REPORT = "7a1d0c9b-0000-5000-8000-000000000001"
WHEN = 1_790_000_000.0
BASE = "https://example.wikipedia.org"
MANNERS = {
    "": Manner(),
    "links_only": Manner(links_only=True),
    "exercise": Manner(
        exercise=True,
        reminder=Reminder(sent=WHEN, waited=3700.0, second_address=True, first_address="first@example.org"),
        acknowledgement="7k2m-4qxp",
    ),
}
"""The ways in which a letter is tried out, with what tells them apart in names of files."""


def check_letters(settings: Settings, routing: Routing | None = None) -> Stationery:
    """Refuse letters of the settings that could not be written, and languages that there are none in. To be called once at start.

    Raises ``SettingsError`` that names the file or the setting.
    """
    stationery = stationery_of(settings.templates_path)
    used = list(languages(settings, routing))
    for where, code in used:
        _check_language(stationery.catalogue, where, code)
    if settings.templates_path is not None:
        rehearse(stationery, {SOURCE, *(code for _, code in used)})
    return stationery


def languages(settings: Settings, routing: Routing | None = None) -> Iterator[tuple[str, str]]:
    """The languages that settings and routing name, each with where it stands. Raises ``SettingsError`` for an unknown role."""
    routing = routing or shipped()
    for entry, code in settings.report.languages.items():
        if entry != EVERYWHERE and entry.rpartition(":")[2] not in routing.roles:
            raise SettingsError(f"report.languages.{entry}: there is no such role; the roles are {', '.join(sorted(routing.roles))}.")
        yield f"report.languages.{entry}", code
    yield from ((f"languages.{entry} of the routing table", code) for entry, code in routing.languages.items())
    for kind, recipients in settings.report.recipients.items():
        yield from ((f"report.recipients.{kind}", recipient.language) for recipient in recipients if recipient.language)
    yield "page.language", settings.page.language


def rehearse(stationery: Stationery, codes: Iterable[str] | None = None) -> None:
    """Write every letter, in some languages or in all. Raises ``SettingsError`` that names the template and the language."""
    for code in stationery.catalogue.languages if codes is None else sorted(codes):
        for name in stationery.templates():
            for manner in MANNERS.values():
                try:
                    for known in (True, False):
                        specimen_text(name, code, manner, stationery, known=known)
                except LetterError as error:
                    raise SettingsError(f"report.templates: {name} in {code}: {error}") from error


def specimen_text(template: str, language: str, manner: Manner, stationery: Stationery, *, known: bool = True) -> str:
    """A letter or notice about a made-up case, of which all or next to nothing is ``known``. Raises ``LetterError``."""
    contact = "desk@example.org" if known else ""
    if template == "page":
        reason, reports = ("unacknowledged", [REPORT] * (MOST_REPORTS + 2)) if manner.exercise else ("", [])
        return page_text(CASE, FLAG, language, manner, stationery, reason=reason, reports=reports)
    if template == "closed":
        return closed_text(CASE, "hidden" if known else "", language, ReportSettings(reporter_contact=contact), manner, stationery)
    letter = specimen(template, language)
    return render(letter if known else unknown(letter), Release(by_person=known), manner, stationery)


def specimens(code: str, stationery: Stationery) -> Iterator[tuple[str, str]]:
    """Every letter in one language, to be read: a name of a file, and the text. Raises ``LetterError``.

    Letters in other manners are few: what they say more, or less, is the same for each.
    """
    for template in stationery.templates():
        for name, manner in MANNERS.items():
            if not name or template in ("emergency", "self_harm"):
                yield f"{template}{'.' * bool(name)}{name}.txt", specimen_text(template, code, manner, stationery)


def specimen(template: str, language: str) -> Letter:
    """A made-up letter in which everything is known that a letter may hold."""
    kind = next((kind for kind in Kind if kind.value == template), Kind.VIOLENCE)
    words = "I do not want to go on" if kind is Kind.SELF_HARM else "I will come to the town hall tomorrow"
    script = f"{BASE}/w/index.php"
    return Letter(
        template=template,
        report_id=REPORT,
        case_id=CASE,
        flag_ids=(FLAG,),
        subject="[TS] report 0c5e1a2b",
        wiki="examplewiki",
        about="examplewiki:rev:100",
        title="Talk:Town hall",
        user="Example",
        threat_types=(wording.INCIDENT_TYPES[kind],),
        details=(
            Phrase(wording.READS + kind),
            Phrase("stands-in-text"),
            Phrase("names", ((Phrase("named-author" if kind is Kind.SELF_HARM else "named-person"), Phrase("named-time")),)),
            Phrase("stance-intent"),
            Phrase("language-weak", ("en",)),
        ),
        links=Links(
            page=f"{BASE}/wiki/Talk:Town_hall",
            permanent=f"{script}?oldid=100",
            diff=f"{script}?diff=100&oldid=99",
            history=f"{script}?title=Talk:Town_hall&action=history",
            user=f"{BASE}/wiki/User:Example",
            contributions=f"{BASE}/wiki/Special:Contributions/Example",
            elsewhere="https://meta.wikimedia.org/wiki/Special:CentralAuth/Example",
        ),
        edited=wording.moment(WHEN - 60),
        written=wording.moment(WHEN),
        detectors=("linear-1",),
        account=(
            Phrase("account", (Phrase("account-registered"),)),
            Phrase("blocked", (Phrase("yes-until", ("2026-12-31T00:00:00Z",)),)),
            Phrase("locked", (Phrase("no"),)),
            Phrase("registered", (wording.moment(WHEN - 86400),)),
            Phrase("edits", (3,)),
            Phrase("new-account", (Phrase("yes"),)),
            Phrase("groups", ("user, autoconfirmed",)),
        ),
        excerpts=((words, "see https[:]//example.org"),),
        reporter_name="Patrol desk",
        reporter_contact="desk@example.org",
        last_of_thread=True,
        language=language,
        text_language="en",
        happened=(Phrase("happened-hidden", (wording.moment(WHEN - 30),)),),
        follow_up=True,
        contact="target@example.org",
    )


def unknown(letter: Letter) -> Letter:
    """The letter without all that a letter can do without: the author is hidden, and the wiki could not be asked."""
    return msgspec.structs.replace(
        letter,
        title="",
        user="",
        details=letter.details[:1],
        links=Links(log=f"{BASE}/wiki/Special:Redirect/logid/7"),
        account=(Phrase("account-hidden"),),
        excerpts=(),
        reporter_name="",
        reporter_contact="",
        last_of_thread=False,
        text_language="",
        happened=(),
        follow_up=False,
        contact="",
    )


def _check_language(catalogue: Catalogue, where: str, code: str) -> None:
    if not catalogue.knows(code):
        raise SettingsError(f"{where}: there are no letters in {code!r}; `tsbot languages` lists the languages.")
