"""The accounts that are compared with one another, each edit read once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from tsbot.trace.activity import Account, Edit, seconds
from tsbot.trace.reading import Reading, read_edit
from tsbot.trace.skeleton import folded, spellings

_PREFIX = re.compile(r"^([^:/]{1,40}?)(?:[ _](talk))?:(?=\S)", re.IGNORECASE)
_USER_SPACE = re.compile(r"^user(?: talk)?:([^/#]+)", re.IGNORECASE)
_NAMESPACES = frozenset(
    (
        "talk", "user", "wikipedia", "project", "wp", "file", "image", "mediawiki", "template", "help", "category", "portal", "draft",
        "module", "book", "timedtext", "education program",
    )
)  # fmt: skip

_SEVERAL = 0.02
_WORD = re.compile(r"[^\W_]+")
_LEAST_NAME = 4
"""Letters of a spelling of a name that is taken out of texts where names are hidden."""
TITLES = 8_192
"""Titles of which it is remembered what they are: those of strangers come again with each question."""


@dataclass(frozen=True, slots=True)
class ReadEdit:
    """An edit with what was read from it."""

    edit: Edit
    reading: Reading
    subjects: tuple[str, ...]
    """``wiki|title`` of the pages without the difference of a page and its talk page."""
    own: bool
    """Whether it is in the account's own user space."""
    time: float
    """Seconds since 1970, UTC."""


@dataclass(frozen=True)
class Gallery:
    """Accounts in a fixed order; positions are what evidence works with."""

    accounts: Sequence[Account]
    names_shown: bool = True
    """Whether user names may be used as evidence. Where not, accounts' own names are taken out of what they wrote, too."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """``wiki|title`` of pages that are another page in another language (:mod:`tsbot.trace.sitelinks`)."""

    @property
    def size(self) -> int:
        """How many accounts."""
        return len(self.accounts)

    @cached_property
    def source(self) -> str:
        """``repository`` if edits often touch several pages at once, as no wiki's do; else ``wiki``. Evidence weighs differently there."""
        edits = sum(len(account.edits) for account in self.accounts)
        several = sum(len(edit.pages) > 1 for account in self.accounts for edit in account.edits)
        return "repository" if several > _SEVERAL * edits else "wiki"

    @cached_property
    def read(self) -> tuple[tuple[ReadEdit, ...], ...]:
        """Per account its edits, read."""
        accounts = self.accounts if self.names_shown else [_nameless(account) for account in self.accounts]
        return tuple(tuple(_read(account, edit, self.joined) for edit in account.edits) for account in accounts)


@lru_cache(maxsize=TITLES)
def subject(title: str) -> tuple[str, str]:
    """Namespace (subject side, lower case; empty for articles) and rest of a title."""
    match = _PREFIX.match(title)
    if match is None or match[1].lower() not in _NAMESPACES:
        return "", title
    space = match[1].lower()
    rest = title[match.end() :].strip()
    return ("" if space == "talk" else space), rest


@lru_cache(maxsize=TITLES)
def is_talk(title: str) -> bool:
    """Whether a title is one of a talk page."""
    match = _PREFIX.match(title)
    return bool(match and (match[2] or match[1].lower() == "talk"))


@lru_cache(maxsize=TITLES)
def owner(title: str) -> str:
    """User name in whose space a page is; empty if in none."""
    match = _USER_SPACE.match(title)
    return match[1].strip() if match else ""


def _nameless(account: Account) -> Account:
    """The account with its own name taken out of its summaries and texts, however spelt.

    Its pages in user space are left out by whom they belong to.
    """
    called = {word for word in (*spellings(account.name), *folded(account.name).split()) if len(word) >= _LEAST_NAME}

    def text(some: str) -> str:
        return _WORD.sub(lambda word: "" if folded(word[0]) in called else word[0], some)

    return replace(
        account,
        edits=tuple(
            replace(
                edit,
                summary=text(edit.summary),
                added=text(edit.added),
            )
            for edit in account.edits
        ),
    )


def _read(account: Account, edit: Edit, joined: Mapping[str, str]) -> ReadEdit:
    if len(edit.pages) == 1:  # as on all wikis
        (page,) = edit.pages
        key = f"{edit.wiki}|{_bare(page)}"
        return ReadEdit(edit, read_edit(edit), (joined.get(key, key),), owner(page) == account.name, seconds(edit))
    keys = dict.fromkeys(f"{edit.wiki}|{_bare(page)}" for page in edit.pages)
    subjects = tuple(dict.fromkeys(joined.get(key, key) for key in keys))
    own = bool(edit.pages) and all(owner(page) == account.name for page in edit.pages)
    return ReadEdit(edit, read_edit(edit), subjects, own, seconds(edit))


def _bare(title: str) -> str:
    space, rest = subject(title)
    return f"{space}:{rest}" if space else rest
