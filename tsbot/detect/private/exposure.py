"""Whose a personal datum is: an organisation's, which everybody may know, or somebody's private one."""

from __future__ import annotations

import re

from tsbot.detect.private.cues import Words, lower_case, number_cues
from tsbot.detect.private.spans import Exposure, Label, PersonalSpan

CONTENT = frozenset((0, 6, 10, 14, 100, 828))
"""Namespaces of articles, files, templates, categories, portals and modules: their parameters describe public things."""
_PARAMETER = re.compile(r"(?:^|\n|\{\{|\|)\s{0,9}[|{]?\s{0,9}[\w .-]{1,40}=\s{0,9}[^|\n={}]{0,80}$")
_FREE = re.compile(
    r"(?:\+?1[-. (]{0,2}|0|00|\+\d{1,3}[-. (]{0,2})?\(?(?:800|808|8[0-9]00|888|877|866|855|844|833|900|0800|0180|1800|1300)\)?(?!\d)"
)
_OFFICE = re.compile(
    r"(?:info|contact|kontakt|contacto|office|press|presse|support|help|admin|webmaster|sales|service|mail|noreply|no-reply|enquiries|"
    r"inquiries|legal|privacy|abuse|postmaster|editor|redaktion|secretariat|oversight[\w-]*|stewards[\w-]*|permissions[\w-]*|"
    r"[\w-]{2,20})@(?:[\w-]{1,40}\.){0,3}(?:wikimedia|wikipedia|gov|gob|gouv|example)\.?|(?:info|contact|kontakt|contacto|office|"
    r"press|presse|support|help|admin|webmaster|sales|service|noreply|no-reply|enquiries|inquiries|legal|privacy|abuse|postmaster|"
    r"editor|redaktion)@",
    re.IGNORECASE,
)
_NEAR = 60
"""Characters before a datum in which words say whose it is."""
_TOLD = 24
"""The same for names: "his real name is actually"."""
_BEHIND = 14
"""Characters behind a datum in which such words begin."""


def exposure(text: str, span: PersonalSpan, namespace: int | None = None, words: Words | None = None) -> Exposure:
    """Whose a datum is, by the raw text around it.

    ``namespace`` is MediaWiki's number of the page's namespace, where known; ``words`` are the text's cues, where already read.
    The nearest words decide: "her home number is 555-0100" is private also where "the museum" stands further away. A name or an
    IP address is private only where a secret is told ("his real name is"): talk pages are full of both.
    """
    found = words if words is not None else number_cues().read(lower_case(text))
    if span.label in (Label.NAME, Label.IP):
        told = found.before("reveal", span.start, _TOLD) or found.after("reveal", span.end, _BEHIND)
        return Exposure.PRIVATE if told else Exposure.UNKNOWN
    if _open_to_all(text, span, namespace):
        return Exposure.PUBLIC
    private = found.last("private", span.start, _NEAR)
    public = found.last("public", span.start, _NEAR)
    if private is not None and (public is None or private[1] >= public[1]):
        return Exposure.PRIVATE
    if public is not None or found.after("public", span.end, _BEHIND):
        return Exposure.PUBLIC
    return Exposure.PRIVATE if found.after("private", span.end, _BEHIND) else Exposure.UNKNOWN


def _open_to_all(text: str, span: PersonalSpan, namespace: int | None) -> bool:
    """Whether the form or the place of a datum says that it is meant for everybody."""
    value = text[span.start : span.end]
    if (span.label is Label.PHONE and _FREE.match(value)) or (span.label is Label.EMAIL and _OFFICE.match(value)):
        return True
    described = namespace is None or namespace in CONTENT
    return described and _PARAMETER.search(text, max(0, span.start - 100), span.start) is not None


def is_public_contact(text: str, span: PersonalSpan, namespace: int | None = None) -> bool:
    """Whether a datum is an infobox's, a contact page's, an authority's, or one that everybody may call or write to."""
    return exposure(text, span, namespace) is Exposure.PUBLIC
