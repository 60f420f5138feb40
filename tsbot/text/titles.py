"""Names as MediaWiki writes them."""

from __future__ import annotations

USER_PAGES = (2, 3)
"""Namespaces of user pages and their talk pages."""


def canonical_name(name: str) -> str:
    """A user name as events carry it: spaces for underscores, the first letter a capital (MediaWiki, ``UserNameUtils``)."""
    name = " ".join(name.replace("_", " ").split())
    return name[:1].upper() + name[1:]


def page_owner(title: str, namespace: int | None) -> str:
    """Whose user page, user talk page or subpage of these a page is; empty for all other pages."""
    if namespace not in USER_PAGES:
        return ""
    return canonical_name(title.partition(":")[2].partition("/")[0])
