"""Where accounts are and what they did, gathered from the wikis: renames followed, the vanished left alone, the hidden not told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from tsbot.errors import UnknownWikiError, WikiError
from tsbot.trace.activity import Account, Edit
from tsbot.trace.answer import Subject
from tsbot.trace.index import AHEAD
from tsbot.trace.naming import kind_of, vanished
from tsbot.wiki.fanout import FanOut
from tsbot.wiki.footprint import Contribution, Contributions, GlobalAccount, LocalAccount

RENAMES = 3
"""Renames of one account that are followed."""
LEAST = 100
"""Edits that are asked for on each wiki, however few of an account's are there."""
CANDIDATE_WIKIS = 6
"""Wikis on which a candidate is looked at."""
CANDIDATE_EDITS = 200
"""Latest edits of a candidate on one wiki."""


@dataclass(frozen=True, slots=True)
class Visit:
    """An account on one wiki. Where the wiki did not answer a question, that answer is empty."""

    wiki: str
    base: str
    local: LocalAccount | None
    contributions: Contributions


@dataclass(frozen=True, slots=True)
class Footprint:
    """An account on all wikis that answered."""

    subject: Subject
    visits: tuple[Visit, ...] = ()
    central: GlobalAccount | None = None

    @property
    def account(self) -> Account:
        """Its activity, for comparing."""
        return activity(self.subject.name, {visit.wiki: visit.contributions.edits for visit in self.visits})


@dataclass(frozen=True)
class Wikis:
    """Which wikis there are to ask."""

    fan: FanOut
    known: tuple[str, ...]
    """Wikis that are asked where no CentralAuth tells an account's."""
    central: str = ""
    """The wiki with CentralAuth; empty for none."""
    most: int = 40

    def globally(self, name: str) -> GlobalAccount | None:
        """An account as CentralAuth tells it; None where there is none to tell, or it does not answer."""
        if not self.central or self.central in self.fan.silent or kind_of(name) in ("address", "range"):
            return None
        try:
            account = self.fan.central(self.central, name)
        except UnknownWikiError:
            return None
        except WikiError as error:
            self.fan.silent.setdefault(self.central, str(error))
            return None
        for one in account.attached if account is not None else ():
            if one.url:
                self.fan.addresses.setdefault(one.wiki, one.url)
        return account

    def of(self, account: GlobalAccount | None, named: Sequence[str] = ()) -> list[str]:
        """The wikis on which to look for an account, those with the most edits first; ``named`` in any case."""
        if account is None:
            some: Iterable[str] = self.known
        elif account.exists:
            used = [one for one in account.attached if one.edits or one.wiki == account.home]
            some = [one.wiki for one in sorted(used, key=lambda one: (-one.edits, one.wiki))]
        else:
            some = ()
        wanted = list(dict.fromkeys(wiki for wiki in (*named, *some) if wiki not in self.fan.skip))
        return wanted[: max(self.most, len(named))]


def look(wikis: Wikis, name: str, *, most: int, named: Sequence[str] = ()) -> Footprint:
    """The account asked about: who it is now, where, and its latest ``most`` edits."""
    kind = kind_of(name)
    if vanished(name):
        return Footprint(Subject(name, kind, "vanished"))
    former: list[str] = []
    asked = name
    for _ in range(RENAMES):
        central = wikis.globally(name)
        visits = _visits(wikis, name, central, most, named)
        there = any(visit.local is not None and visit.local.exists for visit in visits) or (central is not None and central.exists)
        if there or kind in ("address", "range"):
            break
        later = _new_name(wikis, name, named)
        if later is None:
            break
        former.insert(0, name)
        if vanished(later):  # who it was is nobody's business any more
            return Footprint(Subject(asked, kind, "vanished"))
        name = later
    answered = any(visit.local is not None for visit in visits) or (central is not None)
    if not there:
        return Footprint(Subject(asked, kind, "missing" if answered else "unknown"), central=central)
    if central is not None and central.exists:
        former += _former_names(wikis, name, former)
    registered = [visit.local.registered for visit in visits if visit.local is not None and visit.local.registered]
    subject = Subject(
        name=name,
        kind=kind_of(name),
        asked_as=asked if asked != name else "",
        former=tuple(dict.fromkeys(former)),
        home=central.home if central else "",
        registered=central.registered if central else min(registered, default=None),
        global_edits=central.edits if central else None,
        locked=central.locked if central and central.exists else None,
    )
    present = tuple(visit for visit in visits if visit.contributions.edits or (visit.local is not None and visit.local.exists))
    if kind in ("address", "range"):
        present = tuple(visit for visit in present if visit.contributions.edits or (visit.local and visit.local.blocks))
        subject = subject if present else replace(subject, state="missing")
    return Footprint(subject, present, central)


