"""What the public page and the mails say, in the person's language."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from babel.dates import format_date

from tsbot.console.words import accepted_languages
from tsbot.datafiles import data_file
from tsbot.i18n.catalogue import SHIPPED, SOURCE, Catalogue, load, own_name
from tsbot.i18n.voice import Voice
from tsbot.referral.directory import Referral, Shown

I18N = Path(__file__).with_name("i18n")
PROOF = "reception-title"
"""A language is one of the page's if it has this message."""
FIRST = "reception-"


@data_file("reception_words", SHIPPED, I18N)
def shipped_words() -> Catalogue:
    """The messages of the reception together with the others."""
    return load(I18N)


def languages(catalogue: Catalogue) -> tuple[tuple[str, str], ...]:
    """The languages that the page speaks, with what each calls itself."""
    codes = sorted(code for code, one in catalogue.languages.items() if PROOF in one.messages)
    return tuple((code, own_name(code)) for code in codes)


def voice_for(asked: str, accepted: str = "") -> Voice:
    """The language that was chosen, else the first of ``Accept-Language`` that the page speaks, else English."""
    words = shipped_words()
    spoken = {code for code, _ in languages(words)}
    if asked.lower() in spoken or asked == "qqx":
        return Voice(words, asked.lower())
    for wanted in (asked.lower(), *accepted_languages(accepted)):
        for code in words.chain(wanted)[:-1] if wanted else ():
            if code in spoken:
                return Voice(words, code)
        if wanted.partition("-")[0] == SOURCE:
            break
    return Voice(words, SOURCE)


def day(voice: Voice, seconds: float) -> str:
    """A date as people of the language write it."""
    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()
    code = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(voice.language, voice.language)
    try:
        return re.sub(r"\s*г\.$", "", format_date(date, "long", locale=code))  # the sentence has a full stop of its own
    except Exception:  # a language that CLDR has no dates for
        return date.isoformat()


def called(voice: Voice, shown: Shown) -> str:
    """What a place of help is called: its own name, else what it offers."""
    return shown.help.name or str(voice.say(f"{FIRST}offer-{shown.help.offers[0]}"))


def help_lines(voice: Voice, referral: Referral) -> list[str]:
    """The directory's answer as lines of a mail."""
    lines = []
    if referral.emergency:
        lines.append(str(voice.say(f"{FIRST}emergency-numbers", ", ".join(referral.emergency))))
    for some in (referral.near, referral.everywhere):
        for one in some:
            parts = [called(voice, one), one.help.phone, one.help.mail, one.help.url, one.help.hours]
            if one.doubtful:
                parts.append(str(voice.say(f"{FIRST}unconfirmed")))
            lines.append("- " + " · ".join(voice.alone(part) for part in parts if part))
    return lines
