"""Groups: what CentralAuth and the wikis say, asked as nobody; what they do not say is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tsbot.console.access import Groups, Rights, shipped_matrix
from tsbot.console.people import FreshRights, Person
from tsbot.console.signin.groups import WikiGroups
from tsbot.errors import RightsUnknownError, WikiError
from tsbot.wiki.api import Api

ANN = Person("person-1", "7", "Ann", "Alder 1")


@pytest.fixture
def ask(make_api: Callable[..., Api]) -> WikiGroups:
    named = {"team": frozenset({"7"}), "auditor": frozenset({"enwiki:3"})}
    return WikiGroups(make_api(), "metawiki", shipped_matrix(), named, lambda: 100.0)


def test_groups_of_all_wikis(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress", "sysop"], "de": [], "meta": []}, groups=("steward",))
    assert ask(ANN) == Groups({"enwiki": frozenset({"suppress", "sysop"})}, frozenset({"steward"}), frozenset({"team"}), 100.0, "Ann")
    assert [(wiki, query.get("meta") or query.get("list")) for wiki, query, _ in wikis.requests] == [
        ("meta", "globaluserinfo"),
        ("en", "users"),  # dewiki has no group of theirs that counts
    ]


def test_it_is_asked_as_nobody(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"]})
    ask(ANN)
    ask(ANN)
    assert {cookies for _, _, cookies in wikis.requests} == {""}, "no cookie is kept, so no session of ours is in it"
    assert not any("assertuser" in query for _, query, _ in wikis.requests)


def test_a_renamed_account_is_the_same_person(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann of Old", {"en": ["suppress"]})
    assert ask(ANN).name == "Ann of Old"
    assert ask(ANN).local == {"enwiki": frozenset({"suppress"})}


def test_a_group_counts_only_where_the_wiki_itself_confirms_it(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress", "sysop"], "de": ["suppress"]})
    wikis.local["en"][0]["groups"] = ["*", "user", "sysop", "checkuser"]
    assert ask(ANN).local == {"enwiki": frozenset({"sysop"}), "dewiki": frozenset({"suppress"})}


@pytest.mark.parametrize("block", [{"blockid": 5}, {"blockid": 5, "blockpartial": False}])
def test_who_is_blocked_on_a_wiki_is_nobody_there(wikis: Any, ask: WikiGroups, block: dict[str, Any]) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"], "de": ["suppress"]})
    wikis.local["en"][0] |= block
    assert ask(ANN).local == {"dewiki": frozenset({"suppress"})}


def test_a_block_from_some_pages_is_none(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"]})
    wikis.local["en"][0] |= {"blockid": 5, "blockpartial": True}
    assert ask(ANN).local == {"enwiki": frozenset({"suppress"})}


@pytest.mark.parametrize("state", [{"locked": True}, {"hidden": "suppressed"}, {"missing": True}, {"invalid": True}], ids=str)
def test_who_is_locked_hidden_or_gone_is_nobody_whatever_the_settings_say(wikis: Any, ask: WikiGroups, state: dict[str, Any]) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"]}, groups=("steward",), **state)
    assert Rights(ask(ANN), shipped_matrix()).nothing


def test_a_block_on_the_central_wiki_takes_everything(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"], "meta": []}, groups=("steward",))
    wikis.central[7]["merged"][1]["blocked"] = {"expiry": "infinity", "reason": "a reason"}
    wikis.local["meta"][0] |= {"blockid": 9}
    assert Rights(ask(ANN), shipped_matrix()).nothing


def test_one_wiki_without_central_auth(wikis: Any, ask: WikiGroups) -> None:
    wikis.add("en", 3, "Ben", "suppress")
    ben = Person("person-2", "enwiki:3", "Ben", "Oak 2")
    assert ask(ben) == Groups({"enwiki": frozenset({"suppress"})}, frozenset(), frozenset({"auditor"}), 100.0, "Ben")
    wikis.local["en"].clear()
    assert Rights(ask(ben), shipped_matrix()).nothing, "gone, or hidden"


@pytest.mark.parametrize(
    "trouble",
    [
        {"down": {"meta"}},
        {"down": {"en"}},
        {"odd": {"error": {"code": "readapidenied", "info": ""}}},
        {"odd": {"query": {}}},
        {"odd": {"query": []}},
        {"odd": {"batchcomplete": True}},
        {"odd": {"query": {"globaluserinfo": {"id": 8, "name": "Somebody else", "groups": ["steward"], "merged": []}}}},
        {"odd": {"query": {"globaluserinfo": {"id": 7, "name": "Ann", "groups": ["steward"], "merged": {"wiki": "x"}}}}},
        {"odd": {"query": {"globaluserinfo": {"id": 7, "name": "Ann", "groups": 5, "merged": []}}}},
        {"odd": {"query": {"globaluserinfo": None}}},
    ],
    ids=str,
)
def test_what_cannot_be_told_is_refused(wikis: Any, ask: WikiGroups, trouble: dict[str, Any]) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"]}, groups=("steward",))
    for name, value in trouble.items():
        setattr(wikis, name, value)
    with pytest.raises(WikiError):
        ask(ANN)
    rights = FreshRights(ask, shipped_matrix(), lambda: 100.0)
    with pytest.raises(RightsUnknownError):
        rights.of(ANN)


def test_a_wiki_that_is_not_ours_gives_no_rights_and_takes_none(wikis: Any, ask: WikiGroups) -> None:
    wikis.attach(7, "Ann", {"en": ["suppress"]})
    wikis.central[7]["merged"].append({"wiki": "strangewiki", "groups": ["suppress"]})
    assert ask(ANN).local == {"enwiki": frozenset({"suppress"})}
