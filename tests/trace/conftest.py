"""Made-up accounts: a puppeteer, a look-alike, a victim who is imitated, and ordinary editors; all of them mild.

They also live on a farm of wikis in memory, which answers as the action API does where no real wiki can: CentralAuth is in no Debian
package, and a real wiki is not hidden, down or huge at will. tests/live asks real wikis.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tsbot.errors import UnknownWikiError, WikiRefusedError, WikiUnavailableError
from tsbot.trace.activity import Account, Edit

START = datetime(2026, 1, 5, tzinfo=UTC)
WIKIS = ("enwiki", "dewiki", "frwiki")
ORDINARY = (
    "Copyedit.", "added a source", "typo", "Update infobox", "fixed the date", "expanded the lead", "Correct spelling",
    "removed a duplicate",
    "new photograph", "better wording", "Add category", "tidy references", "minor cleanup", "Added coordinates", "link repaired",
)  # fmt: skip
PUPPET = (
    "as the archive plainly shows !!", "restord the true version , again !!", "the archive plainly shows it , stop this !!",
    "true version !!",
)  # fmt: skip
VICTIM = (
    "Reworded per talk page; see archive 4.", "Restored the sourced version; see archive 4.", "Per talk page: the sourced version stays.",
)  # fmt: skip


def edits(
    pages: Sequence[str],
    summaries: Sequence[str],
    hours: Sequence[int],
    days: Sequence[int],
    rng: random.Random,
    wikis: Sequence[str] = WIKIS,
) -> tuple[Edit, ...]:
    """One edit a day, with a page, a summary and an hour drawn from what is given."""
    made = []
    for day in days:
        moment = START + timedelta(days=day, hours=rng.choice(hours), minutes=rng.randrange(60))
        made.append(Edit(rng.choice(wikis), moment, (rng.choice(pages),), rng.choice(summaries)))
    return tuple(sorted(made, key=lambda edit: edit.timestamp))


@pytest.fixture(scope="session")
def village() -> tuple[Account, ...]:
    """A hundred and fifty ordinary editors and the people of the story."""
    return people()


def people() -> tuple[Account, ...]:
    """They, the same each time."""
    rng = random.Random(7)
    accounts = []
    for number in range(150):
        pages = [f"{rng.choice(THINGS)} of {word(rng)}" for _ in range(8)] + [f"{rng.choice(THINGS)} of {rng.choice(PLACES)}"]
        start, first = rng.randrange(24), rng.randrange(60)
        hours = [(start + shift) % 24 for shift in range(rng.randrange(3, 9))]
        name = word(rng) + rng.choice(("", "", " ", "-")) + word(rng) + (f" {number}" if number % 9 == 0 else "")
        accounts.append(Account(name, edits(pages, rng.sample(ORDINARY, 6), hours, range(first, first + rng.randrange(3, 20)), rng)))
    disputed = ["Mill of Oakham Parva", "Talk:Mill of Oakham Parva", "Water rights at Oakham Parva", "History of Oakham Parva"]
    for number, start in enumerate((5, 19, 33, 47)):
        accounts.append(Account(f"Plain Facts {number}", edits(disputed, PUPPET, (21, 22, 23), range(start, start + 12), rng)))
    # An innocent look-alike edits the same pages, at other hours and in another way.
    accounts.append(Account("Weir Keeper", edits(disputed, ORDINARY[:5], (6, 7, 8), range(0, 60, 4), rng, WIKIS[:1])))
    # A victim, and who frames him: name, pages and phrases are copied, hours and habits are not.
    quiet = ["Organ of Little Barford", "Talk:Organ of Little Barford", "Organ builders of Barford"]
    accounts.append(Account("Quiet Organist", edits(quiet, VICTIM, (8, 9, 10), range(0, 50, 2), rng)))
    framer = [*VICTIM[:1], "", "", "", "hi", "lol ok"]
    accounts.append(Account("Quiet 0rganist", edits([*quiet[:2], "User talk:Example"], framer, (19, 20, 21), range(40, 52), rng)))
    return tuple(sorted(accounts, key=lambda account: account.name))


@pytest.fixture(scope="session")
def seed() -> Callable[[int], random.Random]:
    """Chance that can be repeated."""
    return random.Random


THINGS = ("History", "Mill", "Bridge", "Fair", "Church", "River", "Station", "School", "Battle", "Mayor")
PLACES = tuple(
    f"{first} {second}"
    for first in ("North", "South", "Upper", "Lower", "Great")
    for second in ("Aston", "Barrow", "Compton", "Dutton", "Elton")
)


def word(rng: random.Random) -> str:
    """A word that hardly comes twice."""
    return "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(rng.randrange(2, 4))).title()


@dataclass
class FarmSites:
    """What the farm's wikis are called, and where they are."""

    names: tuple[str, ...]

    def base(self, wiki: str, _server_url: str = "") -> str:
        if wiki not in self.names:
            raise UnknownWikiError(f"no wiki {wiki}")
        return f"https://{wiki}.test"

    def known(self, wiki: str, _server_url: str = "", _domain: str = "") -> bool:
        return wiki in self.names

    def databases(self) -> tuple[str, ...]:
        return self.names


