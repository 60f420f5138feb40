"""Replay recorded traffic through the whole patrol in one process and print one table.

    python benchmarks/traffic.py --events 1000000 --output traffic.jsonl.zst --texts traffic.sqlite
    python benchmarks/replay.py traffic.jsonl.zst --texts traffic.sqlite
    python benchmarks/replay.py day.jsonl.zst --outage

Everything is real but the wikis: texts come from the local store. Letters are prepared and spooled outside the time measured
(they wait for a person). Pinned to one core where the system allows.

``--outage`` is the first minutes after a day without a patrol: the clock begins where the recording ends, people are on call, and what
every flag is reckoned to be (the traffic's threats are mild) would wake them if it were fresh. Counted is who was woken, and for how old
an edit; none may be older than ``page.max_age``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import zstandard
from local_texts import LocalTexts
from sqlalchemy import func, select
from traffic import RATE, START

from tsbot.parts import open_pipeline, open_wikis
from tsbot.settings import AdmissionSettings, PageSettings, Settings
from tsbot.store import ledger
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.stream.replay import FileSource

MEGABYTE = 1 << 20
EASILY = PageSettings(specificity=0, plausibility=0, imminence=0, mail=("on-call@example.org",), again_after=0.0)
"""Wakes somebody for every flag of an emergency kind that is fresh."""


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def newest(path: Path) -> float:
    """The time of the recording's last message, by the number of its messages."""
    expected = path.with_name(path.name + ".expected.json")
    if expected.exists():
        number = int(json.loads(expected.read_text())["events"])
    else:
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
            number = sum(part.count(b"\n") for part in iter(lambda: lines.read(1 << 20), b""))
    return START + number / RATE


def tell_pages(database: Database, settings: Settings) -> None:
    """Who was woken, and for how old an edit."""
    pages = select(t.flag.c.event_time, t.report.c.created).join(t.flag, t.flag.c.id == t.report.c.flag_id)
    with database.read() as connection:
        ages = [created - time for time, created in connection.execute(pages.where(t.report.c.purpose == "page"))]
        letters = connection.scalar(select(func.count()).select_from(t.report).where(t.report.c.purpose == "letter"))
        grave = connection.scalar(select(func.count()).select_from(t.flag).where(t.flag.c.kind == "violence"))
    stale = sum(age > settings.page.max_age for age in ages)
    print(f"flags of the kind violence {grave:,}, letters {letters:,}, pages {len(ages):,}")
    print(f"oldest edit paged for: {max(ages, default=0) / 3600:.1f} h")
    print(f"stale pages (edits older than {settings.page.max_age / 3600:.0f} h): {stale}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path)
    parser.add_argument("--texts", type=Path, help="text store made by traffic.py; without it only what events carry is judged")
    parser.add_argument("--limit", type=int, default=0, help="stop after so many messages")
    parser.add_argument("--skip", action="store_true", help="let a rule skip every event: the cost of reading, decoding and counting")
    parser.add_argument("--outage", action="store_true", help="a day's outage caught up with: who is woken")
    parser.add_argument("--batch", type=int, default=Settings().stream.batch)
    arguments = parser.parse_args()
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    with tempfile.TemporaryDirectory() as folder:
        admission = AdmissionSettings(only_wikis=("nowhere",)) if arguments.skip else AdmissionSettings()
        settings = Settings(data_dir=folder, admission=admission, page=EASILY if arguments.outage else PageSettings())
        ahead = newest(arguments.events) - time.time() if arguments.outage else 0.0
        database = open_store(settings)
        wikis = open_wikis(settings)
        texts = LocalTexts(arguments.texts) if arguments.texts else None
        pipeline = open_pipeline(settings, database, wikis, fetch=texts is not None, revisions=texts, clock=lambda: time.time() + ahead)
        source = FileSource(arguments.events)
        source.start(None)
        print(f"{'messages':>10} {'events/s':>9} {'CPU s':>7} {'memory MB':>9}")
        seen, step, began, cpu = 0, 100_000, time.perf_counter(), time.process_time()
        ended = False
        while not ended or pipeline.fetching:
            if not ended and pipeline.fetching < 5000:
                batch = source.read(arguments.batch, 0.0)
                ended = batch.ended or bool(arguments.limit and seen >= arguments.limit)
                if batch.messages:
                    pipeline.take(batch, source.name)
                    seen += len(batch.messages)
            pipeline.fetch(0.001 if ended or pipeline.fetching >= 5000 else 0.0)
            if seen >= step:
                spent = time.perf_counter() - began
                print(f"{seen:>10,} {seen / spent:>9,.0f} {time.process_time() - cpu:>7.1f} {resident():>9.0f}", flush=True)
                step += 100_000
        spent, used = time.perf_counter() - began, time.process_time() - cpu
        with database.read() as connection:
            totals = ledger.totals(connection)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"\nall: {seen:,} messages in {spent:.1f} s: {seen / spent:,.0f} a second, {used:.1f} s of CPU, peak memory {peak:.0f} MB")
        skipped = sum(totals.skipped.values())
        print(f"received {totals.received:,}, duplicates {totals.duplicates:,}; balanced: {totals.balanced}")
        print(f"skipped {skipped:,}: {json.dumps(dict(totals.skipped))}")
        print(f"cleared {totals.cleared:,}, flagged {totals.flagged:,}, outcomes {totals.outcome:,}, failed {totals.failed:,}")
        print(f"judged: {json.dumps(pipeline.judged)}")
        if arguments.outage:
            tell_pages(database, settings)
        database.close()


if __name__ == "__main__":
    main()
