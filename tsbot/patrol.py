"""The patrol: one process that reads a stream, judges what it carries, and sends reports."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select

from tsbot.bus.roster import new_name
from tsbot.duties import Duties, open_duties
from tsbot.errors import InputError, StoreBusyError, StoreError, StoreFullError, StreamUnavailableError
from tsbot.health import HealthServer
from tsbot.metrics import Vitals
from tsbot.parts import Stop, Wikis, open_deliverer, open_pipeline, open_shadow, open_wikis, plain_user_agent
from tsbot.pipeline import Pipeline
from tsbot.report.deliver import Deliverer, DeliveryThread
from tsbot.settings import Settings
from tsbot.store import ledger
from tsbot.store import tables as t
from tsbot.store.database import Database
from tsbot.store.locks import LISTENER, Reign
from tsbot.store.opening import open_store
from tsbot.stream.replay import FileSource, StdinSource
from tsbot.stream.source import Batch, Source
from tsbot.stream.sse import LiveSource
from tsbot.view import Snapshot
from tsbot.wiki.abuselog import ABUSE_LOG

BUSY_WAIT = 0.05
"""Seconds between looks at the texts under way once the stream has ended."""
MOST_FETCHING = 20_000
"""Edits waiting for their texts at which reading pauses: what is read is kept in memory, what is not stays with the source."""
PLANS_WAIT = 500
"""Edits waiting for their texts at which plans of what to hide wait too: they share the wikis' budget."""
LOOK_SECONDS = 0.5
"""How often the view is told the news."""
DELIVERY_PATIENCE = 20.0
"""Seconds that a patrol which ends gives to letters that are due."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one run of the patrol is asked to do, beyond the settings."""

    stream: str | None = None
    """Address, file or ``-``; None for the settings' stream."""
    fetch: bool = True
    """False judges only what events carry."""
    idle_exit: float | None = None
    """End after this many seconds without news; None runs until stopped (or until a file ends)."""
    summary: Path | None = None
    """File to write the accounting to at the end."""
    simulate: bool | None = None
    """Send nothing; None does as pywikibot is told."""


def open_source(settings: Settings, stream: str | None, stop: Stop) -> Source:
    """The source that ``stream`` names. Raises ``InputError`` for a file that does not exist."""
    limit = settings.stream.max_event_bytes
    if stream == "-":
        return StdinSource(max_event_bytes=limit)
    if stream is None or urlsplit(stream).scheme in ("http", "https"):
        url = stream or settings.stream.url
        return LiveSource(url, settings.stream.streams, settings.stream, user_agent=plain_user_agent(settings))
    if not Path(stream).is_file():
        raise InputError(f"{stream} is neither an address (https://...) nor a file. Use - for standard input.")
    return FileSource(stream, max_event_bytes=limit, sleep=stop.sleep)


def run(settings: Settings, options: Options, stop: Stop, show: Callable[[Snapshot], None] | None = None) -> ledger.Totals:
    """Patrol until the source ends, nothing happens for ``idle_exit`` seconds, or ``stop`` is requested.

    Returns the accounting. Raises errors of the settings, the key, the store and the detector at the start; later trouble is
    waited out and shown.
    """
    if options.summary is not None and not options.summary.parent.is_dir():
        raise InputError(f"The summary cannot be written: {options.summary.parent} is no folder.")
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(_database(settings))
        stack.enter_context(_only_patrol(settings, database))
        source = open_source(settings, options.stream, stop)
        stack.callback(source.close)
        wikis = open_wikis(settings, simulate=options.simulate)
        reign = stack.enter_context(_reigning(settings, database)) if database.shared else None
        pipeline = open_pipeline(settings, database, wikis, fetch=options.fetch, sleep=stop.wait)
        pipeline.reign = reign
        pipeline.shadow = open_shadow(settings, database)
        deliverer = open_deliverer(settings, database, wikis, ask_wikis=options.fetch, simulate=options.simulate)
        delivery = DeliveryThread(deliverer)
        duties = open_duties(
            settings,
            database,
            wikis,
            pipeline,
            source.name,
            ask_wikis=options.fetch,
            sleep=stop.wait,
            busy=lambda: pipeline.fetching > PLANS_WAIT,
            channels=lambda: {} if deliverer.simulate else deliverer.channels,
        )
        patrol = _Patrol(settings, options, database, pipeline, source, wikis, deliverer, delivery, duties)
        if (address := settings.metrics.address) is not None:
            limit = settings.metrics.silent_after
            server = HealthServer(address, database, patrol.vitals, clock=time.time, silent_after=limit)
            stack.callback(server.close)
            server.start()
            structlog.get_logger().info("metrics.listening", source=server.url)
        patrol.run(stop, show)
        return patrol.finish()


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_store(settings)
    try:
        yield database
    finally:
        database.close()


