"""The patrol at a live rate: its share of a core, and the time from an edit to its stored flag, on the demo's real wikis.

    python benchmarks/live.py --seconds 120

Three people edit the three wikis, six edits a second in all, one in ten of them a mild made-up threat; made-up traffic that is
skipped by a rule fills the stream up to 60 events a second. The patrol runs as its own process, as an operator runs it. Needs
Debian's MediaWiki (make demo installs it).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
import uuid
from pathlib import Path

from tsbot.demo.patrolled import Patrolled
from tsbot.demo.world import World

EDITS_A_SECOND = 6.0
EVENTS_A_SECOND = 60.0
EVENTS_PER_EDIT = 2  # recentchange and page_change
PEOPLE = (("Copper Kettle", "enwiki"), ("Nasses Laub", "dewiki"), ("Maple Reader", "metawiki"))
THREATS = ("I will come to your office tomorrow at noon and hurt you.", "Ich komme morgen zu deiner Schule und tue dir weh.")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def edit(world: World, who: str, wiki: str, end: float, threats: dict[str, float]) -> None:
    """One person, editing at a steady pace."""
    pause = len(PEOPLE) / EDITS_A_SECOND
    with world.family.actor(who, wiki) as person:
        number = 0
        while (started := time.time()) < end:
            number += 1
            text = THREATS[number // 10 % 2] if number % 10 == 0 else f"Remark {number}: the second paragraph needs a source."
            rev_id = person.edit(f"Talk:Live {wiki} {number % 20}", append=f"\n\n{text} {uuid.uuid4().hex[:6]}", summary="comment")
            if number % 10 == 0:
                threats[f"{wiki}:rev:{rev_id}"] = time.time()
            time.sleep(max(0.0, pause - (time.time() - started)))


def fill(world: World, end: float) -> None:
    """Events that a rule skips, up to the live rate."""
    rate = EVENTS_A_SECOND - EDITS_A_SECOND * EVENTS_PER_EDIT
    sent, began = 0, time.time()
    while (now := time.time()) < end:
        while sent < (now - began) * rate:
            sent += 1
            world.twin.publish(
                {
                    "$schema": "/mediawiki/recentchange/1.0.0",
                    "meta": {"stream": "mediawiki.recentchange", "domain": "www.wikidata.org", "uri": f"https://www.wikidata.org/wiki/Q{sent}"},
                    "id": sent,
                    "type": "edit" if sent % 2 else "categorize",
                    "namespace": 0,
                    "title": f"Q{sent}",
                    "comment": "/* wbsetclaim-update:2||1 */ [[Property:P31]]: a comment of ordinary length",
                    "timestamp": int(now),
                    "user": f"ExampleBot {sent % 7}",
                    "bot": True,
                    "length": {"old": 100, "new": 120},
                    "revision": {"old": sent, "new": sent + 1},
                    "server_url": "https://www.wikidata.org",
                    "server_name": "www.wikidata.org",
                    "wiki": "wikidatawiki",
                }
            )
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    arguments = parser.parse_args()
    threats: dict[str, float] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, World(Path(folder)) as world:
        patrolled = Patrolled(world)
        patrolled.start()
        pid = patrolled.pid
        time.sleep(5.0)  # starting is not what is measured
        used, began, before = cpu_seconds(pid), time.time(), len(world.twin.log.entries)
        end = began + arguments.seconds
        threads = [threading.Thread(target=edit, args=(world, who, wiki, end, threats)) for who, wiki in PEOPLE]
        threads.append(threading.Thread(target=fill, args=(world, end)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = time.time() - began
        share, memory = (cpu_seconds(pid) - used) / spent, resident(pid)
        events = len(world.twin.log.entries) - before
        patrolled.wait(patrolled.idle, 60.0, "the patrol is still busy")
        flags = {flag.subject: flag.created for flag in patrolled.flags()}
        took = sorted(flags[subject] - when for subject, when in threats.items() if subject in flags)
        patrolled.stop()
        print(f"{'events/s':>9} {'% of a core':>12} {'memory MB':>10} {'threats':>8} {'flagged':>8} {'p50 s':>6} {'p95 s':>6} {'max s':>6}")
        p95 = took[int(len(took) * 0.95)] if took else float("nan")
        print(
            f"{events / spent:>9.1f} {share * 100:>12.1f} {memory:>10.0f} {len(threats):>8} {len(took):>8} "
            f"{statistics.median(took):>6.2f} {p95:>6.2f} {max(took):>6.2f}"
        )
        print(json.dumps({"accounting": patrolled.written_summary()}))


if __name__ == "__main__":
    main()
