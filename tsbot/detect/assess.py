"""From patterns and readings to a finding: kinds, facets, grades and evidence of one text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.encoder import FACETS, Reading
from tsbot.detect.facets import Scene, facets_of, imminence_of
from tsbot.detect.finding import GRAVITY, PHYSICAL, Coverage, Evidence, Facets, Finding, Kind, Stance
from tsbot.detect.lexicon import Found, Lexicon, Match
from tsbot.detect.model import Calibration
from tsbot.detect.private import Exposure, Label, PersonalSpan
from tsbot.detect.windows import Window, width
from tsbot.text.language import UNKNOWN
from tsbot.text.normalise import Batch
from tsbot.text.passage import Field

BARE_BRIEF, BRIEF_WIDTH = -2.0, 40
"""Added where no pattern is found in a summary of a few words: a time alone ("see you tomorrow") makes the encoder suspicious."""
REPORTED, QUOTED = 0.3, 0.3
"""Factors on a pattern in a sentence that tells of others' words or fiction, and in one between quotation marks."""
BARE_TITLE = -3.0
"""Added to the log-odds of a title or name in which no pattern is found: works are called like threats."""
GRADED = 0.01
"""Part of its threshold from which a kind is graded."""
PRIVATE = {
    **dict.fromkeys((Label.PHONE, Label.ADDRESS, Label.IDENTITY_NUMBER, Label.BANK), 0.8),
    **dict.fromkeys((Label.EMAIL, Label.IP, Label.NAME), 0.6),
}
"""Probability of doxing where the words around say that a datum of this sort is somebody's private one; a judgement."""
SHORT = 60
"""Characters below which the language of a pattern is better evidence than the little words."""
_QUOTES = "\"“”„«»「」『』"


@dataclass(frozen=True, slots=True)
class Clue:
    """The patterns found in one sentence of a batch."""

    sentence: int
    form: str
    found: Found
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A window that the encoder has read."""

    window: Window
    reading: Reading
    origins: NDArray[np.int64] | None = None
    """Where a normal form was read: offset in the piece of each of its characters."""

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the piece of a stretch of what was read."""
        if self.origins is None:
            return self.window.start + start, self.window.start + end
        return int(self.origins[start]), int(self.origins[end - 1]) + 1


class Piece(Protocol):
    """What is judged."""

    @property
    def start(self) -> int:
        """Offset of the piece in its text."""

    @property
    def raw(self) -> str:
        """The piece."""

    @property
    def field(self) -> Field:
        """What the text is."""


@dataclass(frozen=True, slots=True)
class _Best:
    """The strongest pattern of a kind."""

    strength: float
    clue: Clue
    match: Match