@contextlib.contextmanager
def _only_patrol(settings: Settings, database: Database) -> Iterator[None]:
    """Keep a second patrol from working on the same database; the lock goes with the process, however it ends."""
    name = database.engine.url.database
    folder = Path(name).parent if database.engine.dialect.name == "sqlite" and name else settings.data_path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / f"{Path(name or 'tsbot').name}.patrol.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise InputError("Another patrol is working on this database. Stop it first, or name another --database.") from error
    try:
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _reigning(settings: Settings, database: Database) -> Iterator[Reign]:
    """Keep listeners and patrols on other machines from reading into the same database."""
    reign = Reign(database, LISTENER, new_name("patrol"), settings.bus.lease)
    if not reign.begin():
        raise InputError(
            f"A listener or another patrol reads into this database, or ended {settings.bus.lease:,.0f} s ago at most without saying so. "
            "Stop it first, or name another --database."
        )
    try:
        yield reign
    finally:
        with contextlib.suppress(StoreError):
            reign.end()


@dataclass
class _Patrol:
    """The loop of one run."""

    settings: Settings
    options: Options
    database: Database
    pipeline: Pipeline
    source: Source
    wikis: Wikis
    deliverer: Deliverer
    delivery: DeliveryThread
    duties: Duties
    newest: float | None = None
    ended: bool = False
    shown: Snapshot | None = None
    began: float = field(default_factory=time.monotonic)
    turned: float = field(default_factory=time.monotonic)
    """When the loop last came round."""
    kept: float = field(default_factory=time.monotonic)
    """When it last said that it goes on reading into the database."""

    def vitals(self) -> Vitals:
        """How it is doing, for whoever asks from another thread."""
        now = time.monotonic()
        return Vitals(
            source=self.source.status(),
            detector=self.pipeline.detector.version,
            newest=self.newest,
            age=now - self.began,
            turn_age=now - self.turned,
            ended=self.ended,
            fetching=self.pipeline.fetching,
            judged=dict(self.pipeline.judged),
            delivery_alive=self.delivery.alive,
            trouble=self.pipeline.trouble,
        )

    def run(self, stop: Stop, show: Callable[[Snapshot], None] | None) -> None:
        with self.database.read() as connection:
            cursor = ledger.load_cursor(connection, self.source.name)
        log = structlog.get_logger()
        log.info("patrol.started", source=self.source.name, pending=self.pipeline.pending, resumed=cursor is not None)
        def wait_for_store(seconds: float) -> bool:
            self._look(show)
            return stop.wait(seconds)

        self.pipeline.sleep = wait_for_store
        self.source.start(cursor)
        self.delivery.start()
        self.duties.start()
        active = looked = time.monotonic()
        try:
            while not stop:
                self.turned = time.monotonic()
                full = self.pipeline.fetching >= MOST_FETCHING
                if not self.ended and not full:
                    batch = self._read()
                    self.ended = batch.ended
                else:
                    batch = Batch()
                busy = self._take(batch, self.source.name)
                for name, found in self.duties.arrived():
                    busy = self._take(found, name) or busy
                fetched = self.pipeline.fetch()
                now = time.monotonic()
                if busy or fetched:
                    self.delivery.wake()
                if busy or fetched or full or self.pipeline.asking:
                    active = now
                if now - looked >= LOOK_SECONDS:
                    looked = now
                    self._look(show)
                    self._keep(now)
                self.duties.tend(now, self.pipeline.clock(), self.newest)
                if self.ended and not self.pipeline.pending:
                    break
                if self.options.idle_exit is not None and now - active >= self.options.idle_exit:
                    break
                if (self.ended or full) and not fetched:
                    stop.sleep(BUSY_WAIT)
        finally:
            self.duties.close()
            if self.pipeline.shadow is not None:
                self.pipeline.shadow.close(DELIVERY_PATIENCE if self.ended and not stop else 1.0)
            self.delivery.stop()
            if self.pipeline.fetcher is not None:
                self.pipeline.fetcher.close()
            log.info("patrol.stopped", pending=self.pipeline.pending)

    def _keep(self, now: float) -> None:
        """Go on reigning while there is nothing to store. Raises ``LeaseLostError``."""
        if self.pipeline.reign is not None and now - self.kept >= self.pipeline.reign.seconds / 4:
            self.kept = now
            with contextlib.suppress(StoreBusyError, StoreFullError):
                self.pipeline.reign.keep()

    def _read(self) -> Batch:
        return self.source.read(self.settings.stream.batch, self.settings.stream.batch_wait)

    def _take(self, batch: Batch, source: str) -> bool:
        """Whether the batch held news; heartbeats and repetitions are none."""
        if not batch.messages and not batch.gaps and not source.startswith(ABUSE_LOG):
            return False
        taken = self.pipeline.take(batch, source)
        if taken.newest is not None:
            self.newest = max(taken.newest, self.newest or 0.0)
        return taken.received > taken.skipped["canary"]

    def finish(self) -> ledger.Totals:
        """Send what is due, write the summary, and return the accounting.

        Raises ``StreamUnavailableError`` after that if the source ended because it is damaged.
        """
        deadline = time.monotonic() + DELIVERY_PATIENCE
        while self.deliverer.run_once() and time.monotonic() < deadline:
            pass
        with self.database.read() as connection:
            totals = ledger.totals(connection)
            cursor = ledger.load_cursor(connection, self.source.name)
        if self.options.summary is not None:
            write_summary(self.options.summary, totals, cursor)
        if self.ended and (damage := self.source.status().last_error):
            raise StreamUnavailableError(f"The recording ended early: {damage}. What came before it is judged and stored.")
        return totals

    def _look(self, show: Callable[[Snapshot], None] | None) -> None:
        """Tell the view the news; while the database does not answer, that it does not."""
        if show is None:
            return
        try:
            self.shown = self._snapshot()
        except StoreError as error:
            if self.shown is None:
                return
            self.shown = replace(self.shown, time=time.time(), source=self.source.status(), trouble=str(error))
        show(self.shown)

    def _snapshot(self) -> Snapshot:
        with self.database.read() as connection:
            totals = ledger.totals(connection)
            gap = connection.execute(select(t.gap.c.since, t.gap.c.until, t.gap.c.reason).order_by(t.gap.c.id.desc()).limit(1)).first()
        now = time.time()
        return Snapshot(
            time=now,
            totals=totals,
            source=self.source.status(),
            source_name=self.source.name,
            lag=None if self.newest is None else max(0.0, now - self.newest),
            queue=self.pipeline.fetching,
            budget=self.wikis.budget.remaining,
            reports=self.deliverer.status(),
            last_gap=(gap.since, gap.until, gap.reason) if gap else None,
            trouble=self.pipeline.trouble,
        )


