"""Titles with English namespace names, whatever the wiki's language: so evidence knows user space and talk pages everywhere.

MediaWiki accepts the English names on every wiki, so links work too (mediawiki.org, Manual:Namespace_constants).
"""

from __future__ import annotations

SPACES = {
    1: "Talk", 2: "User", 3: "User talk", 4: "Project", 5: "Project talk", 6: "File", 7: "File talk", 8: "MediaWiki",
    9: "MediaWiki talk", 10: "Template", 11: "Template talk", 12: "Help", 13: "Help talk", 14: "Category", 15: "Category talk",
}  # fmt: skip
LONGEST = 320


def canonical(namespace: int | None, title: str) -> str:
    """A title as the wiki writes it, with the English name of its namespace where it is one that all wikis have."""
    name = SPACES.get(namespace or 0)
    rest = title.partition(":")[2] if name and ":" in title else ""
    return (f"{name}:{rest}" if rest else title)[:LONGEST]


def twin(title: str) -> str | None:
    """The talk page of a page, or the page of a talk page; None for pages of namespaces that not all wikis have."""
    space, colon, rest = title.partition(":")
    if not colon or space not in SPACES.values():
        return f"Talk:{title}"
    if space == "Talk":
        return rest
    return f"{space.removesuffix(' talk')}:{rest}" if space.endswith(" talk") else f"{space} talk:{rest}"
