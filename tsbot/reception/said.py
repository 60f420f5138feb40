"""What a person reports: their words, and what they may add. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from tsbot.errors import InputError, ReceptionError
from tsbot.referral.entry import MAIL
from tsbot.wiki.links import Target, parse_link

LONGEST = 5_000_000
"""Characters of a report. Longer ones are asked to be sent in parts, and stay in the form."""
LONGEST_FIELD = 2_000
MOST_LINKS = 50
ABOUT = ("", "self", "other")
_LINK = re.compile(r"https?://[^\s<>\"'|\]}]{1,2000}")
_TRAILING = ".,;:!?)’”»"
_COUNTRY = re.compile(r"[A-Z]{2}")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the person gave it; all but the text may be empty."""

    text: str
    about: str = ""
    """``self``, ``other``, or not said."""
    accused: str = ""
    """Account whose acts it is about."""
    target: str = ""
    """Account of who is harmed. Of a report by somebody else: whom to ask privately before anything is done."""
    links: str = ""
    mail: str = ""
    """Where they can be reached by mail."""
    account: str = ""
    """Their own account on a wiki, if they gave one."""
    hope: str = ""
    """What they hope for."""
    country: str = ""
    """Where they are, as two letters."""
    research: bool = False
    vouched: bool = False
    """Whether a wiki said that the account is theirs: they signed in to say so."""
    key: str = ""
    """OpenPGP key that answers to ``mail`` are encrypted to, armoured or in base64; empty for none."""
    remarks: tuple[str, ...] = ()
    """What we say about how it came in: attachments that were not taken, a message that could not be decrypted."""


def checked(said: Said) -> Said:
    """A report that can be taken. Raises ``ReceptionError`` with the reason for the person."""
    if not any(not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf") for char in said.text):
        raise ReceptionError("empty", "The report is empty.")
    if len(said.text) > LONGEST:
        raise ReceptionError("long", f"The report is longer than {LONGEST:,} characters.")
    if said.mail and not MAIL.fullmatch(said.mail):
        raise ReceptionError("mail", "The mail address is none.")
    short = {name: getattr(said, name)[:LONGEST_FIELD] for name in ("accused", "target", "links", "account", "hope")}
    return msgspec.structs.replace(
        said,
        text=clean(said.text),
        about=said.about if said.about in ABOUT else "",
        country=said.country if _COUNTRY.fullmatch(said.country) else "",
        **{name: clean(value) for name, value in short.items()},
    )


def clean(text: str) -> str:
    """A text that can be stored: half characters and NUL are replaced, line ends are one character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def addresses(said: Said) -> tuple[str, ...]:
    """The addresses in a report, in their order, each once."""
    found = (match.group().rstrip(_TRAILING) for part in (said.links, said.text[:200_000]) for match in _LINK.finditer(part))
    return tuple(dict.fromkeys(found))[:MOST_LINKS]


def targets(said: Said) -> Iterator[tuple[str, Target]]:
    """Those of the addresses that are about a revision, a difference or a log entry."""
    for address in addresses(said):
        try:
            yield address, parse_link(address)
        except InputError:
            continue
