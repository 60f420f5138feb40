"""What filters stopped: which entries of an abuse log become events, what of them is judged, and that none is left out or told twice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tsbot.attempts import FilterWatch, place_of
from tsbot.errors import WikiRefusedError, WikiUnavailableError
from tsbot.store.database import Database
from tsbot.stream.events import Event
from tsbot.text.passages import carried_passages
from tsbot.wiki.abuselog import Attempts, attempts
from tsbot.wiki.past import Place

BASE = "https://en.wikipedia.org"
START = 1_768_471_200.0
NOWHERE = Place()


class Log:
    """An abuse log."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        self.entries = list(entries)
        self.asked: list[dict[str, Any]] = []
        self.refuse = ""
        self.present = True

    def add(self, number: int, seconds: float, **more: Any) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + seconds))
        entry = {"id": number, "user": "Grey Pebble", "ns": 1, "title": f"Talk:P{number}", "action": "edit", "result": "disallow"}
        self.entries.append(entry | {"timestamp": moment, "details": {"summary": "a remark"}} | more)

    def follow(self, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.asked.append(parameters)
        if self.refuse:
            raise WikiRefusedError("no", self.refuse)
        if not self.present:
            yield {"query": {}}
            return
        found = sorted((one for one in self.entries if one["timestamp"] >= parameters["aflstart"]), key=lambda one: one["timestamp"])
        for start in range(0, len(found), 2):
            # The real list continues at a time, so the entries of that second come again.
            yield {"query": {"abuselog": found[max(0, start - 1) : start + 2]}}


def read(log: Any, after: Place = NOWHERE) -> tuple[list[str], Place]:
    place, told = after, []
    for portion in attempts(log, "enwiki", BASE, after):
        told += [event.subject or "" for event in portion.events]
        place = portion.place
    return told, place


def cases() -> Iterator[tuple[dict[str, Any], list[str]]]:
    for block in Path(__file__).with_name("abuselog.txt").read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        yield json.loads(lines[0]), [line for line in lines[1:] if line != "nothing"]


@pytest.mark.parametrize(("entry", "judged"), list(cases()), ids=lambda value: str(value["id"]) if isinstance(value, dict) else "")
def test_what_is_judged_of_an_entry(entry: dict[str, Any], judged: list[str]) -> None:
    events: list[Event] = [event for portion in attempts(Log(entry), "enwiki", BASE, Place()) for event in portion.events]  # type: ignore[arg-type]
    assert sorted(f"{one.field}: {one.text}" for event in events for one in carried_passages(event)) == sorted(judged)
    assert [event.subject for event in events] == ([f"enwiki:abuse:{entry['id']}"] if judged else [])


def test_each_is_told_once_and_late_ones_too() -> None:
    log = Log()
    for number in range(1, 6):
        log.add(number, number // 2)
    told, place = read(log)
    assert told == [f"enwiki:abuse:{number}" for number in range(1, 6)]
    assert read(log, place) == ([], place)
    log.add(6, 1)  # stored late, with an earlier time than the last one
    log.add(7, 9)
    assert read(log, place)[0] == ["enwiki:abuse:6", "enwiki:abuse:7"]


def test_entries_whose_details_are_kept_from_us_are_counted() -> None:
    log = Log()
    log.add(1, 0, details=[])
    (portion,) = attempts(log, "enwiki", BASE, Place())  # type: ignore[arg-type]
    assert portion.withheld == 1


def test_without_the_right_and_without_a_log() -> None:
    log = Log()
    log.refuse = "permissiondenied"
    with pytest.raises(WikiRefusedError, match=r"enwiki does not let us .* abusefilter-log-detail"):
        read(log)
    log.refuse, log.present = "", False
    with pytest.raises(WikiRefusedError, match="enwiki has no abuse log"):
        read(log)
    broken = Log({"id": "x", "timestamp": "2026-01-15T10:00:00Z"})
    with pytest.raises(WikiUnavailableError, match="unknown shape"):
        read(broken)


def wait_for(watch: FilterWatch, number: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    deadline = time.monotonic() + 20
    while len(found) < number and time.monotonic() < deadline:
        found += watch.arrived()
        time.sleep(0.02)
    return found


def test_the_watch_brings_batches_with_their_place_and_survives_a_refusal(database: Database) -> None:
    log = Log()
    log.add(1, 0)
    asked: list[tuple[str, Place]] = []

    def look(wiki: str, place: Place) -> Iterator[Attempts]:
        asked.append((wiki, place))
        if wiki == "dewiki":
            raise WikiRefusedError("dewiki does not let us", "permissiondenied")
        return attempts(log, wiki, BASE, place)  # type: ignore[arg-type]

    watch = FilterWatch(database, look, ("dewiki", "enwiki"), every=0.1, since=60.0, clock=lambda: START)
    watch.start()
    (first,) = wait_for(watch, 1)
    log.add(2, 5)
    (second,) = wait_for(watch, 1)
    watch.close()
    assert first[0] == second[0] == "abuselog.enwiki"
    assert [len(batch.messages) for _, batch in (first, second)] == [1, 1]
    assert (place_of(first[1].cursor), place_of(second[1].cursor)) == (Place(START, 1), Place(START + 5, 2))
    assert [wiki for wiki, _ in asked].count("dewiki") == 1  # asked again after a quarter of an hour
    assert asked[0] == ("dewiki", Place(START - 60.0, 0))
    assert list(watch.refused) == ["dewiki"]
