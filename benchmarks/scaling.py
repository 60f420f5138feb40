"""What all of Wikimedia costs, today and ten times as much: ``python benchmarks/scaling.py``.

First the cost of each step is measured on this machine: an event that a rule skips, an edit whose text is compared and judged, what a flag
takes in the database. From these and from the traffic that the options say, a model gives the load of a day at its mean and at its peak.
Then the queue of texts and the request budget are simulated, with the program's own classes and a clock of its own, for some minutes of
the peak; both stand in one table. docs/scaling.md explains the columns. Nothing is asked of any network.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.detect.detector import load_detector
from tsbot.detect.finding import Coverage, Evidence, Finding, Kind
from tsbot.intake import Intake
from tsbot.judge import Passages, judge
from tsbot.report.filing import file_reports
from tsbot.settings import AdmissionSettings, Settings
from tsbot.store.opening import open_store
from tsbot.stream.admission import Admission
from tsbot.stream.events import Event, EventKind
from tsbot.stream.seen import SeenIndex
from tsbot.text.passage import Field, Passage
from tsbot.text.passages import added_passages, event_passages
from tsbot.wiki.budget import PER_MINUTE, Budget
from tsbot.wiki.queue import FetchQueue
from tsbot.wiki.types import RevisionRef

WIKIS = 950
"""Wikis with edits."""
PEAK = 1.8
"""Busiest minute against the mean of a day."""
LATENCY, PER_TEXT = 0.20, 0.006
"""Seconds of a request, and of each edit in it."""
_WORDS = """
the mill by the river was rebuilt after the flood with timber
from the valley and its owner left it to the village
"""
WORDS = _WORDS.split()


@dataclass(frozen=True)
class Costs:
    """What this machine needs, in seconds of one core, and bytes."""

    skip: float
    """An event that is decoded and skipped by a rule."""
    carried: float
    """What an edit carries: summary, title, name."""
    text: float
    """Comparing the texts of an edit, and judging what it added."""
    flag_bytes: float
    """A flag with its case, letter and audit entries in SQLite."""


@dataclass(frozen=True)
class Traffic:
    """What happens in a day."""

    events: float
    edits: float
    """Events whose text is fetched."""
    flags: float


def message(number: int, *, bot: bool) -> bytes:
    meta = {"id": f"e{number}", "dt": "2026-01-15T10:00:00Z", "domain": "en.wikipedia.org", "stream": "mediawiki.recentchange"}
    event = {"$schema": "/mediawiki/recentchange/1.0.0", "meta": meta, "type": "edit", "namespace": 0, "title": f"Example {number}"}
    event |= {"comment": "a remark", "timestamp": 1_768_471_200, "user": f"Editor {number}", "bot": bot, "wiki": "enwiki"}
    event |= {"revision": {"old": number, "new": number + 1}, "length": {"old": 10, "new": 20}, "server_url": "https://en.wikipedia.org"}
    return json.dumps(event).encode()


def measure(rng: random.Random, folder: Path) -> Costs:
    intake = Intake(Admission(AdmissionSettings()), lambda _event: True, SeenIndex(2_000_000), SeenIndex(2_000_000))
    messages = [message(number, bot=True) for number in range(20_000)]
    began = time.process_time()
    for start in range(0, len(messages), 500):
        batch = intake.sort(messages[start : start + 500])
        intake.remember(batch)
    skip = (time.process_time() - began) / len(messages)

    detector = load_detector()
    numbers = range(1500)

    def prose(words: int) -> str:
        return " ".join(rng.choices(WORDS, k=words)).capitalize() + "."

    events = [
        Event(
            id=str(n),
            stream="x",
            kind=EventKind.EDIT,
            wiki="enwiki",
            time=1.0,
            title=f"{prose(3)} {n}",
            user=f"Ed{n}",
            comment=prose(8),
            rev_id=n,
        )
        for n in numbers
    ]
    detector.judge(["warm up"])
    carried = Passages()
    began = time.process_time()
    for event in events:
        carried.add(event, lambda event=event: event_passages(event))  # type: ignore[misc]
    judge(detector, carried)
    carried_cost = (time.process_time() - began) / len(events)
    page = "\n\n".join(prose(80) for _ in range(30))
    pairs = [(page, page + f"\n\n:{prose(rng.randrange(5, 60))} ~~~~") for _ in numbers]
    began = time.process_time()
    for start in range(0, len(pairs), 250):
        texts = Passages()
        for event, (old, new) in zip(events[start : start + 250], pairs[start : start + 250], strict=True):
            texts.add(event, lambda old=old, new=new: added_passages(old, new, max_chars=200_000).passages)  # type: ignore[misc]
        judge(detector, texts)
    text = (time.process_time() - began) / len(pairs)
    return Costs(skip, carried_cost, text, flag_bytes(folder))


def flag_bytes(folder: Path, number: int = 400) -> float:
    settings = Settings(data_dir=str(folder))
    store = open_store(settings)
    store.checkpoint()
    path = folder / "tsbot.sqlite"
    before = path.stat().st_size
    finding = Finding(
        kinds={Kind.VIOLENCE: 0.9},
        flagged=(Kind.VIOLENCE,),
        specificity=1,
        plausibility=1,
        imminence=1,
        evidence=(Evidence(0, 4, "violence"),),
        language="en",
        coverage=Coverage.SCORED,
    )
    with store.write() as connection:
        for n in range(number):
            event = Event(
                id=f"f{n}",
                stream="x",
                kind=EventKind.EDIT,
                wiki="enwiki",
                time=1e9 + n * 1e6,
                title=f"Talk:Page {n}",
                user=f"Editor {n}",
                rev_id=n + 1,
                server_url="https://en.wikipedia.org",
            )
            judged = Judged(event, Passage(Field.TEXT, f"number {n} " + "some words of a passage " * 12), finding)
            filed = file_flags(connection, store.key, [judged], detector="d", source="patrol", windows=Windows(), now=1e9 + n * 1e6)
            for flag in filed:
                file_reports(connection, flag, settings, 1e9 + n * 1e6)
    store.checkpoint()
    size = path.stat().st_size - before
    store.close()
    return size / number


def shares(wikis: int = WIKIS) -> list[float]:
    """Each wiki's share of all edits: a few large ones, and many small."""
    raw = [1 / (rank + 1) ** 1.1 for rank in range(wikis)]
    return [one / sum(raw) for one in raw]


