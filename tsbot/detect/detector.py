"""The detector: texts in, findings out.

:class:`Detector` is what the rest of tsbot knows. :class:`PatternDetector` is the first one: an n-gram model that has learnt
from public data, and language packs. Another may take its place behind the same two names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsbot.detect.assess import Clue, assess
from tsbot.detect.finding import DETECTED, PHYSICAL, Coverage, Evidence, Finding, Kind
from tsbot.detect.language_pack import common_words, load_packs
from tsbot.detect.lexicon import Found, Lexicon, Match
from tsbot.detect.margins import best_windows, margins, windows_of
from tsbot.detect.ngrams import sums
from tsbot.detect.weights import Model, load_model
from tsbot.text.language import UNKNOWN, LanguageGuesser, langid_fallback
from tsbot.text.normalise import Batch, normalise, unmask
from tsbot.text.passage import Field

PIECE, OVERLAP = 20_000, 400
"""Longer texts are judged in pieces of so many characters that overlap so much, and the gravest piece counts."""
BATCH_CHARACTERS = 120_000
"""Characters judged at once; bounds memory whatever the texts' number and length."""
MODEL_FLOOR = 0.005
"""Probability below which a text without patterns is not looked at any further."""


MOST_CLUES = 200
"""Sentences with patterns weighed in one piece; a piece with more is beyond doubt."""
UNTOLD = 40
"""Characters from which a text whose language cannot be told counts as unscored; a shorter one is anybody's."""


_NAME_WORDS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]|\d+|[^\w\s.-]+")


