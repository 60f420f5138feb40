"""What a file of the directory holds: places of help and emergency numbers, each with its source and whether a person confirmed it."""

from __future__ import annotations

import datetime
import re
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from babel import Locale, UnknownLocaleError
from msgspec import Meta

FRESH_DAYS = 365
"""An entry that was last looked at longer ago is stale."""
PHONE = re.compile(r"[+*#(]?[0-9][0-9 ()*#/-]{0,24}")
MAIL = re.compile(r"[A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}")
COUNTRY = re.compile(r"[A-Z]{2}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2,8})?")
ONE_LINE = 120


class Offer(StrEnum):
    """What a place of help is for."""

    CRISIS = "crisis"
    """Somebody to talk to, at once, for who cannot go on."""
    VICTIM = "victim"
    """Support for those whom somebody does harm."""
    WOMEN = "women"
    """The same, for women and on violence in the family."""
    CHILDREN = "children"
    """For children and the young."""
    DIGITAL = "digital"
    """Safety of accounts, devices and what stands about somebody on the net."""
    LEGAL = "legal"
    """Advice on the law, and legal aid."""
    DIRECTORY = "directory"
    """A list of places of help in many countries."""


class Help(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place of help."""

    offers: Annotated[tuple[Offer, ...], Meta(min_length=1)]
    source: str
    """Where what stands here was read."""
    checked: datetime.date
    """When it was last looked at."""
    confirmed: bool
    """Whether a person confirmed it with the place itself, or on its own page."""
    name: str = ""
    """Its own name; without one it is called by what it offers."""
    phone: str = ""
    mail: str = ""
    url: str = ""
    hours: str = ""
    """As ``24/7`` or ``Mo-Fr 09:00-17:00``; empty: not known."""
    languages: tuple[str, ...] = ()
    """Languages (ISO 639) that are spoken there; empty: those of the file."""
    note: str = ""
    """In the language of the place, one line."""

    def stale(self, today: datetime.date) -> bool:
        """Whether nobody has looked for too long."""
        return (today - self.checked).days > FRESH_DAYS

    def doubtful(self, today: datetime.date) -> bool:
        """Whether it must not be shown alone."""
        return self.stale(today) or not self.confirmed


class Emergency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers that are called when a life is in danger, that for medical help first."""

    numbers: Annotated[tuple[str, ...], Meta(min_length=1)]
    source: str
    checked: datetime.date
    confirmed: bool

    def stale(self, today: datetime.date) -> bool:
        """Whether nobody has looked for too long."""
        return (today - self.checked).days > FRESH_DAYS


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: a country, a language, or (neither) everywhere."""

    country: str = ""
    """ISO 3166-1, two capital letters."""
    language: str = ""
    """ISO 639, for places that serve those who speak it wherever they are."""
    languages: tuple[str, ...] = ()
    """Languages of the country, the most spoken first."""
    emergency: Emergency | None = None
    help: tuple[Help, ...] = ()

    @property
    def name(self) -> str:
        """The name that its file must have, without the ending."""
        return self.country.lower() or (f"language-{self.language}" if self.language else "everywhere")


def trouble(page: Page) -> str:
    """What is wrong with a file beyond what types tell; empty if nothing is."""
    if page.country and page.language:
        return "a file is for a country or for a language, not both"
    if page.country and not COUNTRY.fullmatch(page.country):
        return f"country: {page.country[:8]!a} is no two capital letters"
    if page.country and page.country not in Locale("en").territories:
        return f"country: there is no {page.country}"
    if page.emergency is not None and not page.country:
        return "emergency numbers are those of a country"
    for code in (page.language, *page.languages, *(code for one in page.help for code in one.languages)):
        if code and not _is_language(code):
            return f"there is no language {code[:16]!a}"
    if page.country and not page.languages:
        return "languages: name those of the country"
    if not page.help and page.emergency is None:
        return "it holds nothing"
    if page.emergency is not None:
        if wrong := [number for number in page.emergency.numbers if not PHONE.fullmatch(number)]:
            return f"emergency: {wrong[0][:24]!a} is no number"
        if not _is_address(page.emergency.source):
            return "emergency: the source is no https address"
    for number, one in enumerate(page.help, 1):
        if found := _help_trouble(one):
            return f"help, entry {number}: {found}"
    return ""


def _help_trouble(one: Help) -> str:
    if not (one.phone or one.mail or one.url):
        return "it has neither phone nor mail nor url"
    if one.phone and not PHONE.fullmatch(one.phone):
        return f"phone: {one.phone[:32]!a} is no number"
    if one.mail and not MAIL.fullmatch(one.mail):
        return "mail: that is no mail address"
    if one.url and not _is_address(one.url):
        return "url: that is no https address"
    if not _is_address(one.source):
        return "source: that is no https address"
    for name in ("name", "hours", "note"):
        value = getattr(one, name)
        if len(value) > ONE_LINE or not value.isprintable():
            return f"{name}: one line of at most {ONE_LINE} characters"
    return ""


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and text.isascii() and text.isprintable() and " " not in text


def _is_language(code: str) -> bool:
    if not LANGUAGE.fullmatch(code):
        return False
    try:
        return Locale("en").languages.get(code.partition("-")[0]) is not None
    except UnknownLocaleError:  # pragma: no cover - English is there
        return False
