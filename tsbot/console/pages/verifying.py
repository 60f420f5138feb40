"""What is asked of wikis to verify a case: dealings of accounts, what was done against one, where words came from and went, archives.

Each is asked for a flag of the case, or for the accounts that a person named in a report. From public data; each look is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tsbot.cases.case import Case
from tsbot.cases.flag import Flag
from tsbot.console.console import Console
from tsbot.dealings.asking import Farm
from tsbot.dealings.everywhere import Everywhere, meet_everywhere, sanctions
from tsbot.dealings.meeting import Meeting, meet
from tsbot.dealings.phrase import Origin, find
from tsbot.dealings.spread import Archives, Spread, archives, spread
from tsbot.errors import InputError, WikiError
from tsbot.reception import hearing as hearings
from tsbot.reception.said import Said, targets
from tsbot.text.titles import page_owner


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified: an author and whom they may have met, on a wiki; and the words and page of a flag, if it is one."""

    wiki: str
    server_url: str
    author: str
    other: str
    rev_id: int = 0
    phrase: str = ""
    title: str = ""


def of_flag(flag: Flag, fields: dict[str, str]) -> Subject | None:
    """The subject that a flag is; None where its texts were destroyed."""
    content = flag.content
    if content is None:
        return None
    spans = [one for one in content.evidence if one.label == flag.kind.value] or list(content.evidence)
    phrase = content.excerpt[spans[0].start : spans[0].end] if spans else ""
    other = fields.get("other", "").strip() or page_owner(content.title or "", content.namespace or 0) or ""
    return Subject(flag.wiki, content.server_url, content.user or "", other, content.rev_id or 0, phrase, content.title or "")


def of_hearing(console: Console, case: Case, hearing: hearings.Hearing, fields: dict[str, str]) -> Subject | None:
    """The subject that a person's report is; None where it was destroyed."""
    with console.database.read() as connection:
        said = hearings.read_said(connection, console.database.key, hearing)
    if said is None:
        return None
    wiki, server = _wiki_of(console, case, said)
    other = fields.get("other", "").strip() or said.target or said.account
    return Subject(wiki, server, said.accused, other)


def _wiki_of(console: Console, case: Case, said: Said) -> tuple[str, str]:
    """The wiki that the first known link leads to, else that of the case."""
    for _, target in targets(said):
        if console.database_of is not None and (found := console.database_of(target.base)):
            return found, target.base
    return case.wiki, ""


Ask = Callable[[Farm, Subject], object]


def _asked(console: Console, what: str, subject: Subject | None, ask: Ask, *needed: str) -> dict[str, Any]:
    """An answer, or why there is none; ``needed`` are the fields of the subject without which nothing can be asked."""
    if console.farm is None or subject is None or not all(getattr(subject, name) for name in needed):
        return {"what": what, "found": None, "trouble": "none"}
    try:
        return {"what": what, "found": ask(console.farm, subject), "trouble": ""}
    except WikiError:
        return {"what": what, "found": None, "trouble": "down"}
    except InputError:
        return {"what": what, "found": None, "trouble": "none"}


def meeting(console: Console, subject: Subject | None, now: float) -> dict[str, Any]:
    """Where two accounts met on the wiki."""

    def ask(farm: Farm, one: Subject) -> Meeting:
        return meet(farm.open(one.wiki, one.server_url), one.author, one.other, now)

    return _asked(console, "meeting", subject, ask, "author", "other")


def everywhere(console: Console, subject: Subject | None, now: float) -> dict[str, Any]:
    """Where two accounts met on all wikis."""

    def ask(farm: Farm, one: Subject) -> Everywhere:
        return meet_everywhere(farm, (one.wiki, one.server_url), one.author, one.other, now)

    return _asked(console, "everywhere", subject, ask, "author", "other")


def sanctioned(console: Console, subject: Subject | None) -> dict[str, Any]:
    """What was done against the author."""
    return _asked(console, "sanctions", subject, lambda farm, one: sanctions(farm, (one.wiki, one.server_url), one.author), "author")


def origin(console: Console, subject: Subject | None) -> dict[str, Any]:
    """Which edit brought the words that a flag rests on."""

    def ask(farm: Farm, one: Subject) -> Origin:
        return find(farm.open(one.wiki, one.server_url), one.rev_id, one.phrase)

    return _asked(console, "origin", subject, ask, "rev_id", "phrase")


def spreading(console: Console, subject: Subject | None) -> dict[str, Any]:
    """Every page of the wiki that has the words."""

    def ask(farm: Farm, one: Subject) -> Spread:
        return spread(farm.open(one.wiki, one.server_url), one.rev_id, one.phrase)

    return _asked(console, "spread", subject, ask, "rev_id", "phrase")


def archived(console: Console, subject: Subject | None, fields: dict[str, str]) -> dict[str, Any]:
    """The archives of the page, and which of them have some words."""
    phrase = fields.get("phrase", "").strip()[:500]

    def ask(farm: Farm, one: Subject) -> Archives:
        return archives(farm.open(one.wiki, one.server_url), one.title, phrase)

    return _asked(console, "archives", subject, ask, "title")