@dataclass
class Farm:
    """Accounts and their edits on some wikis."""

    sites: FarmSites
    edits: dict[str, list[dict[str, Any]]]
    """Per wiki, the newest first."""
    hidden: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    blocks: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    renames: list[tuple[str, str, str]] = field(default_factory=list)
    """Wiki, old name, new name."""
    central: str = ""
    """The wiki with CentralAuth; empty for none."""
    down: set[str] = field(default_factory=set)
    editcounts: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    items: list[dict[str, str]] = field(default_factory=list)
    """What articles are called on each wiki, as "datawiki" keeps it."""

    @classmethod
    def of(cls, accounts: Iterable[Account], wikis: Iterable[str], **more: Any) -> Farm:
        """A farm on which accounts did what they did."""
        edits: dict[str, list[dict[str, Any]]] = {wiki: [] for wiki in wikis}
        for account in accounts:
            for edit in account.edits:
                edits[edit.wiki].append(cls.entry(account.name, edit.pages[0], edit.timestamp, edit.summary))
        for some in edits.values():
            some.sort(key=lambda one: one["timestamp"])
            for number, one in enumerate(some, 1):
                one["revid"] = number
            some.reverse()
        return cls(FarmSites(tuple(edits)), edits, **more)

    def get(self, wiki: str, parameters: Mapping[str, Any], *, server_url: str = "", paid: bool = False) -> dict[str, Any]:
        """One answer of the API."""
        self.sites.base(wiki)
        self.requests.append((wiki, dict(parameters)))
        if wiki in self.down:
            raise WikiUnavailableError("The wiki answers HTTP 503.")
        query: dict[str, Any] = {}
        answer: dict[str, Any] = {"query": query}
        if parameters.get("action") == "wbgetentities":
            return self._entities(wiki, parameters)
        if parameters.get("meta") == "wikibase" and self.items:
            query["wikibase"] = {"repo": {"url": {"base": "//datawiki.test"}}, "siteid": wiki}
        lists = str(parameters.get("list", "")).split("|")
        if "users" in lists:
            query["users"] = [self._user(wiki, str(parameters["ususers"]))]
        if "blocks" in lists:
            query["blocks"] = self.blocks.get((wiki, str(parameters.get("bkusers") or parameters.get("bkip"))), [])
        if parameters.get("meta") == "siteinfo":
            query["statistics"] = {"activeusers": 1000}
        if parameters.get("meta") == "globaluserinfo" and wiki == self.central:
            query["globaluserinfo"] = self._global(str(parameters["guiuser"]))
        if "usercontribs" in lists:
            self._contributions(wiki, parameters, answer)
        if "allusers" in lists:
            names = sorted({str(one["user"]) for one in self.edits[wiki]} - self.hidden)
            query["allusers"] = [{"name": name} for name in names if name.startswith(str(parameters["auprefix"]))]
        if "recentchanges" in lists:
            query["recentchanges"] = [dict(one) for one in self.edits[wiki][: int(parameters["rclimit"])]]
        if "logevents" in lists:
            self._log(wiki, parameters, query)
        if parameters.get("prop") == "revisions":
            title = str(parameters["titles"])
            some = [one for one in self.edits[wiki] if one["title"] == title]
            query["pages"] = [{"title": title, "ns": 0, "revisions": some[: int(parameters["rvlimit"])]}] if some else [{"missing": True}]
        return answer

    def _entities(self, wiki: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        assert wiki == "datawiki"
        site, titles, wanted = parameters["sites"], parameters["titles"].split("|"), parameters["sitefilter"].split("|")
        found: dict[str, Any] = {"-1": {"site": site, "title": "Not linked", "missing": ""}}
        for number, item in enumerate(self.items, 1):
            if item.get(site) in titles:
                links = {one: {"site": one, "title": title, "badges": []} for one, title in item.items() if one in wanted}
                found[f"Q{number}"] = {"type": "item", "id": f"Q{number}", "sitelinks": links}
        return {"entities": found, "success": 1}

    def _exists(self, wiki: str, name: str) -> bool:
        return name not in self.hidden and any(one["user"] == name for one in self.edits[wiki])

    def _user(self, wiki: str, name: str) -> dict[str, Any]:
        if not self._exists(wiki, name):
            return {"name": name, "missing": True}
        count = self.editcounts.get(name, sum(one["user"] == name for one in self.edits[wiki]))
        return {"name": name, "editcount": count, "registration": "2026-01-02T03:04:05Z", "groups": ["*", "user", "rollbacker"]}

    def _global(self, name: str) -> dict[str, Any]:
        merged = [
            {"wiki": wiki, "url": f"https://{wiki}.test", "editcount": sum(one["user"] == name for one in some)}
            for wiki, some in self.edits.items()
            if self._exists(wiki, name)
        ]
        if not merged:
            return {"missing": True}
        told: dict[str, Any] = {"name": name, "home": merged[0]["wiki"], "merged": merged, "editcount": 99}
        return told | ({"locked": True} if name in self.locked else {})

    def _contributions(self, wiki: str, parameters: Mapping[str, Any], answer: dict[str, Any]) -> None:
        name = str(parameters.get("ucuser") or parameters["uciprange"])
        own = [one for one in self.edits[wiki] if one["user"] == name and name not in self.hidden]
        some = [one for one in self.edits[wiki] if _within(one["user"], name)] if "/" in name else own
        start, limit = int(parameters.get("uccontinue", 0)), int(parameters["uclimit"])
        answer["query"]["usercontribs"] = some[start : start + limit]
        if start + limit < len(some):
            answer["continue"] = {"uccontinue": str(start + limit), "continue": "-||"}

    def _log(self, wiki: str, parameters: Mapping[str, Any], query: dict[str, Any]) -> None:
        kind, title = parameters["letype"], str(parameters["letitle"])
        if kind == "gblrename" and wiki != self.central:
            raise WikiRefusedError("The wiki refuses the request (badvalue).", "badvalue")
        found = []
        for where, old, new in self.renames:
            if where == wiki and title in ({f"User:{old}"} if kind == "renameuser" else {f"Special:CentralAuth/{new}"}):
                found.append({"timestamp": "2026-02-01T00:00:00Z", "params": {"olduser": old, "newuser": new}})
        query["logevents"] = found

    @staticmethod
    def entry(user: str, title: str, time: datetime, comment: str = "", rev_id: int = 0) -> dict[str, Any]:
        """An edit as the API tells it."""
        return {"user": user, "title": title, "ns": 0, "timestamp": f"{time:%Y-%m-%dT%H:%M:%SZ}", "comment": comment, "revid": rev_id}


@pytest.fixture
def farm(village: tuple[Account, ...]) -> Farm:
    """The village, on wikis with CentralAuth."""
    return Farm.of(village, ("enwiki", "dewiki", "frwiki", "metawiki"), central="metawiki")


def _within(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network)
    except ValueError:
        return False
