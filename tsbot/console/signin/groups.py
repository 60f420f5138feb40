"""The groups of a person, asked of the wikis as nobody in particular: our own account's rights must not show them more.

With CentralAuth: ``meta=globaluserinfo`` by central id (mediawiki.org, API:Globaluserinfo; per-wiki groups stand in ``merged``), then
``list=users`` (API:Users) on each wiki where a group counts, because only that wiki says who is blocked there. Without: ``list=users`` of
the one wiki that signed the person in.

What cannot be told is refused (``WikiError``); who is locked, blocked, hidden or gone is in no group, whatever the settings say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tsbot.console.access import Groups, Matrix
from tsbot.console.people import Person
from tsbot.errors import UnknownWikiError, WikiError, WikiUnavailableError
from tsbot.wiki.api import Api, Data

MOST_WIKIS = 50
"""Wikis that are asked about one person. Nobody is an oversighter on more; if somebody is, those beyond do not count."""

_Found = tuple[dict[str, frozenset[str]], frozenset[str], str]
"""Groups by wiki, global groups, name."""


@dataclass(frozen=True)
class WikiGroups:
    """Asks for groups; see :class:`tsbot.console.people.AskGroups`. Safe to share between threads."""

    api: Api
    """One that is nobody (:func:`tsbot.wiki.session.own_session`)."""
    central_wiki: str
    matrix: Matrix
    named: Mapping[str, frozenset[str]]
    """Subjects to whom the settings give a role, by role."""
    clock: Callable[[], float]

    def __call__(self, person: Person) -> Groups:
        """The groups of somebody. Raises ``WikiError`` where a wiki does not answer, or answers what cannot be understood."""
        wiki, colon, identity = person.subject.rpartition(":")
        try:
            found = self._of_wiki(wiki, identity) if colon else self._of_all_wikis(person.subject)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise WikiUnavailableError("The wiki's answer about groups has an unknown shape.") from error
        nobody = Groups({}, at=self.clock())
        if found is None:
            return nobody
        local, everywhere, name = found
        named = frozenset(role for role, subjects in self.named.items() if person.subject in subjects)
        return Groups(local, everywhere, named, nobody.at, name)

    def _of_wiki(self, wiki: str, identity: str) -> _Found | None:
        told = self._local(wiki, {"ususerids": int(identity)})
        return None if told is None else ({wiki: told[0]}, frozenset(), told[1])

    def _of_all_wikis(self, subject: str) -> _Found | None:
        asked: dict[str, str | int] = {"action": "query", "meta": "globaluserinfo", "guiprop": "groups|rights|merged"}
        account = self._query(self.central_wiki, asked | {"guiid": int(subject)})["globaluserinfo"]
        if account.get("missing") or account.get("invalid") or account.get("locked") or account.get("hidden"):
            return None
        if int(account["id"]) != int(subject):
            raise WikiUnavailableError("The wiki answers about another account than was asked about.")
        name = str(account["name"])
        told = {str(one["wiki"]): (frozenset(map(str, one.get("groups", ()))), one.get("blocked")) for one in account["merged"]}
        counts = frozenset(group for role in self.matrix.roles.values() for group in role.groups)
        local: dict[str, frozenset[str]] = {}
        for wiki in sorted(wiki for wiki, (groups, _) in told.items() if groups & counts)[:MOST_WIKIS]:
            groups, _ = told[wiki]
            try:
                mine = self._local(wiki, {"ususers": name})
            except UnknownWikiError:  # one that we read nothing of either
                continue
            if mine is not None:
                local[wiki] = groups & mine[0]
        if self._is_blocked_centrally(told, name):
            return None
        return local, frozenset(map(str, account.get("groups", ()))), name

    def _is_blocked_centrally(self, told: Mapping[str, tuple[frozenset[str], Any]], name: str) -> bool:
        """Whether the central wiki, which is where stewards and this team work, has blocked the account."""
        _, blocked = told.get(self.central_wiki, (frozenset(), None))
        return blocked is not None and self._local(self.central_wiki, {"ususers": name}) is None

    def _local(self, wiki: str, who: Mapping[str, str | int]) -> tuple[frozenset[str], str] | None:
        """Groups and name on one wiki; None for an account that is blocked there, hidden or gone."""
        asked = {"action": "query", "list": "users", "usprop": "groups|rights|blockinfo", **who}
        (user,) = self._query(wiki, asked)["users"]
        if user.get("missing") or user.get("invalid") or user.get("hidden") or not user.get("userid"):
            return None
        if "blockid" in user and not user.get("blockpartial"):
            return None
        return frozenset(map(str, user["groups"])) - {"*", "user", "autoconfirmed"}, str(user["name"])

    def _query(self, wiki: str, parameters: Mapping[str, str | int]) -> Data:
        data = self.api.get(wiki, parameters)
        query = data["query"]
        if not isinstance(query, dict):
            raise WikiError("The wiki's answer has no query.")
        return query