def look_at_candidates(wikis: Wikis, names: Sequence[str], where: Sequence[str]) -> dict[str, Footprint]:
    """Activity of candidates on the subject's wikis, and those where they edit most. Who has no edit that the wikis show is left out."""
    fan = wikis.fan
    accounts: Mapping[str, GlobalAccount | None] = {}
    if wikis.central and wikis.central not in fan.silent:
        people = [name for name in names if kind_of(name) not in ("address", "range")]
        jobs = {name: (wikis.central, partial(wikis.globally, name)) for name in people}
        accounts = fan.gather("global accounts", jobs)
    asked = {}
    for name in names:
        known = accounts.get(name)
        if known is not None and not known.exists:
            continue  # hidden, renamed or made up: nothing is told
        for wiki in _candidate_wikis(wikis, known, where):
            asked[name, wiki] = (wiki, partial(fan.contributions, wiki, name, CANDIDATE_EDITS))
    found = fan.gather("contributions of candidates", asked)
    footprints = {}
    for name in names:
        own = {wiki: edits for (who, wiki), edits in found.items() if who == name and edits.edits}
        visits = tuple(Visit(wiki, fan.base(wiki), None, edits) for wiki, edits in own.items())
        if visits:
            known = accounts.get(name)
            subject = Subject(name, kind_of(name), locked=known.locked if known and known.exists else None)
            footprints[name] = Footprint(subject, visits, known)
    return footprints


def activity(name: str, edits: Mapping[str, Iterable[Contribution]], now: float | None = None) -> Account:
    """Edits of some wikis as an account to be compared. Edits of the future (a clock that is wrong) are left out if ``now`` is given."""
    made = [
        Edit(
            wiki,
            datetime.fromtimestamp(one.time, UTC),
            (one.title,),
            one.comment or "",
            namespace=one.namespace,
            rev_id=one.rev_id,
            parent_id=one.parent_id,
        )
        for wiki, some in edits.items()
        for one in some
        if now is None or one.time <= now + AHEAD
    ]
    return Account(name, tuple(sorted(made, key=lambda edit: (edit.timestamp, edit.wiki, edit.rev_id))))


def _candidate_wikis(wikis: Wikis, known: GlobalAccount | None, where: Sequence[str]) -> list[str]:
    if known is None:
        return list(dict.fromkeys(wiki for wiki in (*where, *wikis.known) if wiki not in wikis.fan.skip))[:CANDIDATE_WIKIS]
    edits = {one.wiki: one.edits for one in known.attached if one.edits}
    shared = [wiki for wiki in where if wiki in edits]
    return list(dict.fromkeys((*shared, *(wiki for wiki in wikis.of(known) if edits.get(wiki)))))[:CANDIDATE_WIKIS]


def _visits(wikis: Wikis, name: str, central: GlobalAccount | None, most: int, named: Sequence[str]) -> list[Visit]:
    fan = wikis.fan
    where = wikis.of(central, named)
    local = fan.gather("accounts", {wiki: (wiki, partial(fan.local, wiki, name)) for wiki in where})
    present = [wiki for wiki in where if wiki in local and local[wiki].exists]
    shares = _shares({wiki: local[wiki].edits for wiki in present}, most)
    jobs = {wiki: (wiki, partial(fan.contributions, wiki, name, shares[wiki])) for wiki in present}
    edits = fan.gather("contributions", jobs)
    empty = Contributions()
    return [Visit(wiki, fan.base(wiki), local.get(wiki), edits.get(wiki, empty)) for wiki in where]


def _shares(edits: Mapping[str, int | None], most: int) -> dict[str, int]:
    """How many edits to ask each wiki for: in proportion to how many there are, where the wikis say so."""
    total = sum(count or 0 for count in edits.values())
    if not total:
        return dict.fromkeys(edits, max(LEAST, most // max(1, len(edits))))
    return {wiki: max(LEAST, most * (count or 0) // max(total, most)) for wiki, count in edits.items()}


def _new_name(wikis: Wikis, name: str, named: Sequence[str]) -> str | None:
    """The name that an account got which had this one, by the logs of the wikis; the newest counts."""
    fan = wikis.fan
    where = [wiki for wiki in dict.fromkeys((*named, *((wikis.central,) if wikis.central else ()), *wikis.known)) if wiki not in fan.skip]
    found = fan.gather("renames", {wiki: (wiki, partial(fan.renamed, wiki, name)) for wiki in where[: wikis.most]})
    renames = sorted((rename for some in found.values() for rename in some if rename.old == name), key=lambda rename: rename.time)
    return renames[-1].new if renames else None


def _former_names(wikis: Wikis, name: str, known: Sequence[str]) -> list[str]:
    jobs = {wikis.central: (wikis.central, partial(wikis.fan.renamed_globally, wikis.central, name))}
    return [rename.old for some in wikis.fan.gather("renames", jobs).values() for rename in some if rename.old not in known]
