"""Reading histories through the API: how it is asked, how answers go on, and what odd answers do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.wiki.budget import Budget
from tsbot.wiki.history import PageRef, WikiFacts
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.patient import ATTEMPTS

PAGE = {"pageid": 7, "ns": 1, "title": "Talk:Mill", "lastrevid": 12}


def revision(rev_id: int, **more: Any) -> dict[str, Any]:
    return {
        "revid": rev_id,
        "parentid": rev_id - 1,
        "user": "Grey Pebble",
        "userid": 5,
        "timestamp": "2026-01-15T10:00:00Z",
        "size": 20,
        "sha1": f"{rev_id:040x}",
        "comment": "c",
        **more,
    }


@pytest.fixture
def answers(stub: Any, fault: Any) -> Callable[..., None]:
    """Queue answers, one for each request to come."""

    def queue(*bodies: Any) -> None:
        stub.faults.extend(body if isinstance(body, fault) else fault(body=json.dumps(body).encode()) for body in bodies)

    return queue


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def source(make_api: Any, slept: list[float]) -> ApiHistories:
    return ApiHistories(make_api(), "aawiki", Budget(None), slept.append, concurrency=2)


def facts(*rights: str) -> dict[str, Any]:
    return {"query": {"general": {"lang": "de-formal"}, "userinfo": {"rights": [*rights]}}}


def test_what_kind_of_wiki_it_is(source: ApiHistories, stub: Any, answers: Any) -> None:
    answers(facts())
    assert source.facts() == WikiFacts(stub.base, "de-formal")
    source.facts()
    assert source.requests == 1


def test_a_history_is_read_to_its_end(source: ApiHistories, stub: Any, answers: Any) -> None:
    told: list[tuple[str, int, int]] = []
    source._progress = lambda *what: told.append(what)
    newer = {"pages": [PAGE | {"revisions": [revision(12), revision(11)]}]}
    older = {"pages": [{"pageid": 7, "ns": 1, "title": "Talk:Mill", "revisions": [revision(10)]}]}
    answers({"query": newer, "continue": {"rvcontinue": "20260115|10", "continue": "||info"}}, {"query": older})
    history = source.history(7, 100)
    assert history is not None
    assert history.page == PageRef(7, "Talk:Mill", 1, 12)
    assert [one.rev_id for one in history.revisions] == [10, 11, 12]
    assert history.complete
    assert told == [("history", 2, 0), ("history", 3, 0)]
    first, second = stub.requests
    assert (first["pageids"], first["rvlimit"], "content" in first["rvprop"]) == ("7", "max", False)
    assert second["rvcontinue"] == "20260115|10"


def test_a_history_that_is_too_long_is_cut_and_says_so(source: ApiHistories, answers: Any) -> None:
    answers({"query": {"pages": [PAGE | {"revisions": [revision(number) for number in (12, 11, 10)]}]}})
    history = source.history(7, 2)
    assert history is not None
    assert ([one.rev_id for one in history.revisions], history.complete) == ([11, 12], False)


def test_a_page_that_is_gone(source: ApiHistories, answers: Any) -> None:
    answers({"query": {"pages": [{"pageid": 7, "missing": True}]}})
    assert source.history(7, 10) is None


def test_pages_by_the_beginning_of_their_titles_and_by_words(source: ApiHistories, stub: Any, answers: Any) -> None:
    archive = {"pageid": 8, "ns": 3, "title": "User talk:Ann/1", "lastrevid": 31}
    more = {"pageid": 9, "ns": 3, "title": "User talk:Ann/2", "lastrevid": 32}
    goes_on = {"gapcontinue": "Ann/2", "continue": "gapcontinue||"}
    answers({"query": {"pages": [archive]}, "continue": goes_on}, {"query": {"pages": [more]}})
    assert source.prefixed("Ann/", 3, 200) == [PageRef(8, "User talk:Ann/1", 3, 31), PageRef(9, "User talk:Ann/2", 3, 32)]
    first, second = stub.requests
    assert (first["generator"], first["gapprefix"], first["gapnamespace"], first["gaplimit"]) == ("allpages", "Ann/", "3", "200")
    assert second["gapcontinue"] == "Ann/2"
    stub.requests.clear()
    answers({"query": {"pages": [archive, more]}})
    assert source.containing('the "old" \n harbour', 1) == [PageRef(8, "User talk:Ann/1", 3, 31)]
    (asked,) = stub.requests
    assert (asked["generator"], asked["gsrsearch"], asked["gsrnamespace"]) == ("search", '"the old harbour"', "*")
    answers({"error": {"code": "invalidtitle", "info": "x"}})
    assert source.prefixed("<", 3, 5) == []


def test_what_is_hidden(source: ApiHistories, answers: Any) -> None:
    hidden = {"revid": 10, "parentid": 9, "timestamp": "2026-01-15T10:00:00Z", "size": 20, "sha1hidden": True, "commenthidden": True}
    answers({"query": {"pages": [PAGE | {"revisions": [hidden | {"userhidden": True, "suppressed": True}]}]}})
    ((_, one),) = source.revisions([10])
    assert (one.text_hidden, one.comment_hidden, one.user_hidden, one.suppressed) == (True, True, True, True)
    assert (one.sha1, one.comment, one.user, one.user_id) == (None, None, None, 0)


def test_fifty_texts_a_request_or_five_hundred_with_the_right(source: ApiHistories, make_api: Any, stub: Any) -> None:
    for rev_id in range(1, 121):
        stub.add(rev_id, f"text {rev_id}")
    assert dict(source.texts(range(1, 121))) == {rev_id: f"text {rev_id}" for rev_id in range(1, 121)}
    asked = sorted(len(request["revids"].split("|")) for request in stub.requests if "revids" in request)
    assert asked == [20, 50, 50]
    stub.requests.clear()
    stub.rights = ("apihighlimits",)
    high = ApiHistories(make_api(), "aawiki", Budget(None), lambda _: None)
    assert len(dict(high.texts(range(1, 121)))) == 120
    assert [len(request["revids"].split("|")) for request in stub.requests if "revids" in request] == [120]


def test_answers_that_are_cut_are_followed(source: ApiHistories, stub: Any) -> None:
    stub.result_limit = 1000
    for rev_id in range(1, 6):
        stub.add(rev_id, "x" * 400)
    assert set(dict(source.texts([1, 2, 3, 4, 5])).values()) == {"x" * 400}


def test_texts_that_cannot_be_read_are_none(source: ApiHistories, stub: Any) -> None:
    stub.add(1, None)
    stub.add(3, '{"labels": {"de": "M\\u00fchle"}}', model="wikibase-item")
    assert dict(source.texts([1, 2, 3])) == {1: None, 2: None, 3: '{"labels": {"de": "Mühle"}}'}


def test_large_texts_share_no_request(source: ApiHistories, stub: Any, answers: Any) -> None:
    answers(facts(), {"query": {"pages": [PAGE | {"revisions": [revision(number, size=2_000_000) for number in (12, 11, 10)]}]}})
    source.facts()
    source.history(7, 10)
    for rev_id in (10, 11, 12):
        stub.add(rev_id, "x")
    stub.requests.clear()
    assert len(dict(source.texts([10, 11, 12]))) == 3
    assert sorted(len(request["revids"].split("|")) for request in stub.requests) == [1, 2]


def test_contributions_go_by_the_number_of_the_account_if_there_is_one(source: ApiHistories, stub: Any, answers: Any) -> None:
    entry = {"pageid": 7, "title": "Talk:Mill", "ns": 1} | revision(12)
    answers({"query": {"usercontribs": [entry]}}, {"query": {"usercontribs": []}})
    ((page, one),) = source.contributions("Grey Pebble", 5, 1_768_471_200.0, 50)
    assert (page.title, one.rev_id) == ("Talk:Mill", 12)
    source.contributions("203.0.113.7", 0, 0.0, 50)
    first, second = stub.requests
    assert (first["ucuserids"], first["ucend"], first["uclimit"]) == ("5", "2026-01-15T10:00:00Z", "50")
    assert (second["ucuser"], "ucuserids" in second) == ("203.0.113.7", False)


@pytest.mark.parametrize(
    ("params", "target"),
    [({"target_title": "B"}, "B"), ({"dest_title": "C"}, "C"), ({"newuser": "D"}, "D"), ([], ""), (None, "")],
)
def test_log_entries(source: ApiHistories, answers: Any, params: Any, target: str) -> None:
    entry = {"logid": 9, "type": "move", "action": "move", "title": "A", "user": "U", "timestamp": "2026-01-15T10:00:00Z", "comment": "c"}
    answers({"query": {"logevents": [entry | {"params": params, "logpage": 7}]}})
    (one,) = source.log_of_title("A", 10)
    assert (one.log_id, one.title, one.target, one.page_id, one.comment_hidden) == (9, "A", target, 7, False)


def test_a_title_the_wiki_does_not_accept_has_no_log(source: ApiHistories, answers: Any, api_error: Any) -> None:
    answers(api_error("invalidtitle"), api_error("baduser"))
    assert source.log_of_title("<>", 10) == []
    assert source.contributions("a|b", 0, 0.0, 10) == []
    answers(api_error("readapidenied"))
    with pytest.raises(WikiRefusedError):
        source.log_of_user("A", 0.0, 10)


def test_a_wiki_that_stumbles_is_asked_again(source: ApiHistories, answers: Any, slept: list[float], fault: Any) -> None:
    answers(fault(503), fault(429, headers={"retry-after": "7"}), {"query": {"pages": [PAGE]}})
    assert [page.page_id for page in source.pages(["Talk:Mill"])] == [7]
    assert slept == [2.0, 7.0]


def test_a_wiki_that_does_not_answer_is_given_up(source: ApiHistories, answers: Any, slept: list[float], fault: Any) -> None:
    answers(*[fault(503)] * ATTEMPTS)
    with pytest.raises(WikiUnavailableError):
        source.pages(["Talk:Mill"])
    assert len(slept) == ATTEMPTS - 1


def test_the_budget_is_waited_for(make_api: Any, answers: Any) -> None:
    now = [0.0]
    budget = Budget(60.0, clock=lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    source = ApiHistories(make_api(budget), "aawiki", budget, sleep)
    answers(*[{"query": {"pages": [PAGE]}}] * 30)
    for _ in range(30):
        source.pages(["Talk:Mill"])
    assert now[0] == pytest.approx(20.0)  # ten at once, then one a second


@pytest.mark.parametrize(
    "answer",
    [
        {"query": {"pages": [PAGE | {"revisions": [{"revid": "x", "timestamp": "2026-01-15T10:00:00Z"}]}]}},
        {"query": {"pages": [PAGE | {"revisions": [{"revid": 10}]}]}},
        {"query": {"pages": [PAGE | {"revisions": [revision(10, timestamp="soon")]}]}},
        {"query": "nothing"},
    ],
    ids=["no number", "no time", "odd time", "no query"],
)
def test_answers_of_an_unknown_shape(source: ApiHistories, answers: Any, answer: Any) -> None:
    answers(answer)
    with pytest.raises(WikiUnavailableError, match="unknown shape"):
        source.history(7, 10)


def test_answers_that_go_round_in_circles(source: ApiHistories, answers: Any) -> None:
    answers(*[{"query": {"pages": [PAGE]}, "continue": {"rvcontinue": "1", "continue": "||"}}] * 3)
    with pytest.raises(WikiUnavailableError, match="circles"):
        source.history(7, 10)
