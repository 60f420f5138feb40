"""Trouble around the patrol: a database that does not answer, a slow wiki, a full queue, a view or summary that cannot be written."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import tsbot.patrol
import tsbot.pipeline
from tsbot.detect.finding import Coverage, Finding
from tsbot.duties import open_duties
from tsbot.errors import InputError, StoreBusyError
from tsbot.parts import Stop, open_pipeline, open_wikis
from tsbot.patrol import Options, _Patrol, redrive, run, write_summary
from tsbot.pipeline import Pipeline
from tsbot.report.deliver import Deliverer, DeliveryThread
from tsbot.settings import Settings, StreamSettings, WikiSettings
from tsbot.store import ledger
from tsbot.store.ledger import Totals
from tsbot.store.opening import open_store
from tsbot.stream.replay import FileSource
from tsbot.text.passage import Field
from tsbot.view import Snapshot
from tsbot.wiki.types import FetchedRevision, RevisionRef, RevisionState


class Clears:
    """A detector that finds nothing."""

    version = "clears-1"

    def judge(self, texts: Sequence[str], fields: Sequence[Field] | None = None) -> list[Finding]:
        """One finding per text."""
        return [Finding(coverage=Coverage.SCORED) for _ in texts]


class SlowTexts:
    """A wiki that takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def batch_size(self, wiki: str) -> int:
        """Small."""
        return 5

    def fetch(self, wiki: str, refs: Sequence[RevisionRef]) -> list[FetchedRevision]:
        """The same text for all."""
        time.sleep(self.seconds)
        return [FetchedRevision(ref, RevisionState.PRESENT, text="mild") for ref in refs]


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYWIKIBOT_DIR", str(tmp_path))
    monkeypatch.setenv("PYWIKIBOT_NO_USER_CONFIG", "2")
    monkeypatch.setattr("tsbot.store.engines.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("tsbot.parts.load_detector", lambda *_: Clears())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data folder of this test."""
    return Settings(data_dir=str(tmp_path / "data"), stream=StreamSettings(batch=5), wiki=WikiSettings(batch_window=0))


@pytest.fixture
def recorded(make: Any, tmp_path: Path) -> Path:
    """A recorded stream of 40 edits."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(make.change() for _ in range(40)) + b"\n")
    return path


@pytest.fixture
def locked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Somebody who locks the database as soon as a patrol has started; rolling back lets go of it."""
    open_store(settings).close()
    blocker = sqlite3.connect(settings.data_path / "tsbot.sqlite", isolation_level=None)
    load = Pipeline.load

    def load_and_lock(self: Pipeline) -> None:
        load(self)
        monkeypatch.setattr(Pipeline, "load", load)
        blocker.execute("begin immediate")

    monkeypatch.setattr(Pipeline, "load", load_and_lock)
    yield blocker
    blocker.close()


def test_waiting_for_a_locked_database_is_shown_and_logged_can_be_stopped_and_loses_nothing(
    settings: Settings, recorded: Path, locked: sqlite3.Connection
) -> None:
    stop = Stop()
    shown: list[str] = []

    def show(snapshot: Snapshot) -> None:
        shown.append(snapshot.trouble)
        stop.request()

    with capture_logs() as logs, pytest.raises(StoreBusyError):
        run(settings, Options(str(recorded), fetch=False), stop, show)
    assert any("locked" in trouble for trouble in shown)
    assert [log["log_level"] for log in logs if log["event"] == "store.waiting"] == ["error"]
    locked.rollback()
    totals = run(settings, Options(str(recorded), fetch=False), Stop())
    assert (totals.received, totals.cleared) == (40, 40)


def test_a_database_that_fails_while_the_view_looks_ends_nothing(
    settings: Settings, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsbot.patrol, "LOOK_SECONDS", 0.0)
    real, calls = ledger.totals, iter(range(1000))

    def totals(connection: Any) -> Totals:
        if next(calls) == 2:
            raise StoreBusyError("The database does not answer.")
        return real(connection)

    monkeypatch.setattr("tsbot.patrol.ledger.totals", totals)
    shown: list[str] = []
    ended = run(settings, Options(str(recorded), fetch=False), Stop(), lambda snapshot: shown.append(snapshot.trouble))
    assert ended.cleared == 40
    assert shown[:4] == ["", "", "The database does not answer.", ""]


@contextmanager
def patrol_with(settings: Settings, recorded: Path, texts: SlowTexts, options: Options) -> Iterator[_Patrol]:
    """A patrol whose texts come from elsewhere."""
    with closing(open_store(settings)) as database, closing(FileSource(recorded)) as source:
        wikis = open_wikis(settings)
        pipeline = open_pipeline(settings, database, wikis, fetch=True, detector=Clears(), revisions=texts)
        deliverer = Deliverer(database, settings, {}, account_status=None, clock=time.time, rng=random.Random(1))
        duties = open_duties(settings, database, wikis, pipeline, source.name, ask_wikis=False, sleep=time.sleep, busy=lambda: False)
        yield _Patrol(settings, options, database, pipeline, source, wikis, deliverer, DeliveryThread(deliverer), duties)


def test_reading_pauses_while_very_many_texts_are_waited_for(
    settings: Settings, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsbot.patrol, "MOST_FETCHING", 10)
    with patrol_with(settings, recorded, SlowTexts(0.01), Options()) as patrol:
        waiting: list[int] = []
        take = patrol.pipeline.take

        def noting(*args: Any, **more: Any) -> Any:
            result = take(*args, **more)
            waiting.append(patrol.pipeline.fetching)
            return result

        monkeypatch.setattr(patrol.pipeline, "take", noting)
        patrol.run(Stop(), None)
        totals = patrol.finish()
    assert max(waiting) == 10
    assert (totals.cleared, totals.pending) == (40, 0)


def test_waiting_for_a_slow_wiki_is_not_idleness(settings: Settings, recorded: Path) -> None:
    with patrol_with(settings, recorded, SlowTexts(0.1), Options(idle_exit=0.05)) as patrol:
        patrol.run(Stop(), None)
        assert patrol.finish().pending == 0


def test_driving_dead_letters_again_can_be_stopped(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(b"".join(b"{broken %d\n" % number for number in range(510)))
    assert run(settings, Options(str(broken), fetch=False), Stop()).failed == 510
    stop = Stop()
    some = Pipeline.redrive

    def some_and_stop(self: Pipeline, *args: Any) -> int:
        stop.request()
        return some(self, *args)

    monkeypatch.setattr(Pipeline, "redrive", some_and_stop)
    assert redrive(settings, reason=None, fetch=False, stop=stop).driven == 500
    monkeypatch.setattr(Pipeline, "redrive", some)
    again = redrive(settings, reason=None, fetch=False)
    assert (again.driven, again.failed_again) == (510, 510)


def test_a_summary_that_cannot_be_written_is_said_before_the_work(settings: Settings, recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        run(settings, Options(str(recorded), fetch=False, summary=tmp_path / "nowhere" / "summary.json"), Stop())
    assert not settings.data_path.exists()
    with pytest.raises(InputError, match="cannot be written"):
        write_summary(tmp_path, Totals(), None)


def test_a_pipe_given_for_the_summary_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_summary(pipe, Totals(received=1, cleared=1), "here")
        assert json.loads(os.read(reader, 10_000))["cursor"] == "here"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_what_is_remembered_of_old_events_does_not_pile_up(world: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsbot.pipeline, "TRIM_EVERY", 5)
    pipeline = world.pipeline(fetch=False)
    pipeline.remember = 10
    for _ in range(40):
        pipeline.take(make.batch(make.change()), "test")
    assert dict(world.rows("select scope, count(*) from seen group by scope")) == {"event": 10, "subject": 10}
