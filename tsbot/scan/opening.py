"""The parts of a look back, opened from the settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tsbot.detect.detector import load_detector
from tsbot.errors import StoppedError
from tsbot.parts import Stop, case_windows
from tsbot.scan.api_scan import ApiScan, Texts
from tsbot.scan.examine import Examiner, Remembering
from tsbot.scan.filter_scan import FilterScan
from tsbot.scan.job import Counts, Job, JobState, What, job_id
from tsbot.scan.keeper import Keeper
from tsbot.settings import Settings
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget, rate
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.past import Past, Sought
from tsbot.wiki.revisions import PywikibotRevisions
from tsbot.wiki.session import prepare
from tsbot.wiki.sites import Sites

SHARE = 1 / 3
"""Of the patrol's budget, which is three quarters of what is allowed: both together use all of it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another detector than the live one, to see what it would find; folders."""

    model: Path | None = None
    packs: Path | None = None

    def __bool__(self) -> bool:
        return self.model is not None or self.packs is not None


def scan_budget(settings: Settings) -> Budget:
    """What a look back may ask, beside a patrol that runs in another process."""
    if settings.scan.requests_per_minute:
        return Budget(float(settings.scan.requests_per_minute))
    allowed = rate(settings.wiki)
    return Budget(None if allowed is None else allowed * SHARE)


def open_examiner(settings: Settings, candidate: Candidate, *, quick: bool = False) -> Examiner:
    """What judges. Raises ``ModelError`` or ``PackError``."""
    detect = settings.detect
    detector = load_detector(detect.thresholds, detect.identify, candidate.model, candidate.packs, quick=quick)
    wanted = frozenset(settings.admission.judge_log_types)
    return Examiner(Remembering(detector), detect.max_passage_chars, wanted.__contains__)


def patient(stop: Stop) -> Callable[[float], None]:
    """A sleep that ends with ``StoppedError`` when stopping is requested."""

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("Stopped.")

    return sleep


def open_keeper(settings: Settings, database: Database, examiner: Examiner, stop: Stop) -> Keeper:
    """What stores what is found."""
    return Keeper(database, examiner, case_windows(settings.cases), time.time, patient(stop))


def open_scan(settings: Settings, database: Database, what: What, wiki: str, examiner: Examiner, stop: Stop) -> ApiScan | FilterScan:
    """A look back at one wiki. Raises ``UnknownWikiError``; touches no network yet."""
    prepare(settings)
    sites, budget, sleep = Sites(settings.wiki), scan_budget(settings), patient(stop)
    api = Api(sites, settings.wiki, budget)
    with database.read() as connection:
        server_url = ledger.load_wikis(connection).get(wiki, "")
    base = sites.base(wiki, server_url)
    keeper = open_keeper(settings, database, examiner, stop)
    histories = ApiHistories(api, wiki, budget, sleep, server_url=server_url)
    if what is What.FILTERS:
        return FilterScan(keeper, histories, wiki, base, stop.__bool__)
    texts = Texts(PywikibotRevisions(api, settings.wiki.max_text_bytes), wiki, budget, sleep, min(2, settings.wiki.concurrency))
    return ApiScan(keeper, Past(histories, wiki, base), texts, stop.__bool__)


def new_job(
    database: Database, examiner: Examiner, what: What, wiki: str, sought: Sought, words: str, *, dry: bool, file: str = ""
) -> Job:
    """The job that a command asks for, as if it had never begun. ``file`` is the fingerprint of a file."""
    now = time.time()
    spaces = ",".join(map(str, sorted(sought.namespaces)))
    # An end that lies ahead, or none, is the same question each time.
    parts = (sought.title, sought.user, str(sought.since), str(sought.until or ""), spaces, file)
    detector = examiner.detector.version
    identity = job_id(database.key, what, wiki, detector, *parts, dry=dry)
    return Job(identity, what, wiki, detector, dry, JobState.RUNNING, "", Counts(), now, now, None, words)
