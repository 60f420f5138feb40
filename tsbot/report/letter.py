"""Letters: what a recipient reads about a case.

:func:`write` gathers what is known into a :class:`Letter`, which is stored sealed; :func:`render` turns it into text when it is
previewed or sent, because only then is it known who released it, to whom it goes and why. The first lines are those of the Incident
Reporting System's emergency mails, in its order (ReportIncident, ``reportincident-notification-message-body``).

A letter holds phrases, not sentences: it can be read in any language until it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit

import msgspec

from tsbot.cases.flag import Flag, FlagContent
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import LetterError
from tsbot.i18n.catalogue import SOURCE
from tsbot.i18n.voice import Phrase
from tsbot.report import wording
from tsbot.report.notices import Repeated
from tsbot.report.routing import letter_name
from tsbot.report.stationery import Stationery, shipped_stationery
from tsbot.settings import ReportSettings
from tsbot.wiki.types import AccountStatus

CASE_CHARS = 8
"""Leading characters of a case id that name it in a subject."""
LINK_CHARS = 4000
"""A longer address is none that a wiki has: titles and names end at 255 bytes."""
MINORS = "minors"
"""The template of letters that give an address, and nothing of what is there."""
LINKS_ONLY = "links_only"
"""The policy of recipients who get links and the category, and nothing that anybody wrote."""


RESULTS = ("passed_on", "no_action", "false_positive")
"""What an answer may say that became of a report; words that the software reads."""


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """Working addresses of what a letter is about; empty where there is none."""

    page: str = ""
    permanent: str = ""
    diff: str = ""
    history: str = ""
    log: str = ""
    user: str = ""
    contributions: str = ""
    elsewhere: str = ""
    """The user's accounts on all wikis."""


FindLinks = Callable[[Flag], Links]
"""Makes the links of a flag whose content is there. Raises ``WikiError`` where the wiki's address is not known."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a person has let a letter go."""

    by_person: bool
    automatic: bool = False


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """Why a letter is sent again: nobody has acknowledged it, or a person wishes so."""

    sent: float
    """When it was sent first, in seconds since the epoch."""
    waited: float = 0.0
    """Seconds for which nobody has acknowledged it since; 0: that is not why it is sent again."""
    second_address: bool = False
    """Whether it goes to another address than the first time."""
    first_address: str = ""
    """Where it went first; empty: not told."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a letter is put this time."""

    language: str = ""
    """Empty: the language that it was written for."""
    links_only: bool = False
    exercise: bool = False
    reminder: Reminder | None = None
    acknowledgement: str = ""
    """Code by which an answer acknowledges this letter; empty where answers are read by people only."""


AS_WRITTEN = Manner()
NOTHING_COPIED = (Phrase(wording.READS + Kind.MINORS), Phrase("not-copied"))
"""All that is said of matter that concerns minors."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a letter says, except who released it. All texts are safe to show and on one line.

    Fields with a default came later than the first letters: what was stored before is read, too, its sentences as they are.
    """

    template: str
    report_id: str
    case_id: str
    flag_ids: tuple[str, ...]
    subject: str
    """Of the mail; names and kinds nothing."""
    wiki: str
    about: str
    """``wiki:rev:ID`` or ``wiki:log:ID``."""
    title: str
    user: str
    """Empty where the wiki does not show it."""
    threat_types: tuple[str, ...]
    details: tuple[str | Phrase, ...]
    links: Links
    edited: str
    written: str
    detectors: tuple[str, ...]
    account: tuple[str | Phrase, ...]
    excerpts: tuple[tuple[str, ...], ...]
    reporter_name: str
    reporter_contact: str
    last_of_thread: bool
    language: str = SOURCE
    """In which its recipient reads it."""
    text_language: str = ""
    """Of what was written, as far as the software can tell."""
    happened: tuple[Phrase, ...] = ()
    """What the wiki has done about it by then."""
    follow_up: bool = False
    """Whether the recipient has had a letter about the case before."""
    contact: str = ""
    """How to reach the person concerned, or who told of it, where that is known."""
    repeats: Repeated | None = None
    """The earlier letter that it repeats."""

    @property
    def broken_links(self) -> bool:
        """Whether an address in the quotation was made unusable."""
        return any("[:]//" in line or "www[.]" in line.lower() for excerpt in self.excerpts for line in excerpt)


def mail_subject(
    case_id: str, language: str = SOURCE, manner: Manner = AS_WRITTEN, *, what: str = "report", stationery: Stationery | None = None
) -> str:
    """Subject of a message: it may be seen on a lock screen, so it says nothing but a case number.

    ``what`` is ``report``, ``page`` or ``closed``.
    """
    voice = (stationery or shipped_stationery()).voice(manner.language or language)
    reminds = manner.reminder is not None and what == "report"
    key = "subject-reminder" if reminds else f"subject-{what}"
    plain = voice.say(key, wording.shown(case_id[:CASE_CHARS]))
    return f"[TS] {voice.say('subject-exercise', plain) if manner.exercise else plain}"


