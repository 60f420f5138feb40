"""What a personal datum in a text is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Label(StrEnum):
    """What sort of datum."""

    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    IP = "ip"
    IDENTITY_NUMBER = "identity_number"
    """Of a person, a passport, a driver's licence or a car."""
    BANK = "bank"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    URL = "url"
    """Of somebody's profile elsewhere."""


class Exposure(StrEnum):
    """Whose datum it is, as far as the text tells."""

    PRIVATE = "private"
    """Words of somebody's private life stand before it ("her home number is")."""
    PUBLIC = "public"
    """An organisation's contact, a template's parameter, a number that everybody may call."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """A personal datum; offsets in code points, end exclusive."""

    start: int
    end: int
    label: Label
    exposure: Exposure = Exposure.UNKNOWN


def without_overlaps(spans: Iterable[PersonalSpan]) -> list[PersonalSpan]:
    """Spans in order; of two that overlap the one that comes first among the given, so the surest sorts are given first."""
    starts: list[int] = []
    kept: list[PersonalSpan] = []
    for span in spans:
        place = bisect_left(starts, span.start)
        after = place == 0 or kept[place - 1].end <= span.start
        before = place == len(kept) or span.end <= kept[place].start
        if after and before and span.start < span.end:
            starts.insert(place, span.start)
            kept.insert(place, span)
    return kept
