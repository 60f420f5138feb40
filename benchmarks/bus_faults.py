"""kill -9 of workers, listener, deliverer, broker and database in random order under load: what is lost, doubled, out of order.

    python benchmarks/bus_faults.py --kills 20

Two workers, a listener and a deliverer as processes of their own, on NATS and PostgreSQL of Debian (tsbot/demo/debian/install.sh --tests).
Everything is real but the detector, which finds one harmless word, and the wikis, which answer from a file, late and in any order.

A trigger in the database writes down in which transaction each edit was finished. ``out of order``: an edit that was finished before an
earlier one of its page. ``doubled``: an event counted twice, a flag or letter that should not be there, a letter handed over under two
Message-IDs. A letter whose deliverer was killed between handing it over and noting that is handed over again under the same Message-ID;
those are counted apart.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tsbot.bus.listen import open_listener
from tsbot.bus.work import open_worker
from tsbot.demo.engines.nats import Nats
from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.demo.engines.server import Server
from tsbot.detect.finding import Coverage, Finding, Kind
from tsbot.parts import Stop
from tsbot.report.channels.spool import SpoolChannel
from tsbot.report.deliver import Deliverer
from tsbot.settings import BusSettings, ReleaseRule, ReportSettings, Settings
from tsbot.store import audit, ledger
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.stream.source import Batch, SourceStatus
from tsbot.text.passage import Field
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

FLAGGED_EVERY = 25
PAGES = 97
RATE = 150.0
"""Events a second that the listener is given."""
START = 1_700_000_000
TRIGGERS = """
create table finished (number bigserial primary key, event_id text not null, lane text not null, row_id bigint not null,
                       transaction text not null);
create function note_finished() returns trigger language plpgsql as $$ begin
  if old.stage = 1 then
    insert into finished (event_id, lane, row_id, transaction) values (old.event_id, old.lane, old.id, pg_current_xact_id()::text);
  end if;
  return old;
