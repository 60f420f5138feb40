"""Fetching in the background, against the scripted wiki."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tsbot.errors import SettingsError, UnknownWikiError, WikiRefusedError
from tsbot.wiki.budget import Budget
from tsbot.wiki.fetcher import ASK_AGAIN, Fetcher, FetchResult
from tsbot.wiki.queue import FetchQueue
from tsbot.wiki.revisions import PywikibotRevisions
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionSource, RevisionState


class Bench:
    """A fetcher with a clock that a test can turn."""

    def __init__(self, source: RevisionSource, budget: Budget | None = None, **queue: Any) -> None:
        self.now = 1_800_000_000.0
        self.queue = FetchQueue(source.batch_size, **{"window": 0.0, **queue})
        self.budget = budget or Budget(None)
        self.fetcher = Fetcher(source, self.queue, self.budget, now=lambda: self.now)

    def add(self, rev_id: int, wiki: str = "aawiki", age: float = 100.0) -> None:
        self.queue.add(RevisionRef(wiki, rev_id), self.now - age, f"{wiki}:{rev_id}")

    def run(self, until: Callable[[list[FetchResult]], bool] | None = None) -> list[FetchResult]:
        """Turn the wheel, and the clock when nothing else is left, until the queue is empty."""
        results: list[FetchResult] = []
        end = time.monotonic() + 20
        while len(self.queue) and not (until and until(results)):
            assert time.monotonic() < end, "the fetcher does not come to an end"
            self.fetcher.submit()
            results += self.fetcher.collect(wait=5.0)
            if not self.queue.in_flight:
                self.now += self.fetcher.wait_time() or 0.0
        return results


@pytest.fixture
def bench(api: Any) -> Iterator[Bench]:
    bench = Bench(PywikibotRevisions(api))
    yield bench
    bench.fetcher.close()


def tokens(results: list[FetchResult]) -> set[object]:
    return {result.item.token for result in results}


def test_every_edit_comes_back_once_whatever_the_wikis_do_meanwhile(stub: Any, bench: Bench, fault: Any, api_error: Any) -> None:
    for number in range(1, 121):
        stub.add(number, f"text {number}")
        bench.add(number, ("aawiki", "bbwiki", "ccwiki")[number % 3], age=200 - number)
    stub.faults.extend([fault(500), api_error("maxlag", Retry_After="5"), fault(drop=True), fault(body=b"<html>"), fault(body=b"")])

    results = bench.run()

    assert len(results) == len(tokens(results)) == 120
    assert all(result.error is None for result in results)
    assert all(result.revision and result.revision.text == f"text {result.item.ref.rev_id}" for result in results)
    assert len(stub.requests) == 5 + 6  # the faults, and 40 edits of each of three wikis at 25 a request


def test_an_edit_is_given_up_with_its_reason_when_the_wiki_stays_away(stub: Any, bench: Bench, fault: Any) -> None:
    stub.add(2)
    bench.add(1)
    stub.faults.extend([fault(503)] * 12)
    (result,) = bench.run()
    assert result.revision is None
    assert "HTTP 503" in str(result.error)
    assert result.item.attempts == 12


def test_one_bad_edit_does_not_take_its_batch_along(stub: Any, bench: Bench) -> None:
    """A revision that makes MediaWiki fail each time it is asked for."""
    for number in range(1, 26):
        stub.add(number)
        bench.add(number)
    fine = stub.answer
    error = {"error": {"code": "internal_api_error_RevisionAccessException", "info": ""}}
    stub.answer = lambda query, user: error if "13" in query["revids"].split("|") else fine(query, user)

    results = bench.run()

    assert len(results) == 25
    assert [(r.item.ref.rev_id, isinstance(r.error, WikiRefusedError)) for r in results if r.error] == [(13, True)]


def test_a_wiki_that_lets_nobody_read_is_asked_once(stub: Any, bench: Bench, api_error: Any) -> None:
    for number in range(1, 26):
        bench.add(number)
    stub.faults.append(api_error("readapidenied"))
    results = bench.run()
    assert len(results) == 25
    assert len(stub.requests) == 1


def test_an_unknown_wiki_costs_nothing(stub: Any, bench: Bench) -> None:
    bench.add(1, "nowiki")
    (result,) = bench.run()
    assert isinstance(result.error, UnknownWikiError)
    assert stub.requests == []


def test_a_fresh_revision_that_a_replica_does_not_have_yet_is_asked_for_again(stub: Any, bench: Bench) -> None:
    bench.add(1, age=0.0)
    bench.fetcher.submit()
    assert bench.fetcher.collect(wait=5.0) == []
    assert bench.fetcher.wait_time() == ASK_AGAIN
    stub.add(1, "replicated")
    (result,) = bench.run()
    assert result.revision is not None
    assert result.revision.text == "replicated"


def test_what_stays_missing_is_deleted(stub: Any, bench: Bench) -> None:
    bench.add(1, age=0.0)
    (result,) = bench.run()
    assert result.revision is not None
    assert result.revision.state is RevisionState.DELETED
    assert len(stub.requests) == 7  # at 0, 5, 10 … 30 seconds


def test_the_budget_is_kept(stub: Any, api: Any) -> None:
    for number in range(1, 4):
        stub.add(number)
    bench = Bench(PywikibotRevisions(api), Budget(1, clock=lambda: 0.0))
    bench.add(1, "aawiki")
    bench.add(2, "bbwiki")
    assert bench.fetcher.submit() == 1
    assert len(bench.fetcher.collect(wait=5.0)) == 1
    assert bench.fetcher.submit() == 0
    assert bench.fetcher.wait_time() == 60.0


class Local:
    """A source without a wiki."""

    def __init__(self, answer: Callable[[RevisionRef], FetchedRevision]) -> None:
        self.answer = answer
        self.most = self.now = 0
        self.lock = threading.Lock()

    def batch_size(self, wiki: str) -> int:
        return 25

    def fetch(self, wiki: str, refs: Any) -> list[FetchedRevision]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            return [self.answer(ref) for ref in refs]
        finally:
            with self.lock:
                self.now -= 1


def test_no_more_than_three_requests_are_under_way() -> None:
    together = threading.Barrier(3, timeout=5)

    def answer(ref: RevisionRef) -> FetchedRevision:
        together.wait()
        return FetchedRevision(ref, RevisionState.PRESENT, "text")

    source = Local(answer)
    bench = Bench(source)
    for number in range(9):
        bench.add(number, f"wiki{number}")
    assert len(bench.run()) == 9
    assert source.most == 3


def test_a_defect_in_the_source_costs_only_the_edit_that_shows_it() -> None:
    def answer(ref: RevisionRef) -> FetchedRevision:
        if ref.rev_id == 7:
            raise ZeroDivisionError
        return FetchedRevision(ref, RevisionState.PRESENT, "text")

    bench = Bench(Local(answer))
    for number in range(1, 21):
        bench.add(number)
    failed = [result for result in bench.run() if result.error]
    assert [(result.item.ref.rev_id, str(result.error)) for result in failed] == [(7, "Unexpected ZeroDivisionError.")]


def test_wrong_settings_stop_the_fetcher_and_lose_nothing() -> None:
    def answer(ref: RevisionRef) -> FetchedRevision:
        raise SettingsError("wiki.families names nothing")

    bench = Bench(Local(answer))
    bench.add(1)
    bench.fetcher.submit()
    with pytest.raises(SettingsError):
        bench.fetcher.collect(wait=5.0)
    assert len(bench.queue) == 1


def test_closing_waits_for_nobody() -> None:
    release = threading.Event()

    def answer(ref: RevisionRef) -> FetchedRevision:
        release.wait(10)
        return FetchedRevision(ref, RevisionState.PRESENT, "text")

    bench = Bench(Local(answer))
    bench.add(1)
    bench.add(2, "bbwiki")
    assert bench.fetcher.submit() == 2
    bench.fetcher.close()
    assert bench.fetcher.submit() == 0
    assert bench.fetcher.collect() == []
    release.set()
