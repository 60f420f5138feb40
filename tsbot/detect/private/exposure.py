"""Whose a personal datum is: an organisation's, which everybody may know, or somebody's private one."""

from __future__ import annotations

import re

from tsbot.detect.private.cues import Words, lower_case, number_cues
from tsbot.detect.private.spans import Exposure, Label, PersonalSpan

CONTENT = frozenset((0, 6, 10, 14, 100, 828))
"""Namespaces of articles, files, templates, categories, portals and modules: their parameters describe public things."""
_PARAMETER = re.compile(r"(?:^|\n|\{\{|\|)\s{0,9}[|{]?\s{0,9}[\w .-]{1,40}=\s{0,9}[^|\n={}]{0,80}$")
_FREE = re.compile(r"(?:\+?1[-. (]{0,2}|0|00|\+\d{1,3}[-. (]{0,2})?\(?(?:800|808|8[0-9]00|888|877|866|855|844|833|900|0800|0180|1800|1300)\)?(?!\d)")
_OFFICE = re.compile(r"(?:info|contact|kontakt|contacto|office|press|presse|support|help|admin|webmaster|sales|service|mail|noreply|no-reply|enquiries|inquiries|legal|privacy|abuse|postmaster|editor|redaktion|secretariat|oversight[\w-]*|stewards[\w-]*|permissions[\w-]*|[\w-]{2,20})@(?:[\w-]{1,40}\.){0,3}(?:wikimedia|wikipedia|gov|gob|gouv|example)\.?|(?:info|contact|kontakt|contacto|office|press|presse|support|help|admin|webmaster|sales|service|noreply|no-reply|enquiries|inquiries|legal|privacy|abuse|postmaster|editor|redaktion)@", re.IGNORECASE)
_NEAR = 60
"""Characters before a datum in which words say whose it is."""


def exposure(text: str, span: PersonalSpan, namespace: int | None = None, words: Words | None = None) -> Exposure:
    """Whose a datum is, by the raw text around it.

    ``namespace`` is MediaWiki's number of the page's namespace, where known; ``words`` are the text's cues, where already read.
    The nearest words decide: "her home number is 555-0100" is private also where "the museum" stands further away.
    """
    found = words if words is not None else number_cues().read(lower_case(text))
    value = text[span.start : span.end]
    if span.label is Label.PHONE and _FREE.match(value):
        return Exposure.PUBLIC
    if span.label is Label.EMAIL and _OFFICE.match(value):
        return Exposure.PUBLIC
    line = text[max(0, span.start - 140) : span.start]
    if (namespace is None or namespace in CONTENT) and _PARAMETER.search(line[-100:]):
        return Exposure.PUBLIC
    private = found.last("private", span.start, _NEAR)
    public = found.last("public", span.start, _NEAR)
    if private is not None and (public is None or private[1] >= public[1]):
        return Exposure.PRIVATE
    if public is not None or found.after("public", span.end, 20):
        return Exposure.PUBLIC
    if namespace in CONTENT and span.label in (Label.PHONE, Label.EMAIL, Label.ADDRESS, Label.URL):
        return Exposure.UNKNOWN
    if found.after("private", span.end, 14):
        return Exposure.PRIVATE
    return Exposure.UNKNOWN


def is_public_contact(text: str, span: PersonalSpan, namespace: int | None = None) -> bool:
    """Whether a datum is an infobox's, a contact page's, an authority's, or one that everybody may call or write to."""
    return exposure(text, span, namespace) is Exposure.PUBLIC