def modelled_requests(rate: float, batch: int, window: float, turn: float) -> float:
    """Requests a second: of each wiki as its edits come, but no more often than its last answer and the window let, unless batches fill."""
    total = 0.0
    for share in shares():
        mine = rate * share
        total += max(mine / (1 + mine * (window + turn)), mine / batch)
    return total


@dataclass(frozen=True)
class Simulated:
    """What the simulation says of the peak."""

    requests_a_minute: float
    wait_p50: float
    wait_p95: float
    left: int
    """Edits whose text was not there at the end: more and more where the budget is too small."""


def simulate(rng: random.Random, rate: float, per_minute: float | None, batch: int, minutes: float, window: float = 1.0) -> Simulated:
    """The queue of texts in the busiest minutes, with edits that come at random."""
    now = [0.0]
    queue = FetchQueue(lambda _wiki: batch, window=window, concurrency=3)
    budget = Budget(per_minute, clock=lambda: now[0])
    weights = shares()
    wikis = [f"w{number}" for number in range(len(weights))]
    arrivals = iter_arrivals(rng, rate, minutes * 60)
    upcoming = next(arrivals, None)
    landing: list[tuple[float, int, object]] = []
    waits: list[float] = []
    requests = number = 0
    while upcoming is not None or len(queue):
        while upcoming is not None and upcoming <= now[0]:
            number += 1
            queue.add(RevisionRef(rng.choices(wikis, weights)[0], number), upcoming)
            upcoming = next(arrivals, None)
        while landing and landing[0][0] <= now[0]:
            moment, _, done = heapq.heappop(landing)
            waits += [moment - item.time for item in done.items]  # type: ignore[attr-defined]
            queue.done(done)  # type: ignore[arg-type]
        while budget.try_take():
            some = queue.next(now[0])
            if some is None:
                budget.give_back()
                break
            requests += 1
            heapq.heappush(landing, (now[0] + LATENCY + PER_TEXT * len(some.items), requests, some))
        if upcoming is None and now[0] > minutes * 60:
            break
        now[0] += 0.05
    waits = waits or [math.inf]
    return Simulated(requests / minutes, statistics.median(waits), statistics.quantiles(waits, n=20)[-1], len(queue))


