"""How fast a dump is examined, against unpacking it alone: ``python benchmarks/scan_dump.py --data ../shared/data``.

Makes a dump of a few equal parts (``dump_data.py``), and prints MB of XML a second of one process's processor: unpacked, read, compared,
examined with and without ``--quick``, and where the time of examining goes. A real part is thousands of times as large, so what is done
once in a process (loading the detector, opening the database, building tables) is done before, and stands in its own line.

Then parts are given to one and to two processes of Dask, which load before the clock begins: from the first part's start to the last
one's end by the wall's clock, and the processor time they took together. The second says what the processes cost each other; the first
is only worth something where there are as many idle cores. Last, what ``--quick`` loses on texts that are labelled.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import dataclasses
import gzip
import importlib
import json
import os
import random
import resource
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dump_data import Maker, comments, made_up, part
from rich.console import Console
from rich.table import Table

from tsbot.cases.filing import Windows
from tsbot.detect import detector as detector_module
from tsbot.detect.detector import Cascade, load_detector
from tsbot.scan import examine as examining
from tsbot.scan.compressed import opened
from tsbot.scan.dump import DumpScan, Within
from tsbot.scan.dump_xml import Site, revisions
from tsbot.scan.examine import Examiner, Remembering
from tsbot.scan.job import Counts, Job, JobState, What
from tsbot.scan.keeper import Keeper
from tsbot.scan.pool import Order, in_other_process
from tsbot.settings import Settings
from tsbot.store.opening import open_store
from tsbot.text.passages import added_passages

UNPACKED = "unpacked"


def unpack(path: Path, opener: Callable[[Path], object]) -> None:
    with opener(path) as file:  # type: ignore[attr-defined]
        while file.read(1 << 20):
            pass


def read(path: Path) -> None:
    with opened(path) as file:
        for _ in revisions(file, Site()):
            pass


def compare(path: Path) -> None:
    scan = DumpScan(None, path, Within())  # type: ignore[arg-type]
    with opened(path) as file:
        for _, portion in scan._portions(revisions(file, site := Site()), site, 0):
            for seen in portion:
                if seen.text is not None:
                    added_passages(seen.parent_text, seen.text, max_chars=200_000)


def examine(path: Path, examiner: Examiner, folder: Path) -> int:
    store = open_store(Settings(data_dir=str(folder)))
    keeper = Keeper(store, examiner, Windows(), time.time, time.sleep)
    job = Job(uuid.uuid4().hex, What.DUMP, "", "x", False, JobState.RUNNING, "", Counts(), 0.0, 0.0)
    *_, last = DumpScan(keeper, path, Within()).run(job)
    store.close()
    return last.job.counts.flagged


@contextmanager
def spent_in(places: dict[str, tuple[Any, str]]) -> Iterator[dict[str, float]]:
    """Seconds of processor time in methods, by name; what one calls of the others is not counted twice."""
    spent = dict.fromkeys(places, 0.0)
    within: list[float] = []

    def watched(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            began = time.process_time()
            within.append(0.0)
            try:
                return method(*args, **more)
            finally:
                took = time.process_time() - began
                spent[name] += took - within.pop()
                if within:
                    within[-1] += took

        return call

    before = {name: getattr(*place) for name, place in places.items()}
    for name, (owner, attribute) in places.items():
        setattr(owner, attribute, watched(name, before[name]))
    try:
        yield spent
    finally:
        for name, (owner, attribute) in places.items():
            setattr(owner, attribute, before[name])


STEPS: dict[str, tuple[Any, str]] = {
    "comparing texts, taking markup off": (examining, "added_passages"),
    "encoder": (Cascade, "_read"),
    "language packs": (Cascade, "_clues"),
    "n-grams": (Cascade, "_ngrams"),
    "personal data": (detector_module, "find_personal"),
    "storing": (Keeper, "store"),
}


def where(path: Path, examiner: Examiner, folder: Path) -> list[tuple[str, float]]:
    """Seconds of examining a part, by step."""
    began = time.process_time()
    unpack(path, opened)
    unpacked = time.process_time() - began
    began = time.process_time()
    with spent_in(STEPS) as spent:
        examine(path, examiner, folder)
    left = time.process_time() - began - unpacked - sum(spent.values())
    return [("unpacking", unpacked), *spent.items(), ("the rest: reading XML, normal forms, languages, the loop", left)]


def marginal(settings: Settings, paths: list[Path], workers: int, *, quick: bool) -> tuple[float, float]:
    """Seconds from the first start to the last end, and seconds of processor time, of parts given to so many processes."""
    distributed = importlib.import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, worker_dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        order = Order(settings, Within(), quick=quick)
        client.run(_warm, order, paths[-1])  # a part of its own, by every process
        rest = paths[:-1]
        futures = [client.submit(_timed, order, path, key=path.name, pure=False) for path in rest]
        times = client.gather(futures)
    return max(end for _, end, _ in times) - min(begin for begin, _, _ in times), sum(used for *_, used in times)


def _warm(order: Order, path: Path) -> None:
    in_other_process(dataclasses.replace(order, dry=True), path)


def _timed(order: Order, path: Path) -> tuple[float, float, float]:
    began, used = time.monotonic(), time.process_time()
    receipt = in_other_process(order, path)
    assert not receipt.trouble, receipt
    return began, time.monotonic(), time.process_time() - used


def quality(data: Path) -> None:
    with gzip.open(data / "threats" / "jigsaw_train.csv.gz", "rt", encoding="utf-8") as file:
        threats = [row["comment_text"] for row in csv.DictReader(file) if float(row["threat"]) == 1]
    with (data / "threats" / "annotated.jsonl").open(encoding="utf-8") as file:
        annotated = [json.loads(line)["text"] for line in file]
    ordinary = comments(data)[:3000]
    table = Table(title="what --quick loses (flagged in full, and of those in quick)")
    for heading in ("texts", "number", "full", "quick", "lost", "ms/text full", "ms/text quick"):
        table.add_column(heading)
    full, quick = load_detector(), load_detector(quick=True)
    for name, texts in (("threats (Jigsaw, training part)", threats), ("annotated", annotated), ("ordinary comments", ordinary)):
        flagged, spent = [], []
        for detector in (full, quick):
            began = time.process_time()
            flagged.append([bool(finding.flagged) for finding in detector.judge(texts)])
            spent.append((time.process_time() - began) / len(texts) * 1000)
        lost = sum(a and not b for a, b in zip(*flagged, strict=True))
        table.add_row(name, f"{len(texts):,}", str(sum(flagged[0])), str(sum(flagged[1])), str(lost), *(f"{ms:.2f}" for ms in spent))
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--megabytes", type=float, default=24.0, help="Of one part.")
    parser.add_argument("--parts", type=int, default=5, help="The last one is used to warm up.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rng = random.Random(1)
        maker = Maker(rng, comments(options.data) if options.data else made_up(rng))
        paths, size = [], 0.0
        for number in range(options.parts):
            text = "".join(part(maker, options.megabytes)).encode()
            size = len(text) / 1e6
            paths.append(folder / f"part{number}.xml.bz2")
            paths[-1].write_bytes(bz2.compress(text))
        table = Table(title=f"{options.parts} parts of {size:.0f} MB of XML ({paths[0].stat().st_size / 1e6:.1f} MB of bzip2)")
        for heading in ("what", "MB/s", "of unpacking"):
            table.add_column(heading)
        def line(name: str, work: Callable[[], object], times: int = 3) -> None:
            # Beside other work seconds differ by half from one minute to the next: unpacking is measured anew beside each.
            spent, ratios = [], []
            for _ in range(times):
                began = time.process_time()
                unpack(paths[0], opened)
                alone = time.process_time() - began
                began = time.process_time()
                work()
                spent.append(time.process_time() - began)
                ratios.append(alone / spent[-1])
            table.add_row(name, f"{size / statistics.median(spent):.1f}", f"{statistics.median(ratios):.0%}")

        line(UNPACKED, lambda: unpack(paths[0], opened))
        line("and read", lambda: read(paths[0]))
        line("and compared with parents", lambda: compare(paths[0]))
        steps = Table(title="where the time of examining a part goes, %")
        steps.add_column("step")
        shares: list[list[tuple[str, float]]] = []
        for quick in (True, False):
            began = time.process_time()
            detector = load_detector(quick=quick)
            scratch = iter(folder / f"one-{quick}-{number}" for number in range(9))
            examine(paths[-1], Examiner(Remembering(detector)), next(scratch))
            once = time.process_time() - began
            room = folder / f"one-{quick}-0"
            name = f"examined{', --quick' if quick else ''}"
            line(name, lambda: examine(paths[0], Examiner(Remembering(detector)), room))  # noqa: B023
            table.add_row("  (what is done once, and a first part)", f"{once:.1f} s", "")
            steps.add_column(name)
            shares.append(where(paths[0], Examiner(Remembering(detector)), room))
        for one in zip(*shares, strict=True):
            totals = [sum(seconds for _, seconds in many) for many in shares]
            steps.add_row(one[0][0], *(f"{seconds / total:.0%}" for (_, seconds), total in zip(one, totals, strict=True)))
        many = Table(title=f"{len(paths) - 1} equal parts, --quick, from the first start to the last end")
        for heading in ("processes", "MB/s", "times", "MB per second of processor time", "times"):
            many.add_column(heading)
        first: tuple[float, float] | None = None
        for workers in (1, 2):
            settings = Settings(data_dir=str(folder / f"many-{workers}"))
            open_store(settings).close()
            took, used = marginal(settings, paths, workers, quick=True)
            first = first or (took, used)
            amount = size * (len(paths) - 1)
            numbers = (f"{amount / took:.1f}", f"{first[0] / took:.2f}", f"{amount / used:.1f}", f"{first[1] / used:.2f}")
            many.add_row(str(workers), *numbers)
        table.caption = f"peak memory of the one process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; "
        table.caption += f"load {os.getloadavg()[0]:.1f}"
        for shown in (table, steps, many):
            Console(width=120).print(shown)
    if options.data:
        quality(options.data)


if __name__ == "__main__":
    main()
