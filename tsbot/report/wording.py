"""What a letter says in words: names made safe to show, what the software read, what is known of an account."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from tsbot.cases.flag import Flag, FlagContent
from tsbot.detect.finding import Coverage, Kind
from tsbot.text.passage import Field
from tsbot.wiki.types import AccountStatus

JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: parts of the spelling of names in several scripts."""
NAME_CHARS = 300
NEW_ACCOUNT_DAYS = 4
NEW_ACCOUNT_EDITS = 10
"""What MediaWiki's ``autoconfirmed`` group asks for on most wikis: account older than four days, ten edits."""
ENDLESS = frozenset(("infinity", "infinite", "indefinite", "never"))
"""How MediaWiki writes an expiry that never comes (``ExpiryDef``)."""
NOT_KNOWN = "not known"

INCIDENT_TYPES: dict[Kind, str] = {
    Kind.MASS_VIOLENCE: "threats-public-harm",
    Kind.VIOLENCE: "threats-physical-harm",
    Kind.SEXUAL_VIOLENCE: "threats-physical-harm",
    Kind.SELF_HARM: "threats-self-harm",
    Kind.DOXING: "doxing",
    Kind.HARASSMENT: "intimidation",
    Kind.LEGAL: "other",
    Kind.ATTACK_NAME: "other",
    Kind.MINORS: "other",
}
"""``physicalHarmType`` and ``behaviorType`` of the ReportIncident extension (``POST /reportincident/v0/report``)."""

KIND_WORDS: dict[Kind, str] = {
    Kind.MASS_VIOLENCE: "a threat of violence against many",
    Kind.VIOLENCE: "a threat of violence against a person",
    Kind.SEXUAL_VIOLENCE: "a threat of sexual violence",
    Kind.SELF_HARM: "signs that somebody may harm themselves",
    Kind.MINORS: "matter that concerns the safety of minors",
    Kind.DOXING: "private personal information",
    Kind.LEGAL: "a legal threat",
    Kind.ATTACK_NAME: "a name that attacks somebody",
    Kind.HARASSMENT: "harassment",
}

PLACES: dict[Field, str] = {
    Field.TEXT: "text that an edit added",
    Field.SUMMARY: "an edit summary",
    Field.TITLE: "a page title",
    Field.USER: "a user name",
    Field.COMMENT: "the comment of a log entry",
}

STANCES = {
    "intent": "It reads as an announcement of one's own.",
    "wish": "It reads as a wish.",
    "incitement": "It reads as a call to others.",
    "report": "It reads as an account of what others said.",
}


def shown(text: str, limit: int = NAME_CHARS) -> str:
    """``text`` on one line, with invisible and direction-changing characters written out by their number."""
    safe = "".join(_shown(char) for char in text[:limit])
    return safe + ("…" if len(text) > limit else "")


def _shown(char: str) -> str:
    return f"\\u{{{ord(char):X}}}" if misleading(char) else char


def misleading(char: str) -> bool:
    """Whether a character shows as nothing, or changes how its neighbours show: controls, marks of direction, unassigned ones."""
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") and char not in JOINERS


def quoted(text: str) -> tuple[str, ...]:
    """A quotation, line by line, each safe to show."""
    return tuple(shown(line, limit=len(line)) for line in text.replace("\r\n", "\n").split("\n"))


def moment(seconds: float) -> str:
    """A time for people of all zones: ``2026-01-31 12:34:56 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def details(flag: Flag, content: FlagContent) -> tuple[str, ...]:
    """What the software read, in sentences. Not a judgement on whether it is meant."""
    named = [
        words
        for said, words in (
            (content.target >= 3, "the author themselves" if flag.kind is Kind.SELF_HARM else "a specific person"),
            (content.target == 2, "a group, a place or a public figure"),
            (content.when, "a time"),
            (content.where, "a place"),
            (content.how, "a means"),
            (content.ability, "an ability to do it"),
        )
        if said
    ]
    lines = [f"The software reads {KIND_WORDS[flag.kind]} in {PLACES[flag.field]}."]
    if named:
        lines.append(f"It seems to name {', '.join(named)}.")
    if content.stance in STANCES:
        lines.append(STANCES[content.stance])
    if content.conditional:
        lines.append("It is put as a condition.")
    if flag.coverage != Coverage.SCORED:
        able = "judges this language poorly" if flag.coverage == Coverage.WEAK else "cannot judge this language"
        lines.append(f"The software {able} ({shown(flag.language)}): somebody who reads it should look.")
    return tuple(lines)


def account_lines(status: AccountStatus | None, content: FlagContent, event_time: float) -> tuple[str, ...]:
    """What is known of the account, unknown things said as such. ``status`` is None where the wiki was not asked."""
    if content.user is None:
        return ("The wiki does not show the account.",)
    known = status or AccountStatus()
    registered = _parsed(known.registered) or content.user_registered
    edits = known.edit_count if known.edit_count is not None else content.user_edit_count
    lines = [f"Account: {_account_type(known, content)}"]
    if known.exists is not False:
        lines += [f"Blocked: {_block(known)}", f"Globally locked: {_answer(known.locked)}"]
    if not known.anonymous:
        lines += [
            f"Registered: {moment(registered) if registered is not None else NOT_KNOWN}",
            f"Edits on this wiki: {edits if edits is not None else NOT_KNOWN}",
            f"New account: {_answer(_is_new(registered, edits, event_time))}",
        ]
    if known.groups:
        lines.append(f"Groups: {', '.join(shown(group) for group in known.groups)}")
    if known.exists is None and known.blocked is None:
        lines.append("The wiki could not be asked when this was written; what stands here comes from the edit itself.")
    return tuple(lines)


def _account_type(status: AccountStatus, content: FlagContent) -> str:
    if status.anonymous:
        return "not logged in"
    if status.temporary or content.user_is_temp:
        return "temporary"
    if status.exists is False:
        return "does not exist under this name (any more)"
    return "registered" if status.exists or content.user_is_temp is False else NOT_KNOWN


def _block(status: AccountStatus) -> str:
    if not status.blocked or not status.block_expiry:
        return _answer(status.blocked)
    return "yes, without end" if status.block_expiry in ENDLESS else f"yes, until {shown(status.block_expiry)}"


def _is_new(registered: float | None, edits: int | None, at: float) -> bool | None:
    if (registered is not None and at - registered < NEW_ACCOUNT_DAYS * 86400) or (edits is not None and edits < NEW_ACCOUNT_EDITS):
        return True
    return None if registered is None and edits is None else False


def _answer(value: bool | None) -> str:
    return NOT_KNOWN if value is None else "yes" if value else "no"


def _parsed(text: str | None) -> float | None:
    """Seconds since the epoch of an ISO 8601 time."""
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
