"""The detector: texts in, findings out.

:class:`Detector` is what the rest of tsbot knows. :class:`Cascade` is the one that comes with it: what is cheap looks at
everything, what is costly at what the cheap stages could not let go.

1. Language packs: patterns, found with two automata in a whole batch at once.
2. A linear model on hashed n-grams, for every sentence.
3. An encoder that glances at windows of those texts in which one of the two saw something, and reads on where it sees something too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from tsbot.datafiles import as_on_disk, data_file
from tsbot.detect.assess import Assessor, Clue, Read, glanced_probability, unread_probability
from tsbot.detect.finding import DETECTED, PHYSICAL, Coverage, Evidence, Finding, Kind
from tsbot.detect.language_pack import Pack, common_words, load_packs
from tsbot.detect.lexicon import Found, Lexicon, Match
from tsbot.detect.margins import best_windows, margins, windows_of
from tsbot.detect.model import Model, load_model
from tsbot.detect.ngrams import sums
from tsbot.detect.private import find_personal
from tsbot.detect.windows import MOST, WHOLE, Window, width, windows_around, worst_first
from tsbot.text.encoded import decoded
from tsbot.text.language import UNKNOWN, LanguageGuesser, langid_fallback
from tsbot.text.normalise import Batch, normalise, unmask
from tsbot.text.passage import Field

HERE = Path(__file__).parent
PIECE, OVERLAP = 20_000, 400
"""Longer texts are judged in pieces of so many characters that overlap so much, and the gravest piece counts."""
BATCH_CHARACTERS = 120_000
"""Characters judged at once; bounds memory whatever the texts' number and length."""
MOST_CLUES = 200
"""Sentences with patterns weighed in one piece; a piece with more is beyond doubt."""
UNTOLD = 40
"""Characters from which a text whose language cannot be told counts as unscored; a shorter one is anybody's."""
LONG = 100_000
"""Characters of a text after which one window of each piece is read."""
NEAR_GATE = 1.0
"""How far below its gate a sentence of a longer text is still read."""
HURRY = 1.5
"""How much higher the gates are where a detector is to be quick; docs/benchmarks.md says what that saves and what it loses."""
LEARNT = 60
"""Texts of a language from which it counts as learnt."""

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
    """Where ``raw`` is another form of the text (a user name with its words told apart, a decoded stretch): the offset in the text of
    each of its characters, and the end."""


