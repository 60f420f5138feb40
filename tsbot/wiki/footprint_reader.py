"""Reading what one wiki tells of accounts, through the action API.

Sources: mediawiki.org, API:Users, API:Blocks, API:Usercontribs, API:Globaluserinfo, API:Logevents, API:Allusers, API:Recentchanges,
API:Wikibase client, wikidata.org: API of Wikibase (wbgetentities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.accounts import is_address
from tsbot.wiki.api import Data
from tsbot.wiki.footprint import (
    Attached,
    Contribution,
    Contributions,
    GlobalAccount,
    LocalAccount,
    LocalBlock,
    PageEditors,
    Rename,
    Repository,
)
from tsbot.wiki.patient import Parameters, Patient
from tsbot.wiki.titles import canonical

PER_REQUEST = 500
_BLOCK_FLAGS = ("nocreate", "noemail", "autoblock", "anononly")
_NOT_A_NAME = ("invalidtitle", "badtitle", "baduser", "nosuchuser", "badvalue", "invaliduser")
T = TypeVar("T")


class FootprintReader:
    """Reads one wiki. Every method raises ``UnknownWikiError``, ``WikiUnavailableError`` or ``WikiRefusedError``."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient

    def local(self, name: str) -> LocalAccount:
        """An account, or an address: whether the wiki knows it, its groups and its blocks."""
        wanted: Parameters = {"list": "blocks", "bkprop": "user|by|timestamp|expiry|flags|restrictions", "bklimit": 50}
        wanted |= {"meta": "siteinfo", "siprop": "statistics"}
        if is_address(name):
            wanted["bkip"] = name
        else:
            wanted |= {"list": "users|blocks", "ususers": name, "usprop": "groups|editcount|registration", "bkusers": name}
        try:
            data = self._patient.ask(wanted)
        except WikiRefusedError as error:
            if error.code.startswith(_NOT_A_NAME) or error.code in ("param_bkip", "cidrtoobroad"):
                return LocalAccount(exists=is_address(name))
            raise
        return _shaped(lambda: _local(_query(data), address=is_address(name)))

    def contributions(self, name: str, most: int, since: float = 0.0) -> Contributions:
        """The newest edits of an account, an address or a range."""
        who: Parameters = {"uciprange": name} if "/" in name and is_address(name) else {"ucuser": name}
        wanted: Parameters = {"list": "usercontribs", "ucprop": "ids|title|timestamp|comment|sizediff|tags", **who}
        wanted["uclimit"] = min(PER_REQUEST, most + 1)
        if since:
            wanted["ucend"] = _stamp(since)
        found = self._gather("usercontribs", wanted, most)
        return Contributions(tuple(found[:most]), complete=len(found) <= most)

    def page(self, title: str, most: int = PER_REQUEST) -> PageEditors:
        """The newest edits of a page; none where it does not exist."""
        wanted: Parameters = {"prop": "revisions", "titles": title, "rvprop": "ids|timestamp|user|comment|tags", "rvlimit": min(500, most)}
        data = self._patient.ask(wanted)

        def read() -> PageEditors:
            edits = []
            for page in _query(data).get("pages") or ():
                for entry in page.get("revisions") or ():
                    edits.append(_contribution({**entry, "title": page["title"], "ns": page["ns"]}))
            return PageEditors(tuple(edits), complete="continue" not in data)

        return _shaped(read)

    def named(self, prefix: str, most: int = 50) -> tuple[str, ...]:
        """Accounts whose names begin so; hidden ones are not among them."""
        data = self._patient.ask({"list": "allusers", "auprefix": prefix, "aulimit": most})
        return _shaped(lambda: tuple(str(user["name"]) for user in _query(data).get("allusers") or () if not user.get("hidden")))

    def recent(self, most: int = PER_REQUEST) -> tuple[Contribution, ...]:
        """The newest edits of people on the wiki."""
        wanted: Parameters = {"list": "recentchanges", "rctype": "edit|new", "rcshow": "!bot", "rclimit": min(PER_REQUEST, most)}
        data = self._patient.ask({**wanted, "rcprop": "ids|title|user|comment|timestamp"})
        return _shaped(lambda: tuple(_contribution(entry) for entry in _query(data).get("recentchanges") or ()))

    def renamed(self, name: str) -> tuple[Rename, ...]:
        """Renames of an account that had this name, as the wiki's own log tells them, newest first."""
        return self._renames({"letype": "renameuser", "letitle": f"User:{name}"})

    def renamed_globally(self, name: str) -> tuple[Rename, ...]:
        """Renames to this name, as the central wiki's log tells them, newest first."""
        return self._renames({"letype": "gblrename", "letitle": f"Special:CentralAuth/{name}"})

    def repository(self) -> Repository:
        """Where the links of the wiki's articles to other languages are kept."""
        try:
            data = self._patient.ask({"meta": "wikibase", "wbprop": "url|siteid"})
        except WikiRefusedError as error:
            if error.code.startswith(("badvalue", "unknown_meta")):  # no client of Wikibase
                return Repository()
            raise
        found = _query(data).get("wikibase")
        return _shaped(lambda: Repository(_https(str(found["repo"]["url"]["base"])), str(found["siteid"])) if found else Repository())

    def sitelinks(self, site: str, titles: Sequence[str], wanted: Sequence[str]) -> tuple[dict[str, str], ...]:
        """For each article that a site has, what it is called on the sites that are wanted. For a repository."""
        about: Parameters = {"sites": site, "titles": "|".join(titles), "sitefilter": "|".join(wanted)}
        data = self._patient.ask({"action": "wbgetentities", "props": "sitelinks", **about})

        def read() -> tuple[dict[str, str], ...]:
            found = [one.get("sitelinks") or {} for one in (data.get("entities") or {}).values()]
            return tuple({str(link["site"]): str(link["title"]) for link in links.values()} for links in found if links)

        return _shaped(read)

    def central(self, name: str) -> GlobalAccount | None:
        """An account on all wikis; None where this wiki has no CentralAuth. Who is hidden does not exist."""
        data = self._patient.ask({"meta": "globaluserinfo", "guiuser": name, "guiprop": "merged|editcount"})
        answer = _query(data).get("globaluserinfo")
        return None if answer is None else _shaped(lambda: _global(answer))

    def _renames(self, about: Parameters) -> tuple[Rename, ...]:
        try:
            data = self._patient.ask({"list": "logevents", "leprop": "title|timestamp|details", "lelimit": 20, **about})
        except WikiRefusedError as error:
            if error.code.startswith((*_NOT_A_NAME, "unknown_letype")):  # a wiki without such a log refuses the type as a bad value
                return ()
            raise
        return _shaped(lambda: tuple(_renames(_query(data).get("logevents") or ())))

    def _gather(self, name: str, wanted: Parameters, most: int) -> list[Contribution]:
        found: list[Contribution] = []
        try:
            for data in self._patient.follow(wanted):
                found += _shaped(lambda: [_contribution(entry) for entry in _query(data).get(name) or ()])  # noqa: B023 - called at once
                if len(found) > most:
                    break
        except WikiRefusedError as error:
            if not error.code.startswith(_NOT_A_NAME):
                raise
        return found


