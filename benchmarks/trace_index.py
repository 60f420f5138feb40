"""The activity index at size: candidates and scores of a question, what an event costs, how large the file is. One table.

    python benchmarks/trace_index.py [--accounts 1000000] [--edits 20000000] [--folder FOLDER] [--queries 200]

Made-up accounts and pages, both Zipf-distributed, are written into SQLite as the patrol would have written them, but sorted and at once
(that takes minutes, and is not what is measured). Then events are added as the patrol adds them, 500 in a transaction, and accounts are
asked about. A file that is there already is used again. The load of the machine stands in the table's title.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
from rich.console import Console
from rich.table import Table

from tsbot.settings import TraceSettings
from tsbot.store import ledger, schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.stream.events import Event, EventKind
from tsbot.trace.index import DAY, TIME_BITS, ActivityIndex, Added, account_number, page_number, skeleton_number, stem_number
from tsbot.trace.lookup import Lookup
from tsbot.trace.shortlist import MOST_EDITS, shortlist, strangers

NOW = 1_780_000_000
CHUNK = 1_000_000
WIKIS = 300
SYLLABLES = [first + second for first in "bcdfghklmnprstvwz" for second in "aeiou"]


def name_of(number: int) -> str:
    rng = random.Random(number)
    word = "".join(rng.choice(SYLLABLES) for _ in range(rng.randrange(2, 6))).title()
    return f"{word} {number % 1000}" if number % 3 == 0 else f"{word}{rng.choice(SYLLABLES)} {rng.choice(SYLLABLES)}{number}"


def title_of(number: int) -> str:
    return f"{'Talk:' if number % 9 == 0 else ''}Page {number}"


def wiki_of(page: int) -> str:
    return f"w{page % WIKIS}wiki"


def zipf(rng: np.random.Generator, size: int, most: int, exponent: float) -> np.ndarray:
    """Ranks 0 to most - 1 with a power law, by inverting its continuous form."""
    u = rng.random(size)
    return np.minimum(((most ** (1 - exponent) - 1) * u + 1) ** (1 / (1 - exponent)) - 1, most - 1).astype(np.int64)


def fill(path: Path, accounts: int, edits: int, pages: int, say: Callable[[str], None]) -> None:
    rng = np.random.default_rng(1)
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        raw.execute(f"PRAGMA {pragma}")
    names = ("ix_activity_account_skeleton", "ix_activity_account_stem")
    indexes = [raw.execute("select sql from sqlite_master where name=?", (name,)).fetchone()[0] for name in names]
    for name in names:
        raw.execute(f"drop index {name}")
    raw.execute("begin")
    raw.executemany(
        "insert into activity_wiki values (?,?,?)", [(number + 1, f"w{number}wiki", "https://x.test") for number in range(WIKIS)]
    )
    say("accounts")
    ids = np.empty(accounts, dtype=np.int64)
    rows = []
    for number in range(accounts):
        name = name_of(number)
        ids[number] = account_number(name)
        rows.append((int(ids[number]), name, skeleton_number(name), stem_number(name)))
    rows.sort()
    raw.executemany("insert or ignore into activity_account values (?,?,?,?)", rows)
    say("pages")
    page_ids = np.empty(pages, dtype=np.int64)
    rows = []
    for number in range(pages):
        page_ids[number] = page_number(wiki_of(number), title_of(number))
        rows.append((int(page_ids[number]), number % WIKIS + 1, title_of(number)))
    rows.sort()
    raw.executemany("insert or ignore into activity_page values (?,?,?)", rows)
    del rows
    say("edits")
    who = zipf(rng, edits, accounts, 0.8)
    # Half of what an account does is on a few pages of its own, half anywhere.
    own = (who * 7919 + zipf(rng, edits, 12, 0.9)) % pages
    page = page_ids[np.where(rng.random(edits) < 0.5, own, zipf(rng, edits, pages, 0.75))]
    who = ids[who]
    number = (rng.integers(NOW - 89 * int(DAY), NOW - 3600, edits) << TIME_BITS) | rng.integers(0, 1 << TIME_BITS, edits)
    order = np.lexsort((number, who))
    for start in range(0, edits, CHUNK):
        some = order[start : start + CHUNK]
        digests = rng.integers(0, 1 << 31, len(some))
        rows = zip(*(column.tolist() for column in (who[some], number[some], page[some], some, digests)), strict=True)
        raw.executemany("insert or ignore into activity_edit values (?,?,?,?,?)", rows)
        say(f"edits {start + len(some):,}")
    order = np.lexsort((who, page))
    for start in range(0, edits, CHUNK):
        some = order[start : start + CHUNK]
        raw.executemany("insert or ignore into activity_touch values (?,?)", zip(page[some].tolist(), who[some].tolist(), strict=True))
    say("touches")
    raw.execute("insert into fact values ('activity_since', ?)", (str(NOW - 89 * int(DAY)),))
    raw.execute("commit")
    for sql in indexes:
        raw.execute(sql)
    raw.execute("analyze")
    raw.close()


def events(rng: np.random.Generator, accounts: int, pages: int, count: int) -> list[Event]:
    made = []
    salt = time.time_ns() % 10**9  # a file that is used again holds the edits of the last run
    for number in range(count):
        page = int(zipf(rng, 1, pages, 0.75)[0])
        who = int(zipf(rng, 1, int(accounts * 1.1), 0.8)[0])
        # One event in ten is of a page, and some of an account, that the index does not know yet.
        title = title_of(page) if number % 10 else f"New page {salt} {number}"
        fields = {"title": title, "namespace": 0, "user": name_of(who), "comment": "/* Water */ added a source"}
        fields["rev_id"] = 10**9 + salt + number
        made.append(Event(id=f"e{number}", stream="s", kind=EventKind.EDIT, wiki=wiki_of(page), time=NOW - 60.0, **fields))
    return made


def add(database: Database, made: list[Event], accounts: int) -> tuple[list[float], list[float], list[float]]:
    """Microseconds an event, per transaction of 500: all, of the processor, and those of a transaction that writes one row."""
    index = ActivityIndex(TraceSettings())
    # A patrol that has been running knows whom it saw lately.
    index.remember(Added(1, frozenset(account_number(name_of(number)) for number in range(min(accounts, 300_000)))))
    costs, cpu, empty = [], [], []
    for start in range(0, len(made), 500):
        begun, used = time.perf_counter(), time.process_time()
        with database.write() as connection:
            added = index.add(connection, made[start : start + 500], NOW)
        index.remember(added)
        costs.append((time.perf_counter() - begun) / 500 * 1e6)
        cpu.append((time.process_time() - used) / 500 * 1e6)
        begun = time.perf_counter()
        with database.write() as connection:
            ledger.count(connection, {"benchmark": 1})
        empty.append((time.perf_counter() - begun) / 500 * 1e6)
    return costs, cpu, empty


def ask(database: Database, names: list[str]) -> tuple[list[float], list[float], list[float], list[int]]:
    """Milliseconds for candidates alone and with scores (strangers looked up, too), and how many candidates there were."""
    candidates, scores, counts, cpu = [], [], [], []
    for name in names:
        begun = time.perf_counter()
        with database.read() as connection:
            lookup = Lookup(connection)
            account = lookup.edits([name], 2000).get(name)
            if account is None:
                continue
            lookup.holders(account)
        candidates.append((time.perf_counter() - begun) * 1e3)
        begun, used = time.perf_counter(), time.process_time()
        with database.read() as connection:
            lookup = Lookup(connection)
            account = lookup.edits([name], 2000)[name]
            found = shortlist(lookup, account, strangers(lookup))
        scores.append((time.perf_counter() - begun) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
        counts.append(len(found.found))
    return candidates, scores, cpu, counts


def quantiles(values: list[float]) -> str:
    ordered = sorted(values)
    p50, p95 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return f"median {p50:.1f}, p95 {p95:.1f}, max {ordered[-1]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--edits", type=int, default=20_000_000)
    parser.add_argument("--pages", type=int, default=0, help="default: a quarter of the edits")
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--events", type=int, default=50_000)
    options = parser.parse_args()
    console, console_err = Console(width=120), Console(stderr=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    pages = options.pages or options.edits // 4
    path = options.folder / f"trace-{options.accounts}-{options.edits}.sqlite"
    fresh = not path.exists()
    database = Database(connect(f"sqlite:///{path}"), MasterKey(b"b" * 32))
    begun = time.perf_counter()
    if fresh:
        schema.upgrade(database)
        database.check_key()
        database.close()
        fill(path, options.accounts, options.edits, pages, lambda what: console_err.print(f"{time.perf_counter() - begun:6.0f} s  {what}"))
    size = path.stat().st_size
    # As often asked about as they edit: whoever is asked about has edited.
    rng = np.random.default_rng(2)
    names = list(dict.fromkeys(name_of(int(one)) for one in zipf(rng, options.queries * 2, options.accounts, 0.8)))[: options.queries]
    ask(database, names[:20])
    gc.collect()
    gc.freeze()  # as the console does once it has begun
    candidates, scores, used, counts = ask(database, names)
    made = events(rng, options.accounts, pages, options.events)
    costs, cpu, empty = add(database, made, options.accounts)
    load = os.getloadavg()[0]
    table = Table("what", "figure", title=f"{options.accounts:,} accounts, {options.edits:,} edits, {pages:,} pages, load {load:.1f}")
    table.add_row("candidates of the index, ms", quantiles(candidates))
    table.add_row(f"candidates and scores ({MOST_EDITS} latest edits each), ms", quantiles(scores))
    table.add_row("  of it processor time", quantiles(used))
    table.add_row("candidates found", quantiles([float(count) for count in counts]))
    table.add_row("adding an event, µs", f"mean {statistics.mean(costs):.1f}, {quantiles(costs)}")
    table.add_row("  of it processor time", f"mean {statistics.mean(cpu):.1f}, {quantiles(cpu)}")
    table.add_row("  a transaction without it", quantiles(empty))
    table.add_row("size", f"{size / 1e9:.2f} GB, {size / options.edits:.0f} bytes an edit")
    table.add_row("10,000,000 accounts, 200,000,000 edits", f"{size / options.edits * 2e8 / 1e9:.0f} GB")
    console.print(table)
    database.close()


if __name__ == "__main__":
    main()
