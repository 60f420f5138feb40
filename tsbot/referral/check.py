"""Whether the directory is as it should be: what is stale, what nobody confirmed, which emergency numbers a second source does not know."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from phonenumbers import PhoneMetadata, is_emergency_number

from tsbot.referral.directory import Directory


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be done about a directory that can be used as it is."""

    countries: int
    entries: int
    stale: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    contested: tuple[str, ...]
    """Emergency numbers that Google's libphonenumber does not list as such for the country: look at them first."""


def check(directory: Directory, today: datetime.date) -> Checked:
    """Look through a directory."""
    entries = list(directory.entries())
    contested = []
    for page in directory.pages.values():
        known = PhoneMetadata.short_metadata_for_region(page.country) if page.country else None
        for number in page.emergency.numbers if page.emergency and known else ():
            if not is_emergency_number(number.replace(" ", ""), page.country):
                contested.append(f"{page.name}: {number}")
    return Checked(
        countries=len(directory.countries),
        entries=len(entries),
        stale=tuple(name for name, one in entries if one.stale(today)),
        unconfirmed=tuple(name for name, one in entries if not one.confirmed),
        contested=tuple(sorted(contested)),
    )
