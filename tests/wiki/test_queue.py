"""Which edits are fetched next: oldest first, together with others of their wiki, and none lost or twice."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tsbot.wiki.queue import FetchBatch, FetchItem, FetchQueue
from tsbot.wiki.types import RevisionRef


def make(size: int = 3, **changes: float) -> FetchQueue:
    return FetchQueue(lambda _: size, **({"window": 1.0, "concurrency": 3, "attempts": 4} | changes))  # type: ignore[arg-type]


def add(queue: FetchQueue, time: float, wiki: str = "aawiki", token: object = None) -> None:
    queue.add(RevisionRef(wiki, int(time * 10) + 1), time, token)


def times(batch: FetchBatch | None) -> list[float]:
    assert batch is not None
    return [item.time for item in batch.items]


def test_an_edit_waits_for_others_of_its_wiki() -> None:
    queue = make()
    add(queue, 10.0)
    assert queue.next(10.5) is None
    assert queue.wait_time(10.5) == 0.5
    assert times(queue.next(11.0)) == [10.0]


def test_a_full_batch_goes_at_once() -> None:
    queue = make(size=2)
    add(queue, 10.1)
    add(queue, 10.0)
    assert times(queue.next(10.1)) == [10.0, 10.1]


@pytest.mark.parametrize("back", [600.0, 86400.0])
def test_a_clock_that_is_set_back_keeps_no_edit_waiting(back: float) -> None:
    queue = make()
    add(queue, 1e6)
    assert queue.wait_time(1e6 - back) == 0.0
    assert times(queue.next(1e6 - back)) == [1e6]


def test_a_clock_that_is_set_back_ends_the_pause_of_a_wiki() -> None:
    queue = make()
    add(queue, 10.0)
    batch = queue.next(1e9)
    assert batch is not None
    queue.retry(batch, 1e9, 30.0)
    assert queue.next(1e9 + 1) is None
    assert queue.wait_time(20.0) == 0.0
    again = queue.next(20.0)
    assert times(again) == [10.0]
    assert again is not None
    queue.done(again)
    queue.defer(again.items[0], 1e9)
    assert queue.wait_time(20.0) == 0.0
    assert times(queue.next(30.0)) == [10.0]


def test_the_wiki_with_the_oldest_edit_comes_first() -> None:
    queue = make()
    add(queue, 10.0, "bbwiki")
    add(queue, 9.0, "ccwiki")
    add(queue, 8.0, "aawiki")
    order = [batch.wiki for _ in range(3) if (batch := queue.next(20.0))]
    assert order == ["aawiki", "ccwiki", "bbwiki"]


def test_a_wiki_gets_one_request_at_a_time_and_all_wikis_together_three() -> None:
    queue = make(size=1)
    for wiki in ("aawiki", "aawiki", "bbwiki", "ccwiki", "ddwiki"):
        add(queue, 1.0, wiki)
    started = [queue.next(20.0) for _ in range(4)]
    assert [batch.wiki if batch else None for batch in started] == ["aawiki", "bbwiki", "ccwiki", None]
    assert queue.wait_time(20.0) is None  # only an answer can change that
    assert started[0] is not None
    queue.done(started[0])
    following = queue.next(20.0)
    assert following is not None
    assert following.wiki == "aawiki"


def test_a_wiki_that_fails_is_left_alone_longer_each_time_and_at_most_five_minutes() -> None:
    queue = make(attempts=100)
    add(queue, 0.0)
    now, pauses = 100.0, []
    for _ in range(10):
        batch = queue.next(now)
        assert batch is not None
        queue.retry(batch, now)
        assert queue.next(now) is None
        pauses.append(queue.wait_time(now))
        now += pauses[-1] or 0
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_wiki_is_left_alone_for_as_long_as_it_asks_within_reason() -> None:
    for asked, pause in ((7.0, 7.0), (1.0, 2.0), (10**9, 3600.0)):
        queue = make()
        add(queue, 0.0)
        batch = queue.next(100.0)
        assert batch is not None
        queue.retry(batch, 100.0, asked)
        assert queue.wait_time(100.0) == pause


def test_a_failing_wiki_does_not_hold_up_the_others() -> None:
    queue = make()
    add(queue, 0.0)
    add(queue, 1.0, "bbwiki")
    first = queue.next(10.0)
    assert first is not None
    queue.retry(first, 10.0)
    second = queue.next(10.0)
    assert second is not None
    assert second.wiki == "bbwiki"


def test_an_edit_is_given_up_after_so_many_attempts() -> None:
    queue = make(attempts=2)
    add(queue, 0.0, token="event 1")
    now = 10.0
    for given_up in ([], ["event 1"]):
        batch = queue.next(now)
        assert batch is not None
        assert [item.token for item in queue.retry(batch, now)] == given_up
        now += 1000
    assert len(queue) == 0


@pytest.mark.parametrize("size", [25, 250])
def test_an_edit_whose_batch_keeps_failing_is_given_up_alone(size: int) -> None:
    """The wiki breaks down each time it is asked for the edit of second 7: the others must not be given up with it."""
    queue = make(size=size, attempts=12)
    for number in range(size):
        add(queue, float(number))
    now, given_up, fetched, requests = 1000.0, [], 0, 0
    while len(queue):
        now += queue.wait_time(now) or 0.0
        batch = queue.next(now)
        assert batch is not None
        requests += 1
        if 7.0 in times(batch):
            given_up += queue.retry(batch, now)
        else:
            queue.done(batch)
            fetched += len(batch.items)
    assert [item.time for item in given_up] == [7.0]
    assert fetched == size - 1
    assert requests <= 12 + 8


def test_a_refused_batch_is_halved_until_the_bad_edit_stands_alone() -> None:
    queue = make(size=8)
    for number in range(8):
        add(queue, float(number))
    requests, bad = 0, None
    fetched = 0
    while len(queue):
        batch = queue.next(100.0)
        assert batch is not None
        requests += 1
        if any(item.time == 5.0 for item in batch.items):
            bad = queue.split(batch)
        else:
            queue.done(batch)
            fetched += len(batch.items)
    assert bad is not None
    assert (bad.time, fetched, requests) == (5.0, 7, 7)


def test_a_batch_can_end_only_once() -> None:
    queue = make()
    add(queue, 0.0)
    batch = queue.next(10.0)
    assert batch is not None
    queue.done(batch)
    with pytest.raises(ValueError, match="under way"):
        queue.done(batch)


class Life(RuleBasedStateMachine):
    """Any order of additions, answers, failures, refusals and time: every edit leaves exactly once, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FetchQueue(lambda wiki: 1 + len(wiki) % 4, window=1.0, concurrency=3, attempts=3)
        self.now = 1000.0
        self.serial = 0
        self.inside: set[object] = set()
        self.flying: list[FetchBatch] = []

    def _left(self, items: list[FetchItem]) -> None:
        for item in items:
            assert item.token in self.inside
            self.inside.remove(item.token)

    @rule(wiki=st.sampled_from(["a", "bb", "ccc", "dddd", "eeeee"]), age=st.floats(0, 30))
    def add(self, wiki: str, age: float) -> None:
        self.serial += 1
        self.inside.add(self.serial)
        self.queue.add(RevisionRef(wiki, self.serial), self.now - age, self.serial)

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, 400.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def start(self) -> None:
        batch = self.queue.next(self.now)
        if batch is None:
            return
        assert batch.wiki not in {other.wiki for other in self.flying}
        assert {item.ref.wiki for item in batch.items} == {batch.wiki}
        assert 1 <= len(batch.items) <= 1 + len(batch.wiki) % 4
        assert [item.time for item in batch.items] == sorted(item.time for item in batch.items)
        assert {item.token for item in batch.items} <= self.inside
        self.flying.append(batch)
        assert len(self.flying) <= 3

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), how=st.sampled_from(["done", "retry", "split", "give_up", "put_back", "defer"]))
    def land(self, data: st.DataObject, how: str) -> None:
        batch = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        match how:
            case "done":
                self.queue.done(batch)
                self._left(list(batch.items))
            case "retry":
                self._left(self.queue.retry(batch, self.now, data.draw(st.sampled_from([None, 5.0]))))
            case "split":
                bad = self.queue.split(batch)
                assert (bad is None) == (len(batch.items) > 1)
                self._left([bad] if bad else [])
            case "give_up":
                self._left(self.queue.give_up(batch))
            case "put_back":
                self.queue.put_back(batch)
            case "defer":
                self.queue.done(batch)
                self.queue.defer(batch.items[0], self.now + 5)
                self._left(list(batch.items[1:]))

    @invariant()
    def counts(self) -> None:
        assert len(self.queue) == len(self.inside)
        assert self.queue.in_flight == len(self.flying)

    @invariant()
    def waiting_is_never_for_nothing(self) -> None:
        """What ``wait_time`` promises comes true, so that nobody sleeps for ever on edits that are there."""
        if not self.flying and self.inside:
            wait = self.queue.wait_time(self.now)
            assert wait is not None
            assert wait <= 300 + 5

    def teardown(self) -> None:
        for batch in self.flying:
            self.queue.put_back(batch)
        for _ in range(10 * len(self.inside) + 10):
            self.now += self.queue.wait_time(self.now) or 0.0
            batch = self.queue.next(self.now)
            if batch is not None:
                self._left(list(batch.items))
                self.queue.done(batch)
        assert not self.inside


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