def write_summary(path: Path, totals: ledger.Totals, cursor: str | None) -> None:
    """Write the accounting as JSON: totals of the database, so they survive restarts. ``-`` is standard output.

    Raises ``InputError`` if the file cannot be written.
    """
    text = json.dumps(asdict(totals) | {"cursor": cursor}, indent=2) + "\n"
    if str(path) == "-":
        print(text, end="")  # noqa: T201 - asked for
        return
    try:
        if path.exists() and not path.is_file():  # a device or a pipe must not be replaced
            path.write_text(text, encoding="utf-8")
            return
        partial = path.with_name(path.name + ".part")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"The summary cannot be written to {path}: {error.strerror}. The books are in the database.") from error


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of dead letters driven through again."""

    driven: int
    failed_again: int


def redrive(settings: Settings, *, reason: str | None, fetch: bool, stop: Stop | None = None) -> Redriven:
    """Drive dead letters through all stages once more. Raises as :func:`run` does at its start."""
    stop = Stop() if stop is None else stop  # one that is not requested counts as false
    driven = 0
    with _database(settings) as database, _only_patrol(settings, database):
        # Where workers may be at work, what waits is theirs.
        resume = not database.shared
        pipeline = open_pipeline(settings, database, open_wikis(settings), fetch=fetch, resume=resume, sleep=stop.wait)
        with database.read() as connection:
            before = ledger.totals(connection)
            last = connection.scalar(select(t.dead_letter.c.id).order_by(t.dead_letter.c.id.desc()).limit(1)) or 0
        while not stop and (some := pipeline.redrive(reason, last)):
            driven += some
        while not stop and pipeline.fetching:
            if not pipeline.fetch():
                stop.sleep(BUSY_WAIT)
        with database.read() as connection:
            after = ledger.totals(connection)
    return Redriven(driven, after.failed - (before.failed - driven))
