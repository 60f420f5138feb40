"""Accounts on all wikis, what was done against one, where a phrase went, and archives; on wikis in memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hide.conftest import MemoryWiki
from tsbot.dealings.asking import Farm
from tsbot.dealings.everywhere import MOST_WIKIS, meet_everywhere, sanctions
from tsbot.dealings.spread import archives, spread
from tsbot.errors import InputError, UnknownWikiError, WikiUnavailableError
from tsbot.wiki.footprint import Attached, GlobalAccount


class Silent:
    """A wiki that does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise WikiUnavailableError("The wiki does not answer.")


def met_on(user: str, other: str) -> Any:
    wiki = MemoryWiki()
    wiki.edit("Harbour", "one", user=user)
    wiki.edit("Harbour", "two", user=other)
    return wiki


def account(name: str, wikis: dict[str, int], *, locked: bool = False) -> GlobalAccount:
    return GlobalAccount(
        True, name, locked=locked, attached=tuple(Attached(wiki, edits, f"https://{wiki}.test") for wiki, edits in wikis.items())
    )


def farm_with(wikis: dict[str, Any], accounts: dict[str, GlobalAccount | None]) -> tuple[Farm, list[tuple[str, str]]]:
    asked: list[tuple[str, str]] = []

    def open_wiki(wiki: str, server: str) -> Any:
        asked.append((wiki, server))
        if wiki not in wikis:
            raise UnknownWikiError(wiki)
        return wikis[wiki]

    return Farm(open_wiki, accounts.get, "metawiki"), asked


def test_accounts_are_looked_at_on_all_wikis_where_both_have_edits() -> None:
    wikis = {name: met_on("Ann", "Bob") for name in ("enwiki", "dewiki", "frwiki")}
    accounts = {
        "Ann": account("Ann", {"enwiki": 5, "dewiki": 9, "frwiki": 50, "eswiki": 7}),
        "Bob": account("Bob", {"enwiki": 5, "dewiki": 1, "frwiki": 50, "eswiki": 0, "itwiki": 9}),
    }
    farm, asked = farm_with(wikis, accounts)
    found = meet_everywhere(farm, ("enwiki", "https://en.test"), "ann", "Bob", wikis["enwiki"].now)
    assert [one.wiki for one in found.wikis] == ["enwiki", "frwiki", "dewiki"]
    assert asked == [("enwiki", "https://en.test"), ("frwiki", "https://frwiki.test"), ("dewiki", "https://dewiki.test")]
    assert all(one.met is not None and [page.title for page in one.met.pages] == ["Harbour"] for one in found.wikis)
    assert found.more == 0


def test_a_wiki_that_does_not_answer_is_said_and_the_others_are_shown() -> None:
    wikis = {"enwiki": met_on("Ann", "Bob"), "dewiki": Silent()}
    both = {"enwiki": 5, "dewiki": 9, "nowiki": 3}
    farm, _ = farm_with(wikis, {"Ann": account("Ann", both), "Bob": account("Bob", both)})
    found = meet_everywhere(farm, ("enwiki", ""), "Ann", "Bob", wikis["enwiki"].now)
    assert [(one.wiki, one.met is not None) for one in found.wikis] == [("enwiki", True), ("dewiki", False), ("nowiki", False)]


def test_without_global_accounts_there_is_this_wiki() -> None:
    wikis = {"enwiki": met_on("Ann", "Bob")}
    for accounts in ({}, {"Ann": GlobalAccount(False), "Bob": None}):
        farm, _ = farm_with(wikis, accounts)
        assert [one.wiki for one in meet_everywhere(farm, ("enwiki", ""), "Ann", "Bob", wikis["enwiki"].now).wikis] == ["enwiki"]


def test_of_very_many_wikis_those_with_most_edits_are_asked() -> None:
    names = {f"w{number:03}wiki": number + 1 for number in range(MOST_WIKIS + 5)}
    wikis = {name: met_on("Ann", "Bob") for name in ("enwiki", *names)}
    farm, asked = farm_with(wikis, {"Ann": account("Ann", names), "Bob": account("Bob", names)})
    found = meet_everywhere(farm, ("enwiki", ""), "Ann", "Bob", wikis["enwiki"].now)
    assert len(asked) == len(found.wikis) == MOST_WIKIS
    assert found.wikis[1].wiki == f"w{MOST_WIKIS + 4:03}wiki"
    assert found.more == 6


