"""Names of countries in many languages, as CLDR has them."""

from __future__ import annotations

from functools import cache

from babel import Locale

LANGUAGES = "en de fr es pt it nl pl cs sl hr hu ro sv da nb fi tr id vi el ru uk bg ar fa he hi bn".split()  # noqa: SIM905 - as a list it is a page long
SHORTEST = 4
MOST_WORDS = 3


@cache
def country_names() -> frozenset[str]:
    """In small letters; those of up to three words."""
    names = (name.casefold() for language in LANGUAGES for code, name in Locale(language).territories.items() if len(code) == 2)
    return frozenset(name for name in names if len(name) >= SHORTEST and len(name.split()) <= MOST_WORDS)
