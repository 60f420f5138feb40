"""Personal data in raw text, cheap where there is none.

::

    find_personal("Call her at +49 30 901820")  ->  [PersonalSpan(12, 25, Label.PHONE, Exposure.PRIVATE)]

Most texts have neither digits in a row, nor ``@``, nor two capitalised words of a name: one scan tells, and nothing more is
done. Every step is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from tsbot.detect.private.addresses import addresses
from tsbot.detect.private.cues import Words, given_names, lower_case, name_cues, number_cues
from tsbot.detect.private.exposure import exposure
from tsbot.detect.private.names import names
from tsbot.detect.private.numbers import bank, births, emails, hosts, identity_numbers, phones
from tsbot.detect.private.spans import Label, PersonalSpan, without_overlaps

_LONG_NUMBER = re.compile(r"\d[\dA-Z .()/\-+\u00a0\u2010-\u2015\uff0d]{3}")
_AT = re.compile(r"[\[({](?:at|AT|arroba)[\])}]")
_HOST = re.compile(r"\d\.\d{1,3}\.\d|[0-9A-Fa-f]:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]")
_DIGIT = re.compile(r"\d")
_URL = re.compile(r"https?://[^\s<>\[\]|\"]{4,300}")
_PROFILE = re.compile(r"https?://(?:[\w-]{1,20}\.){0,3}(?:facebook|fb|instagram|twitter|x|linkedin|vk|ok|tiktok|snapchat|t|weibo|threads)\.(?:com|ru|me|cn|net)/")


def find_personal(text: str, language: str = "und", *, namespace: int | None = None) -> list[PersonalSpan]:
    """Personal data in a text: sorted, not overlapping, each with whose it seems to be.

    ``language`` is an ISO 639 code: numbers without a country code are looked for in its countries. ``namespace`` is that of
    the page, where known. Raises ``PackError`` where the tables that come with tsbot are damaged.
    """
    lowered = lower_case(text)
    named = name_cues().read(lowered)
    words = number_cues().read(lowered) if _DIGIT.search(text) or "corner of" in text else None
    spans = without_overlaps(_all(text, language, words, named))
    if words is None and any(span.label is not Label.NAME for span in spans):
        words = number_cues().read(lowered)
    return [replace(span, exposure=exposure(text, span, namespace, words or named)) for span in spans]


def _all(text: str, language: str, words: Words | None, named: Words) -> Iterator[PersonalSpan]:
    """Every candidate, the surest sorts first."""
    if "@" in text or " dot " in text or ((")" in text or "]" in text or "}" in text) and _AT.search(text)):
        yield from emails(text)
    if words is not None:
        links = [match.span() for match in _URL.finditer(text)] if "://" in text else []
        yield from (span for span in _numbers(text, language, words) if not _within(span, links))
    if "://" in text:
        yield from _profiles(text, words)
    yield from names(text, named, given_names())


def _numbers(text: str, language: str, words: Words) -> Iterator[PersonalSpan]:
    if _HOST.search(text):
        yield from hosts(text)
    long = _LONG_NUMBER.search(text) is not None
    if long:
        yield from births(text, words)
        yield from bank(text, words)
        yield from identity_numbers(text, words)
    places = list(addresses(text, words))
    yield from (place for place in places if place.end - place.start > 12)
    if long:
        yield from phones(text, language, words)
    yield from places


def _within(span: PersonalSpan, links: list[tuple[int, int]]) -> bool:
    place = bisect_right(links, (span.start, len(links) + span.end)) - 1
    return place >= 0 and span.start < links[place][1]


def _profiles(text: str, words: Words | None) -> Iterator[PersonalSpan]:
    found = words if words is not None else number_cues().read(lower_case(text))
    for match in _URL.finditer(text):
        if _PROFILE.match(match.group()) and (found.before("private", match.start()) or found.before("profile", match.start())):
            yield PersonalSpan(match.start(), match.end(), Label.URL)
