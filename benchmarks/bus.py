"""Events a second with two and four workers on NATS and PostgreSQL, against one embedded process, and where the time goes.

    python benchmarks/traffic.py --events 100000 --output traffic.jsonl.zst --texts traffic.sqlite
    python benchmarks/bus.py traffic.jsonl.zst --texts traffic.sqlite

Everything is real but the wikis: texts come from the local store. The whole system is on one machine: where workers, listener, broker
and database share its processors, what each of them uses is part of the table (``/proc``, children included). Without ``--texts`` only
what events carry is judged.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_texts import LocalTexts

from tsbot.bus.listen import Listener, open_listener
from tsbot.bus.work import Worker, open_worker
from tsbot.demo.engines.nats import Nats
from tsbot.demo.engines.postgresql import PostgreSQL
from tsbot.parts import Stop, open_pipeline, open_wikis
from tsbot.settings import BusSettings, Settings
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.stream.replay import FileSource

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of_tree(pid: int) -> float:
    """Processor time of a process and all below it, those that have ended included."""
    total, below = 0.0, [pid]
    while below:
        one = below.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICKS
            for thread in Path(f"/proc/{one}/task").iterdir():
                below += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return total


def embedded(settings: Settings, events: Path, texts: Path | None) -> tuple[float, float, dict[str, tuple[float, float]]]:
    """Events a second, and a second of processor time, of one process on SQLite, as `tsbot patrol` works; and where its time goes."""
    database = open_store(settings)
    pipeline = open_pipeline(
        settings, database, open_wikis(settings), fetch=texts is not None, revisions=LocalTexts(texts) if texts else None
    )
    source = FileSource(events)
    source.start(None)
    watch = Stopwatch()
    watch.wrap(source, "read", "reading")
    watch.wrap(pipeline, "take", "taking events apart")
    watch.wrap(pipeline.intake, "sort", "sorting")
    watch.wrap(pipeline, "_finish", "comparing texts")
    watch.wrap(pipeline.detector, "judge", "judging")
    watch.wrap(pipeline, "commit", "storing")
    began, cpu, ended, seen = time.perf_counter(), time.process_time(), False, 0
    while not ended or pipeline.fetching:
        if not ended and pipeline.fetching < 5000:
            batch = source.read(settings.stream.batch, 0.0)
            ended = batch.ended
            if batch.messages:
                pipeline.take(batch, source.name)
                seen += len(batch.messages)
        pipeline.fetch(0.001 if ended or pipeline.fetching >= 5000 else 0.0)
    spent, used = time.perf_counter() - began, time.process_time() - cpu
    database.close()
    return seen / spent, seen / used, {part: (seconds, watch.used[part]) for part, seconds in watch.spent.items()}


@dataclass
class Stopwatch:
    """Where a thread's time goes: seconds, and of processor time, within named parts; what is in another part is not counted twice."""

    spent: dict[str, float] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    _inside: list[str] = field(default_factory=list)
    _since: tuple[float, float] = (0.0, 0.0)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Within a part."""
        self._note()
        self._inside.append(name)
        try:
            yield
        finally:
            self._note()
            self._inside.pop()

    def _note(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        if self._inside:
            part = self._inside[-1]
            self.spent[part] = self.spent.get(part, 0.0) + now[0] - self._since[0]
            self.used[part] = self.used.get(part, 0.0) + now[1] - self._since[1]
        self._since = now

    def wrap(self, owner: object, attribute: str, name: str) -> None:
        """Have a method counted as a part."""
        real: Callable[..., object] = getattr(owner, attribute)

        def timed(*args: object, **more: object) -> object:
            with self.part(name):
                return real(*args, **more)

        setattr(owner, attribute, timed)


def watch_listener(listener: Listener) -> Stopwatch:
    """Take a listener's time apart."""
    watch = Stopwatch()
    watch.wrap(listener, "_listen", "the loop itself")
    watch.wrap(listener.source, "read", "reading")
    watch.wrap(listener.pipeline.intake, "sort", "sorting")
    watch.wrap(listener.pipeline, "commit_once", "storing")
    watch.wrap(listener, "_tell", "telling")
    watch.wrap(listener.teller, "tend", "telling")
    watch.wrap(listener, "_look", "signs of life")
    watch.wrap(listener.duties, "tend", "duties")
    return watch


