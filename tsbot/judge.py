"""Passages of events to findings, in batches, without letting one text stop the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from tsbot.cases.filing import Judged
from tsbot.detect.detector import Detector
from tsbot.detect.finding import Coverage, Finding
from tsbot.stream.events import Event
from tsbot.text.passage import Passage


@dataclass
class Passages:
    """What is to be judged together."""

    items: list[tuple[Event, Passage]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Ids of events whose texts could not be taken apart."""
    wikitexts: dict[str, str] = field(default_factory=dict)
    """Texts of pages that passages were taken from, by the id of their event."""

    def add(self, event: Event, take_apart: Callable[[], Iterable[Passage]], wikitext: str = "") -> None:
        """Add the passages of an event; ``wikitext`` is what they were taken from, where that is a page."""
        if wikitext:
            self.wikitexts[event.id] = wikitext
        try:
            self.items += [(event, passage) for passage in take_apart()]
        except Exception:  # any failure on a hostile text must end as a dead letter of that event only
            self.broken.add(event.id)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a detector said of some passages."""

    flagged: tuple[Judged, ...]
    """Passages with at least one flagged kind."""
    broken: frozenset[str]
    """Ids of events with a text that could not be taken apart, or a passage that the detector failed on."""
    coverage: Counter[str]
    """``passages`` judged, and of them those per ``weak.WIKI`` and ``unscored.WIKI``."""
    findings: tuple[Finding | None, ...] = ()
    """What was said of each passage, in their order; None where the detector failed."""

    def of(self, items: Sequence[tuple[Event, Passage]], events: Collection[str]) -> Verdicts:
        """What was said of those events only; ``items`` are the passages that were judged."""
        if all(event.id in events for event, _ in items):
            return self
        mine = [(event, finding) for (event, _), finding in zip(items, self.findings, strict=True) if event.id in events]
        return Verdicts(
            tuple(item for item in self.flagged if item.event.id in events),
            self.broken & frozenset(events),
            _coverage(mine),
            tuple(finding for _, finding in mine),
        )


def judge(detector: Detector, passages: Passages) -> Verdicts:
    """Judge passages together; where that fails, one by one, so that a single text cannot take others with it."""
    found = _judge(detector, passages.items)
    flagged = tuple(replace(item, wikitext=passages.wikitexts.get(item.event.id, "")) for item in found.flagged)
    return replace(found, flagged=flagged, broken=found.broken | passages.broken)


def _judge(detector: Detector, items: Sequence[tuple[Event, Passage]]) -> Verdicts:
    flagged: list[Judged] = []
    try:
        findings = list(detector.judge([passage.text for _, passage in items], fields=[passage.field for _, passage in items]))
    except Exception:  # as above
        if len(items) == 1:
            return Verdicts((), frozenset((items[0][0].id,)), Counter(), (None,))
        parts = [_judge(detector, [item]) for item in items]
        return Verdicts(
            tuple(verdict for part in parts for verdict in part.flagged),
            frozenset().union(*(part.broken for part in parts)),
            sum((part.coverage for part in parts), Counter()),
            tuple(finding for part in parts for finding in part.findings),
        )
    for (event, passage), finding in zip(items, findings, strict=True):
        if finding.flagged:
            flagged.append(Judged(event, passage, finding))
    coverage = _coverage([(event, finding) for (event, _), finding in zip(items, findings, strict=True)])
    return Verdicts(tuple(flagged), frozenset(), coverage, tuple(findings))


def _coverage(judged: Iterable[tuple[Event, Finding | None]]) -> Counter[str]:
    coverage: Counter[str] = Counter()
    for event, finding in judged:
        if finding is not None:
            coverage["passages"] += 1
            if finding.coverage is not Coverage.SCORED:
                coverage[f"{finding.coverage}.{event.wiki}"] += 1
    return coverage