def write(
    flags: Sequence[Flag],
    *,
    report_id: str,
    settings: ReportSettings,
    links: FindLinks,
    status: AccountStatus | None,
    excerpt: bool,
    last_of_thread: bool,
    now: float,
    language: str = SOURCE,
    happened: Sequence[Phrase] = (),
    follow_up: bool = False,
    contact: str = "",
    stationery: Stationery | None = None,
) -> Letter:
    """The letter about one edit or log entry; ``flags`` are those of its flags that its recipient is told of.

    Raises ``LetterError`` where something that a letter cannot do without is missing.
    """
    if not flags:
        raise LetterError("There is no flag that this recipient should be told of; the routing was changed since.")
    flags = sorted(flags, key=lambda flag: GRAVITY.index(flag.kind))
    first, content = flags[0], _content(flags[0])
    kinds = [flag.kind for flag in flags]
    found = _working(links(first))
    if not (found.permanent or found.page or found.log):
        raise LetterError("No link to the edit can be made: the wiki's address is not known.")
    quotes = excerpt and Kind.MINORS not in kinds
    return Letter(
        template=letter_name(first.kind),
        report_id=report_id,
        case_id=first.case_id,
        flag_ids=tuple(flag.id for flag in flags),
        subject=mail_subject(first.case_id, language, stationery=stationery),
        wiki=wording.named(first.wiki),
        about=wording.named(first.subject),
        title=wording.named(content.title),
        user=wording.named(content.user or ""),
        threat_types=tuple(dict.fromkeys(wording.INCIDENT_TYPES[kind] for kind in kinds)),
        details=tuple(dict.fromkeys(line for flag in flags for line in _details(flag))),
        links=found,
        edited=wording.moment(first.event_time),
        written=wording.moment(now),
        detectors=tuple(dict.fromkeys(wording.named(flag.detector) for flag in flags)),
        account=wording.account_lines(status, content, first.event_time),
        excerpts=tuple(dict.fromkeys(wording.quoted(_content(flag).excerpt) for flag in flags if _content(flag).excerpt)) if quotes else (),
        reporter_name=wording.named(settings.reporter_name),
        reporter_contact=wording.named(settings.reporter_contact),
        last_of_thread=last_of_thread,
        language=language,
        text_language=wording.named(first.language),
        happened=tuple(happened),
        follow_up=follow_up,
        contact=wording.named(contact),
    )


def render(letter: Letter, release: Release, manner: Manner = AS_WRITTEN, stationery: Stationery | None = None) -> str:
    """The text of a letter. Raises ``LetterError`` if template, messages and letter do not fit, or a value is missing."""
    stationery = stationery or shipped_stationery()
    told = sparing(letter) if letter.template == MINORS else letter
    if manner.links_only:
        told = bare(told)
    return stationery.fill(
        letter.template,
        manner.language or letter.language,
        letter=told,
        release=release,
        manner=manner,
        reminder=None if manner.reminder is None else _reminder(manner.reminder),
        results=RESULTS,
        help_lines=stationery.help.for_language(told.text_language),
    )


def bare(letter: Letter) -> Letter:
    """The letter for a recipient of links only: no name, no quotation, no detail, no address that holds a name.

    Taken out here, so that no template can let it slip.
    """
    kept = {name: url for name in ("diff", "permanent", "log") if _by_number(url := getattr(letter.links, name))}
    return msgspec.structs.replace(
        letter,
        title="",
        user="",
        details=tuple(line for line in letter.details if isinstance(line, Phrase) and line.key.startswith(wording.READS)),
        links=Links(**kept),
        account=(),
        excerpts=(),
        text_language="",
        contact="",
    )


def sparing(letter: Letter) -> Letter:
    """The letter about matter that concerns minors: one address, nothing copied, nothing described."""
    links = letter.links
    one = next(name for name in ("permanent", "log", "page") if getattr(links, name)) if links.permanent or links.log or links.page else ""
    return msgspec.structs.replace(
        letter,
        title="",
        details=NOTHING_COPIED,
        links=Links(**{one: getattr(links, one)}) if one else Links(),
        excerpts=(),
        text_language="",
    )


def _by_number(url: str) -> bool:
    """Whether an address names a revision or log entry by its number, and nothing else."""
    parts = urlsplit(url)
    if parts.query:
        query = parse_qs(parts.query, keep_blank_values=True)
        return set(query) <= {"diff", "oldid"} and all(value.isdigit() or value == "prev" for many in query.values() for value in many)
    return parts.path.rpartition(":Redirect/logid/")[2].isdigit()


def _working(links: Links) -> Links:
    """Addresses that can be one: http, printable ASCII, of a length that a wiki's addresses have. None looks like armour (``-----``)."""
    found = msgspec.structs.asdict(links).items()
    plain = {name: url for name, url in found if url.startswith(("https://", "http://")) and _is_plain(url)}
    return Links(**{name: url.replace("-----", "----%2D") for name, url in plain.items()})


def _is_plain(url: str) -> bool:
    return len(url) <= LINK_CHARS and url.isascii() and url.isprintable() and " " not in url


def _reminder(reminder: Reminder) -> dict[str, object]:
    """When a letter was sent, and how long nobody has acknowledged it: in whole hours from one hour on."""
    minutes = max(1, int(reminder.waited // 60))
    waited = Phrase("waited-hours", (minutes // 60,)) if minutes >= 60 else Phrase("waited-minutes", (minutes,))
    return {
        "sent": wording.moment(reminder.sent),
        "waited": waited if reminder.waited > 0 else None,
        "second_address": reminder.second_address,
        "first_address": wording.named(reminder.first_address),
    }


def _details(flag: Flag) -> tuple[Phrase, ...]:
    return NOTHING_COPIED if flag.kind is Kind.MINORS else wording.details(flag, _content(flag))


def _content(flag: Flag) -> FlagContent:
    if flag.content is None:
        raise LetterError("The flag's content was destroyed; there is nothing left to report.")
    return flag.content
