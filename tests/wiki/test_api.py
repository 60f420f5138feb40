"""Talking to a wiki that fails in every way it can, over real sockets, through pywikibot."""

from __future__ import annotations

import gzip
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tsbot import __version__
from tsbot.errors import UnknownWikiError, WikiRefusedError, WikiUnavailableError
from tsbot.wiki.budget import Budget

QUERY = {"action": "query", "meta": "siteinfo"}


def test_requests_carry_the_agent_that_the_policy_asks_for(stub: Any, api: Any) -> None:
    api.get("aawiki", QUERY)
    (agent,) = stub.agents
    assert agent.startswith(f"tsbot/{__version__} (operator@example.org; bot) Pywikibot/")


def test_short_reads_go_by_get_and_long_ones_by_post(stub: Any, api: Any) -> None:
    api.get("aawiki", QUERY)
    api.get("aawiki", QUERY | {"x": "y" * 3000})
    assert stub.methods == ["GET", "POST"]


def test_a_request_that_hangs_ends_at_the_timeout(stub: Any, api: Any, fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywikibot.config.socket_timeout", (0.2, 0.2))
    stub.faults.append(fault(hang=1.0))
    with pytest.raises(WikiUnavailableError, match="ReadTimeout") as caught:
        api.get("aawiki", QUERY)
    assert caught.value.maybe_done


def test_an_answer_that_drips_ends_at_the_timeout_as_well(stub: Any, make_api: Any, fault: Any) -> None:
    stub.faults.append(fault(body=b"x" * 20, drip=0.05))
    with pytest.raises(WikiUnavailableError, match="too long"):
        make_api(timeout=0.2).get("aawiki", QUERY)


def test_a_connection_that_ends_without_an_answer(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.append(fault(drop=True))
    with pytest.raises(WikiUnavailableError) as caught:
        api.get("aawiki", QUERY)
    assert caught.value.maybe_done


def test_an_answer_that_breaks_off(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.append(fault(body=b'{"query": {}}', short=10))
    with pytest.raises(WikiUnavailableError, match="cannot be reached"):
        api.get("aawiki", QUERY)


def test_answers_may_be_compressed(stub: Any, api: Any, fault: Any) -> None:
    body = gzip.compress(b'{"query": {"x": "' + b"y" * 200_000 + b'"}}')
    stub.faults.append(fault(body=body, headers={"content-encoding": "gzip"}))
    assert len(api.get("aawiki", QUERY)["query"]["x"]) == 200_000


def test_an_answer_that_claims_to_be_compressed(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.append(fault(body=b"{}", headers={"content-encoding": "gzip"}))
    with pytest.raises(WikiUnavailableError):
        api.get("aawiki", QUERY)


def test_an_answer_of_brackets_is_no_answer(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.append(fault(body=b"[" * 1_000_000))
    with pytest.raises(WikiUnavailableError, match="no answer of the API"):
        api.get("aawiki", QUERY)


def test_no_proxy_stands_between_this_machine_and_itself(stub: Any, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert api.get("aawiki", QUERY)


def test_nobody_listens(pywikibot_home: Path, make_api: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(WikiUnavailableError, match="cannot be reached") as caught:
            make_api().get("xxwiki", QUERY, server_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert not caught.value.maybe_done


def test_failures_are_not_repeated_here(stub: Any, api: Any, fault: Any) -> None:
    stub.faults.extend([fault(503, b"<html>", {"Retry-After": "7"}), fault(500)])
    with pytest.raises(WikiUnavailableError) as caught:
        api.get("aawiki", QUERY)
    assert caught.value.retry_after == 7
    assert len(stub.requests) == 1


@pytest.mark.parametrize("code", ["maxlag", "readonly", "ratelimited"])
def test_errors_of_the_moment(stub: Any, api: Any, api_error: Any, code: str) -> None:
    stub.faults.append(api_error(code, Retry_After="5"))
    with pytest.raises(WikiUnavailableError) as caught:
        api.get("aawiki", QUERY)
    assert caught.value.retry_after == 5
    assert not caught.value.maybe_done


def test_errors_for_good(stub: Any, api: Any, api_error: Any) -> None:
    stub.faults.append(api_error("badvalue"))
    with pytest.raises(WikiRefusedError) as caught:
        api.get("aawiki", QUERY)
    assert caught.value.code == "badvalue"
    assert "SECRET" not in str(caught.value)


def test_too_many_requests_stop_all_requests(stub: Any, make_api: Any, fault: Any) -> None:
    budget = Budget(None, clock=lambda: 0.0)
    stub.faults.append(fault(429, b"", {"Retry-After": "40"}))
    with pytest.raises(WikiUnavailableError):
        make_api(budget).get("aawiki", QUERY)
    assert budget.wait_time() == 40


def test_an_unknown_wiki_is_asked_nothing(stub: Any, api: Any) -> None:
    with pytest.raises(UnknownWikiError):
        api.get("nowiki", QUERY, server_url="https://wiki.example")
    assert stub.requests == []


def test_every_request_is_paid_for_unless_it_is_already(stub: Any, make_api: Any) -> None:
    budget = Budget(600, clock=lambda: 0.0)
    before = budget.remaining
    api = make_api(budget)
    api.get("aawiki", QUERY)
    api.get("aawiki", QUERY, paid=True)
    assert budget.remaining == before - 1


class TestAccount:
    def test_the_first_request_that_finds_us_anonymous_logs_in(self, stub: Any, make_api: Any) -> None:
        api = make_api(account="TsBot")
        for _ in range(3):
            api.get("aawiki", QUERY)
        assert stub.logins == 1
        assert {query["assertuser"] for query in stub.requests if query["_path"] == "/aa/w/api.php" and "siprop" in query} <= {"TsBot"}

    def test_a_session_that_the_wiki_forgot_is_renewed_once(self, stub: Any, make_api: Any) -> None:
        api = make_api(account="TsBot")
        api.get("aawiki", QUERY)
        stub.sessions.clear()
        api.get("aawiki", QUERY)
        assert stub.logins == 2

    def test_a_wiki_that_never_takes_us_for_the_account_is_unavailable(self, stub: Any, make_api: Any, api_error: Any) -> None:
        stub.hook = lambda _: stub.sessions.clear()
        with pytest.raises(WikiUnavailableError, match="assertnameduserfailed"):
            make_api(account="TsBot").get("aawiki", QUERY)
        assert stub.logins == 1

    def test_an_account_without_password_does_not_ask_the_terminal(self, stub: Any, make_api: Any) -> None:
        with pytest.raises(WikiUnavailableError, match="password_file") as caught:
            make_api(account="Somebody").get("aawiki", QUERY)
        assert caught.value.retry_after == 300

    def test_a_session_lost_during_the_login_is_made_anew(self, stub: Any, make_api: Any, fault: Any) -> None:
        stub.faults.extend([
            fault(body=b'{"error": {"code": "assertnameduserfailed"}}'),
            fault(body=b'{"query": {"userinfo": {"name": "127.0.0.1"}}}'),
            fault(body=b'{"query": {"tokens": {"logintoken": "of another session"}}}'),
            fault(body=b'{"login": {"result": "WrongToken"}}'),
        ])
        assert make_api(account="TsBot").get("aawiki", QUERY)["query"]
        assert stub.logins == 1

    def test_a_wiki_that_always_loses_the_session_is_asked_three_times(self, stub: Any, make_api: Any, fault: Any) -> None:
        lost = [
            b'{"query": {"userinfo": {"name": "x"}}}',
            b'{"query": {"tokens": {"logintoken": "x"}}}',
            b'{"login": {"result": "WrongToken"}}',
        ]
        stub.faults.extend([fault(body=b'{"error": {"code": "assertnameduserfailed"}}'), *(fault(body=body) for body in lost * 3)])
        with pytest.raises(WikiUnavailableError, match="lost the session"):
            make_api(account="TsBot").get("aawiki", QUERY)
        assert not stub.faults

    def test_a_login_that_fails_is_not_tried_again_at_once(self, stub: Any, make_api: Any, fault: Any) -> None:
        stub.faults.extend([
            fault(body=b'{"error": {"code": "assertnameduserfailed"}}'),
            fault(body=b'{"query": {"userinfo": {"name": "127.0.0.1"}}}'),
            fault(body=b'{"query": {"tokens": {"logintoken": "stale"}}}'),
        ])
        with pytest.raises(WikiUnavailableError, match="refuses the login") as caught:
            make_api(account="TsBot").get("aawiki", QUERY)
        assert caught.value.retry_after == 300

    def test_a_bot_password_in_the_account_setting_names_the_same_user(self, make_api: Any) -> None:
        assert make_api(account="TsBot@tsbot").account == "TsBot"


def test_threads_share_pywikibot(stub: Any, api: Any) -> None:
    failures: list[BaseException] = []

    def ask(wiki: str) -> None:
        try:
            for _ in range(20):
                api.get(wiki, QUERY)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask, args=(wiki,)) for wiki in ("aawiki", "bbwiki", "ccwiki")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(stub.requests) == 60


def test_a_cookie_may_come_while_another_thread_reads_the_jar(stub: Any, api: Any) -> None:
    """Each request copies the jar; iterating over pywikibot's own raises RuntimeError if it grows meanwhile."""
    from pywikibot.comms import http

    api.get("aawiki", QUERY)
    reading = iter(http.session.cookies)
    api.get("aawiki", QUERY)
    assert len(list(reading)) == 1
    assert len(list(http.session.cookies)) == 2
