"""From clues to a finding: kinds, facets, grades and evidence of one text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.facets import Scene, facets_of, imminence_of
from tsbot.detect.finding import GRAVITY, PHYSICAL, Coverage, Evidence, Facets, Finding, Kind, Stance
from tsbot.detect.lexicon import Found, Lexicon, Match
from tsbot.detect.ngrams import scale, sums
from tsbot.detect.weights import Model
from tsbot.text.language import UNKNOWN
from tsbot.text.normalise import Batch
from tsbot.text.passage import Field

REPORTED, QUOTED = 0.025, 0.025
"""Factors on a pattern in a sentence that tells of others' words or fiction, and in one between quotation marks."""
SURE = 0.7
"""Strength from which a pattern counts by itself where the model has another opinion."""
DOUBT = 0.1
"""Factor on the model's probability where its worst sentence holds an idiom, a quotation or another's words."""
SHORT = 60
"""Characters below which the language of a pattern is better evidence than the little words."""
_QUOTE_OPENS = re.compile(r"[,:] [\"“„«‘](?=\w)|[「『]")
"""Direct speech begins."""
_QUOTES = "\"“”„«»「」『』"


@dataclass(frozen=True, slots=True)
class Clue:
    """The patterns found in one sentence of a batch."""

    sentence: int
    form: str
    found: Found
    matches: tuple[Match, ...]


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


def assess(
    batch: Batch,
    piece: Piece,
    language: str,
    coverage: Coverage,
    clues: Sequence[Clue],
    margin: float,
    window: tuple[int, int],
    model: Model,
    lexicon: Lexicon,
    thresholds: Mapping[Kind, float],
) -> Finding:
    """Judge one piece. ``margin`` is minus infinity where the model has no say; ``window`` is its best one (sentences)."""
    strongest: dict[Kind, tuple[float, Clue, Match]] = {}
    for clue in clues:
        for match in clue.matches:
            strength = _strength(batch, piece, clue, match)
            kind = match.construction.kind
            if piece.field is Field.USER:
                kind = Kind.ATTACK_NAME
            length = match.end - match.start
            if kind not in strongest or (strength, length) > (strongest[kind][0], strongest[kind][2].end - strongest[kind][2].start):
                strongest[kind] = (strength, clue, match)
    kinds = {kind: strength for kind, (strength, _, _) in strongest.items()}
    physical = max((p for kind, p in kinds.items() if kind in PHYSICAL), default=0.0)
    modelled = model_probability(model, margin, physical)
    if modelled > 0 and physical < SURE and _doubtful(batch, _peak(batch, window, model), language, piece, clues, lexicon):
        modelled *= DOUBT
    if modelled > physical or (modelled > 0 and physical < SURE):
        kinds = _blend(kinds, modelled, physical, batch, window, model)
    flagged = tuple(kind for kind in GRAVITY if kinds.get(kind, 0.0) >= thresholds.get(kind, 1.0))
    probabilities = MappingProxyType({kind: kinds[kind] for kind in GRAVITY if kind in kinds} or {Kind.VIOLENCE: 0.0})
    top = flagged[0] if flagged else max(probabilities, key=lambda kind: probabilities[kind])
    best = strongest.get(top)
    if best is None and top in PHYSICAL:
        best = max((entry for kind, entry in strongest.items() if kind in PHYSICAL), key=lambda entry: entry[0], default=None)
    spoken = best[2].construction.language if best is not None else language
    sentence = best[1].sentence if best is not None else _peak(batch, window, model)
    scenes = _scenes(batch, piece, sentence, spoken, lexicon)
    facets = facets_of(best[2] if best is not None else None, top, scenes) if top in PHYSICAL | {Kind.DOXING} else Facets()
    harmful = top in PHYSICAL and bool(flagged)
    if best is not None and (language == UNKNOWN or len(piece.raw) < SHORT):
        language, coverage = spoken, Coverage.SCORED if spoken in model.manifest.languages else Coverage.WEAK
    numbers = plausibility_numbers(facets, top, probabilities[top], piece.raw)
    return Finding(
        kinds=probabilities,
        flagged=flagged,
        specificity=facets.specificity if harmful else 0,
        plausibility=_plausibility(facets, model.manifest.plausibility.grade(numbers)) if harmful else 0,
        imminence=imminence_of(facets, top, scenes) if harmful else 0,
        facets=facets,
        evidence=tuple(_evidence(batch, piece, sentence, top, best, strongest, flagged, scenes)) if flagged else (),
        language=language,
        coverage=coverage,
    )


def _doubtful(batch: Batch, sentence: int, language: str, piece: Piece, clues: Sequence[Clue], lexicon: Lexicon) -> bool:
    """Whether the sentence that the model dislikes has an idiom, a denied threat, or a threat told or quoted."""
    clue = next((clue for clue in clues if clue.sentence == sentence), None)
    found = clue.found if clue is not None else lexicon.find(batch.sentence(sentence))
    if found.get(f"{language}:C:idiom") or (clue is not None and any(match.reported for match in clue.matches)):
        return True
    pack = lexicon.packs.get(language)
    if pack is not None and pack.file.cues.address and not found.get(f"{language}:C:address"):
        return True
    start, end = batch.raw_span(int(batch.sentences[sentence]), int(batch.sentences[sentence + 1]))
    return bool(_QUOTE_OPENS.search(piece.raw, start + 1, end)) or lexicon.denied(batch.sentence(sentence), language, found)


