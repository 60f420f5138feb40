"""What a letter says in words: names made safe to show, what the software read, what is known of an account.

Sentences are phrases (:class:`tsbot.i18n.voice.Phrase`): which message, with which values. They become words in the language of
whoever reads the letter.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from tsbot.cases.flag import EXCERPT_CHARS, Flag, FlagContent
from tsbot.detect.finding import Coverage, Kind
from tsbot.i18n.voice import Phrase
from tsbot.wiki.types import AccountStatus

JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiner: parts of the spelling of names in several scripts."""
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and symbols that show as nothing: fillers of Hangul, the empty Braille pattern, and the like."""
NAME_CHARS = 300
QUOTED_LINES = 200
QUOTED_WIDTH = 100
"""A quotation is broken into lines of so many characters, so that no program breaks it where its mark is missing."""
NEW_ACCOUNT_DAYS = 4
NEW_ACCOUNT_EDITS = 10
"""What MediaWiki's ``autoconfirmed`` group asks for on most wikis: account older than four days, ten edits."""
ENDLESS = frozenset(("infinity", "infinite", "indefinite", "never"))
"""How MediaWiki writes an expiry that never comes (``ExpiryDef``)."""
NOT_KNOWN = Phrase("not-known")
READS = "reads-"
"""How the keys of the messages begin that say which kind the software read: the category, and nothing of the text."""

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

STANCES = ("intent", "wish", "incitement", "report")

_SCHEME = re.compile(r"(?<=[A-Za-z0-9])://|www\.", re.IGNORECASE)
_ARMOUR = re.compile(r"-{4,}")


def shown(text: str, limit: int = NAME_CHARS) -> str:
    """``text`` on one line, with invisible and direction-changing characters written out by their number."""
    safe = "".join(_shown(char) for char in text[:limit])
    return safe + ("…" if len(text) > limit else "")


def _shown(char: str) -> str:
    return f"\\u{{{ord(char):X}}}" if misleading(char) else char


def misleading(char: str) -> bool:
    """Whether a character shows as nothing, or changes how its neighbours show: controls, marks of direction, unassigned ones."""
    if char in BLANKS:
        return True
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") and char not in JOINERS


def named(text: str) -> str:
    """A stranger's name for a letter: on one line, short, without what mail programs would act on."""
    return harmless(re.sub(r" {3,}", "  ", shown(text)))


def harmless(text: str) -> str:
    """Text that no mail program makes a link of or takes for armour (``-----BEGIN PGP``): ``https[:]//``, ``www[.]``, ``-- --``."""
    broken = _SCHEME.sub(lambda match: "[:]//" if match[0].startswith(":") else match[0][:-1] + "[.]", text)
    return _ARMOUR.sub(lambda match: " ".join(re.findall("--?", match[0])), broken)


def quoted(text: str) -> tuple[str, ...]:
    """A quotation, line by line, each safe to show and short; what is beyond a letter's measure is cut."""
    whole = text[:EXCERPT_CHARS].replace("\r\n", "\n").split("\n")
    lines: list[str] = []
    for line in (harmless(shown(line, limit=len(line))) for line in whole):
        lines.append(line[:QUOTED_WIDTH])
        lines += ["  " + line[start : start + QUOTED_WIDTH] for start in range(QUOTED_WIDTH, len(line), QUOTED_WIDTH)]
    cut = len(text) > EXCERPT_CHARS or len(lines) > QUOTED_LINES
    return (*lines[:QUOTED_LINES], *(["…"] if cut else []))


def moment(seconds: float) -> str:
    """A time for people of all zones and languages: ``2026-01-31 12:34:56 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def details(flag: Flag, content: FlagContent) -> tuple[Phrase, ...]:
    """What the software read, in sentences. Not a judgement on whether it is meant."""
    about = tuple(
        Phrase(key)
        for said, key in (
            (content.target >= 3, "named-author" if flag.kind is Kind.SELF_HARM else "named-person"),
            (content.target == 2, "named-group"),
            (content.when, "named-time"),
            (content.where, "named-place"),
            (content.how, "named-means"),
            (content.ability, "named-ability"),
        )
        if said
    )
    lines = [Phrase(READS + flag.kind), Phrase(f"stands-in-{flag.field}")]
    if about:
        lines.append(Phrase("names", (about,)))
    if content.stance in STANCES:
        lines.append(Phrase(f"stance-{content.stance}"))
    if content.conditional:
        lines.append(Phrase("conditional"))
    if flag.coverage != Coverage.SCORED:
        lines.append(Phrase("language-weak" if flag.coverage == Coverage.WEAK else "language-unscored", (shown(flag.language) or "und",)))
    return tuple(lines)


def account_lines(status: AccountStatus | None, content: FlagContent, event_time: float) -> tuple[Phrase, ...]:
    """What is known of the account, unknown things said as such. ``status`` is None where the wiki was not asked."""
    if content.user is None:
        return (Phrase("account-hidden"),)
    known = status or AccountStatus()
    registered = _parsed(known.registered) or content.user_registered
    edits = known.edit_count if known.edit_count is not None else content.user_edit_count
    lines = [Phrase("account", (_account_type(known, content),))]
    if known.exists is not False:
        lines += [Phrase("blocked", (_block(known),)), Phrase("locked", (_answer(known.locked),))]
    if not known.anonymous:
        lines += [
            Phrase("registered", (moment(registered) if registered is not None else NOT_KNOWN,)),
            Phrase("edits", (edits if edits is not None else NOT_KNOWN,)),
            Phrase("new-account", (_answer(_is_new(registered, edits, event_time)),)),
        ]
    if groups := ", ".join(named(group) for group in known.groups if group):
        lines.append(Phrase("groups", (groups,)))
    if known.exists is None and known.blocked is None:
        lines.append(Phrase("account-not-asked"))
    return tuple(lines)


def _account_type(status: AccountStatus, content: FlagContent) -> Phrase:
    if status.anonymous:
        return Phrase("account-anonymous")
    if status.temporary or content.user_is_temp:
        return Phrase("account-temporary")
    if status.exists is False:
        return Phrase("account-gone")
    return Phrase("account-registered") if status.exists or content.user_is_temp is False else NOT_KNOWN


def _block(status: AccountStatus) -> Phrase:
    if not status.blocked or not status.block_expiry:
        return _answer(status.blocked)
    return Phrase("yes-endless") if status.block_expiry in ENDLESS else Phrase("yes-until", (shown(status.block_expiry),))


def _is_new(registered: float | None, edits: int | None, at: float) -> bool | None:
    if (registered is not None and at - registered < NEW_ACCOUNT_DAYS * 86400) or (edits is not None and edits < NEW_ACCOUNT_EDITS):
        return True
    return None if registered is None and edits is None else False


def _answer(value: bool | None) -> Phrase:
    return NOT_KNOWN if value is None else Phrase("yes" if value else "no")


def _parsed(text: str | None) -> float | None:
    """Seconds since the epoch of an ISO 8601 time."""
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
