"""How long the console takes for its pages with many flags stored.

    python benchmarks/console.py [--flags 100000] [--requests 200]

Server time only: the application is called in this process, without a network, as an oversighter of all wikis and of one. The database
is SQLite in a temporary folder, filled with made-up flags in cases of one to a few flags, and one flood of thousands. Beside the
time that passes, the time of the processor is told: on a machine that does other things as well, only the second one is ours.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from tsbot.cases.flag import FlagContent, Span
from tsbot.console import sessions
from tsbot.console.access import Groups, shipped_matrix
from tsbot.console.app import create_app
from tsbot.console.console import Console
from tsbot.console.people import FreshRights, Person
from tsbot.detect.finding import Kind
from tsbot.settings import Settings
from tsbot.store import schema
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey, seal
from tsbot.store.database import Database, connect

NOW = 1_790_000_000.0
WIKIS = [f"{code}wiki" for code in ("en", "de", "fr", "es", "ja", "ru", "pt", "it", "zh", "pl", "ar", "nl", "sv", "uk", "he", "tr", "fa")]
KINDS = [kind for kind in Kind if kind is not Kind.NONE]
STATES = ["new"] * 70 + ["triage"] * 10 + ["open"] * 5 + ["reported"] * 5 + ["acknowledged"] * 2 + ["closed"] * 8
FLOOD = 5000
BATCH = 5000


def fill(database: Database, number: int) -> None:
    """Made-up cases and flags, many at a time."""
    rng = random.Random(1)
    key = database.key
    cases: list[dict[str, Any]] = []
    flags: list[dict[str, Any]] = []
    left = number
    while left > 0:
        size = FLOOD if not cases and left > FLOOD else min(left, rng.choice((1, 1, 1, 1, 2, 3)))
        left -= size
        case_id, kind, wiki = str(uuid.UUID(int=rng.getrandbits(128))), rng.choice(KINDS), rng.choice(WIKIS)
        opened = NOW - rng.uniform(0, 30 * 86400)
        bare, wrapped = key.new_data_key(case_id)
        state = rng.choice(STATES) if size < FLOOD else "new"
        first = len(flags)
        author = f"Editor {rng.randrange(number // 3)}"
        for one in range(size):
            identity = str(uuid.UUID(int=rng.getrandbits(128)))
            content = FlagContent(title="A page", user=author, excerpt="made-up words", evidence=(Span(0, 7, kind.value),), target=3)
            flags.append({
                "id": identity, "subject": f"{wiki}:rev:{len(flags) + 1}", "kind": kind.value, "case_id": case_id, "wiki": wiki,
                "field": "text", "probability": rng.random(), "specificity": rng.randrange(4), "plausibility": rng.randrange(4),
                "imminence": rng.randrange(4), "language": wiki[:2], "coverage": "scored", "detector": "d", "source": "patrol",
                "event_time": opened + one, "created": opened + one,
                "author_index": key.index("user", wiki, author), "account_index": key.index("account", author),
                "page_index": None,
                "target_index": key.index("user", wiki, f"Target {rng.randrange(1000)}"), "priority": rng.randrange(101), "reasons": "[]",
                "text_family": 1 if size == FLOOD else None, "repeated": one if size == FLOOD else 0,
                "body": seal(bare, msgspec.json.encode(content), f"flag|body|{identity}"),
            })  # fmt: skip
        cases.append({
            "id": case_id, "wiki": wiki, "kind": kind.value, "state": state, "opened": opened, "updated": opened, "data_key": wrapped,
            "priority": max(flag["priority"] for flag in flags[first:]),
            "due": None if state == "closed" else opened + rng.uniform(600, 86400 * 40),
            "outcome": "handled" if state == "closed" else None, "version": 1,
        })  # fmt: skip
    with database.write() as connection:
        for table, rows in ((t.case, cases), (t.flag, flags)):
            for start in range(0, len(rows), BATCH):
                connection.execute(insert(table), rows[start : start + BATCH])
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("ANALYZE")
    print(f"{len(flags):,} flags in {len(cases):,} cases", file=sys.stderr)


def measure(client: TestClient, name: str, paths: list[str], number: int) -> None:
    """Ask for pages in turn, and say how long the answers took."""
    times, work = [], []
    for at in range(number):
        start, used = time.perf_counter(), time.process_time()
        answer = client.get(paths[at % len(paths)])
        times.append((time.perf_counter() - start) * 1000)
        work.append((time.process_time() - used) * 1000)
        if answer.status_code not in (200, 204):
            raise SystemExit(f"{paths[at % len(paths)]}: {answer.status_code}")
    (took, most), (cpu, most_cpu) = ((statistics.median(some), statistics.quantiles(some, n=20)[-1]) for some in (times, work))
    print(f"{name:28} median {took:6.1f} ms, p95 {most:6.1f} ms; of the processor {cpu:6.1f} ms, p95 {most_cpu:6.1f} ms", flush=True)


def measure_pages(database: Database, requests: int) -> None:
    """Ask for all sorts of pages, as an oversighter of all wikis and of one."""
    ticks = iter(range(10**9))
    everywhere = Groups({}, frozenset(("steward",)), at=NOW)
    one_wiki = Groups({"enwiki": frozenset(("suppress",))}, at=NOW)

    def groups(person: Person) -> Groups:
        return everywhere if person.subject == "s" else one_wiki

    # Each look at the clock is 0.3 s after the last: the counts are made anew as often as in life.
    rights = FreshRights(groups, shipped_matrix(), lambda: NOW)
    console = Console(Settings(), database, rights, lambda: NOW + next(ticks) * 0.3, secure=False)
    app = create_app(console)
    with database.read() as connection:
        some = list(connection.scalars(select(t.case.c.id).where(t.case.c.wiki == "enwiki").limit(100)))
        flood = connection.scalar(select(t.flag.c.case_id).where(t.flag.c.text_family == 1).limit(1))
    for name, subject in (("all wikis", "s"), ("one wiki", "o")):
        with database.write() as connection:
            cookie = sessions.sign_in(connection, database.key, subject, "Somebody", NOW)
        client = TestClient(app, base_url="http://127.0.0.1", cookies={"tsbot": cookie})
        measure(client, f"queue, {name}", ["/"], requests)
        narrow = ["/?kind=legal", "/?language=en", "/?lane=self_harm", "/?overdue=1", "/?mine=1", "/?state=open"]
        measure(client, f"queue, {name}, filtered", narrow, requests)
        measure(client, f"queue, {name}, far down", ["/?start=2000"], requests // 4)
        measure(client, f"news, {name}", ["/queue/live?etag=0.0"], requests)
        measure(client, f"case, {name}", [f"/cases/{one}" for one in some], requests)
        if name == "all wikis" and flood:
            measure(client, "case of a flood", [f"/cases/{flood}"], requests // 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flags", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(connect(f"sqlite:///{Path(folder) / 'tsbot.sqlite'}"), MasterKey(b"k" * 32))
        schema.upgrade(database)
        database.check_key()
        fill(database, asked.flags)
        measure_pages(database, asked.requests)
        database.close()


if __name__ == "__main__":
    main()