def _shaped(read: Callable[[], T]) -> T:
    """What ``read`` makes of an answer. Raises ``WikiUnavailableError`` for a shape that nobody knows."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise WikiUnavailableError("The wiki's answer has an unknown shape.") from error


def _query(data: Data) -> Data:
    query = data.get("query") or {}
    if not isinstance(query, dict):
        raise WikiUnavailableError("The wiki's answer has an unknown shape.")
    return query


def _local(query: Data, *, address: bool) -> LocalAccount:
    blocks = tuple(_block(entry) for entry in query.get("blocks") or () if not entry.get("automatic"))
    active = int((query.get("statistics") or {}).get("activeusers") or 0)
    if address:
        return LocalAccount(exists=True, blocks=blocks, active_users=active)
    user = query["users"][0]
    if user.get("missing") or user.get("invalid") or user.get("hidden"):
        return LocalAccount(exists=False, active_users=active)
    return LocalAccount(
        exists=True,
        edits=int(user["editcount"]) if user.get("editcount") is not None else None,
        registered=_seconds(user["registration"]) if user.get("registration") else None,
        groups=tuple(str(group) for group in user.get("groups") or () if group not in ("*", "user", "autoconfirmed")),
        blocks=blocks,
        active_users=active,
    )


def _block(entry: Data) -> LocalBlock:
    flags = [flag for flag in _BLOCK_FLAGS if entry.get(flag)]
    if entry.get("allowusertalk") is False:
        flags.append("notalk")
    restrictions = entry.get("restrictions") or {}
    count = sum(len(some) for some in restrictions.values()) if isinstance(restrictions, dict) else 0
    return LocalBlock(
        partial=bool(entry.get("partial")),
        expiry=str(entry.get("expiry") or "infinity"),
        flags=tuple(flags),
        restrictions=count,
        by=str(entry.get("by") or ""),
        since=_seconds(entry["timestamp"]) if entry.get("timestamp") else None,
    )


def _contribution(entry: Data) -> Contribution:
    namespace = int(entry.get("ns") or 0)
    comment, user = entry.get("comment"), entry.get("user")
    return Contribution(
        rev_id=int(entry["revid"]),
        time=_seconds(entry["timestamp"]),
        title=canonical(namespace, str(entry.get("title") or "")),
        namespace=namespace,
        parent_id=int(entry.get("parentid") or entry.get("old_revid") or 0),
        comment=comment if isinstance(comment, str) and not entry.get("commenthidden") else None,
        user=user if isinstance(user, str) and not entry.get("userhidden") else "",
        size=int(entry["sizediff"]) if entry.get("sizediff") is not None else None,
        reverted="mw-reverted" in (entry.get("tags") or ()),
    )


def _renames(entries: Iterable[Data]) -> Iterable[Rename]:
    for entry in entries:
        parameters = entry.get("params")
        if isinstance(parameters, dict) and parameters.get("olduser") and parameters.get("newuser"):
            yield Rename(str(parameters["olduser"]), str(parameters["newuser"]), _seconds(entry["timestamp"]))


def _global(answer: Data) -> GlobalAccount:
    if answer.get("missing") or answer.get("hidden") or answer.get("suppressed"):
        return GlobalAccount(exists=False)
    merged = answer.get("merged") or ()
    return GlobalAccount(
        exists=True,
        name=str(answer["name"]),
        home=str(answer.get("home") or ""),
        registered=_seconds(answer["registration"]) if answer.get("registration") else None,
        edits=int(answer["editcount"]) if answer.get("editcount") is not None else None,
        locked=bool(answer.get("locked")),
        attached=tuple(Attached(str(one["wiki"]), int(one.get("editcount") or 0), str(one.get("url") or "")) for one in merged),
    )


def _seconds(stamp: Any) -> float:
    return datetime.fromisoformat(str(stamp)).timestamp()


def _https(base: str) -> str:
    """An address that may leave out its scheme."""
    return f"https:{base}" if base.startswith("//") else base


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(max(0.0, seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
