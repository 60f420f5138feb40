"""The demo on many machines: PostgreSQL, NATS, a listener, two workers and a deliverer instead of one patrol.

While people edit, workers are killed with ``kill -9`` at random moments and started again. Beside them one patrol on SQLite reads the same
stream; in the end both must have the same flags, cases and mails.
"""

from __future__ import annotations

import importlib.util
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select

from tsbot.demo.engines.nats import Nats
from tsbot.demo.engines.postgresql import BINARIES, PostgreSQL
from tsbot.demo.engines.server import program
from tsbot.demo.patrolled import WITHOUT_INDEX, Patrolled
from tsbot.demo.same import differences, found
from tsbot.demo.scenario import PATIENCE, Check, Scenario
from tsbot.demo.sink import MailSink
from tsbot.demo.world import World
from tsbot.errors import DemoError
from tsbot.store.tables import metadata

WORKERS = ("work-1", "work-2")
LEASE = 3.0
"""Seconds of silence after which what a killed worker had is another's: short, so that a letter is not late for it."""
IN_TIME = 30.0
"""Seconds from an edit to its mail where workers are killed: a lease, the start of the next worker, and time to spare."""
BETWEEN = (0.5, 4.0)
"""Seconds between the start of a worker and the next kill, at least and at most."""
LOOK = 0.2
INSTALL = "make demo ARGS=--many-machines, or: sudo sh tsbot/demo/debian/install.sh --machines"


PACKAGES = ("psycopg", "faststream", "nats")


def need_engines() -> None:
    """Say what is to be installed where something is missing. Raises ``DemoError``."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise DemoError(f"Many machines need {', '.join(missing)}. Run `make demo`, or: pip install 'tsbot[demo]'")
    for name, places in (("initdb", BINARIES), ("postgres", BINARIES), ("nats-server", ("usr/sbin",))):
        program(name, *places, install=INSTALL)


class Engines:
    """PostgreSQL and NATS of Debian on free ports of loopback; they run within a ``with`` block."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.postgresql: PostgreSQL
        self.nats: Nats

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.postgresql, self.nats = stack.enter_context(PostgreSQL()), stack.enter_context(Nats())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def bus_lines(self) -> tuple[str, ...]:
        """Settings of the bus."""
        return ("[bus]", 'engine = "nats"', f'servers = ["{self.nats.address}"]', f"lease = {LEASE}", f"forgotten_after = {2 * LEASE}")


class Crew(Patrolled):
    """What does a patrol's work on many machines, as processes of this one."""

    who = "the crew"
    in_time = IN_TIME

    def __init__(self, world: World, engines: Engines, name: str = "machines", report: Sequence[str] = WITHOUT_INDEX) -> None:
        self.engines = engines
        super().__init__(world, name, (*report, *engines.bus_lines()), database=engines.postgresql.create(f"tsbot_{name}"))
        with closing(self.open()):  # makes the tables and the key, which all of them share
            pass
        self._one_at_a_time = threading.RLock()
        self._launched = 0
        self._spared = False

    def commands(self) -> dict[str, list[str]]:
        """A process for each role, two that work."""
        return {"listen": ["listen"], **{name: ["work"] for name in WORKERS}, "deliver": ["deliver"]}

    def start(self) -> None:
        """Start all of them, and wait until the workers work."""
        with self._one_at_a_time:
            super().start()
            self.wait(self.all_work, PATIENCE, "not all workers have started")

    def stop(self) -> int:
        """Ask them to end, once those that were started last can be asked."""
        self._spared = True
        self.wait(self.all_work, PATIENCE, "not all workers have started")
        return super().stop()

    def all_work(self) -> bool:
        """Whether all workers work that were started."""
        return self._began() >= self._launched

    def _began(self) -> int:
        return self.log.read_bytes().count(b'"work.started"')

    def strike(self, name: str) -> bool:
        """Kill -9 a worker, and start it again; False, and nothing is done, unless all of them work."""
        with self._one_at_a_time:
            process = self._processes.get(name)
            if process is None or self._spared or not self.all_work():
                return False
            process.kill()
            process.wait()
            self._launch(name)
        return True

    def _launch(self, name: str) -> None:
        self._launched += name in WORKERS
        super()._launch(name)

    def _end(self, how: Any) -> int:
        with self._one_at_a_time:
            code = super()._end(how)
            self._launched = self._began() if self.log.exists() else 0  # some were killed before they worked
            return code

    def _died(self) -> int | None:
        with self._one_at_a_time:
            return super()._died()

    def written_summary(self) -> dict[str, Any]:
        """The books."""
        return asdict(self.totals())

    def stored(self) -> bytes:
        """All rows of the database, what the broker keeps, and the log."""
        parts = [path.read_bytes() for path in self.engines.nats.folder.rglob("*") if path.is_file()]
        with closing(self.open()) as store, store.read() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(select(table)):
                    parts += [value if isinstance(value, bytes) else str(value).encode() for value in row]
        return b"\n".join([*parts, self.log.read_bytes()])


class Killer:
    """Kills workers at random moments at which both work, in turn and in random order, within a ``with`` block."""

    def __init__(self, crew: Crew, rng: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self._crew, self._rng = crew, rng
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for name in self._rng.sample(WORKERS, len(WORKERS)):
                wait = self._rng.uniform(*BETWEEN)
                while not self._stop.wait(wait) and not self._crew.strike(name):
                    wait = LOOK
                if self._stop.is_set():
                    return
                self.kills[name] += 1


def play(world: World, say: Callable[[str], None], rng: random.Random | None = None) -> Iterator[Check]:
    """The scenario with workers that are killed, then what differs from one patrol that was left alone."""
    say("PostgreSQL and NATS start.")
    with Engines() as engines, MailSink(world.folder / "mail-alone") as sink, ExitStack() as stack:
        alone = Patrolled(world, "alone", sink=sink)
        stack.callback(alone.kill)
        crew = Crew(world, engines)
        stack.callback(crew.kill)
        alone.start()
        with Killer(crew, rng or random.Random()) as killer:  # noqa: S311 -- when to kill, nothing to guard
            yield from Scenario(world, crew, say).run()
        killed = ", ".join(f"{name} {number} times" for name, number in sorted(killer.kills.items()))
        yield Check("machines.workers_killed", all(killer.kills[name] for name in WORKERS), f"kill -9: {killed or 'none'}")
        alone.wait(alone.idle, PATIENCE, "the patrol beside the crew is still busy")
        for what, (number, unlike) in differences(found(crew), found(alone)).items():
            words = f"{number}, the same as of one patrol on SQLite"
            yield Check(f"machines.same_{what}", number > 0 and not unlike, f"not so: {'; '.join(unlike)}" if unlike else words)
