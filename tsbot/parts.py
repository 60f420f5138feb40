"""The parts of a running tsbot, opened from the settings: what the commands have in common."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from tsbot.cases import approvals
from tsbot.cases.filing import Windows
from tsbot.cases.flag import Flag
from tsbot.cases.outside import Asker
from tsbot.detect.detector import Detector, load_detector
from tsbot.detect.live import LiveDetector
from tsbot.hide.follower import Follower
from tsbot.hide.observer import Observer
from tsbot.hide.suggest import Limits
from tsbot.intake import Intake
from tsbot.pipeline import Pipeline
from tsbot.reception.reminding import remind
from tsbot.report.channels import open_channels
from tsbot.report.deliver import Deliverer
from tsbot.report.filing import file_reports
from tsbot.report.oncall import check_on_call
from tsbot.report.rehearse import check_letters
from tsbot.report.routing import check_routing
from tsbot.settings import CaseSettings, DetectSettings, Settings
from tsbot.shadow import Shadow
from tsbot.store.database import Database
from tsbot.stream.admission import Admission
from tsbot.stream.events import Event
from tsbot.stream.seen import SeenIndex
from tsbot.trace.index import ActivityIndex
from tsbot.wiki import email
from tsbot.wiki.accounts import account_status
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget, rate
from tsbot.wiki.fetcher import Fetcher
from tsbot.wiki.history_reader import ApiHistories
from tsbot.wiki.queue import FetchQueue
from tsbot.wiki.revisions import PywikibotRevisions
from tsbot.wiki.scores import open_scores
from tsbot.wiki.session import prepare, simulating, user_agent
from tsbot.wiki.sites import Sites
from tsbot.wiki.types import AccountStatus, RevisionSource

PLANS_NEED = 100.0
"""Requests a minute from which plans of what to hide are made: one takes five to twenty."""


@dataclass(frozen=True)
class Wikis:
    """Access to wikis."""

    sites: Sites
    budget: Budget
    api: Api

    def known(self, event: Event) -> bool:
        """Whether the wiki of an event is one that can be asked; uses no network."""
        return self.sites.known(event.wiki, event.server_url, event.domain)

    def status(self, wiki: str, user: str, server_url: str) -> AccountStatus:
        """What the wiki says of an account, for a letter."""
        return account_status(self.api, wiki, user, server_url)


def open_wikis(settings: Settings, *, simulate: bool | None = None) -> Wikis:
    """Make pywikibot ready. Touches no wiki yet."""
    prepare(settings, simulate=simulate)
    sites = Sites(settings.wiki)
    budget = Budget(rate(settings.wiki))
    return Wikis(sites, budget, Api(sites, settings.wiki, budget))


def open_pipeline(
    settings: Settings,
    database: Database,
    wikis: Wikis,
    *,
    fetch: bool,
    detector: Detector | None = None,
    revisions: RevisionSource | None = None,
    resume: bool = True,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> Pipeline:
    """The stages, with what they remember loaded.

    ``revisions`` stands in for the wikis where texts are at hand.
    ``resume`` takes up what an earlier process left; only one process may do that at a time.

    Raises ``DetectError`` and ``StoreError``.
    """
    queue = fetcher = None
    if fetch:
        source = revisions or PywikibotRevisions(wikis.api, settings.wiki.max_text_bytes)
        limits = settings.wiki
        queue = FetchQueue(
            source.batch_size, window=limits.batch_window, concurrency=limits.concurrency, attempts=limits.attempts
        )
        fetcher = Fetcher(source, queue, wikis.budget if revisions is None else Budget(None), now=clock)

    check_tables(settings)
    def reports(connection: Connection, flag: Flag, now: float) -> None:
        file_reports(connection, flag, settings, now)

    pipeline = Pipeline(
        database=database,
        intake=Intake(
            admission=Admission(settings.admission),
            known_wiki=wikis.known,
            events=SeenIndex(settings.stream.remember),
            subjects=SeenIndex(settings.stream.remember),
            max_event_bytes=settings.stream.max_event_bytes,
        ),
        detector=detector or LiveDetector(settings.detect.thresholds, settings.detect.identify),
        file_reports=reports,
        clock=clock,
        sleep=sleep,
        texts=queue,
        fetcher=fetcher,
        case_windows=case_windows(settings.cases),
        max_passage_chars=settings.detect.max_passage_chars,
        remember=settings.stream.remember,
        seal_when_hidden=settings.cases.seal_when_hidden,
        activity=ActivityIndex(settings.trace, wikis.known) if settings.trace.index else None,
        observer=Observer(database.key) if settings.hide.follow else None,
    )
    if resume:
        pipeline.load()
    return pipeline


def check_tables(settings: Settings) -> None:
    """Refuse settings and tables that do not fit each other. Raises ``SettingsError``."""
    check_routing(settings)
    approvals.rules(settings.cases.two_person)  # refuses an act that there is not
    check_letters(settings)
    check_on_call(settings)


def case_windows(settings: CaseSettings) -> Windows:
    """The times of the settings in seconds."""
    return Windows(
        author=settings.window_hours * 3600,
        page=settings.page_window_hours * 3600,
        target=settings.target_window_hours * 3600,
        copies=settings.copies_window_hours * 3600,
        short_copies=settings.short_copies_window_minutes * 60,
    )


def open_deliverer(
    settings: Settings,
    database: Database,
    wikis: Wikis,
    *,
    ask_wikis: bool = True,
    simulate: bool | None = None,
    clock: Callable[[], float] = time.time,
) -> Deliverer:
    """What prepares and sends reports. ``ask_wikis`` looks up account statuses for the letters."""

    def email_user(wiki: str, user: str, subject: str, text: str) -> None:
        email.send(wikis.api, wiki, user, subject, text)

    return Deliverer(
        database,
        settings,
        open_channels(settings, email_user),
        account_status=wikis.status if ask_wikis else None,
        clock=clock,
        rng=random.Random(),  # noqa: S311 - spreads retries, guards nothing
        simulate=simulating() if simulate is None else simulate,
        also=(partial(remind, database, settings),),
    )


def candidate(settings: DetectSettings) -> Callable[[], Detector] | None:
    """What loads the candidate detector of the settings; None if they name none. What it lacks is the live detector's.

    Loading raises ``ModelError`` or ``PackError``.
    """
    if not settings.shadow_model and not settings.shadow_packs:
        return None

    def load() -> Detector:
        packs = Path(settings.shadow_packs).expanduser() if settings.shadow_packs else None
        model = Path(settings.shadow_model).expanduser() if settings.shadow_model else None
        return load_detector(settings.thresholds, settings.identify, model, packs)

    return load


def open_shadow(
    settings: Settings, database: Database, *, load: Callable[[], Detector] | None = None, clock: Callable[[], float] = time.time
) -> Shadow | None:
    """A candidate that judges along: that of the settings, or what ``load`` opens. None if there is none."""
    load = load or candidate(settings.detect)
    return None if load is None else Shadow(database, load, clock)


def plain_user_agent(settings: Settings) -> str:
    """The User-Agent of requests that do not go through pywikibot."""
    return user_agent(settings.wiki.contact).replace("{pwb}", "").strip()


def open_asker(settings: Settings, database: Database, clock: Callable[[], float] = time.time) -> Asker | None:
    """What asks outside models about flagged revisions; None if the settings name none. Touches no network yet."""
    scores = open_scores(settings.scores, plain_user_agent(settings))
    return None if scores is None else Asker(database, scores, settings.scores.namespaces, clock)


def open_follower(
    settings: Settings,
    database: Database,
    wikis: Wikis,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Follower | None:
    """What makes plans of what to hide and keeps them up to date. Touches no wiki yet.

    None if the settings say so, or where the wikis let us ask so seldom that the patrol needs every request for texts.
    """
    asks = rate(settings.wiki)
    if not settings.hide.follow or (asks is not None and asks < PLANS_NEED):
        return None

    def histories(wiki: str, server_url: str) -> ApiHistories:
        # One request at a time: the patrol reads texts beside it.
        return ApiHistories(wikis.api, wiki, wikis.budget, sleep, server_url=server_url, concurrency=1)

    return Follower(database, histories, clock, settings.hide.most, Limits(revisions=settings.hide.revisions))


class Stop:
    """A request to stop, made by a signal or another thread; also what pauses are slept on, so that they end at once."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reload = threading.Event()

    def request(self) -> None:
        """Stop as soon as the batch at hand is stored."""
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Sleep, unless and until stopping is requested."""
        self.wait(seconds)

    def wait(self, seconds: float) -> bool:
        """Sleep in the same way; whether stopping is requested."""
        return self._event.wait(seconds)

    def ask_reload(self) -> None:
        """Have data files read anew."""
        self._reload.set()

    def reload_asked(self) -> bool:
        """Whether somebody asked since the last call for data files to be read anew."""
        asked = self._reload.is_set()
        self._reload.clear()
        return asked

    @contextmanager
    def on_signals(self, *, reload: bool = False) -> Iterator[None]:
        """Stop on Ctrl-C and SIGTERM, after the batch at hand; a second one ends the process at once, and still nothing is lost.

        With ``reload``, SIGHUP asks for data files to be read anew.
        """

        def request(_number: int, _frame: object) -> None:
            if self:
                raise KeyboardInterrupt
            self.request()

        handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM), request)
        if reload:
            handlers[signal.SIGHUP] = lambda _number, _frame: self.ask_reload()
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
