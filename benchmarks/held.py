"""Years of a large installation held: how long queue, case and trace take with all of it in one database, on SQLite and PostgreSQL.

    python benchmarks/held.py [--flags 100000] [--accounts 500000] [--edits 10000000] [--folder .bench] [--engine sqlite|postgresql]

What is made up is that of ``console.py`` and ``trace_index.py``, in one file, which is used again if it is there; PostgreSQL (a server of
this run's own, with Debian's defaults but 64 MB of shared buffers) gets the same rows. Milliseconds from start to end, and of them those of
this process's processor; what PostgreSQL works is not among the latter.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from console import fill as fill_cases
from console import measure_pages
from rich.console import Console
from rich.table import Table
from trace_index import ask, name_of, quantiles, zipf
from trace_index import fill as fill_activity

from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.store import schema
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect

KEY = MasterKey(b"b" * 32)
TABLES = ("activity_wiki", "activity_account", "activity_page", "activity_edit", "activity_touch", "case_file", "flag")
NO_CHECKS = "SET session_replication_role = replica"


def say(words: str) -> None:
    print(f"{time.perf_counter():8.0f} s  {words}", file=sys.stderr, flush=True)


def make(path: Path, flags: int, accounts: int, edits: int) -> None:
    """The SQLite file."""
    database = Database(connect(f"sqlite:///{path}"), KEY)
    schema.upgrade(database)
    database.check_key()
    fill_cases(database, flags)
    database.close()
    fill_activity(path, accounts, edits, edits // 4, say)


def copy(path: Path, url: str) -> None:
    """The same rows in PostgreSQL."""
    database = Database(connect(url), KEY)
    schema.upgrade(database)
    database.check_key()
    source = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=False) as target:
        target.execute(NO_CHECKS)
        for table in TABLES:
            kinds = target.execute(
                "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", (table,)
            ).fetchall()
            names = ", ".join(f'"{name}"' for name, _ in kinds)
            truths = [place for place, (_, kind) in enumerate(kinds) if kind == "boolean"]
            with target.cursor().copy(f'COPY "{table}" ({names}) FROM STDIN') as rows:
                for row in source.execute(f'SELECT {names} FROM "{table}"'):
                    rows.write_row(_with_truths(row, truths))
            say(f"{table} copied")
        target.commit()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as target:
        target.execute("VACUUM ANALYZE")
    source.close()
    database.close()


def _with_truths(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    if not places:
        return row
    return tuple(bool(value) if place in places and value is not None else value for place, value in enumerate(row))


def measure(engine: str, url: str, accounts: int, requests: int) -> None:
    """Pages of the console, and questions to the index."""
    database = Database(connect(url), KEY)
    print(f"{engine}, load {os.getloadavg()[0]:.1f}")
    measure_pages(database, requests)
    rng = np.random.default_rng(2)
    names = list(dict.fromkeys(name_of(int(one)) for one in zipf(rng, requests * 2, accounts, 0.8)))[:requests]
    ask(database, names[:20])
    candidates, scores, used, counts = ask(database, names)
    table = Table("what", "figure", title=f"{engine}: {len(candidates)} questions")
    table.add_row("candidates of the index, ms", quantiles(candidates))
    table.add_row("candidates and scores, ms", quantiles(scores))
    table.add_row("  of it processor time", quantiles(used))
    table.add_row("candidates found", quantiles([float(count) for count in counts]))
    Console(width=110).print(table)
    database.close()


@contextlib.contextmanager
def postgresql(path: Path) -> Iterator[str]:
    with PostgreSQL() as server:
        url = server.create("held")
        copy(path, url)
        yield url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flags", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=500_000)
    parser.add_argument("--edits", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    path = asked.folder / f"held-{asked.flags}-{asked.accounts}-{asked.edits}.sqlite"
    if not path.exists():
        make(path, asked.flags, asked.accounts, asked.edits)
    print(f"{asked.flags:,} flags, {asked.accounts:,} accounts with {asked.edits:,} edits; the file has {path.stat().st_size / 1e9:.2f} GB")
    if asked.engine != "postgresql":
        measure("SQLite", f"sqlite:///{path}", asked.accounts, asked.requests)
    if asked.engine != "sqlite":
        with postgresql(path) as url:
            measure("PostgreSQL", url, asked.accounts, asked.requests)


if __name__ == "__main__":
    main()
