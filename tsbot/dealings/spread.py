"""Everywhere a phrase went: the pages that have it, which edit brought it to each, and in which order. And the archives of a talk page."""

from __future__ import annotations

from dataclasses import dataclass

from tsbot.dealings.asking import Pages
from tsbot.dealings.phrase import SHORTEST, Origin, find, folded
from tsbot.errors import InputError
from tsbot.wiki.history import PageRef

MOST_PAGES = 8
"""Pages on which its origin is sought; each costs as many requests as one phrase on one page."""
MOST_ARCHIVES = 200


@dataclass(frozen=True, slots=True)
class Spread:
    """Where a phrase is, and where it came from: the first is the earliest of all."""

    origins: tuple[Origin, ...]
    more: bool
    """Whether the wiki's search found more pages than were looked at."""


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive of a talk page."""

    page: PageRef
    has: bool | None
    """Whether the phrase stands in it now; None where nothing was sought, or its text is hidden."""


@dataclass(frozen=True, slots=True)
class Archives:
    """The archives of a talk page."""

    of: str
    found: tuple[Archive, ...]
    more: bool
    """Whether there are more than were looked at."""


def spread(wiki: Pages, rev_id: int, phrase: str) -> Spread:
    """Where a phrase that stands in a revision is on the whole wiki, as far as its search finds it. Raises as :func:`find`."""
    here = find(wiki, rev_id, phrase)
    pages = [page for page in wiki.containing(phrase, MOST_PAGES + 2) if page.page_id != here.page.page_id and page.current]
    origins = [here]
    for page in pages[:MOST_PAGES]:
        try:
            origins.append(find(wiki, page.current, phrase))
        except InputError:
            continue  # the search is not literal
    return Spread(tuple(sorted(origins, key=lambda one: (one.first.time, one.first.rev_id))), len(pages) > MOST_PAGES)


def archives(wiki: Pages, title: str, phrase: str = "") -> Archives:
    """The archives (subpages) of a talk page, the newest first; with a phrase, which of them have it. Raises ``InputError``."""
    wanted = folded(phrase)
    if wanted and len(wanted) < SHORTEST:
        raise InputError(f"A phrase has at least {SHORTEST} letters.")
    places = wiki.pages([title])
    if not places:
        raise InputError("There is no such page.")
    page = places[0]
    name = page.title.partition(":")[2] if page.namespace else page.title
    root = name.partition("/")[0]  # from within an archive, the others are its siblings
    found = wiki.prefixed(f"{root}/", page.namespace, MOST_ARCHIVES + 1)
    looked_at = found[:MOST_ARCHIVES]
    texts = dict(wiki.texts([one.current for one in looked_at if one.current])) if wanted else {}
    rows = []
    for one in sorted(looked_at, key=lambda ref: -ref.current):
        text = texts.get(one.current)
        rows.append(Archive(one, None if text is None else wanted in folded(text)))
    start = page.title[: len(page.title) - len(name)]
    return Archives(start + root, tuple(rows), len(found) > MOST_ARCHIVES)