def watch(worker: Worker) -> Stopwatch:
    """Take a worker's time apart."""
    watch = Stopwatch()
    watch.wrap(worker, "turn", "the loop itself")
    watch.wrap(worker, "tend", "leases, outcomes, signs of life")
    watch.wrap(worker, "_receive", "waiting for messages")
    watch.wrap(worker, "take", "claiming")
    watch.wrap(worker.pipeline, "handle", "taking events apart")
    watch.wrap(worker.pipeline, "_finish", "comparing texts")
    watch.wrap(worker.pipeline.detector, "judge", "judging")
    watch.wrap(worker.pipeline, "commit", "storing")
    if worker.pipeline.fetcher is not None:
        watch.wrap(worker.pipeline.fetcher, "collect", "waiting for texts")
    return watch


def act(role: str, folder: Path) -> None:
    """Be a listener or a worker."""
    told = json.loads((folder / "told.json").read_text())
    bus = BusSettings(engine="nats", servers=(told["nats"],))
    settings, stop = Settings(data_dir=str(folder / "data"), database=told["database"], bus=bus), Stop()
    texts = Path(told["texts"]) if told["texts"] else None
    with stop.on_signals():
        if role == "listen":
            with open_listener(settings, told["events"], ask_wikis=False, stop=stop) as listener:
                watched, begun = watch_listener(listener), time.process_time()
                listener.run(stop)
                (folder / "listening").write_text(str(time.process_time() - begun))
            (folder / f"listened-{os.getpid()}.json").write_text(json.dumps([watched.spent, watched.used]))
            return
        with open_worker(settings, fetch=texts is not None, stop=stop, revisions=LocalTexts(texts) if texts else None) as worker:
            watched = watch(worker)
            worked: list[dict[str, float]] = [{}, {}]
            take, finish = worker.take, worker.pipeline._finish
            begun = False

            def taking(ids: Sequence[str]) -> int:
                nonlocal begun
                if not begun:
                    watched.spent.clear()
                    watched.used.clear()
                begun = True
                return noted(take(ids))

            def noted(result: Any) -> Any:
                """Until when something was done."""
                worked[:] = dict(watched.spent), dict(watched.used)
                return result

            worker.take, worker.pipeline._finish = taking, lambda results: noted(finish(results))  # type: ignore[method-assign]
            (folder / f"ready-{os.getpid()}").touch()
            while not (folder / "go").exists() and not stop:
                time.sleep(0.01)
            worker.run(stop)
            watched.spent, watched.used = worked
            (folder / f"spent-{os.getpid()}.json").write_text(json.dumps([watched.spent, watched.used]))


@dataclass(frozen=True)
class Shared:
    """A run with several workers."""

    rate: float
    processors: dict[str, float]
    """Seconds of processor time by who used them."""
    spent: dict[str, tuple[float, float]]
    """Seconds of the workers together, and of processor time, by part."""
    listened: dict[str, tuple[float, float]]
    """The same of the listener."""
    seconds: float