class Detector(Protocol):
    """Judges texts. Safe to call from several threads."""

    @property
    def version(self) -> str:
        """Name and version; it changes whenever the same text could be judged differently."""

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """Judge each text by itself.

        ``languages`` are ISO 639 codes where they are known for certain (None: told from the text); ``fields`` say what
        the texts are (default: running text). Findings do not depend on what else is in the batch. Never raises for the
        content of a text.
        """


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a text short enough to be judged at once."""

    text: int
    start: int
    raw: str
    field: Field
    origins: tuple[int, ...] = ()
    """For a user name: the offset in the name of each character of ``raw``, and the end."""


class PatternDetector:
    """N-gram model and language packs."""

    def __init__(self, model: Model, lexicon: Lexicon, guesser: LanguageGuesser, thresholds: Mapping[str, float] | None = None) -> None:
        """``thresholds`` replace the model's own, per kind."""
        self._model = model
        self._lexicon = lexicon
        self._guesser = guesser
        own = {Kind(kind): value for kind, value in (thresholds or {}).items()}
        self.thresholds: Mapping[Kind, float] = MappingProxyType({**model.manifest.thresholds, **own})
        self._floor = min(MODEL_FLOOR, *(self.thresholds.get(kind, 1.0) for kind in PHYSICAL))
        digest = hashlib.sha256(msgspec.json.encode(model.manifest))
        digest.update("".join(pack.digest for pack in lexicon.packs.values()).encode())
        self._version = f"{model.manifest.version}+rules-{digest.hexdigest()[:8]}"
        self._intercepts = model.intercepts
        self._learnt = frozenset(model.manifest.languages)
        self._packed = frozenset(lexicon.packs)
        self._text_kinds = frozenset(DETECTED) - {Kind.ATTACK_NAME}
        self._name_kinds = frozenset(PHYSICAL | {Kind.ATTACK_NAME}) - {Kind.SELF_HARM}

    @property
    def version(self) -> str:
        """Version of the model's weights, and a digest of all that they are read with."""
        return self._version

    def coverage(self, language: str, length: int = UNTOLD) -> Coverage:
        """How well texts of a language can be judged; ``length`` in characters matters where no language can be told."""
        if language == UNKNOWN and length < UNTOLD:
            return Coverage.WEAK
        if language in self._learnt:
            return Coverage.SCORED
        return Coverage.WEAK if language in self._packed else Coverage.UNSCORED

    def judge(
        self, texts: Sequence[str], languages: Sequence[str | None] | None = None, fields: Sequence[Field] | None = None
    ) -> list[Finding]:
        """See :class:`Detector`."""
        findings: list[Finding | None] = [None] * len(texts)
        for batch in _batches(texts, fields):
            known = [languages[piece.text] if languages is not None else None for piece in batch]
            for piece, finding in zip(batch, self._judge(batch, known), strict=True):
                before = findings[piece.text]
                finding = _unspaced(finding, piece.origins) if piece.origins else finding  # noqa: PLW2901 - the same finding, its spans put back
                findings[piece.text] = finding if before is None else _graver(before, finding)
        return [finding if finding is not None else Finding() for finding in findings]

    def _judge(self, pieces: Sequence[_Piece], known: Sequence[str | None]) -> list[Finding]:
        raws = [piece.raw for piece in pieces]
        plain = normalise(raws)
        guessed = self._guesser.guess(plain, raws) if not all(known) else [UNKNOWN] * len(raws)
        languages = [code or guess for code, guess in zip(known, guessed, strict=True)]
        findings = self._look(plain, pieces, languages)
        chosen, masked = unmask(raws)
        if chosen:
            second = self._look(masked, [pieces[index] for index in chosen], [languages[index] for index in chosen])
            for index, finding in zip(chosen, second, strict=True):
                findings[index] = _graver(findings[index], finding)
        return findings

    def _look(self, batch: Batch, pieces: Sequence[_Piece], languages: Sequence[str]) -> list[Finding]:
        """Judge one form of each piece."""
        best, where, firsts, lasts = self._margins(batch, len(pieces))
        clues: dict[int, list[Clue]] = {}
        searched: dict[str, tuple[Found, tuple[Match, ...]]] = {}
        anywhere = any(piece.field is Field.USER for piece in pieces)
        kinds = self._text_kinds | self._name_kinds if anywhere else self._text_kinds
        for sentence, possible in self._lexicon.candidates(batch, kinds).items():
            owner = int(batch.owners[sentence])
            piece = pieces[owner]
            wanted = self._name_kinds if piece.field is Field.USER else self._text_kinds
            form = batch.sentence(sentence)
            offset = int(batch.sentences[sentence])
            start, end = batch.raw_span(offset, offset + len(form))
            raw = piece.raw[start:end]
            # Whoever fills a page with threats repeats himself: equal sentences are searched once.
            known = searched.get(form) if "@" not in raw and piece.field is not Field.USER else None
            if known is None:
                found = self._lexicon.find(form)
                known = found, tuple(self._lexicon.match(form, raw, [c for c in possible if c.kind in wanted], found))
                searched[form] = known
            if known[1] and len(clues.setdefault(owner, [])) < MOST_CLUES:
                clues[owner].append(Clue(sentence, form, *known))
        findings = []
        for index, (piece, language) in enumerate(zip(pieces, languages, strict=True)):
            trusted = piece.field not in (Field.USER, Field.TITLE) and (language in self._learnt or language == UNKNOWN)
            margin = float(best[index]) if trusted else -math.inf
            coverage = self.coverage(language, len(piece.raw))
            if index not in clues and self._probability(margin, 0.0) < self._floor:
                p = self._probability(margin, 0.0)
                findings.append(Finding(MappingProxyType({Kind.VIOLENCE: p}), language=language, coverage=coverage))
                continue
            findings.append(
                assess(
                    batch,
                    piece,
                    language,
                    coverage,
                    clues.get(index, []),
                    margin,
                    (int(firsts[where[index]]), int(lasts[where[index]])) if where[index] >= 0 else (0, 0),
                    self._model,
                    self._lexicon,
                    self.thresholds,
                )
            )
        return findings

    def _probability(self, margin: float, pack: float) -> float:
        calibration = self._model.manifest.calibration
        if margin == -math.inf:
            return 0.0
        return 1 / (1 + math.exp(-max(-60.0, calibration["margin"] * margin + calibration["pack"] * pack + calibration["intercept"])))

    def _margins(self, batch: Batch, count: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        totals, numbers = sums(batch, self._model.weights["threat"])
        windows = windows_of(batch.owners)
        values = margins(windows, totals, numbers, self._intercepts["threat"])
        best, where = best_windows(windows, values, count)
        return best, where, windows.first, windows.last


def load_detector(thresholds: Mapping[str, float] | None = None, identify: bool = False) -> PatternDetector:
    """The detector that comes with tsbot. ``thresholds``: see ``detect.thresholds`` of the settings.

    With ``identify``, a statistical identifier (80 MB, loaded when first needed) names languages that neither script nor
    little words tell; without it they are ``und``. Raises ``ModelError`` or ``PackError``.
    """
    packs = load_packs()
    guesser = LanguageGuesser(common_words(packs), langid_fallback() if identify else None)
    return PatternDetector(load_model(), Lexicon(packs), guesser, thresholds)


def _batches(texts: Sequence[str], fields: Sequence[Field] | None) -> Iterator[list[_Piece]]:
    """Cut long texts into pieces, and put pieces together to batches of bounded size."""
    batch: list[_Piece] = []
    size = 0
    for index, text in enumerate(texts):
        field = fields[index] if fields is not None else Field.TEXT
        raw, origins = _spaced_name(text) if field is Field.USER else (text, ())
        for start in range(0, max(len(raw), 1), PIECE - OVERLAP):
            piece = _Piece(index, start, raw[start : start + PIECE], field, origins)
            if size and size + len(piece.raw) > BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
            batch.append(piece)
            size += len(piece.raw) + 1
            if start + PIECE >= len(raw):
                break
    if batch:
        yield batch


def _spaced_name(name: str) -> tuple[str, tuple[int, ...]]:
    """A user name with its words told apart (``Be_niceToBob2`` becomes ``Be nice To Bob 2``), and where each character was."""
    name = name[:PIECE]
    spaced: list[str] = []
    origins: list[int] = []
    for match in _NAME_WORDS.finditer(name):
        spaced.append(match.group() + " ")
        origins += [*range(match.start(), match.end()), match.end()]
    return "".join(spaced), (*origins, len(name))


def _unspaced(finding: Finding, origins: tuple[int, ...]) -> Finding:
    """A finding on a spaced name with its spans in the name itself."""
    spans = tuple(Evidence(origins[span.start], origins[span.end - 1] + 1, span.label) for span in finding.evidence)
    return dataclasses.replace(finding, evidence=spans)


def _graver(first: Finding, second: Finding) -> Finding:
    """The finding with more flags, or with the higher probability of harm; language and coverage are the first's."""
    a = (len(first.flagged) > 0, max(first.kinds.values(), default=0.0))
    b = (len(second.flagged) > 0, max(second.kinds.values(), default=0.0))
    return second if b > a else first
