"""Asking a wiki for what the stream did not tell: a gap, or one thing that a person points at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsbot.errors import InputError, WikiRefusedError, WikiUnavailableError
from tsbot.stream.events import EventKind
from tsbot.wiki.links import Target
from tsbot.wiki.lookup import database_of, describe
from tsbot.wiki.recent import recent_changes

EDIT = {
    "type": "edit",
    "ns": 1,
    "title": "Talk:Foo",
    "pageid": 3,
    "revid": 12,
    "old_revid": 11,
    "rcid": 100,
    "user": "Mallory",
    "oldlen": 5,
    "newlen": 9,
    "timestamp": "2026-01-02T03:04:05Z",
    "comment": "hello",
    "bot": False,
    "minor": True,
}
NEW = EDIT | {"type": "new", "rcid": 101, "revid": 13, "old_revid": 0, "oldlen": 0}
LOG = {
    "type": "log",
    "ns": 2,
    "title": "User:New",
    "rcid": 102,
    "timestamp": "2026-01-02T03:04:06Z",
    "comment": "",
    "userhidden": True,
    "logid": 55,
    "logtype": "newusers",
    "logaction": "create",
    "logparams": {"userid": 9},
}
NOON = 1_767_355_200.0


def nothing() -> None:
    """A caller without a budget."""


class TestGap:
    def test_changes_look_as_if_the_stream_had_sent_them(self, stub: Any, api: Any) -> None:
        stub.recent = [EDIT, NEW, LOG]
        edit, new, log = [json.loads(m) for m in recent_changes(api, "aawiki", NOON, NOON + 60, before_request=nothing)]
        assert edit == {
            "$schema": "/mediawiki/recentchange/1.0.0",
            "meta": {
                "uri": f"{stub.base}/wiki/Talk:Foo",
                "id": edit["meta"]["id"],
                "dt": "2026-01-02T03:04:05Z",
                "domain": f"127.0.0.1:{stub.port}",
                "stream": "backfill.mediawiki.recentchange",
            },
            "id": 100,
            "type": "edit",
            "namespace": 1,
            "title": "Talk:Foo",
            "comment": "hello",
            "timestamp": 1767323045,
            "bot": False,
            "minor": True,
            "server_url": stub.base,
            "server_name": f"127.0.0.1:{stub.port}",
            "server_script_path": "/w",
            "wiki": "aawiki",
            "user": "Mallory",
            "length": {"old": 5, "new": 9},
            "revision": {"old": 11, "new": 12},
        }
        assert (new["length"], new["revision"]) == ({"old": None, "new": 9}, {"old": None, "new": 13})
        assert "user" not in log
        assert (log["log_id"], log["log_type"], log["log_action"], log["log_params"]) == (55, "newusers", "create", {"userid": 9})

    def test_the_wiki_is_asked_for_the_gap_oldest_first(self, stub: Any, api: Any) -> None:
        list(recent_changes(api, "aawiki", NOON, NOON + 60, before_request=nothing))
        (query,) = stub.requests
        assert (query["rcstart"], query["rcend"], query["rcdir"]) == ("2026-01-02T12:00:00Z", "2026-01-02T12:01:00Z", "newer")

    def test_ids_are_the_same_each_time_and_differ_between_wikis(self, stub: Any, api: Any) -> None:
        stub.recent = [EDIT, NEW]

        def ids(wiki: str) -> list[str]:
            return [json.loads(m)["meta"]["id"] for m in recent_changes(api, wiki, NOON, NOON, before_request=nothing)]

        assert ids("aawiki") == ids("aawiki")
        assert len({*ids("aawiki"), *ids("bbwiki")}) == 4

    def test_a_long_gap_takes_several_requests_and_each_is_announced(self, stub: Any, api: Any) -> None:
        stub.recent = [EDIT | {"rcid": number} for number in range(5)]
        announced: list[int] = []
        messages = recent_changes(api, "aawiki", NOON, NOON, before_request=lambda: announced.append(len(stub.requests)))
        assert [json.loads(m)["id"] for m in messages] == [0, 1, 2, 3, 4]
        assert announced == [0, 1, 2]

    def test_a_caller_without_budget_left_stops_it(self, stub: Any, api: Any) -> None:
        def refuse() -> None:
            raise WikiUnavailableError("No budget left.", 10.0)

        with pytest.raises(WikiUnavailableError):
            next(recent_changes(api, "aawiki", NOON, NOON, before_request=refuse))
        assert stub.requests == []

    def test_a_list_that_does_not_advance_is_not_followed_for_ever(self, stub: Any, api: Any, fault: Any) -> None:
        body = b'{"query": {"recentchanges": []}, "continue": {"rccontinue": "x", "continue": "-||"}}'
        stub.faults.extend([fault(body=body)] * 2)
        with pytest.raises(WikiRefusedError):
            list(recent_changes(api, "aawiki", NOON, NOON, before_request=nothing))

    def test_an_answer_of_unknown_shape(self, stub: Any, api: Any) -> None:
        stub.recent = [{"type": "edit"}]
        with pytest.raises(WikiUnavailableError):
            list(recent_changes(api, "aawiki", NOON, NOON, before_request=nothing))


REVISION = {"user": "Mallory", "timestamp": "2026-01-02T03:04:05Z", "comment": "hello", "size": 4}
ENTRY = {
    "logid": 55,
    "ns": 1,
    "title": "Talk:Foo",
    "pageid": 0,
    "params": {"type": "revision", "ids": [12, 13]},
    "type": "delete",
    "action": "revision",
    "user": "Admin",
    "timestamp": "2026-01-02T03:04:05Z",
    "comment": "attack",
}


class TestPointedAt:
    def test_a_revision(self, stub: Any, api: Any) -> None:
        stub.add(12, "text", parent=11, page=3, **REVISION)
        event = describe(api, "aawiki", rev_id=12)
        assert (event.kind, event.subject, event.parent_id) == (EventKind.EDIT, "aawiki:rev:12", 11)
        assert (event.title, event.namespace, event.page_id) == ("User talk:P3", 3, 3)
        assert (event.user, event.comment, event.time, event.size_new) == ("Mallory", "hello", 1767323045.0, 4)
        assert (event.domain, event.server_url, event.user_is_temp) == (f"127.0.0.1:{stub.port}", stub.base, False)
        assert event.id == describe(api, "aawiki", rev_id=12).id

    def test_a_revision_whose_author_is_hidden(self, stub: Any, api: Any) -> None:
        stub.add(12, "text", timestamp="2026-01-02T03:04:05Z", userhidden=True)
        event = describe(api, "aawiki", rev_id=12)
        assert (event.user, event.user_is_temp, event.parent_id) == (None, None, None)

    def test_a_revision_that_does_not_exist(self, stub: Any, api: Any) -> None:
        with pytest.raises(InputError, match="no revision 12"):
            describe(api, "aawiki", rev_id=12)

    @pytest.mark.parametrize("knows_leids", [True, False], ids=["looked up", "searched on an old wiki"])
    def test_a_log_entry(self, stub: Any, api: Any, knows_leids: bool) -> None:
        stub.knows_leids = knows_leids
        stub.logs = [ENTRY | {"logid": 57}, ENTRY]
        event = describe(api, "aawiki", log_id=55)
        assert (event.kind, event.subject, event.log_type, event.log_action) == (EventKind.LOG, "aawiki:log:55", "delete", "revision")
        assert (event.rev_ids, event.title, event.user, event.page_id) == ((12, 13), "Talk:Foo", "Admin", None)

    @pytest.mark.parametrize("knows_leids", [True, False])
    def test_a_log_entry_that_does_not_exist(self, stub: Any, api: Any, knows_leids: bool) -> None:
        stub.knows_leids = knows_leids
        stub.logs = [ENTRY]
        with pytest.raises(InputError, match="no log entry 54"):
            describe(api, "aawiki", log_id=54)

    def test_nothing_at_all(self, api: Any) -> None:
        with pytest.raises(InputError):
            describe(api, "aawiki")

    def test_the_database_of_an_address(self, stub: Any, api: Any, make_api: Any) -> None:
        assert database_of(api, Target(stub.base, rev_id=1)) == "aawiki"
        assert database_of(make_api(families=("wikipedia",)), Target("https://de.wikipedia.org", rev_id=1)) == "dewiki"
        assert stub.requests == []

    def test_an_address_that_no_family_lists_is_asked_for_its_name(self, stub: Any, make_api: Any) -> None:
        assert database_of(make_api(families=("wikipedia",)), Target(stub.base, rev_id=1)) == "zzwiki"
        assert stub.requests[0]["_path"] == "/w/api.php"