class Assessor:
    """Puts together what the stages saw. Immutable."""

    def __init__(
        self, calibration: Calibration, lexicon: Lexicon, thresholds: Mapping[Kind, float], coverage: Callable[[str, int], Coverage]
    ) -> None:
        """``thresholds``: probability from which a kind flags; ``coverage``: of a language, for a text of some length."""
        self._calibration = calibration
        self._lexicon = lexicon
        self._thresholds = thresholds
        self._coverage = coverage

    def assess(
        self, batch: Batch, piece: Piece, language: str, clues: Sequence[Clue], margin: float, worst: int, reads: Sequence[Read]
    ) -> Finding:
        """Judge one piece. ``margin``: the n-grams'; ``worst``: the sentence that they like best, -1 without any."""
        strongest = _strongest(batch, piece, clues)
        read = max(reads, key=lambda read: read.reading.margin("threat"), default=None)
        kinds = self._kinds(piece, strongest, margin, reads, read)
        flagged = tuple(kind for kind in GRAVITY if self._flags(kind, kinds.get(kind, 0.0)))
        top = flagged[0] if flagged else max(kinds, key=lambda kind: kinds[kind])
        best = strongest.get(top)
        if best is None and top in PHYSICAL:
            best = max((entry for kind, entry in strongest.items() if kind in PHYSICAL), key=lambda entry: entry.strength, default=None)
        spoken = best.match.construction.language if best is not None else language
        coverage = self._coverage(language, len(piece.raw))
        if best is not None and (language == UNKNOWN or len(piece.raw) < SHORT):
            language, coverage = spoken, self._coverage(spoken, len(piece.raw))
        sentence = best.clue.sentence if best is not None else worst
        scenes = _scenes(batch, piece, sentence, spoken, self._lexicon) if sentence >= 0 else []
        # What is hardly below a threshold is graded too: thresholds differ between operators, grades should not.
        harmful = top in PHYSICAL and kinds[top] >= GRADED * self._thresholds.get(top, 1.0)
        facets = _facets(top, best, scenes, read) if harmful or top is Kind.DOXING else Facets()
        return Finding(
            kinds=MappingProxyType({kind: kinds[kind] for kind in GRAVITY if kind in kinds}),
            flagged=flagged,
            specificity=facets.specificity if harmful else 0,
            plausibility=_grade(read, "plausible") if harmful else 0,
            imminence=_imminence(read, facets, top, scenes) if harmful else 0,
            facets=facets,
            evidence=tuple(_evidence(batch, piece, sentence, best, strongest, flagged, scenes, facets, read)) if flagged else (),
            language=language,
            coverage=coverage,
        )

    def with_personal(self, finding: Finding, start: int, spans: Sequence[PersonalSpan]) -> Finding:
        """The finding with the personal data of a piece that begins at ``start``: all are shown, private ones make it doxing."""
        private = max((PRIVATE.get(span.label, 0.0) for span in spans if span.exposure is Exposure.PRIVATE), default=0.0)
        kinds = dict(finding.kinds)
        kinds[Kind.DOXING] = max(kinds.get(Kind.DOXING, 0.0), private)
        flagged = tuple(kind for kind in GRAVITY if kind in finding.flagged or self._flags(kind, kinds.get(kind, 0.0)))
        shown = [Evidence(start + span.start, start + span.end, str(span.label)) for span in spans]
        if Kind.DOXING in flagged and not any(evidence.label == Kind.DOXING for evidence in finding.evidence):
            private_spans = (span for span in spans if span.exposure is Exposure.PRIVATE)
            shown[:0] = [Evidence(start + span.start, start + span.end, str(Kind.DOXING)) for span in private_spans]
        return replace(finding, kinds=MappingProxyType(kinds), flagged=flagged, evidence=(*finding.evidence, *shown))

    def _flags(self, kind: Kind, probability: float) -> bool:
        return probability > 0 and probability >= self._thresholds.get(kind, 1.0)

    def _kinds(
        self, piece: Piece, strongest: Mapping[Kind, _Best], margin: float, reads: Sequence[Read], read: Read | None
    ) -> dict[Kind, float]:
        """Probability of each kind that anything speaks for; of physical harm at least one."""
        calibration = self._calibration
        kinds = {kind: entry.strength for kind, entry in strongest.items() if kind not in PHYSICAL}
        named = piece.field is Field.USER
        pattern = max((entry.strength for kind, entry in strongest.items() if kind in PHYSICAL), default=0.0)
        if read is None:
            kinds[Kind.VIOLENCE] = float(unread_probability(calibration, np.array([margin]))[0])
            return kinds
        for kind, line in calibration.others.items():
            if (kind is Kind.ATTACK_NAME) == named:
                odds = max(some.reading.margin(kind) for some in reads)
                kinds[kind] = max(kinds.get(kind, 0.0), probability(line.slope * odds + line.intercept))
        if named:
            kinds.setdefault(Kind.ATTACK_NAME, 0.0)
            return kinds
        total = calibration.encoder * read.reading.margin("threat") + calibration.ngrams * _finite(margin)
        total += calibration.pattern * pattern + calibration.intercept
        if not pattern:
            total += _bare(piece)
        harm = probability(total)
        shares = {kind: probability(read.reading.margin(kind)) for kind in PHYSICAL}
        for kind, entry in strongest.items():
            if kind in PHYSICAL:
                shares[kind] = max(shares[kind], entry.strength / 2)
        likeliest = max(GRAVITY, key=lambda kind: shares.get(kind, 0.0))
        for kind, share in shares.items():
            if kind is likeliest or share >= 0.5:
                kinds[kind] = harm if kind is likeliest else harm * share
        return kinds