end $$;
create trigger note_finished after delete on pending for each row execute function note_finished();
"""


class Words:
    """Flags one harmless word."""

    version = "word-1"

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """One finding per text."""
        return [_flagged(text) for text in texts]


def _flagged(text: str) -> Finding:
    found = "walrus" in text
    return Finding(kinds={Kind.VIOLENCE: 0.9 * found}, flagged=(Kind.VIOLENCE,) * found, coverage=Coverage.SCORED)


class SlowTexts:
    """Texts by the number of the revision, after a random while."""

    def batch_size(self, wiki: str) -> int:
        """As an account without rights."""
        return 50

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """Made up, the same each time."""
        time.sleep(random.uniform(0.0, 0.15))
        return [FetchedRevision(ref, RevisionState.PRESENT, text=_text(ref.rev_id)) for ref in refs]


def _text(number: int) -> str:
    words = random.Random(number)
    letters = "".join(words.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(80))
    return letters + (" and a walrus" if number % FLAGGED_EVERY == 0 else "")


def _message(number: int) -> bytes:
    meta = {"id": f"event-{number}", "dt": "2023-11-14T22:13:20Z", "domain": "en.wikipedia.org", "stream": "mediawiki.recentchange"}
    flagged = number % FLAGGED_EVERY == 0
    change: dict[str, Any] = {
        "$schema": "/mediawiki/recentchange/1.0.0",
        "meta": meta,
        "type": "edit",
        "namespace": 1,
        "title": f"Talk:Flagged {number}" if flagged else f"Talk:Page {number % PAGES}",
        "timestamp": START + number,
        "user": f"Editor {number}",
        "comment": "mild",
        "revision": {"old": 0, "new": number},
        "server_url": "https://en.wikipedia.org",
        "wiki": "enwiki",
    }
    return json.dumps(change).encode()


class Paced:
    """A stream of so many events at a steady rate; resumes after its cursor, and repeats the last few, as EventStreams does."""

    name = "paced"

    def __init__(self, events: int) -> None:
        self.events = events
        self._at = 0

    def start(self, cursor: str | None) -> None:
        """Rewind a little."""
        self._at = max(0, int(cursor or 0) - 50)

    def read(self, limit: int, wait: float) -> Batch:
        """What has come meanwhile."""
        time.sleep(0.1)
        until = min(self.events, self._at + int(RATE / 10))
        messages = [_message(number + 1) for number in range(self._at, until)]
        self._at = until
        return Batch(messages, str(until), ended=until >= self.events)

    def status(self) -> Any:
        """Always well."""
        return SourceStatus(connected=True)

    def close(self) -> None:
        """Nothing is held."""


class Spool(SpoolChannel):
    """Writes down each letter that it takes."""

    def send(self, message: Any) -> Any:
        """Hand over."""
        receipt = super().send(message)
        with (self.folder.parent / "handed-over").open("a") as log:
            log.write(f"{message.message_id}\n")
        return receipt


def settings_of(folder: Path) -> Settings:
    """Those that all processes share."""
    told = json.loads((folder / "told.json").read_text())
    bus = BusSettings(engine="nats", servers=(told["nats"],), lease=5.0, ack_wait=8.0, forgotten_after=10.0, page_patience=120.0)
    report = ReportSettings(release={"violence": ReleaseRule()})
    return Settings(data_dir=str(folder / "data"), database=told["database"], bus=bus, report=report)


def act(role: str, folder: Path, events: int) -> None:
    """Be one of the processes."""
    settings, stop = settings_of(folder), Stop()
    with stop.on_signals():
        if role == "work":
            with open_worker(settings, fetch=True, stop=stop, detector=Words(), revisions=SlowTexts()) as worker:
                worker.run(stop)
        elif role == "listen":
            with open_listener(settings, os.devnull, ask_wikis=False, stop=stop, source=Paced(events)) as listener:
                listener.run(stop)
        else:
            database = open_store(settings)
            channels = {"spool": Spool(settings.spool_path)}
            deliverer = Deliverer(database, settings, channels, account_status=None, clock=time.time, rng=random.Random())
            while not stop.wait(0.2):
                try:
                    deliverer.run_once(lambda: bool(stop))
                except Exception as error:
                    print(type(error).__name__, file=sys.stderr)


@dataclass
class Crew:
    """Processes that are started again when they are killed."""

    folder: Path
    events: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start, or start again."""
        command = [sys.executable, __file__, "--role", name.partition("-")[0], "--folder", str(self.folder), "--events", str(self.events)]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> bool:
        """Kill -9; False if it had ended by itself."""
        process = self.running[name]
        if process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True

    def stop(self) -> None:
        """Ask all to end."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class Outcome:
    """What a run left."""

    kills: Counter[str]
    events: int
    seconds: float
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    again: int = 0
    dead: int = 0
    chain: str = "whole"
    balanced: bool = True
    unfinished: int = 0

    def lines(self) -> list[str]:
        """The table."""
        killed = ", ".join(f"{name} {number}" for name, number in sorted(self.kills.items()))
        return [
            f"kills            {sum(self.kills.values())} ({killed})",
            f"events           {self.events:,} in {self.seconds:.0f} s",
            f"unfinished       {self.unfinished}",
            f"lost             {self.lost}",
            f"doubled          {self.doubled}",
            f"out of order     {self.out_of_order}",
            f"dead letters     {self.dead}",
            f"handed over again under the same Message-ID   {self.again}",
            f"books balanced   {self.balanced}; audit chain {self.chain}",
        ]


def run(kills: int, events: int, seed: int, folder: Path, say: Any = print, patience: float = 900.0) -> Outcome:
    """Run, kill, wait for the end for ``patience`` seconds, and count."""
    rng = random.Random(seed)
    with PostgreSQL() as postgresql, Nats() as nats:
        url = postgresql.create("faults")
        (folder / "told.json").write_text(json.dumps({"database": url, "nats": nats.address}))
        database = open_store(settings_of(folder))
        with database.write() as connection:
            connection.execute(text(TRIGGERS))
        crew = Crew(folder, events)
        names = ("listen", "work-1", "work-2", "deliver")
        began = time.monotonic()
        for name in names:
            crew.start(name)
        try:
            _wait(lambda: _totals(database).received > 0, 90, crew)
            killed = _kill(rng, kills, crew, {"database": postgresql, "broker": nats}, say)
            _wait(lambda: _is_done(database, events), patience, crew)
        finally:
            crew.stop()
        seconds = time.monotonic() - began
        try:
            return _count(database, folder, Outcome(killed, events, seconds))
        finally:
            database.close()


def _kill(rng: random.Random, kills: int, crew: Crew, servers: dict[str, Server], say: Any) -> Counter[str]:
    killed: Counter[str] = Counter()
    victims = [*crew.running, *servers]
    order = (victims * (kills // len(victims) + 1))[:kills]
    rng.shuffle(order)
    for name in order:
        time.sleep(rng.uniform(0.5, 2.5))
        if name in servers:
            servers[name].kill()
            time.sleep(rng.uniform(0.0, 2.0))
            servers[name].start()
        else:
            crew.kill(name)
            time.sleep(rng.uniform(0.0, 1.0))
            crew.start(name)
        killed[name] += 1
        say(f"killed {name}", flush=True)
    return killed


def _wait(done: Any, patience: float, crew: Crew) -> None:
    deadline = time.monotonic() + patience
    while not done():
        if time.monotonic() > deadline:
            return
        for name, process in list(crew.running.items()):
            if process.poll() not in (None, 0):
                crew.start(name)
        time.sleep(0.5)


def _totals(database: Database) -> ledger.Totals:
    try:
        with database.read() as connection:
            return ledger.totals(connection)
    except Exception:
        return ledger.Totals()


def _is_done(database: Database, events: int) -> bool:
    totals = _totals(database)
    if totals.received < events or totals.pending:
        return False
    with database.read() as connection:
        return not connection.scalar(text("select count(*) from report where state <> 'sent'"))


def _count(database: Database, folder: Path, outcome: Outcome) -> Outcome:
    wanted = {f"enwiki:rev:{number}" for number in range(FLAGGED_EVERY, outcome.events + 1, FLAGGED_EVERY)}
    with database.read() as connection:
        totals = ledger.totals(connection)
        flags = list(connection.scalars(text("select subject from flag")))
        letters = list(connection.execute(text("select subject, message_id, state from report where purpose = 'letter'")))
        finished = connection.execute(text("select event_id, lane, row_id, transaction from finished order by number")).all()
        broken = audit.verify(connection)
    outcome.chain = "whole" if broken is None else broken.reason
    outcome.balanced = totals.balanced
    outcome.dead = totals.failed
    ended = sum(totals.skipped.values()) + totals.cleared + totals.flagged + totals.outcome
    sent = {row.subject for row in letters if row.state == "sent"}
    outcome.unfinished = totals.pending + sum(row.state != "sent" for row in letters)
    outcome.lost = max(0, outcome.events - ended - totals.failed - totals.pending) + len(wanted - set(flags)) + len(wanted - sent)
    handed = (folder / "data" / "handed-over").read_text().split()
    times = Counter(row.event_id for row in finished)
    outcome.doubled = max(0, ended - outcome.events) + len(flags) - len(set(flags)) + len(set(flags) - wanted)
    outcome.doubled += len(letters) - len({row.subject for row in letters}) + sum(n - 1 for n in times.values())
    outcome.doubled += len(set(handed) - {row.message_id for row in letters})
    outcome.again = len(handed) - len(set(handed))
    last: dict[str, tuple[int, str]] = {}
    for row in finished:
        number, transaction = last.get(row.lane, (0, ""))
        if row.row_id < number and row.transaction != transaction:
            outcome.out_of_order += 1
        if row.row_id >= number:
            last[row.lane] = (row.row_id, row.transaction)
    return outcome


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--events", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", choices=["listen", "work", "deliver"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        act(arguments.role, arguments.folder, arguments.events)
        return
    folder = Path(tempfile.mkdtemp(prefix="tsbot-faults-"))
    try:
        outcome = run(arguments.kills, arguments.events, arguments.seed, folder)
        print("\n".join(outcome.lines()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