def model_probability(model: Model, margin: float, pack: float) -> float:
    """Calibrated probability of physical harm from the model's margin and the strongest pattern (0 where there is none)."""
    if margin == -math.inf:
        return 0.0
    calibration = model.manifest.calibration
    total = calibration["margin"] * margin + calibration["pack"] * pack + calibration["intercept"]
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


def _plausibility(facets: Facets, grade: int) -> int:
    """The fitted grade, and at least 2 for an intention with a time or with access: too rare in the data to be learnt."""
    return max(grade, 2) if facets.stance is Stance.INTENT and (facets.when or facets.ability) else grade


def plausibility_numbers(facets: Facets, kind: Kind, probability: float, raw: str) -> dict[str, float]:
    """The numbers that plausibility is graded from."""
    letters = sum(map(str.isalpha, raw))
    return {
        "probability": probability,
        "specificity": float(facets.specificity),
        "when": float(facets.when),
        "how": float(facets.how),
        "where": float(facets.where),
        "ability": float(facets.ability),
        "conditional": float(facets.conditional),
        "intent": float(facets.stance is Stance.INTENT),
        "wish": float(facets.stance is Stance.WISH),
        "incitement": float(facets.stance is Stance.INCITEMENT),
        "self_harm": float(kind is Kind.SELF_HARM),
        "mass_violence": float(kind is Kind.MASS_VIOLENCE),
        "sexual_violence": float(kind is Kind.SEXUAL_VIOLENCE),
        "capitals": sum(map(str.isupper, raw)) / max(letters, 1),
        "exclamations": float(min(raw.count("!"), 5)),
        "length": math.log1p(len(raw)),
        "target": float(facets.target),
    }


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


def _blend(
    kinds: dict[Kind, float], modelled: float, physical: float, batch: Batch, window: tuple[int, int], model: Model
) -> dict[Kind, float]:
    """Put the model's probability to the likeliest kind of harm."""
    total = max(modelled, physical if physical >= SURE else 0.0)
    result = {kind: p for kind, p in kinds.items() if kind not in PHYSICAL}
    named = [kind for kind in kinds if kind in PHYSICAL]
    top = max(named, key=lambda kind: kinds[kind]) if named else _kind_by_heads(batch, window, model)
    for kind in named:
        result[kind] = min(kinds[kind], total) if kind is not top else total
    result[top] = total
    return result


def _kind_by_heads(batch: Batch, window: tuple[int, int], model: Model) -> Kind:
    """The kind whose head likes the window best; violence where none does."""
    heads = [name for name in model.manifest.heads if name != "threat"]
    first, last = window
    if not heads or last <= first:
        return Kind.VIOLENCE
    part = Batch(batch.codes, batch.origins, batch.sentences[first : last + 1], batch.owners[first:last])
    best, kind = 0.0, Kind.VIOLENCE
    for name in heads:
        totals, numbers = sums(part, model.weights[name])
        margin = model.intercepts[name] + float(_scaled(totals.sum(axis=0, keepdims=True), numbers.sum(axis=0, keepdims=True))[0])
        if margin > best:
            best, kind = margin, Kind(name)
    return kind


def _scaled(totals: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over the groups of their scaled sums, for each row."""
    groups = range(totals.shape[1])
    factors = np.stack([scale(numbers[:, group].astype(np.float64), group) for group in groups], axis=1)
    rows: NDArray[np.float64] = (totals * factors).sum(axis=1)
    return rows


def _peak(batch: Batch, window: tuple[int, int], model: Model) -> int:
    """The sentence of a window that the model likes best."""
    first, last = window
    if last - first <= 1:
        return first
    part = Batch(batch.codes, batch.origins, batch.sentences[first : last + 1], batch.owners[first:last])
    totals, numbers = sums(part, model.weights["threat"])
    return first + int(_scaled(totals, numbers).argmax())


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
    top: Kind,
    best: tuple[float, Clue, Match] | None,
    strongest: Mapping[Kind, tuple[float, Clue, Match]],
    flagged: Iterable[Kind],
    scenes: Sequence[Scene],
) -> Iterable[Evidence]:
    """Spans of the raw text: one per flagged kind, then facets in the sentence of the gravest, else in its neighbours."""

    def span(index: int, start: int, end: int, label: str) -> Evidence:
        offset = int(batch.sentences[index])
        first, last = batch.raw_span(offset + start, offset + end)
        return Evidence(piece.start + first, piece.start + last, label)

    for kind in flagged:
        entry = strongest.get(kind) or (best if kind is top else None)
        if entry is not None:
            yield span(entry[1].sentence, entry[2].start, entry[2].end, str(kind))
        elif kind is top:
            yield span(sentence, 0, len(batch.sentence(sentence)), str(kind))
    if top not in PHYSICAL:
        return
    for label, find in (("when", Scene.when), ("where", Scene.where)):
        for scene in scenes:
            place = find(scene)
            if place is not None:
                yield span(scene.index, *place, label)
                break
    for name, label, looked in (
        ("how", "how", scenes),
        ("ability", "ability", scenes),
        ("conditional", "conditional", scenes[:1]),
        ("role", "target", scenes[:1]),
        ("group", "target", scenes[:1]),
    ):
        for scene in looked:
            found = scene.first(name)
            if found is not None:
                yield span(scene.index, found.start, found.end, label)
                break
