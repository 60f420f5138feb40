"""Answers to people by situation: drafts, guidance for who writes them, and what they do."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from tsbot.datafiles import data_file
from tsbot.errors import SettingsError
from tsbot.reception.hearing import DAY, Hearing
from tsbot.reception.words import FIRST, I18N, day, shipped_words, voice_for

SHIPPED = Path(__file__).with_name("situations.toml")
DATED = frozenset(("received", "delayed"))
"""Situations whose draft names the date of the next news."""
CHECKLIST = (
    "Who asks, and did they prove it by a way of their own? A name on a mail proves nothing.",
    "Is there a duty to answer (a court's order, a data protection request)? Then it goes to the legal team first.",
    "Would a yes or a no already tell that there is a case? Then say neither.",
    "Does the answer reveal reporter, target, evidence, handlers, or what was done to whom?",
    "Does a second person agree that private data leaves? It is `disclose` in docs/cases.md, and stands in the register.",
    "Is what was told written down on the case, with to whom and why?",
)
"""What to go through before anybody outside is answered about a case."""


class Situation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One situation."""

    guidance: Annotated[tuple[str, ...], Meta(min_length=1)]
    news_days: Annotated[float, Meta(ge=0)] = 0
    ends: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    situations: dict[str, Situation]


def load_situations(path: Path = SHIPPED) -> dict[str, Situation]:
    """Read the table. Raises ``SettingsError`` that names the entry that is wrong."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).situations
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path.name}: {error}.") from error
    for name, one in table.items():
        if f"{FIRST}answer-{name}" not in shipped_words().keys:
            raise SettingsError(f"{path.name}: {name}: there is no message {FIRST}answer-{name}.")
        if one.ends == bool(one.news_days):
            raise SettingsError(f"{path.name}: {name}: either it ends, or there are news by some day.")
    return table


@data_file("situations", SHIPPED, I18N)
def shipped_situations() -> dict[str, Situation]:
    """The table of the package."""
    return load_situations()


def draft(name: str, hearing: Hearing, now: float) -> str:
    """The canned answer in the person's language. Raises ``KeyError`` for an unknown situation."""
    situation = shipped_situations()[name]
    voice = voice_for(hearing.language)
    values = (day(voice, now + situation.news_days * DAY),) if name in DATED else ()
    return str(voice.say(f"{FIRST}answer-{name}", *values))
