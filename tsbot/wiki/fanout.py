"""Asking many wikis at once about accounts: what one wiki does not answer leaves a gap that is told, and stops nobody else.

A wiki that has failed once is not asked again for the same question. Answers are kept for a while where a cache is given.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec
import structlog

from tsbot.errors import UnknownWikiError, WikiError, WikiRefusedError
from tsbot.wiki.answers import WHOLE_WIKI
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.footprint import Contribution, Contributions, GlobalAccount, LocalAccount, PageEditors, Rename, Repository
from tsbot.wiki.footprint_reader import FootprintReader
from tsbot.wiki.history import Progress
from tsbot.wiki.patient import Patient

ATTEMPTS = 2
LONGEST_WAIT = 5.0
"""Seconds that a question waits for one wiki; the answer is partial rather than late."""
Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")


class AnswerCache(Protocol):
    """Keeps what wikis answered, for a while. Thread-safe."""

    def get(self, key: str) -> bytes | None:
        """What was kept; None if nothing was, or not any more."""

    def put(self, key: str, value: bytes) -> None:
        """Keep something."""


class NoCache:
    """Keeps nothing."""

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return None

    def put(self, key: str, value: bytes) -> None:
        """Do nothing."""


@dataclass
class FanOut:
    """Asks wikis for one question."""

    api: Api
    budget: Budget
    sleep: Callable[[float], object]
    concurrency: int = 3
    cache: AnswerCache = field(default_factory=NoCache)
    progress: Progress = lambda _what, _done, _all: None
    addresses: dict[str, str] = field(default_factory=dict)
    """Scheme and host of wikis that no family lists."""
    skip: frozenset[str] = frozenset()
    """Wikis that are never asked."""
    silent: dict[str, str] = field(default_factory=dict)
    """Wikis that did not answer, and why."""
    answered: Callable[[Hashable, object], None] = lambda _key, _answer: None
    """Called with the key of a job and its answer as soon as a wiki has given it, in the thread of whoever asks."""
    _readers: dict[str, FootprintReader] = field(default_factory=dict)
    _patients: dict[str, Patient] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return sum(patient.requests for patient in self._patients.values())

    def base(self, wiki: str) -> str:
        """Scheme and host of a wiki; empty for one that nobody knows."""
        try:
            return self.api.sites.base(wiki, self.addresses.get(wiki, ""))
        except UnknownWikiError:
            return self.addresses.get(wiki, "")

    # -- single answers; each raises WikiError ------------------------------------------------------------------------

    def central(self, wiki: str, name: str) -> GlobalAccount | None:
        """An account on all wikis, as the central wiki tells it; None without CentralAuth."""
        return self._cached(("central", wiki, name), GlobalAccount | None, lambda: self._reader(wiki).central(name))

    def local(self, wiki: str, name: str) -> LocalAccount:
        """An account on one wiki."""
        return self._cached(("local", wiki, name), LocalAccount, lambda: self._reader(wiki).local(name))

    def contributions(self, wiki: str, name: str, most: int, since: float = 0.0) -> Contributions:
        """The newest edits of an account on one wiki."""
        key = ("contributions", wiki, name, str(most), str(int(since // 86400)))
        return self._cached(key, Contributions, lambda: self._reader(wiki).contributions(name, most, since))

    def page(self, wiki: str, title: str) -> PageEditors:
        """The newest edits of a page."""
        return self._cached(("page", wiki, title), PageEditors, lambda: self._reader(wiki).page(title))

    def named(self, wiki: str, prefix: str) -> tuple[str, ...]:
        """Accounts of a wiki whose names begin so."""
        return self._cached(("named", wiki, prefix), tuple[str, ...], lambda: self._reader(wiki).named(prefix))

    def recent(self, wiki: str) -> tuple[Contribution, ...]:
        """The newest edits on a wiki."""
        return self._cached(("recent", wiki), tuple[Contribution, ...], lambda: self._reader(wiki).recent())

    def renamed(self, wiki: str, name: str) -> tuple[Rename, ...]:
        """Renames of an account that had this name."""
        return self._cached(("renamed", wiki, name), tuple[Rename, ...], lambda: self._reader(wiki).renamed(name))

    def renamed_globally(self, wiki: str, name: str) -> tuple[Rename, ...]:
        """Renames to this name."""
        return self._cached(("gblrename", wiki, name), tuple[Rename, ...], lambda: self._reader(wiki).renamed_globally(name))

    def repository(self, wiki: str) -> Repository:
        """Where the links of a wiki's articles to other languages are kept."""
        return self._cached(("repository", wiki), Repository, lambda: self._reader(wiki).repository())

    def sitelinks(self, repository: str, site: str, titles: Sequence[str], wanted: Sequence[str]) -> tuple[dict[str, str], ...]:
        """What some articles of a site are called on others."""
        key = ("sitelinks", repository, site, *titles, "", *wanted)
        return self._cached(key, tuple[dict[str, str], ...], lambda: self._reader(repository).sitelinks(site, titles, wanted))

    # -- many at once -------------------------------------------------------------------------------------------------

    def gather(self, what: str, jobs: Mapping[Key, tuple[str, Callable[[], T]]]) -> dict[Key, T]:
        """Do jobs, each of one wiki, some at a time; those that a wiki does not answer are missing, and the wiki is :attr:`silent`."""
        found: dict[Key, T] = {}
        done = 0
        self.progress(what, done, len(jobs))
        with ThreadPoolExecutor(max(1, self.concurrency), thread_name_prefix="trace") as pool:
            running = {pool.submit(self._one, wiki, job): (key, wiki) for key, (wiki, job) in jobs.items()}
            try:
                for future in as_completed(running):
                    key, wiki = running[future]
                    done += 1
                    self.progress(what, done, len(jobs))
                    try:
                        found[key] = future.result()
                    except WikiError as error:
                        self._note(wiki, error)
                    else:
                        self.answered(key, found[key])
            finally:
                for future in running:
                    future.cancel()
        return {key: found[key] for key in jobs if key in found}

    def _one(self, wiki: str, job: Callable[[], T]) -> T:
        if wiki in self.silent:
            raise WikiRefusedError(self.silent[wiki], "silent")
        return job()

    def _note(self, wiki: str, error: WikiError) -> None:
        if isinstance(error, WikiRefusedError) and error.code not in WHOLE_WIKI and not error.code.startswith(("http-", "silent")):
            structlog.get_logger().warning("trace.refused", wiki=wiki, reason=error)  # this question only; others may be answered
            return
        with self._lock:
            if wiki in self.silent:
                return
            self.silent[wiki] = str(error)
        structlog.get_logger().warning("trace.wiki_silent", wiki=wiki, reason=error)

    def _reader(self, wiki: str) -> FootprintReader:
        with self._lock:
            if wiki not in self._readers:
                patient = Patient(
                    self.api,
                    wiki,
                    self.budget,
                    self.sleep,
                    server_url=self.addresses.get(wiki, ""),
                    attempts=ATTEMPTS,
                    longest_wait=LONGEST_WAIT,
                )
                self._patients[wiki], self._readers[wiki] = patient, FootprintReader(patient)
            return self._readers[wiki]

    def _cached(self, parts: Sequence[str], kind: object, ask: Callable[[], T]) -> T:
        key = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        kept = self.cache.get(key)
        if kept is not None:
            answer: T = msgspec.msgpack.decode(kept, type=kind)
            return answer
        answer = ask()
        self.cache.put(key, msgspec.msgpack.encode(answer))
        return answer