def _bare(piece: Piece) -> float:
    """What is added to the log-odds where no pattern supports the encoder."""
    if piece.field is Field.TITLE:
        return BARE_TITLE
    brief = piece.field in (Field.SUMMARY, Field.COMMENT) and width(piece.raw) < BRIEF_WIDTH
    return BARE_BRIEF if brief else 0.0


def probability(logit: float) -> float:
    """Logistic function."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def unread_probability(calibration: Calibration, margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of physical harm in texts that nobody has read, from the n-grams' margins; 0 without words."""
    line = calibration.unread
    logits = np.clip(line.slope * np.minimum(np.where(np.isfinite(margin), margin, -60.0), calibration.gate) + line.intercept, -60, 60)
    odds: NDArray[np.float64] = np.where(np.isfinite(margin), 1 / (1 + np.exp(-logits)), 0.0)
    return odds


def glanced_probability(calibration: Calibration, margin: float) -> float:
    """Probability of physical harm in a text of which no more is known than the margin of a glance."""
    return probability(calibration.glanced.slope * margin + calibration.glanced.intercept)


def _finite(margin: float) -> float:
    return margin if math.isfinite(margin) else -10.0


def _strongest(batch: Batch, piece: Piece, clues: Sequence[Clue]) -> dict[Kind, _Best]:
    strongest: dict[Kind, _Best] = {}
    for clue in clues:
        for match in clue.matches:
            strength = _strength(batch, piece, clue, match)
            kind = Kind.ATTACK_NAME if piece.field is Field.USER else match.construction.kind
            known = strongest.get(kind)
            if known is None or (strength, match.end - match.start) > (known.strength, known.match.end - known.match.start):
                strongest[kind] = _Best(strength, clue, match)
    return strongest


def _strength(batch: Batch, piece: Piece, clue: Clue, match: Match) -> float:
    strength = match.construction.strength
    if match.reported:
        strength *= REPORTED
    offset = int(batch.sentences[clue.sentence])
    start, end = batch.raw_span(offset + match.start, offset + match.end)
    if _quoted(piece.raw, start, end):
        strength *= QUOTED
    return strength


def _quoted(raw: str, start: int, end: int) -> bool:
    """Whether quotation marks open before a place and close after it within a few hundred characters."""
    before, after = raw[max(0, start - 200) : start], raw[end : end + 200]
    opened = max(before.rfind(mark) for mark in _QUOTES)
    if opened < 0 or not any(mark in after for mark in _QUOTES):
        return False
    if not raw[: max(0, start - 200) + opened].strip(_QUOTES + " "):
        return False  # marks around the whole text are how some exports write a text
    return sum(before.count(mark) for mark in _QUOTES) % 2 == 1


def _facets(kind: Kind, best: _Best | None, scenes: Sequence[Scene], read: Read | None) -> Facets:
    """Facets: what the encoder answers, else what the packs tell."""
    told = facets_of(best.match if best is not None else None, kind, scenes) if scenes else Facets()
    if read is None or kind not in PHYSICAL:
        return told
    reading = read.reading
    stances = {stance: reading.margin(stance) for stance in (Stance.INTENT, Stance.WISH, Stance.INCITEMENT)}
    answered = {name: reading.margin(name) > 0 for name in FACETS}
    # Words for times are few, and packs know them better than what was learnt from sentences.
    answered["when"] = answered["when"] or (best is not None and told.when)
    return Facets(
        target=round(sum(probability(reading.margin(f"target{grade}")) for grade in (1, 2, 3))),
        stance=max(stances, key=lambda stance: stances[stance]),
        **answered,
    )


def _grade(read: Read | None, question: str) -> int:
    """Expected grade, 0-3: the sum of the probabilities that it is at least 1, 2, 3 (Frank and Hall 2001), rounded."""
    if read is None:
        return 1
    return round(sum(probability(read.reading.margin(f"{question}{grade}")) for grade in (1, 2, 3)))


