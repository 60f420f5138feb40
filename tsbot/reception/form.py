"""The fields of the public form."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec
from babel import Locale, UnknownLocaleError

from tsbot.reception.said import Said
from tsbot.reception.tokens import ONCE

FIELDS = ("text", "about", "accused", "target", "links", "mail", "account", "hope", "country", "research")


def said_of(fields: Mapping[str, str]) -> Said:
    """A report of what was typed."""

    def given(name: str) -> str:
        return fields.get(name, "").strip()

    return Said(
        text=fields.get("text", ""),
        about=given("about"),
        accused=given("accused"),
        target=given("target"),
        links=given("links"),
        mail=given("mail"),
        account=given("account"),
        hope=given("hope"),
        country=given("country"),
        research=given("research") == "1",
    )


def vouched(said: Said, account: str) -> Said:
    """A report of somebody of whom a wiki said which account is theirs; ``account`` is empty where none did. What they typed goes first."""
    if not account or said.account not in ("", account):
        return said
    return msgspec.structs.replace(said, account=account, vouched=True)


def once_of(fields: Mapping[str, str]) -> str:
    """The random value of the form; a new one where there is none, as for a form that a program made."""
    given = fields.get("once", "")
    return given if ONCE.fullmatch(given) else fresh()


def fresh() -> str:
    """A random value for a form."""
    return secrets.token_urlsafe(32)


def countries(language: str, codes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Countries to choose from, with their names in a language, in the order of the names."""
    try:
        locale = Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        locale = Locale("en")
    return sorted(((code, locale.territories.get(code, code)) for code in codes), key=lambda one: one[1].casefold())
