"""In which language a page speaks: what the person chose, what the browser asks for, or English."""

from __future__ import annotations

import re
from pathlib import Path

from tsbot.datafiles import data_file
from tsbot.i18n.catalogue import KEYS_SHOWN, SHIPPED, SOURCE, Catalogue, load
from tsbot.trace.words import I18N as EVIDENCE

I18N = Path(__file__).with_name("i18n")
PROOF = "console-queue"
"""A language is one of the console's if it has this message."""
CODE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8}){0,3}", re.IGNORECASE)
MOST = 20
"""Languages of a browser that are looked at."""


@data_file("console_words", SHIPPED, EVIDENCE, I18N)
def shipped_words() -> Catalogue:
    """The console's messages with those of evidence and of the letters, which say what the software read and what is known of accounts."""
    return load(EVIDENCE, I18N)


def languages(catalogue: Catalogue) -> tuple[str, ...]:
    """The languages that the console speaks."""
    return tuple(sorted(code for code, one in catalogue.languages.items() if PROOF in one.messages))


def choose(catalogue: Catalogue, asked: str, preferred: str, accepted: str) -> str:
    """The language of a page: that of the address (``uselang``, also ``qqx``), of the preferences, of ``Accept-Language``; else English."""
    if asked == KEYS_SHOWN or (CODE.fullmatch(asked) and asked.lower() in catalogue.languages):
        return asked.lower()
    spoken = languages(catalogue)
    if preferred in spoken:
        return preferred
    for code in accepted_languages(accepted):
        found = next((one for one in catalogue.chain(code)[:-1] if one in spoken), None)
        if found is not None or code.partition("-")[0] == SOURCE:
            return found or SOURCE
    return SOURCE


def accepted_languages(header: str) -> list[str]:
    """The languages of ``Accept-Language``, the most wanted first (RFC 9110, 12.5.4)."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:MOST]):
        code, _, weight = part.strip().partition(";")
        number = re.fullmatch(r"\s*q\s*=\s*(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", weight) if weight else None
        if CODE.fullmatch(code.strip()):
            wanted.append((-float(number[1]) if number else -1.0, place, code.strip().lower()))
    return [code for weight, _, code in sorted(wanted) if weight]