def iter_arrivals(rng: random.Random, rate: float, seconds: float) -> Iterator[float]:
    moment = 0.0
    while (moment := moment + rng.expovariate(rate)) < seconds:
        yield moment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=float, default=5_000_000, help="Events a day, all wikis, today.")
    parser.add_argument("--fetched", type=float, default=0.10, help="Part of the events whose text is fetched.")
    parser.add_argument("--flagged", type=float, default=0.0005, help="Part of those that are flagged.")
    parser.add_argument("--minutes", type=float, default=5.0, help="Simulated minutes of the peak.")
    options = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as place:
        costs = measure(rng, Path(place) / "data")
    console = Console(width=150)
    console.print(
        f"measured: {costs.skip * 1e6:.0f} µs an event, {costs.carried * 1e3:.2f} ms what an edit carries, "
        f"{costs.text * 1e3:.2f} ms its text, {costs.flag_bytes / 1000:.1f} KB a flag"
    )
    load = Table(title="load of a day (one core; bytes are of SQLite)")
    for heading in ("", "events/s", "at the peak", "texts/day", "flags/day", "MB/day", "core, mean", "core, peak", "of it judging"):
        load.add_column(heading, justify="right")
    fetch = Table(title="texts at the peak: model and simulation")
    for heading in ("", "client", "allowed/min", "model/min", "in flight (of 3)", "simulated/min", "wait p50", "wait p95", "left waiting"):
        fetch.add_column(heading, justify="right")
    for name, factor in (("today", 1.0), ("ten times", 10.0)):
        events = options.events * factor
        traffic = Traffic(events, events * options.fetched, events * options.fetched * options.flagged)
        judging = traffic.edits * (costs.carried + costs.text)
        seconds = events * costs.skip + judging
        mean = seconds / 86400
        megabytes = (traffic.flags * costs.flag_bytes + 8 * min(2_000_000, events + traffic.edits)) / 1e6
        load.add_row(
            name,
            f"{events / 86400:,.0f}",
            f"{events / 86400 * PEAK:,.0f}",
            f"{traffic.edits:,.0f}",
            f"{traffic.flags:,.0f}",
            f"{megabytes:,.0f}",
            f"{mean:.0%}",
            f"{mean * PEAK:.0%}",
            f"{judging / seconds:.0%}",
        )
        rate = traffic.edits / 86400 * PEAK
        for client, batch in (("unauthed-bot", 25), ("established-user", 25), ("approved-bot", 250)):
            allowed = PER_MINUTE[client]
            per_minute = None if allowed is None else allowed * 0.75
            found = simulate(rng, rate, per_minute, batch, options.minutes)
            model = modelled_requests(rate, batch, 1.0, LATENCY) * 60
            fetch.add_row(
                name,
                client,
                "no limit" if per_minute is None else f"{per_minute:,.0f}",
                f"{model:,.0f}",
                f"{model / 60 * LATENCY + rate * PER_TEXT:.1f}",
                f"{found.requests_a_minute:,.0f}",
                f"{found.wait_p50:,.1f} s",
                f"{found.wait_p95:,.1f} s",
                f"{found.left:,}",
            )
    console.print(load)
    console.print(fetch)


if __name__ == "__main__":
    main()