def _imminence(read: Read | None, facets: Facets, kind: Kind, scenes: Sequence[Scene]) -> int:
    """The encoder's grade; where it sees a near time and a pack knows the word for one within a day, the highest."""
    if read is None:
        return imminence_of(facets, kind, scenes)
    grade = _grade(read, "imminent")
    return max(grade, imminence_of(facets, kind, scenes)) if grade >= 2 and facets.when else grade


def _scenes(batch: Batch, piece: Piece, sentence: int, language: str, lexicon: Lexicon) -> list[Scene]:
    """The sentence and its neighbours of the same text."""
    scenes = []
    for index in (sentence, sentence - 1, sentence + 1):
        if 0 <= index < len(batch.owners) and batch.owners[index] == batch.owners[sentence]:
            form = batch.sentence(index)
            start, end = batch.raw_span(int(batch.sentences[index]), int(batch.sentences[index + 1]))
            scenes.append(Scene(index, form, lexicon.find(form), piece.raw[start:end], language))
    return scenes


def _evidence(
    batch: Batch,
    piece: Piece,
    sentence: int,
    best: _Best | None,
    strongest: Mapping[Kind, _Best],
    flagged: Sequence[Kind],
    scenes: Sequence[Scene],
    facets: Facets,
    read: Read | None,
) -> Iterator[Evidence]:
    """Spans of the raw text: one per flagged kind, then the facets."""

    def span(index: int, start: int, end: int, label: str) -> Evidence:
        offset = int(batch.sentences[index])
        first, last = batch.raw_span(offset + start, offset + end)
        return Evidence(piece.start + first, piece.start + last, label)

    for kind in flagged:
        entry = strongest.get(kind) or (best if kind is flagged[0] else None)
        if entry is not None:
            yield span(entry.clue.sentence, entry.match.start, entry.match.end, str(kind))
        elif sentence >= 0:
            yield span(sentence, 0, len(batch.sentence(sentence)), str(kind))
    if flagged[0] not in PHYSICAL:
        return
    for name in FACETS:
        if getattr(facets, name):
            place = next(_told(name, scenes, span), None) or _answered(name, piece, read)
            if place is not None:
                yield place
    yield from _told("target", scenes[:1], span)


def _told(facet: str, scenes: Sequence[Scene], span: Callable[[int, int, int, str], Evidence]) -> Iterator[Evidence]:
    """Where words of a facet stand: the first in the sentence of the threat, else in its neighbours."""
    for scene in scenes:
        if facet in ("when", "where"):
            place = scene.when() if facet == "when" else scene.where()
            if place is not None:
                yield span(scene.index, *place, facet)
                return
            continue
        names: Iterable[str] = ("role", "group") if facet == "target" else (facet,)
        for name in names:
            found = scene.first(name)
            if found is not None:
                yield span(scene.index, found.start, found.end, facet)
                return


def _answered(facet: str, piece: Piece, read: Read | None) -> Evidence | None:
    """The words whose pieces made the encoder see a facet."""
    if read is None or not len(read.reading.facets):
        return None
    margins = read.reading.facets[:, FACETS.index(facet)]
    first = last = int(margins.argmax())
    while first > 0 and margins[first - 1] > 0:
        first -= 1
    while last + 1 < len(margins) and margins[last + 1] > 0:
        last += 1
    spans = read.reading.spans
    start, end = spans[first][0], spans[last][1]
    if start >= end:
        return None
    raw = piece.raw
    low, high = (min(place, len(raw)) for place in read.raw_span(start, end))
    if low >= high:
        return None
    while low > 0 and raw[low].isalnum() and raw[low - 1].isalnum() and high - low < 60:
        low -= 1
    while high < len(raw) and raw[high - 1].isalnum() and raw[high].isalnum() and high - low < 60:
        high += 1
    while low < high and not raw[low].isalnum():
        low += 1
    while high > low and not raw[high - 1].isalnum():
        high -= 1
    return Evidence(piece.start + low, piece.start + high, facet) if low < high else None
