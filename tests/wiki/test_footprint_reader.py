"""What wikis tell of accounts, in the shapes that the action API has, and in shapes that it has not. tests/live asks real wikis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.footprint import Attached, Contribution, LocalBlock, Rename, Repository
from tsbot.wiki.footprint_reader import FootprintReader
from tsbot.wiki.patient import Patient


class Told(Patient):
    """Answers as it is told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def ask(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(dict(parameters))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"query": answer} if "query" not in answer else answer


def reader(*answers: Any) -> FootprintReader:
    return FootprintReader(Told(*answers))


USER = {"name": "A", "editcount": 12, "registration": "2026-01-02T03:04:05Z", "groups": ["*", "user", "autoconfirmed", "sysop"]}
BLOCK = {
    "user": "A", "by": "Sysop", "timestamp": "2026-02-01T00:00:00Z", "expiry": "infinity", "automatic": False, "anononly": False,
    "nocreate": True, "autoblock": True, "noemail": False, "hidden": False, "allowusertalk": False, "partial": False, "restrictions": [],
}  # fmt: skip


def test_an_account_with_its_groups_and_blocks() -> None:
    partial = BLOCK | {"partial": True, "allowusertalk": True, "restrictions": {"pages": [{}, {}], "actions": ["upload"]}}
    blocks = [BLOCK, partial, BLOCK | {"automatic": True}]
    local = reader({"users": [USER], "blocks": blocks, "statistics": {"activeusers": 7}}).local("A")
    assert (local.exists, local.edits, local.groups, local.active_users) == (True, 12, ("sysop",), 7)
    assert local.blocks == (
        LocalBlock(False, "infinity", ("nocreate", "autoblock", "notalk"), 0, "Sysop", 1769904000.0),
        LocalBlock(True, "infinity", ("nocreate", "autoblock"), 3, "Sysop", 1769904000.0),
    )


@pytest.mark.parametrize("user", [{"missing": True}, {"invalid": True}, USER | {"hidden": True}])
def test_who_is_hidden_does_not_exist_even_for_those_who_see_it(user: dict[str, Any]) -> None:
    local = reader({"users": [user], "blocks": [BLOCK], "statistics": {}}).local("A")
    assert (local.exists, local.edits, local.blocks) == (False, None, ())


def test_an_address_is_asked_for_by_its_blocks() -> None:
    told = Told({"blocks": [BLOCK], "statistics": {}})
    assert FootprintReader(told).local("198.51.100.7").exists
    assert told.asked[0]["bkip"] == "198.51.100.7"
    assert "ususers" not in told.asked[0]


def edit(number: int, **more: Any) -> dict[str, Any]:
    told = {"revid": number, "parentid": number - 1, "timestamp": "2026-02-01T00:00:00Z", "title": "Benutzer:A", "ns": 2, "user": "A"}
    return {**told, "comment": "typo", "sizediff": -3, "tags": ["mw-reverted"], **more}


def test_contributions_are_read_to_the_number_asked_for_and_no_further() -> None:
    pages = [{"query": {"usercontribs": [edit(n + page) for n in range(3)]}, "continue": {"uccontinue": str(page)}} for page in (0, 3, 6)]
    told = Told(*pages)
    found = FootprintReader(told).contributions("A", 4)
    assert [one.rev_id for one in found.edits] == [0, 1, 2, 3]
    assert not found.complete
    assert len(told.asked) == 2
    assert found.edits[1] == Contribution(1, 1769904000.0, "User:A", 2, 0, "typo", "A", -3, True)


def test_hidden_parts_of_an_edit_are_not_told() -> None:
    hidden = edit(5, commenthidden=True, userhidden=True)
    (one,) = reader({"usercontribs": [hidden]}).contributions("A", 10).edits
    assert (one.comment, one.user) == (None, "")


def test_a_range_is_asked_for_as_one() -> None:
    told = Told({"usercontribs": []})
    FootprintReader(told).contributions("198.51.100.0/24", 10)
    assert told.asked[0]["uciprange"] == "198.51.100.0/24"


def test_names_that_a_wiki_does_not_accept_have_no_edits() -> None:
    assert reader(WikiRefusedError("no", "baduser_ucuser")).contributions("A", 10).edits == ()
    with pytest.raises(WikiRefusedError):
        reader(WikiRefusedError("no", "readapidenied")).contributions("A", 10)


def test_a_page_and_who_edited_it() -> None:
    page = {"title": "Diskussion:Mühle", "ns": 1, "revisions": [{"revid": 3, "timestamp": "2026-02-01T00:00:00Z", "user": "B"}]}
    found = reader({"query": {"pages": [page]}, "continue": {"rvcontinue": "2"}}).page("Talk:Mühle")
    assert ([(one.user, one.title) for one in found.edits], found.complete) == ([("B", "Talk:Mühle")], False)
    assert reader({"pages": [{"title": "X", "missing": True}]}).page("X").edits == ()