def shared(workers: int, events: Path, texts: Path | None) -> Shared:
    """NATS, PostgreSQL, a listener and so many workers."""
    with tempfile.TemporaryDirectory() as name, PostgreSQL() as postgresql, Nats() as nats:
        folder = Path(name)
        told = {"database": postgresql.create("bench"), "nats": nats.address, "events": str(events), "texts": str(texts) if texts else ""}
        (folder / "told.json").write_text(json.dumps(told))
        database = open_store(Settings(data_dir=str(folder / "data"), database=told["database"]))
        running: list[subprocess.Popen[bytes]] = [_start("work", folder) for _ in range(workers)]
        try:
            while len(list(folder.glob("ready-*"))) < workers:
                time.sleep(0.05)
            servers = {"PostgreSQL": postgresql.pids[0], "NATS": nats.pids[0]}
            before = {who: cpu_of_tree(pid) for who, pid in servers.items()} | {
                f"worker {n}": cpu_of_tree(process.pid) for n, process in enumerate(running, 1)
            }
            (folder / "go").touch()
            listener = _start("listen", folder)
            running.append(listener)
            while not _received(database):
                if listener.poll():
                    raise SystemExit((folder / "listen.log").read_text())
                time.sleep(0.02)
            began = time.perf_counter()
            while listener.poll() is None or _pending(database):
                time.sleep(0.2)
            seconds = time.perf_counter() - began
            used = {who: cpu_of_tree(pid) - before[who] for who, pid in servers.items()}
            used["listener, once it has started"] = float((folder / "listening").read_text())
            used |= {f"worker {n}": cpu_of_tree(process.pid) - before[f"worker {n}"] for n, process in enumerate(running[:-1], 1)}
            with database.read() as connection:
                totals = ledger.totals(connection)
            received = totals.received + totals.duplicates
        finally:
            for process in running:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(60)
            database.close()
        spent, listened = _added(folder.glob("spent-*.json")), _added(folder.glob("listened-*.json"))
        if not totals.balanced or totals.failed:
            print(f"balanced: {totals.balanced}, failed: {totals.failed}", file=sys.stderr)
        return Shared(received / seconds, used, spent, listened, seconds)


def _added(files: Iterable[Path]) -> dict[str, tuple[float, float]]:
    added: dict[str, tuple[float, float]] = {}
    for file in files:
        spent, used = json.loads(file.read_text())
        for part, seconds in spent.items():
            before = added.get(part, (0.0, 0.0))
            added[part] = (before[0] + seconds, before[1] + used[part])
    return added


def _start(role: str, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{role}.log").open("ab") as log:
        return subprocess.Popen([sys.executable, __file__, "--role", role, "--folder", str(folder)], stdout=log, stderr=log)


def _received(database: Database) -> int:
    with database.read() as connection:
        return ledger.totals(connection).received


def _pending(database: Database) -> int:
    with database.read() as connection:
        return ledger.totals(connection).pending


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=Path, nargs="?")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--role", choices=["listen", "work"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        act(arguments.role, arguments.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        alone, of_processor, parts = embedded(Settings(data_dir=folder), arguments.events, arguments.texts)
    print(f"one process, SQLite: {alone:,.0f} events/s; {of_processor:,.0f} per second of processor time", flush=True)
    _show("one process", parts)
    for workers in arguments.workers:
        found = shared(workers, arguments.events, arguments.texts)
        times = f"{found.rate / alone:.2f} times"
        print(f"\n{workers} workers, NATS, PostgreSQL: {found.rate:,.0f} events/s, {times}, in {found.seconds:.0f} s")
        working = sum(seconds for who, seconds in found.processors.items() if who.startswith("worker"))
        events = found.rate * found.seconds
        whole = sum(found.processors.values())
        share = events / working / of_processor
        print(f"  {events / working:,.0f} events per second of a worker's processor time, {share:.2f} times one process")
        print(f"  {1e3 * whole / events:.3f} ms of processor time per event, of one process {1e3 / of_processor:.3f} ms")
        most = 2 * events / whole
        print(f"  two cores with nothing else to do: at most {most:,.0f} events/s, {most / of_processor:.2f} times one process on one")
        print(f"  {'processor time':<40} {'s':>8}")
        for who, seconds in found.processors.items():
            print(f"  {who:<40} {seconds:>8.1f}")
        _show("the workers, waiting included", found.spent)
        _show("the listener", found.listened)


def _show(title: str, parts: dict[str, tuple[float, float]]) -> None:
    print(f"  {title:<40} {'s':>8} {'processor':>10}")
    for part, (spent, used) in sorted(parts.items(), key=lambda item: -item[1][1]):
        print(f"  {part:<40} {spent:>8.1f} {used:>10.2f}", flush=True)


if __name__ == "__main__":
    main()
