"""Speed and memory of the detector: one table.

    python benchmarks/detect.py --data FOLDER     (the folder that `tsbot train --data` takes; texts of negatives/gc.csv.gz)

CPU seconds of this process are counted, so other processes on the machine matter little; every row is the median of the rounds.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# One core: the figures are per core, and numpy's threads would count for several.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console
from rich.table import Table

from tsbot.detect.detector import Cascade, load_detector
from tsbot.detect.finding import Kind
from tsbot.detect.sentences import all_sentences

BATCH = 256


def resident() -> float:
    """Resident memory in MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def seconds(work: Callable[[], None], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def judge(detector: Cascade, texts: Sequence[str]) -> Callable[[], None]:
    def work() -> None:
        for start in range(0, len(texts), BATCH):
            detector.judge(texts[start : start + BATCH])

    return work


def judge_each(detector: Cascade, texts: Sequence[str]) -> Callable[[], None]:
    def work() -> None:
        for text in texts:
            detector.judge([text])

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with gzip.open(options.data / "negatives" / "gc.csv.gz", "rt", encoding="utf-8", newline="") as file:
        talk = [row["text"] for row in csv.DictReader(file)]
    bare = resident()
    start = time.process_time()
    detector = load_detector()
    loading = time.process_time() - start
    table = Table("what", "texts", "characters each", "texts/s per core", title=f"{detector.version}, batches of {BATCH}")
    kinds = {
        "ordinary talk comments": talk,
        "the same, cut to 40 characters (edit summaries)": [text[:40] for text in talk],
        "the same, ten put together": ["\n".join(talk[i : i + 10]) for i in range(0, len(talk), 10)],
    }
    for name, texts in kinds.items():
        speed = len(texts) / seconds(judge(detector, texts), options.rounds)
        table.add_row(name, str(len(texts)), f"{sum(map(len, texts)) / len(texts):.0f}", f"{speed:,.0f}")
    one = seconds(judge_each(detector, talk[:1000]), options.rounds)
    table.add_row("ordinary talk comments, one call each", "1000", "", f"{1000 / one:,.0f}")
    threats = [sentence.text for sentence in all_sentences() if sentence.kind is not Kind.NONE][::5]
    speed = len(threats) / seconds(judge_each(detector, threats), 1)
    table.add_row("threats of forty languages, one call each", str(len(threats)), "", f"{speed:,.0f}")
    slow = sorted(seconds(judge_each(detector, [text]), 1) for text in (*talk[:1000], *threats))
    long = "The mill stands by the river. Nobody was hurt when it burned. " * (10_000_000 // 62)
    table.add_row("one text of 10 MB", "1", str(len(long)), f"{1 / seconds(lambda: detector.judge([long]) and None, 1):.2f}")
    console = Console()
    console.print(table)
    median, last = 1000 * slow[len(slow) // 2], 1000 * slow[int(len(slow) * 0.99)]
    console.print(f"one text, comments and threats together: median {median:.1f} ms, 99 of 100 within {last:.1f} ms")
    console.print(f"loading {loading:.2f} s; memory {bare:.0f} MB before loading, {resident():.0f} MB at the end")


if __name__ == "__main__":
    main()
