"""Judging what is past as the patrol would have: only what an edit added, its summary, its title, its author's name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, select

from tsbot.cases.case import SCAN
from tsbot.cases.filing import Judged, Windows, file_flags
from tsbot.cases.flag import flag_id
from tsbot.detect.detector import Detector
from tsbot.detect.finding import Finding
from tsbot.judge import Passages, judge
from tsbot.scan.job import Counts
from tsbot.store import audit
from tsbot.store import tables as t
from tsbot.store.crypto import MasterKey
from tsbot.stream.events import Event, EventKind
from tsbot.text.passage import Field, Passage
from tsbot.text.passages import added_passages, carried_passages

IN_CLAUSE = 400


@dataclass(frozen=True, slots=True)
class Seen:
    """Something past, with its texts where it is an edit that can be read."""

    event: Event
    text: str | None = None
    """None where there is nothing to read."""
    parent_text: str | None = None
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Find:
    """One flag, stored or only told; ids and scores."""

    subject: str
    kind: str
    wiki: str
    time: float
    probability: float
    specificity: int
    plausibility: int
    imminence: int
    language: str
    new: bool
    """Whether nobody had flagged it before."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a portion of history holds."""

    judged: tuple[Judged, ...]
    counts: Counts
    failed: tuple[str, ...] = ()
    """Subjects that could not be judged."""


class Remembering:
    """A detector that judges the same text once: titles, names and what reverts bring back come again and again.

    Findings do not depend on what else is in a batch, so nothing is lost by it. ``most`` texts are remembered.
    """

    def __init__(self, detector: Detector, most: int = 50_000, longest: int = 4_000) -> None:
        self._detector = detector
        self._most, self._longest = most, longest
        self._known: OrderedDict[tuple[str, str], Finding] = OrderedDict()

    @property
    def version(self) -> str:
        """That of the detector."""
        return self._detector.version

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """As the detector does."""
        if languages is not None:
            return self._detector.judge(texts, languages, fields)
        keys = list(zip(texts, fields or [Field.TEXT] * len(texts), strict=True))
        found = {key: self._known[key] for key in keys if key in self._known}
        new = list(dict.fromkeys(key for key in keys if key not in found))
        judged = self._detector.judge([text for text, _ in new], fields=[kind for _, kind in new]) if new else []
        found |= zip(new, judged, strict=True)
        for key in keys:
            if len(key[0]) <= self._longest:
                self._known[key] = found[key]
                self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return [found[key] for key in keys]


@dataclass
class Examiner:
    """Judges what is past."""

    detector: Detector
    max_passage_chars: int = 200_000
    wants_log: Callable[[str], bool] = field(default=lambda _type: True)
    """Whether log entries of a type are judged."""

    def examine(self, seen: Sequence[Seen]) -> Examined:
        """Judge a portion. Never raises for the content of a text."""
        passages = Passages()
        cut = 0

        def added(one: Seen, text: str) -> Iterator[Passage]:
            nonlocal cut
            found = added_passages(one.parent_text, text, max_chars=self.max_passage_chars)
            cut += bool(found.cut or one.truncated)
            yield from found.passages

        for one in seen:
            if one.event.kind is EventKind.LOG and not self.wants_log(one.event.log_type):
                continue
            passages.add(one.event, partial(carried_passages, one.event), one.event.text)
            if one.text is not None:
                passages.add(one.event, partial(added, one, one.text), one.text)
        verdicts = judge(self.detector, passages)
        edits = sum(one.event.kind is EventKind.EDIT for one in seen)
        return Examined(
            verdicts.flagged,
            Counts(
                edits=edits,
                log_entries=len(seen) - edits,
                flagged=len({item.event.id for item in verdicts.flagged}),
                unreadable=sum(one.event.kind is EventKind.EDIT and one.text is None for one in seen),
                failed=len(verdicts.broken),
                cut=cut,
                unscored=sum(number for name, number in verdicts.coverage.items() if name.startswith("unscored.")),
            ),
            tuple(one.event.subject or one.event.id for one in seen if one.event.id in verdicts.broken),
        )


def finds(connection: Connection, judged: Sequence[Judged]) -> list[Find]:
    """What is flagged, one line per subject and kind, with whether it is new here."""
    best: dict[str, Find] = {}
    for item in judged:
        subject = item.event.subject
        if subject is None:
            continue
        for kind in item.finding.flagged:
            finding = item.finding
            one = Find(
                subject=subject,
                kind=kind.value,
                wiki=item.event.wiki,
                time=item.event.time,
                probability=round(finding.probability(kind), 4),
                specificity=finding.specificity,
                plausibility=finding.plausibility,
                imminence=finding.imminence,
                language=finding.language[:16],
                new=True,
            )
            identity = flag_id(subject, kind)
            if identity not in best or _strength(one) > _strength(best[identity]):
                best[identity] = one
    known: set[str] = set()
    identities = list(best)
    for start in range(0, len(identities), IN_CLAUSE):
        some = identities[start : start + IN_CLAUSE]
        known.update(connection.scalars(select(t.flag.c.id).where(t.flag.c.id.in_(some))))
    return [one if identity not in known else _known(one) for identity, one in best.items()]


def store(
    connection: Connection, key: MasterKey, judged: Sequence[Judged], *, detector: str, windows: Windows, now: float
) -> list[Find]:
    """Flag what was found, for review only: no letter is written and nobody is paged. What is flagged already stays as it is."""
    told = finds(connection, judged)
    if judged:
        audit.queue_up(connection)  # which case a flag belongs to depends on those before it: one process after the other
    file_flags(connection, key, judged, detector=detector, source=SCAN, windows=windows, now=now)
    return told


def _strength(one: Find) -> tuple[int, float]:
    return one.specificity + one.plausibility + one.imminence, one.probability


def _known(one: Find) -> Find:
    return Find(**{name: getattr(one, name) for name in Find.__dataclass_fields__} | {"new": False})