class Cascade:
    """Language packs, n-grams, and an encoder for what they notice."""

    def __init__(
        self,
        model: Model,
        lexicon: Lexicon,
        guesser: LanguageGuesser,
        thresholds: Mapping[str, float] | None = None,
        *,
        quick: bool = False,
    ) -> None:
        """``thresholds`` replace the model's own, per kind. ``quick`` has the encoder read less (``HURRY``), for dumps."""
        self._model = model
        self._lexicon = lexicon
        self._guesser = guesser
        own = {Kind(kind): value for kind, value in (thresholds or {}).items()}
        self.thresholds: Mapping[Kind, float] = MappingProxyType({**model.manifest.thresholds, **own})
        self._least = min(self.thresholds.get(kind, 1.0) for kind in PHYSICAL)
        digest = hashlib.sha256(msgspec.json.encode(model.manifest))
        digest.update("".join(pack.digest for pack in lexicon.packs.values()).encode())
        self._hurry = HURRY if quick else 0.0
        self._version = f"{model.manifest.version}+rules-{digest.hexdigest()[:8]}{'+quick' if quick else ''}"
        self._learnt = frozenset(code for code, texts in model.manifest.languages.items() if texts >= LEARNT)
        self._assessor = Assessor(model.manifest.calibration, lexicon, self.thresholds, self.coverage)
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
        return Coverage.WEAK if language in self._lexicon.packs else Coverage.UNSCORED

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
        findings = self._look(plain, pieces, languages, disguised=False)
        chosen, masked = unmask(raws)
        if chosen:
            second = self._look(masked, [pieces[index] for index in chosen], [languages[index] for index in chosen], disguised=True)
            for index, finding in zip(chosen, second, strict=True):
                findings[index] = _graver(findings[index], finding)
        for index, (piece, language) in enumerate(zip(pieces, languages, strict=True)):
            if piece.field not in (Field.USER, Field.TITLE) and (spans := find_personal(piece.raw, language)):
                findings[index] = self._assessor.with_personal(findings[index], piece.start, spans)
        return findings

    def _look(self, batch: Batch, pieces: Sequence[_Piece], languages: Sequence[str], *, disguised: bool) -> list[Finding]:
        """Judge one form of each piece."""
        best, sentences = self._ngrams(batch, len(pieces))
        clues = self._clues(batch, pieces)
        unread = unread_probability(self._model.manifest.calibration, best).tolist()
        firsts = np.searchsorted(batch.owners, np.arange(len(pieces) + 1)).tolist()
        findings = []
        for index, (piece, language) in enumerate(zip(pieces, languages, strict=True)):
            mine = clues.get(index, [])
            coverage = self.coverage(language, len(piece.raw))
            margin = float(best[index])
            if not mine and not self._suspect(piece, language, margin) and unread[index] < self._least:
                findings.append(Finding(MappingProxyType({Kind.VIOLENCE: unread[index]}), language=language, coverage=coverage))
                continue
            first, last = firsts[index], firsts[index + 1]
            values = sentences[first:last]
            peaks = _peaks(mine, values, first, self._gate(language) - NEAR_GATE)
            # Where a gate is low, much is read that nothing speaks against: one window of it will do.
            loud = bool(mine) or margin >= self._model.manifest.calibration.gate
            windows = windows_around(batch, index, piece.raw, peaks, MOST if loud and piece.start < LONG else 1)
            reads, glance = self._read(batch, piece, windows, disguised=disguised, whole=bool(mine))
            if windows and not reads:
                odds = glanced_probability(self._model.manifest.calibration, glance)
                findings.append(Finding(MappingProxyType({Kind.VIOLENCE: odds}), language=language, coverage=coverage))
                continue
            worst = first + int(values.argmax()) if len(values) else -1
            findings.append(self._assessor.assess(batch, piece, language, mine, margin, worst, reads))
        return findings

    def _suspect(self, piece: _Piece, language: str, margin: float) -> bool:
        """Whether a piece without patterns is worth reading. Where the n-grams know nothing of a language, all of it is.

        Of a long text they see so many sentences that one of them always passes a low gate: there the high one holds.
        """
        if margin == -math.inf:
            return False
        if len(piece.raw) > WHOLE or width(piece.raw) > WHOLE:
            return margin >= max(self._model.manifest.calibration.gate + self._hurry, self._gate(language))
        if language not in self._learnt and language != UNKNOWN and piece.field is not Field.USER:
            return True
        return margin >= self._gate(language)

    def _gate(self, language: str) -> float:
        """Margin of the n-grams from which a text of a language is read; where it cannot be told, a middling one."""
        calibration = self._model.manifest.calibration
        if language == UNKNOWN and calibration.gates:
            return min(calibration.gate, sum(calibration.gates.values()) / len(calibration.gates)) + self._hurry
        return calibration.gates.get(language, calibration.gate) + self._hurry

    def _ngrams(self, batch: Batch, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Highest margin of the windows of each piece, and the margin of each sentence."""
        totals, numbers = sums(batch, self._model.ngrams)
        windows = windows_of(batch.owners)
        values = margins(windows, totals, numbers, self._model.manifest.intercept)
        best, _ = best_windows(windows, values, count)
        return best, values[: len(batch.owners)]

    def _clues(self, batch: Batch, pieces: Sequence[_Piece]) -> dict[int, list[Clue]]:
        """Patterns, by piece."""
        clues: dict[int, list[Clue]] = {}
        searched: dict[str, tuple[Found, tuple[Match, ...]]] = {}
        names = any(piece.field is Field.USER for piece in pieces)
        kinds = self._text_kinds | self._name_kinds if names else self._text_kinds
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
        return {owner: some for owner, some in clues.items() if some}

    def _read(
        self, batch: Batch, piece: _Piece, windows: Sequence[Window], *, disguised: bool, whole: bool
    ) -> tuple[list[Read], float]:
        """Read windows as they stand, or in their normal form where the letters were disguised; with the highest margin of a glance.

        Unless ``whole``, those in which a glance sees nothing are left.
        """
        encoder, calibration, highest = self._model.encoder, self._model.manifest.calibration, -math.inf
        reads = []
        for window in windows:
            origins = None
            text = piece.raw[window.start : window.end]
            if disguised:
                start, end = int(batch.sentences[window.first]), int(batch.sentences[window.last])
                text = batch.codes[start:end].astype("<u4").tobytes().decode("utf-32-le", "replace")
                origins = batch.origins[start:end]
            glance = encoder.glance(text)
            highest = max(highest, glance.margin)
            seen = glance.margin >= calibration.glance or glanced_probability(calibration, glance.margin) >= self._least
            if whole or seen:
                reads.append(Read(window, encoder.read_on(glance), origins))
        return reads, highest


def load_detector(
    thresholds: Mapping[str, float] | None = None,
    identify: bool = False,
    model: Path | None = None,
    packs: Path | None = None,
    *,
    quick: bool = False,
) -> Cascade:
    """The detector that comes with tsbot, or one with another model or other packs (folders).

    ``thresholds``: see ``detect.thresholds`` of the settings; ``quick``: see :class:`Cascade`.

    With ``identify``, a statistical identifier (80 MB, loaded when first needed) names languages that neither script nor
    little words tell; without it they are ``und``. Raises ``ModelError`` or ``PackError``.
    """
    rules = shipped_rules() if packs is None else _rules(load_packs(packs))
    guesser = LanguageGuesser(rules.common, langid_fallback()) if identify else rules.guesser
    return Cascade(shipped_model() if model is None else load_model(model), rules.lexicon, guesser, thresholds, quick=quick)


def newest_detector(thresholds: Mapping[str, float] | None = None, identify: bool = False) -> Cascade:
    """As :func:`load_detector`, with the files as they lie on the disk, whatever is in use."""
    with as_on_disk(shipped_rules, shipped_model):
        return load_detector(thresholds, identify)


@dataclass(frozen=True)
class Rules:
    """Language packs, ready to be used."""

    lexicon: Lexicon
    common: Mapping[str, tuple[str, ...]]
    guesser: LanguageGuesser


def _rules(packs: Sequence[Pack]) -> Rules:
    common = common_words(packs)
    return Rules(Lexicon(packs), common, LanguageGuesser(common))


@data_file("packs", HERE / "packs", HERE / "languages.toml")
def shipped_rules() -> Rules:
    """The language packs that come with tsbot. Raises ``PackError``."""
    return _rules(load_packs())


@data_file("model", HERE / "models")
def shipped_model() -> Model:
    """The model that comes with tsbot. Raises ``ModelError``."""
    return load_model()


def _peaks(clues: Sequence[Clue], values: NDArray[np.float64], first: int, least: float) -> list[int]:
    """Sentences to read around: that with the strongest pattern, then the worst by n-grams, then the others with patterns.

    ``least``: margin below which a sentence is not worth it, unless it is the worst.
    """
    told = sorted(clues, key=lambda clue: -max(match.construction.strength for match in clue.matches))
    sentences = [clue.sentence for clue in told]
    worst = worst_first(values, first)
    return [*sentences[:1], *worst[:1], *(index for index in worst[1:] if values[index - first] >= least), *sentences[1:]]


def _batches(texts: Sequence[str], fields: Sequence[Field] | None) -> Iterator[list[_Piece]]:
    """Cut long texts into pieces, and put pieces together to batches of bounded size."""
    batch: list[_Piece] = []
    size = 0
    for index, text in enumerate(texts):
        field = fields[index] if fields is not None else Field.TEXT
        raw, origins = _spaced_name(text) if field is Field.USER else (text, ())
        pieces = list(_pieces(index, raw, field, origins))
        if field is not Field.USER:
            pieces += [_Piece(index, 0, hidden.text, field, hidden.origins) for hidden in decoded(text)]
        for piece in pieces:
            if size and size + len(piece.raw) > BATCH_CHARACTERS:
                yield batch
                batch, size = [], 0
            batch.append(piece)
            size += len(piece.raw) + 1
    if batch:
        yield batch


def _pieces(index: int, raw: str, field: Field, origins: tuple[int, ...]) -> Iterator[_Piece]:
    for start in range(0, max(len(raw), 1), PIECE - OVERLAP):
        yield _Piece(index, start, raw[start : start + PIECE], field, origins)
        if start + PIECE >= len(raw):
            break


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
    """A finding on another form of a text with its spans in the text itself."""
    spans = tuple(Evidence(origins[span.start], max(origins[span.end - 1] + 1, origins[span.end]), span.label) for span in finding.evidence)
    return dataclasses.replace(finding, evidence=spans)


def _graver(first: Finding, second: Finding) -> Finding:
    """The finding with more flags, or with the higher probability of harm; language and coverage are the first's."""
    a = (len(first.flagged) > 0, max(first.kinds.values(), default=0.0))
    b = (len(second.flagged) > 0, max(second.kinds.values(), default=0.0))
    return second if b > a else first
