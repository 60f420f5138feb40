"""An account compared with others: candidates with their evidence and diffs, and clusters of those that are linked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from tsbot.trace.activity import Account
from tsbot.trace.answer import LISTED, Candidate, EvidenceLine, Grouping, WeakBridge
from tsbot.trace.clusters import cluster, pair
from tsbot.trace.naming import kind_of
from tsbot.trace.pairs import PairFinder
from tsbot.trace.picture import draw
from tsbot.trace.rank import Link, Ranker
from tsbot.trace.tiers import FAMILIES, WORDING, expected_coincidences, families
from tsbot.trace.weights import Weights

PICTURED = 12
"""Accounts of which clusters are made, the subject among them."""
WITH_DIFFS = 15
"""Candidates whose diffs are looked for."""
SHOWN = ("phrases", "sections", "targets", "opposition")
BELONGS = 0.0
"""Whoever may stand in the picture is linked at least so much."""


@dataclass(frozen=True)
class Comparison:
    """The accounts at hand."""

    subject: Account
    candidates: Sequence[Account]
    strangers: Sequence[Account]
    population: int
    link: Callable[[str, int], str]
    """Address of a diff, from wiki and revision."""
    weights: Weights | None = None
    joined: Mapping[str, str] = field(default_factory=dict)
    """Pages that are another page in another language."""

    def ranker(self) -> Ranker:
        """All of them, to be asked about."""
        accounts = {one.name: one for one in (*self.strangers, *self.candidates, self.subject)}
        return Ranker([accounts[name] for name in sorted(accounts)], weights=self.weights, joined=self.joined)


def compare(
    comparison: Comparison, *, why: Mapping[str, tuple[str, ...]], disputed: Mapping[tuple[str, str], str]
) -> tuple[tuple[Candidate, ...], Grouping, int]:
    """Candidates, the most consistent first; clusters; how many accounts were compared."""
    ranker = comparison.ranker()
    accounts = {one.name: one for one in comparison.candidates}
    everybody = ranker.gallery.size
    if not accounts:
        return (), Grouping(), everybody
    subject = comparison.subject.name
    (links,) = ranker.rank([subject], everybody)
    finder = PairFinder(ranker.gallery, comparison.link)
    candidates = []
    for rank, link in enumerate((one for one in links if one.account in accounts), 1):
        candidates.append(_candidate(comparison, link, rank, finder, why.get(link.account, ()), disputed))
    return tuple(candidates), _grouping(ranker, subject, candidates, disputed), everybody


def _candidate(
    comparison: Comparison,
    link: Link,
    rank: int,
    finder: PairFinder,
    why: tuple[str, ...],
    disputed: Mapping[tuple[str, str], str],
) -> Candidate:
    subject, other = comparison.subject.name, link.account
    activity = next(one for one in comparison.candidates if one.name == other)
    lines = tuple(
        EvidenceLine(
            reason.kind,
            FAMILIES.get(reason.kind, "relation"),
            reason.log_lr,
            reason.words,
            finder.pairs(reason.kind, subject, other) if rank <= WITH_DIFFS else (),
            reason.said,
        )
        for reason in link.evidence
    )
    if rank <= WITH_DIFFS:
        lines += _noted(finder, subject, other, {line.kind for line in lines})
    return Candidate(
        rank=rank,
        account=other,
        log_lr=link.log_lr,
        tier=link.tier,
        wording=WORDING[link.tier],
        coincidences=expected_coincidences(link.log_lr, comparison.population),
        evidence=lines,
        families=tuple(sorted(families({line.kind: line.log_lr for line in lines}))),
        found_by=why,
        edits=len(activity.edits),
        wikis=tuple(sorted({edit.wiki for edit in activity.edits})),
        temporary=kind_of(other) == "temporary",
        disputed=disputed.get(pair(subject, other), ""),
    )


def _noted(finder: PairFinder, subject: str, other: str, told: Collection[str]) -> tuple[EvidenceLine, ...]:
    """What weighs nothing and is worth seeing all the same: equal summaries, headings, targets."""
    noted = ((kind, finder.pairs(kind, subject, other)) for kind in SHOWN if kind not in told)
    return tuple(EvidenceLine(kind, FAMILIES[kind], 0.0, pairs[0].what, pairs, pairs[0].said) for kind, pairs in noted if pairs)


def _grouping(ranker: Ranker, subject: str, candidates: Sequence[Candidate], disputed: Collection[tuple[str, str]]) -> Grouping:
    names = [subject, *(one.account for one in candidates if one.tier in LISTED and one.log_lr > BELONGS)][:PICTURED]
    if len(names) < 2:
        return Grouping()
    links: dict[tuple[str, str], float] = {}
    cannot: set[tuple[str, str]] = set()
    for name, found in zip(names, ranker.rank(names, ranker.gallery.size), strict=True):
        for link in found:
            if link.account in names:
                two = pair(name, link.account)
                links[two] = min(link.log_lr, links.get(two, link.log_lr))
                if link.tier == "imitation":
                    cannot.add(two)
    cannot |= {two for two in combinations(sorted(names), 2) if pair(*two) in disputed}
    made = cluster(names, links, cannot)
    bridges = tuple(WeakBridge(one.first, one.second, one.log_lr, one.weakest, one.weakest_log_lr, one.forbidden) for one in made.bridges)
    told = tuple((first, second, value) for (first, second), value in sorted(links.items()))
    return Grouping(made.clusters, made.singles, bridges, told, draw(made, links, subject))
