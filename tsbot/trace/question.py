"""The question of a steward, asked of index and wikis: who else is this, and where, on what evidence.

::

    who asks, why ─► audit ─► wikis: places, blocks, edits ─► index, page histories, names ─► candidates ─► wikis: their edits
                                                                                                    └─► scores, diffs, clusters ─► Trace

Nothing about an account is computed ahead of a question, and of the answer nothing is stored but the audit entry and, for minutes, what
wikis answered.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from tsbot.errors import InputError
from tsbot.settings import Settings
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.trace import records
from tsbot.trace.activity import Account
from tsbot.trace.answer import Candidate, Silent, Subject, Trace
from tsbot.trace.cache import StoredAnswers
from tsbot.trace.charts import hours, timeline
from tsbot.trace.clusters import pair
from tsbot.trace.compare import Comparison, compare
from tsbot.trace.early import Early, Tell
from tsbot.trace.footprints import Footprint, Wikis, activity, look, look_at_candidates
from tsbot.trace.index import DAY
from tsbot.trace.lookup import Lookup, Size
from tsbot.trace.naming import asked_name, kind_of
from tsbot.trace.range_question import ranges_of
from tsbot.trace.shortlist import Shortlist, shortlist, strangers
from tsbot.trace.sitelinks import sitelinks
from tsbot.trace.suspects import suspects
from tsbot.trace.telling import link_to, notes, place
from tsbot.trace.texts import READ, STRANGERS, Texts, with_texts
from tsbot.trace.words import english
from tsbot.wiki.api import Api
from tsbot.wiki.budget import Budget
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.history import Progress
from tsbot.wiki.links import WikiLinks
from tsbot.wiki.types import RevisionSource


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks."""

    account: str
    by: str
    why: str
    wikis: tuple[str, ...] = ()
    """Wikis to ask in any case."""
    against: tuple[str, ...] = ()
    """Accounts to compare with in any case."""
    fresh: bool = False
    """Ask the wikis anew."""