def test_a_global_account() -> None:
    merged = [{"wiki": "enwiki", "editcount": 5, "url": "https://en.wikipedia.org"}, {"wiki": "dewiki", "editcount": 0}]
    told = {
        "home": "enwiki",
        "id": 1,
        "registration": "2026-01-02T03:04:05Z",
        "name": "A",
        "editcount": 5,
        "locked": True,
        "merged": merged,
    }
    found = reader({"globaluserinfo": told}).central("A")
    assert found is not None
    assert (found.exists, found.locked, found.home, found.edits) == (True, True, "enwiki", 5)
    assert found.attached == (Attached("enwiki", 5, "https://en.wikipedia.org"), Attached("dewiki", 0))
    assert reader({"globaluserinfo": {"missing": True}}).central("A").exists is False  # type: ignore[union-attr]
    assert reader({"globaluserinfo": told | {"hidden": "lists"}}).central("A").exists is False  # type: ignore[union-attr]
    assert reader({"users": []}).central("A") is None  # no CentralAuth


def test_renames() -> None:
    entry = {"timestamp": "2026-02-01T00:00:00Z", "params": {"olduser": "A", "newuser": "B"}}
    assert reader({"logevents": [entry, {"timestamp": "2026-02-01T00:00:00Z"}]}).renamed("A") == (Rename("A", "B", 1769904000.0),)
    assert reader(WikiRefusedError("no", "badvalue")).renamed_globally("B") == ()


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.local("A"),
        lambda one: one.contributions("A", 5),
        lambda one: one.page("A"),
        lambda one: one.recent(),
        lambda one: one.named("A"),
        lambda one: one.central("A"),
        lambda one: one.renamed("A"),
    ],
)
def test_an_answer_of_unknown_shape_is_a_wiki_that_does_not_answer(ask: Callable[[FootprintReader], Any]) -> None:
    answer = {"users": [{}], "usercontribs": [{}], "pages": [{"revisions": [{}]}], "recentchanges": [3], "allusers": [{}], "blocks": [3]}
    answer |= {"globaluserinfo": {"merged": 5}, "logevents": [{"params": {"olduser": "A", "newuser": "B"}}]}
    with pytest.raises(WikiUnavailableError, match="unknown shape"):
        ask(reader(answer))


@pytest.mark.parametrize(("code", "silent"), [("cidrtoobroad", False), ("readapidenied", True), ("http-404", True)])
def test_a_refusal_of_one_question_is_no_silence(code: str, silent: bool) -> None:
    fan = FanOut(None, None, lambda _seconds: None)  # type: ignore[arg-type]

    def refused() -> str:
        raise WikiRefusedError("The wiki refuses the request.", code)

    assert fan.gather("things", {0: ("dewiki", refused)}) == {}
    assert ("dewiki" in fan.silent) is silent


def test_a_wiki_that_failed_is_not_asked_again_and_stops_nobody() -> None:
    fan = FanOut(None, None, lambda _seconds: None, concurrency=1)  # type: ignore[arg-type]
    calls: list[str] = []

    def job(wiki: str) -> str:
        calls.append(wiki)
        if wiki == "dewiki":
            raise WikiUnavailableError("The wiki answers HTTP 503.")
        return wiki

    jobs = {number: (wiki, lambda wiki=wiki: job(wiki)) for number, wiki in enumerate(["dewiki", "enwiki", "dewiki", "frwiki"])}
    assert fan.gather("things", jobs) == {1: "enwiki", 3: "frwiki"}
    assert fan.silent == {"dewiki": "The wiki answers HTTP 503."}
    assert calls.count("dewiki") == 1
    assert fan.gather("things", {0: ("dewiki", lambda: "late")}) == {}


def test_where_links_to_other_languages_are_kept() -> None:
    told = {"wikibase": {"repo": {"url": {"base": "//www.data.test", "scriptpath": "/w"}}, "siteid": "enwiki"}}
    assert reader(told).repository() == Repository("https://www.data.test", "enwiki")
    assert reader({}).repository() == Repository()  # the wiki knows no such question
    assert reader(WikiRefusedError("The wiki refuses the request (badvalue).", "badvalue")).repository() == Repository()
    with pytest.raises(WikiUnavailableError, match="unknown shape"):
        reader({"wikibase": {"repo": []}}).repository()
    with pytest.raises(WikiRefusedError):
        reader(WikiRefusedError("The wiki refuses the request (readapidenied).", "readapidenied")).repository()


def test_sitelinks_of_articles() -> None:
    entities = {
        "-1": {"site": "enwiki", "title": "Nothing", "missing": ""},
        "Q1": {"type": "item", "id": "Q1", "sitelinks": {"dewiki": {"site": "dewiki", "title": "Wehr", "badges": []}}},
        "Q2": {"type": "item", "id": "Q2", "sitelinks": {}},
    }
    asking = Told({"query": {}, "entities": entities, "success": 1})
    assert FootprintReader(asking).sitelinks("enwiki", ["Weir", "Nothing"], ["dewiki", "enwiki"]) == ({"dewiki": "Wehr"},)
    assert (asking.asked[0]["action"], asking.asked[0]["titles"]) == ("wbgetentities", "Weir|Nothing")
    with pytest.raises(WikiUnavailableError, match="unknown shape"):
        reader({"query": {}, "entities": {"Q1": {"sitelinks": ["what"]}}}).sitelinks("enwiki", ["Weir"], ["dewiki"])
