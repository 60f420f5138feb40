"""Every recurring duty is done by one patrol, and by listener, worker and deliverer together; a new one that is not fails here."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import tsbot.cases.outcomes
import tsbot.housekeeping
from tsbot import patrol
from tsbot.attempts import FilterWatch
from tsbot.backfill import Backfill
from tsbot.bus.deliver import deliver
from tsbot.bus.listen import listen
from tsbot.bus.work import work
from tsbot.cases.outside import Asker
from tsbot.detect.finding import Finding
from tsbot.duties import DUTIES
from tsbot.hide.follower import Follower
from tsbot.hide.observer import Observer
from tsbot.housekeeping import Housekeeper
from tsbot.parts import Stop
from tsbot.patrol import Options
from tsbot.report.deliver import Deliverer
from tsbot.report.timers import Timers
from tsbot.settings import Settings, load
from tsbot.shadow import Shadow
from tsbot.store.opening import open_store
from tsbot.stream.source import Batch, SourceStatus
from tsbot.trace.index import ActivityIndex
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState

from .conftest import change, visibility

PATIENCE = 60.0
MODES = ("one process", "many machines")
ROLES = ("listen", "work", "deliver")
DONE_BY: dict[str, tuple[Any, str, bool]] = {
    "gaps": (Backfill, "tend", False),
    "filters": (FilterWatch, "start", False),
    "scores": (Asker, "run_once", False),
    "plans": (Follower, "run_once", False),
    "plan_news": (Observer, "observe", True),
    "activity": (ActivityIndex, "add", True),
    "purge": (Housekeeper, "run", True),
    "watches": (tsbot.housekeeping, "tend_watches", False),
    "outcomes": (tsbot.cases.outcomes, "record", True),
    "shadow": (Shadow, "offer", True),
    "delivery": (Deliverer, "run_once", True),
    "timers": (Timers, "run_once", True),
    "spool": (Housekeeper, "sweep", True),
}
"""What shows that a duty is done, and whether it is really to be done here, where no wiki answers."""
THREADS = {"delivery", "scores", "hide", "shadow", "watches"}
"""Threads that some duty has. The others only carry what is read and sent."""
CARRIERS = re.compile(r"fetch.*|reader.*|bus|test-.*|asyncio.*|ThreadPoolExecutor.*|pywikibot.*|Thread-\d+ .*")
SETTINGS = """
data_dir = "{data}"
[wiki]
client = "approved-bot"
[scan]
filters = ["enwiki"]
[scores]
service = "liftwing"
"""


class Fresh:
    """A stream of a few edits of today, then of nothing."""

    name = "fresh"

    def __init__(self) -> None:
        now = int(time.time())
        today = {"timestamp": now, "meta": {"dt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))}}
        self._left: list[bytes] = [change(n, **today) for n in range(5)] + [visibility(9, 100_001)]

    def start(self, cursor: str | None) -> None:
        """Nothing is to be connected to."""

    def read(self, limit: int, wait: float) -> Batch:
        """All at once."""
        some, self._left = self._left, []
        if not some:
            time.sleep(0.05)
        return Batch(some, "here" if some else None)

    def status(self) -> SourceStatus:
        """Well."""
        return SourceStatus(connected=True)

    def close(self) -> None:
        """Nothing is held."""


class Texts:
    """Every page holds the same mild words."""

    def batch_size(self, wiki: str) -> int:
        return 50

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        return [FetchedRevision(ref, RevisionState.PRESENT, text="The mill stands by the river.") for ref in refs]


class Mild:
    """Finds nothing."""

    version = "mild-1"

    def judge(self, texts: Sequence[str], languages: Any = None, fields: Any = None) -> list[Finding]:
        return [Finding() for _ in texts]


def one_process(settings: Settings, stop: Stop) -> None:
    patrol.run(settings, Options(), stop)


def many_machines(settings: Settings, stop: Stop) -> None:
    roles: tuple[Callable[[], object], ...] = (
        lambda: listen(settings, stop=stop),
        lambda: work(settings, stop=stop),
        lambda: deliver(settings, stop=stop),
    )
    threads = [threading.Thread(target=role, name=f"test-{name}") for role, name in zip(roles, ROLES, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, _pywikibot: Path) -> Iterator[dict[str, tuple[set[str], set[str]]]]:
    """For each way of running: the duties that were seen being done, and the threads that were started."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for mode, run in zip(MODES, (one_process, many_machines), strict=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYWIKIBOT_DIR", str(_pywikibot))
            found[mode] = watched(patch, tmp_path_factory.mktemp("duties"), run)
    yield found


def watched(patch: pytest.MonkeyPatch, folder: Path, run: Callable[[Settings, Stop], None]) -> tuple[set[str], set[str]]:
    seen: set[str] = set()
    started: set[str] = set()
    for duty, (owner, name, really) in DONE_BY.items():
        patch.setattr(owner, name, noted(duty, getattr(owner, name) if really else None, seen))
    for module in ("tsbot.patrol", "tsbot.bus.listen"):
        patch.setattr(f"{module}.open_source", lambda *_: Fresh())
    patch.setattr("tsbot.parts.PywikibotRevisions", lambda *_: Texts())
    patch.setattr("tsbot.parts.load_detector", lambda *_: Mild())
    patch.setattr("tsbot.parts.candidate", lambda _: Mild)
    patch.setattr("tsbot.duties.TEND_SECONDS", 0.05)
    patch.setattr("tsbot.bus.deliver.BEAT", 0.1)
    real_start = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        started.add(thread.name)
        real_start(thread)

    patch.setattr(threading.Thread, "start", start)
    (folder / "tsbot.toml").write_text(SETTINGS.format(data=folder / "data"))
    settings = load(folder / "tsbot.toml", {})
    open_store(settings).close()
    stop = Stop()

    def stop_when_seen() -> None:
        deadline = time.monotonic() + PATIENCE
        while seen < set(DUTIES) and time.monotonic() < deadline:
            time.sleep(0.05)
        stop.request()

    timer = threading.Thread(target=stop_when_seen, name="test-timer")
    timer.start()
    run(settings, stop)
    timer.join()
    return seen, started


def noted(duty: str, real: Callable[..., Any] | None, seen: set[str]) -> Callable[..., Any]:
    def note(*args: Any, **more: Any) -> Any:
        seen.add(duty)
        return real(*args, **more) if real is not None else 0

    return note


def test_each_duty_is_looked_for_here() -> None:
    assert set(DONE_BY) == set(DUTIES)
    assert {role for role, _ in DUTIES.values()} == set(ROLES)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("duty", sorted(DUTIES))
def test_it_is_done(done: dict[str, tuple[set[str], set[str]]], duty: str, mode: str) -> None:
    assert duty in done[mode][0]


def test_what_runs_beside_one_process_runs_beside_many_too(done: dict[str, tuple[set[str], set[str]]]) -> None:
    """A thread that is started in one way of running only is a duty that the other one lacks."""
    beside = [{name for name in threads if not CARRIERS.fullmatch(name)} for _, threads in done.values()]
    assert beside == [THREADS, THREADS]


def test_the_table_for_operators_has_them_all() -> None:
    text = (Path(__file__).parents[2] / "docs" / "many-machines.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| (.+) \| `tsbot (\w+)` \|$", text, re.MULTILINE))
    assert rows == {(words, role) for role, words in DUTIES.values()}