@dataclass(frozen=True)
class Tracer:
    """Answers questions. ``sleep`` waits so many seconds, ``clock`` gives seconds since the epoch."""

    settings: Settings
    database: Database
    api: Api
    budget: Budget
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    progress: Progress = lambda _what, _done, _all: None
    revisions: RevisionSource | None = None
    """Reads what edits added; None leaves added text out."""
    early: Tell = lambda _trace: None
    """Is told what is known while wikis still answer: where the account is, and when it was active."""

    def ask(self, asked: Asked) -> Trace:
        """The answer. Raises ``InputError`` for what is no name or no reason, and errors of the store; wikis that fail leave gaps."""
        name = asked_name(asked.account)
        against = tuple(asked_name(one) for one in asked.against)
        identity, now = f"trace:{uuid.uuid4()}", self.clock()
        with self.database.write() as connection:  # written down before anything is read
            records.record(connection, self.database.key, "trace.asked", identity, by=asked.by, name=name, why=asked.why, now=now)
        wikis, size = self._wikis(name, asked)
        heard = Early(Trace(identity, now, Subject(name, kind_of(name))), wikis.fan, self.early)
        wikis.fan.answered = heard.heard
        footprint = look(wikis, name, most=self.settings.trace.most_edits, named=asked.wikis)
        heard.close()
        if footprint.subject.state == "unknown" and not wikis.fan.silent:
            raise InputError("No wiki is known that could be asked: name one (--wiki), or those of the setting trace.wikis.")
        days = _days(size, now, self.settings.trace.index_days)
        trace = Trace(identity, now, footprint.subject, silent=_silent(wikis.fan), index_days=days)
        if footprint.subject.state != "known":
            return trace
        return self._answer(trace, wikis, footprint, against, size)

    def _answer(self, trace: Trace, wikis: Wikis, footprint: Footprint, against: Sequence[str], size: Size) -> Trace:
        fan, subject, settings = wikis.fan, footprint.subject, self.settings.trace
        account = activity(subject.name, {visit.wiki: visit.contributions.edits for visit in footprint.visits}, trace.asked)
        where = [visit.wiki for visit in sorted(footprint.visits, key=lambda visit: (-len(visit.contributions.edits), visit.wiki))]
        joined = sitelinks(fan, account, where, wikis.known, settings.sitelinks) if account.edits else {}
        listed = self._shortlist(account, joined) if account.edits else Shortlist()
        besides = (subject.asked_as, *subject.former)
        found = suspects(
            fan, account, where, listed, most=settings.candidates, pages=settings.pages, besides=besides, asked=against,
            joined=joined,
        ) if account.edits else None  # fmt: skip
        others = look_at_candidates(wikis, list(found.why), where) if found else {}
        candidates = {name: one.account for name, one in others.items()}
        pairs = [pair(*two) for two in combinations(sorted({subject.name, *candidates}), 2)]
        with self.database.read() as connection:
            disputes = records.disputed(connection, self.database.key, pairs)
            flags = records.our_flags(connection, self.database.key, [subject.name, *besides])
        active = sum(visit.local.active_users for visit in footprint.visits if visit.local is not None)
        crowd = found.strangers if found else ()
        population = max(size.accounts, active, len(candidates) + len(crowd))
        comparison = Comparison(account, list(candidates.values()), crowd, population, partial(_diff, fan), joined=joined)
        compared, grouping, number = compare(comparison, why=found.why if found else {}, disputed=disputes)
        compared = self._texts(fan, comparison, compared)
        compared = self._statuses(wikis, compared, others)
        times = [edit.timestamp.timestamp() for edit in account.edits]
        trace = replace(
            trace,
            where=tuple(place(visit, flags.get(visit.wiki), subject.locked, subject.name) for visit in footprint.visits),
            timeline=timeline(times),
            hours=hours(times),
            candidates=compared,
            compared=number,
            population=population,
            grouping=grouping,
        )
        trace = replace(trace, subject=replace(subject, link=link_to(footprint, fan)), ranges=ranges_of(fan, trace, footprint))
        told = notes(trace, footprint, found.crowded if found else ())
        return replace(trace, silent=_silent(fan), notes=tuple(map(english, told)), notes_said=told)

    # -- parts of it --------------------------------------------------------------------------------------------------

    def _wikis(self, name: str, asked: Asked) -> tuple[Wikis, Size]:
        settings = self.settings
        with self.database.read() as connection:
            stored = ledger.load_wikis(connection)
            lookup = Lookup(connection)
            size = lookup.size()
            seen = lookup.edits([name], settings.trace.most_edits).get(name)
            stored = {**lookup.wikis(), **stored}
        first = dict.fromkeys(edit.wiki for edit in reversed(seen.edits)) if seen else {}
        for wiki in asked.wikis:
            if not self.api.sites.known(wiki, stored.get(wiki, "")):
                raise InputError(f"No wiki is known by the database name {wiki[:64]!r}.")
        known = tuple(dict.fromkeys((*asked.wikis, *first, *settings.trace.wikis, *sorted(stored), *self.api.sites.databases())))
        cache = StoredAnswers(self.database, settings.trace.cache_minutes * 60, self.clock, read=not asked.fresh)
        skip = frozenset(settings.trace.skip_wikis)
        fan = FanOut(self.api, self.budget, self.sleep, settings.wiki.concurrency, cache, self.progress, dict(stored), skip)
        central = settings.console.central_wiki if settings.console.central_auth else ""
        return Wikis(fan, known, central, settings.trace.most_wikis), size

    def _shortlist(self, account: Account, joined: Mapping[str, str]) -> Shortlist:
        if not self.settings.trace.index:
            return Shortlist()
        with self.database.read() as connection:
            lookup = Lookup(connection)
            return shortlist(lookup, account, strangers(lookup), joined=joined)

    def _texts(self, fan: FanOut, comparison: Comparison, compared: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        """The same stretches of text in what the subject and the first candidates added."""
        if self.revisions is None or not self.settings.trace.texts or not compared:
            return compared
        others = {one.name: one for one in comparison.candidates}
        strangers = comparison.strangers[:STRANGERS]
        read = [comparison.subject, *(others[one.account] for one in compared[:READ]), *strangers]
        prints = Texts(self.revisions, self._pay, self.settings.trace.texts).prints(fan, read)
        return with_texts(compared, comparison.subject, others, prints, [one.name for one in strangers], comparison.link)

    def _pay(self) -> None:
        while not self.budget.try_take():
            self.sleep(max(0.05, self.budget.wait_time()))

    def _statuses(self, wikis: Wikis, candidates: Sequence[Candidate], others: dict[str, Footprint]) -> tuple[Candidate, ...]:
        """Locks and blocks of those that are listed."""
        fan = wikis.fan
        listed = [one for one in candidates if one.listed]
        jobs = {(one.account, wiki): (wiki, partial(fan.local, wiki, one.account)) for one in listed for wiki in one.wikis}
        local = fan.gather("blocks of candidates", jobs)
        told = []
        for one in candidates:
            blocked = tuple(
                wiki for (name, wiki), account in local.items() if name == one.account and any(not b.partial for b in account.blocks)
            )
            footprint = others[one.account]
            told.append(replace(one, locked=footprint.subject.locked, blocked=blocked, link=link_to(footprint, fan)))
        return tuple(told)


def _silent(fan: FanOut) -> tuple[Silent, ...]:
    return tuple(Silent(wiki, why) for wiki, why in sorted(fan.silent.items()))


def _days(size: Size, now: float, most: int) -> int:
    """Days that the index reaches back."""
    return 0 if size.since is None else min(most, max(1, math.ceil((now - size.since) / DAY)))


def _diff(fan: FanOut, wiki: str, rev_id: int) -> str:
    return WikiLinks(fan.base(wiki)).diff(rev_id)
