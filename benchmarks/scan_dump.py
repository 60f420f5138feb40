"""How fast a dump is examined, against unpacking it alone: ``python benchmarks/scan_dump.py --data ../shared/data``.

Makes a dump of a few parts (``dump_data.py``), and prints MB of XML a second: unpacked, read, compared, examined by one process with and
without ``--quick``, and by two processes, under Dask and under the standard library's pool. Seconds are processor time for one process,
and from start to end for several. Loading the detector is left out for one process, and stands in its own line. Last, what ``--quick``
loses on texts that are labelled.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from dump_data import Maker, comments, made_up, part
from rich.console import Console
from rich.table import Table

from tsbot.cases.filing import Windows
from tsbot.detect.detector import load_detector
from tsbot.scan.compressed import opened
from tsbot.scan.dump import DumpScan, Within
from tsbot.scan.dump_xml import Site, revisions
from tsbot.scan.examine import Examiner, Remembering
from tsbot.scan.job import Counts, Job, JobState, What
from tsbot.scan.keeper import Keeper
from tsbot.scan.pool import Order, in_many, in_other_process
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
    job = Job("bench", What.DUMP, "", "x", False, JobState.RUNNING, "", Counts(), 0.0, 0.0)
    *_, last = DumpScan(keeper, path, Within()).run(job)
    store.close()
    return last.job.counts.flagged


def several(order: Order, paths: list[Path], workers: int, how: str) -> float:
    began = time.monotonic()
    if how == "dask":
        for receipt in in_many(order, paths, workers, bool):
            assert receipt is None or not receipt.trouble, receipt
    else:
        with ProcessPoolExecutor(workers) as pool:
            assert not [one.trouble for one in pool.map(in_other_process, [order] * len(paths), paths) if one.trouble]
    return time.monotonic() - began


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
    parser.add_argument("--parts", type=int, default=4)
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
        for quick in (True, False):
            began = time.process_time()
            detector = load_detector(quick=quick)
            loading = time.process_time() - began
            scratch = iter(folder / f"one-{quick}-{number}" for number in range(9))
            name = f"examined{', --quick' if quick else ''}"
            line(name, lambda: examine(paths[0], Examiner(Remembering(detector)), next(scratch)))  # noqa: B023
            table.add_row("  (loading the detector)", f"{loading:.1f} s", "")
        one: dict[str, float] = {}
        for how, workers in (("dask", 1), ("dask", 2), ("pool", 2)):
            settings = Settings(data_dir=str(folder / f"many-{how}-{workers}"))
            open_store(settings).close()
            took = several(Order(settings, Within(), quick=True), paths, workers, how)
            one.setdefault("one", took)
            name = f"{len(paths)} parts, {workers} {how} process{'es' if workers > 1 else ''}, --quick, loading included"
            table.add_row(name, f"{size * len(paths) / took:.1f}", f"{one['one'] / took:.2f} x")
        table.caption = f"peak memory of the one process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB; "
        table.caption += f"load {os.getloadavg()[0]:.1f}"
        Console().print(table)
    if options.data:
        quality(options.data)


if __name__ == "__main__":
    main()