@pytest.mark.parametrize("names", [("Ann", "ann"), ("", "Bob")])
def test_it_takes_two(names: tuple[str, str]) -> None:
    farm, asked = farm_with({}, {})
    with pytest.raises(InputError, match="two accounts"):
        meet_everywhere(farm, ("enwiki", ""), *names, 0.0)
    assert asked == []


def test_what_was_done_against_an_account_anywhere_newest_first() -> None:
    wikis = {name: MemoryWiki() for name in ("enwiki", "dewiki", "metawiki")}
    wikis["enwiki"].note("block", "block", "User:Bob", "Sysop")
    wikis["enwiki"].note("move", "move", "User:Bob", "Bob")  # nothing against him
    wikis["dewiki"].now += 1000
    wikis["dewiki"].note("block", "unblock", "User:Bob", "Sysop")
    wikis["metawiki"].now += 2000
    wikis["metawiki"].note("globalauth", "setstatus", "User:Bob@global", "Steward")
    wikis["metawiki"].note("gblblock", "gblock", "User:Bob", "Steward")
    wikis["metawiki"].note("block", "block", "User:Bob", "Sysop")  # of a wiki that he has no edits on, and not asked for
    farm, _ = farm_with(wikis, {"Bob": account("Bob", {"enwiki": 1, "dewiki": 9, "frwiki": 4}, locked=True)})
    found = sanctions(farm, ("enwiki", ""), "bob")
    told = [(one.wiki, one.entry.log_type, one.entry.action) for one in found.entries]
    assert told == [
        ("metawiki", "gblblock", "gblock"),
        ("metawiki", "globalauth", "setstatus"),
        ("dewiki", "block", "unblock"),
        ("enwiki", "block", "block"),
    ]
    assert (found.account, found.locked, found.silent, found.more) == ("Bob", True, ("frwiki",), 0)


def test_a_central_wiki_that_does_not_answer_leaves_the_local_blocks() -> None:
    wikis = {"enwiki": MemoryWiki()}
    wikis["enwiki"].note("block", "block", "User:Bob", "Sysop")

    def down(_name: str) -> GlobalAccount | None:
        raise WikiUnavailableError("The wiki does not answer.")

    found = sanctions(Farm(lambda wiki, _server: wikis[wiki], down, "metawiki"), ("enwiki", ""), "Bob")
    assert (len(found.entries), found.locked, found.silent) == (1, None, ("metawiki",))
    with pytest.raises(InputError, match="Name an account"):
        sanctions(Farm(lambda wiki, _server: wikis[wiki], down, "metawiki"), ("enwiki", ""), " _")


def test_a_phrase_is_followed_to_every_page_and_the_earliest_comes_first() -> None:
    wiki = MemoryWiki()
    wiki.edit("Talk:A", "nothing", user="Ann")
    first = wiki.edit("Talk:A", "nothing but the blue heron phrase", user="Bob")
    wiki.edit("User talk:Ann", "x")
    second = wiki.edit("User talk:Ann", "x The  Blue heron phrase!", user="Bob")
    wiki.edit("Harbour", "heron phrase blue the")  # found by the search, and not literally there
    for seen in (first, second):
        found = spread(wiki, seen, "the blue heron phrase")
        assert [(one.page.title, one.first.rev_id) for one in found.origins] == [("Talk:A", first), ("User talk:Ann", second)]
        assert not found.more


def test_archives_are_the_subpages_and_those_with_the_words_are_told() -> None:
    wiki = MemoryWiki()
    wiki.edit("User talk:Ann", "now")
    wiki.edit("User talk:Ann/Archive 1", "long ago: the Blue heron")
    wiki.edit("User talk:Ann/Archive 2", "less long ago")
    hidden = wiki.edit("User talk:Ann/2020", "the blue heron, hidden")
    wiki.hide(hidden)
    wiki.edit("User talk:Annabel/Archive 1", "the blue heron of somebody else")
    wiki.edit("User talk:Ann", "now again")
    found = archives(wiki, "User talk:Ann/Archive 2", "blue HERON")
    assert found.of == "User talk:Ann"
    assert {one.page.title: one.has for one in found.found} == {
        "User talk:Ann/Archive 1": True, "User talk:Ann/Archive 2": False, "User talk:Ann/2020": None,
    }  # fmt: skip
    assert [one.has for one in archives(wiki, "User talk:Ann").found] == [None, None, None]
    with pytest.raises(InputError, match="no such page"):
        archives(wiki, "User talk:Nobody")
    with pytest.raises(InputError, match="at least"):
        archives(wiki, "User talk:Ann", "x")
