"""Many files of a dump, one after the other or in several processes.

Dask hands the files out: a worker that is killed, for its memory for instance, is replaced, and its file given to another, where a pool
of the standard library breaks as a whole. A task returns its job only; what it found is in the database.
"""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tsbot.errors import InputError, TsbotError
from tsbot.log import configure
from tsbot.parts import Stop
from tsbot.scan.dump import DumpScan, Within, fingerprint
from tsbot.scan.history_table import HistoryScan, is_history_table
from tsbot.scan.job import Job, JobState, What
from tsbot.scan.keeper import Told
from tsbot.scan.opening import Candidate, new_job, open_examiner, open_keeper
from tsbot.settings import Settings
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.wiki.past import Sought

DEATHS = 3
"""Workers that may die over one file before it is given up."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the files of a dump; goes to other processes."""

    settings: Settings
    within: Within
    wiki: str = ""
    dry: bool = False
    quick: bool = False
    candidate: Candidate = field(default_factory=Candidate)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a file ended."""

    path: Path
    job: Job | None
    finds: tuple[Any, ...] = ()
    failed: tuple[str, ...] = ()
    trouble: str = ""
    """Why it could not be examined; empty if it was."""


def one_file(order: Order, path: Path, stop: Stop, database: Database | None = None) -> Generator[Told, None, None]:
    """Examine a file in this process. Raises ``TsbotError``."""
    store = database or open_store(order.settings)
    try:
        examiner = open_examiner(order.settings, order.candidate, quick=order.quick)
        table = is_history_table(path)
        what = What.HISTORY if table else What.DUMP
        within = order.within
        sought = Sought(since=within.since, until=within.until, namespaces=within.namespaces)
        job = new_job(store, examiner, what, order.wiki, sought, path.name, dry=order.dry, file=fingerprint(path))
        keeper = open_keeper(order.settings, store, examiner, stop)
        if table:
            with store.read() as connection:
                known = ledger.load_wikis(connection)
            folder = order.settings.data_path
            yield from HistoryScan(keeper, path, within, folder, lambda wiki: known.get(wiki, ""), stop.__bool__).run(job)
        else:
            yield from DumpScan(keeper, path, within, order.wiki, stop.__bool__).run(job)
    finally:
        if database is None:
            store.close()


def in_other_process(order: Order, path: Path) -> Receipt:
    """Examine a file as a worker: never raises what cannot be sent back."""
    configure()
    finds: list[Any] = []
    failed: list[str] = []
    job: Job | None = None
    try:
        with closing(one_file(order, path, Stop())) as news:
            for told in news:
                job = told.job
                finds += told.finds if order.dry else ()
                failed += told.failed
    except TsbotError as error:
        return Receipt(path, job, tuple(finds), tuple(failed), str(error))
    return Receipt(path, job, tuple(finds), tuple(failed))


def in_many(order: Order, paths: Sequence[Path], workers: int, stop: Callable[[], bool], *, pause: float = 0.5) -> Iterator[Receipt | None]:
    """Examine files in so many processes; a receipt for each as it ends, and None now and then while nothing does.

    Raises ``InputError`` where Dask is not installed.
    """
    try:
        distributed = importlib.import_module("distributed")
        dask = importlib.import_module("dask")
    except ImportError as error:
        raise InputError("Several processes need Dask. Run: pip install 'tsbot[dumps]', or give --workers 1.") from error
    quiet = {
        "distributed.scheduler.allowed-failures": DEATHS,
        "distributed.worker.memory.terminate": False,
        "distributed.admin.log-format": "",
        "distributed.comm.timeouts.connect": "60s",
    }
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=min(workers, len(paths)),
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
            memory_limit=0,
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(_leave_signals_to_the_parent)
        waiting = {client.submit(in_other_process, order, path, key=f"{at}-{path.name}", pure=False): path for at, path in enumerate(paths)}
        while waiting and not stop():
            finished, _ = _wait(distributed, waiting, pause)
            for future in finished:
                path = waiting.pop(future)
                yield _receipt(future, path)
            if not finished:
                yield None
        client.cancel(list(waiting))


def _wait(distributed: Any, waiting: Any, pause: float) -> tuple[list[Any], list[Any]]:
    try:
        found = distributed.wait(list(waiting), timeout=pause, return_when="FIRST_COMPLETED")
    except TimeoutError:
        return [], list(waiting)
    return list(found.done), list(found.not_done)


def _receipt(future: Any, path: Path) -> Receipt:
    try:
        result: Receipt = future.result()
    except Exception as error:
        return Receipt(path, None, trouble=f"its worker ended {DEATHS} times, or failed ({type(error).__name__})")
    return result


def _leave_signals_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def broken(receipt: Receipt) -> bool:
    """Whether a file was not examined to its end."""
    return bool(receipt.trouble) or receipt.job is None or receipt.job.state is not JobState.DONE

