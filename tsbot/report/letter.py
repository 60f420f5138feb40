"""Letters: what a recipient reads about a case.

:func:`write` gathers what is known into a :class:`Letter`, which is stored sealed; :func:`render` turns it into text when it is
previewed or sent, because only then is it known who released it. The first lines are those of the Incident Reporting System's
emergency mails, in its order (ReportIncident, ``reportincident-notification-message-body``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import jinja2
import msgspec

from tsbot.cases.flag import Flag, FlagContent
from tsbot.detect.finding import GRAVITY, Kind
from tsbot.errors import LetterError
from tsbot.report import wording
from tsbot.report.notices import Reminder
from tsbot.report.routing import letter_name
from tsbot.settings import ReportSettings
from tsbot.wiki.types import AccountStatus

TEMPLATES = Path(__file__).with_name("templates")
CASE_CHARS = 8
"""Leading characters of a case id that name it in a subject."""


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


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a letter says, except who released it. All texts are safe to show and on one line."""

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
    details: tuple[str, ...]
    links: Links
    edited: str
    written: str
    detectors: tuple[str, ...]
    account: tuple[str, ...]
    excerpts: tuple[tuple[str, ...], ...]
    reporter_name: str
    reporter_contact: str
    last_of_thread: bool
    reminder: Reminder | None = None
    """What it says of an earlier letter that it repeats."""


def mail_subject(case_id: str) -> str:
    """Subject of a letter: it may be seen on a lock screen, so it says nothing but a case number."""
    return f"[TS] report {case_id[:CASE_CHARS]}"


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
) -> Letter:
    """The letter about one edit or log entry; ``flags`` are those of its flags that its recipient is told of.

    Raises ``LetterError`` where something that a letter cannot do without is missing.
    """
    if not flags:
        raise LetterError("There is no flag that this recipient should be told of; the routing was changed since.")
    flags = sorted(flags, key=lambda flag: GRAVITY.index(flag.kind))
    first, content = flags[0], _content(flags[0])
    kinds = [flag.kind for flag in flags]
    found = links(first)
    if not (found.permanent or found.page or found.log):
        raise LetterError("No link to the edit can be made: the wiki's address is not known.")
    quotes = excerpt and Kind.MINORS not in kinds
    return Letter(
        template=letter_name(first.kind),
        report_id=report_id,
        case_id=first.case_id,
        flag_ids=tuple(flag.id for flag in flags),
        subject=mail_subject(first.case_id),
        wiki=wording.shown(first.wiki),
        about=wording.shown(first.subject),
        title=wording.shown(content.title),
        user=wording.shown(content.user or ""),
        threat_types=tuple(dict.fromkeys(wording.INCIDENT_TYPES[kind] for kind in kinds)),
        details=tuple(dict.fromkeys(line for flag in flags for line in wording.details(flag, _content(flag)))),
        links=msgspec.convert({name: wording.shown(url, 4000) for name, url in msgspec.structs.asdict(found).items()}, Links),
        edited=wording.moment(first.event_time),
        written=wording.moment(now),
        detectors=tuple(dict.fromkeys(wording.shown(flag.detector) for flag in flags)),
        account=wording.account_lines(status, content, first.event_time),
        excerpts=tuple(dict.fromkeys(wording.quoted(_content(flag).excerpt) for flag in flags if _content(flag).excerpt)) if quotes else (),
        reporter_name=wording.shown(settings.reporter_name),
        reporter_contact=wording.shown(settings.reporter_contact),
        last_of_thread=last_of_thread,
    )


def render(letter: Letter, release: Release) -> str:
    """The text of a letter. Raises ``LetterError`` if template and letter do not fit."""
    try:
        text = _templates().get_template(f"{letter.template}.txt.j2").render(letter=letter, release=release)
    except jinja2.TemplateError as error:
        raise LetterError(f"The template {letter.template} cannot be filled: {type(error).__name__}.") from error
    return text.strip() + "\n"


def _content(flag: Flag) -> FlagContent:
    if flag.content is None:
        raise LetterError("The flag's content was destroyed; there is nothing left to report.")
    return flag.content


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 -- plain text, not HTML; all values have gone through wording.shown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
