"""What a detector is worth: rows of figures over the development data, each with its interval.

A row compares the findings on some texts with what is known of these texts. Only held-out texts are used (the fifth of the
public data that training leaves out, and the third of the project's sentences kept for checking) unless all are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.figures import (
    Interval,
    auroc,
    average_precision,
    bootstrap,
    calibration_error,
    false_positive_rate,
    quadratic_kappa,
)
from tsbot.detect.finding import PHYSICAL, Finding, Kind
from tsbot.detect.learn.datasets import Example

TALK = "talk"
JIGSAW_THREATS = ("jigsaw/threat", "annotated/jigsaw")
JIGSAW_HARMLESS = ("jigsaw/other", "jigsaw/toxic", "jigsaw/annotated")
ANNOTATED = ("annotated/jigsaw", "annotated/openai_eval", "annotated/edos")
LOOKS_HARMFUL = frozenset(("idiom", "history", "fiction", "software", "sport", "game", "science", "news"))
"""Sorts of harmless sentences that use words of harm."""
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    name: str
    figure: str
    """``AUROC``, ``average precision``, ``false positives at 90 % recall``, ``kappa``, ``accuracy``, ``ECE``, ``recall`` ..."""
    interval: Interval
    threats: int
    others: int
    """Texts without a threat, or all texts where the figure has no such side."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Examples with the findings on them."""

    examples: Sequence[Example]
    findings: Sequence[Finding]

    @property
    def scores(self) -> NDArray[np.float64]:
        """Probability of a threat of harm of each."""
        return np.array([finding.threat for finding in self.findings])

    def where(self, wanted: Callable[[Example], bool]) -> Indices:
        """Indices of the examples that are wanted."""
        return np.array([index for index, example in enumerate(self.examples) if wanted(example)], dtype=np.int64)


def rows(scored: Scored, rounds: int = 300) -> Iterator[Row]:
    """Every row that the data supports."""
    yield from _wikipedia(scored, rounds)
    yield from _german(scored, rounds)
    yield from _look_alikes(scored, rounds)
    yield from _grades(scored, rounds)
    yield from _kinds(scored, rounds)
    yield from _languages(scored, rounds)
    yield from _calibration(scored, rounds)


def _wikipedia(scored: Scored, rounds: int) -> Iterator[Row]:
    threats = scored.where(lambda e: e.source in JIGSAW_THREATS and e.threat)
    harmless = scored.where(lambda e: e.source in JIGSAW_HARMLESS and not e.threat)
    talk = scored.where(lambda e: e.source == TALK)
    yield from _ranking("Wikipedia talk", scored, threats, harmless, rounds)
    for recall in (0.8, 0.9, 0.95) if len(threats) and len(talk) else ():
        yield _false_positives("ordinary talk comments", scored, threats, talk, recall, rounds)


def _german(scored: Scored, rounds: int) -> Iterator[Row]:
    threats = scored.where(lambda e: e.source == "germeval/threat")
    harmless = scored.where(lambda e: e.source == "germeval/other")
    yield from _ranking("German calls to violence", scored, threats, harmless, rounds, precision=False)


def _look_alikes(scored: Scored, rounds: int) -> Iterator[Row]:
    threats = scored.where(lambda e: e.source in ANNOTATED and e.threat)
    alike = scored.where(lambda e: e.source in ANNOTATED and not e.threat)
    words = scored.where(lambda e: e.language == "en" and e.sort in LOOKS_HARMFUL)
    yield from _ranking("annotated threats against hard look-alikes", scored, threats, alike, rounds, precision=False)
    english = scored.where(lambda e: e.language == "en" and e.source == "sentences/threat")
    if not len(words) or not len(english):
        return
    yield _false_positives("harmless violence words", scored, english, words, 0.9, rounds)


def _grades(scored: Scored, rounds: int) -> Iterator[Row]:
    """Agreement with the annotators, among annotated threats."""
    for name, mine in (
        ("annotated", scored.where(lambda e: e.source in ANNOTATED and e.plausibility is not None)),
        ("project sentences", scored.where(lambda e: e.source == "sentences/threat" and e.facets is not None)),
    ):
        for grade in ("specificity", "plausibility", "imminence"):
            truth = np.array([_known(scored.examples[index], grade) for index in mine], dtype=int)
            judged = np.array([getattr(scored.findings[index], grade) for index in mine], dtype=int)
            places = np.arange(len(mine))
            if len(mine):
                interval = bootstrap(_kappa(truth, judged), [places], rounds)
                yield Row(f"{grade}, {name}", "kappa", interval, len(mine), 0)


def _kappa(truth: NDArray[np.int64], judged: NDArray[np.int64]) -> Callable[[Indices], float]:
    return lambda some: quadratic_kappa(truth[some].tolist(), judged[some].tolist())


def _known(example: Example, grade: str) -> int:
    if grade == "specificity":
        return example.facets.specificity if example.facets is not None else 0
    value = getattr(example, grade)
    return int(value + 0.5) if value is not None else 0


def _kinds(scored: Scored, rounds: int) -> Iterator[Row]:
    for name, wanted in (("annotated", "annotated/"), ("project sentences", "sentences/")):
        mine = scored.where(lambda e, wanted=wanted: e.source.startswith(wanted) and e.threat and e.kind is not None)  # type: ignore[misc]
        right = np.array([scored.findings[index].kind is scored.examples[index].kind for index in mine], dtype=float)
        if len(mine):
            interval = bootstrap(lambda some, right=right: float(right[some].mean()), [np.arange(len(mine))], rounds)  # type: ignore[misc]
            yield Row(f"kind among threats, {name}", "accuracy", interval, len(mine), 0)
    for kind in (Kind.DOXING, Kind.LEGAL):
        mine = scored.where(lambda e, kind=kind: e.source == f"sentences/{kind}")  # type: ignore[misc]
        harmless = scored.where(lambda e: e.sort not in ("", "name"))
        yield from _flagged(str(kind), scored, kind, mine, harmless, rounds)


def _flagged(name: str, scored: Scored, kind: Kind, mine: Indices, harmless: Indices, rounds: int) -> Iterator[Row]:
    hits = np.array([kind in finding.flagged for finding in scored.findings], dtype=float)
    for figure, some in (("flagged", mine), ("flagged falsely", harmless)):
        if len(some):
            interval = bootstrap(lambda drawn: float(hits[drawn].mean()), [some], rounds)
            yield Row(name, figure, interval, len(mine), len(harmless))


def _languages(scored: Scored, rounds: int) -> Iterator[Row]:
    """Threats against harmless sentences of the project, per language."""
    for language in sorted({example.language for example in scored.examples if example.source.startswith("sentences")}):
        threats = scored.where(lambda e, code=language: e.language == code and e.source == "sentences/threat")  # type: ignore[misc]
        harmless = scored.where(lambda e, code=language: e.language == code and e.sort not in ("", "name"))  # type: ignore[misc]
        yield from _ranking(f"sentences, {language}", scored, threats, harmless, rounds, precision=False)
        yield from _harm_flagged(f"sentences, {language}", scored, threats, harmless, rounds)


def _harm_flagged(name: str, scored: Scored, threats: Indices, harmless: Indices, rounds: int) -> Iterator[Row]:
    hits = np.array([bool(PHYSICAL & set(finding.flagged)) for finding in scored.findings], dtype=float)
    for figure, some in (("flagged", threats), ("flagged falsely", harmless)):
        if len(some):
            interval = bootstrap(lambda drawn: float(hits[drawn].mean()), [some], rounds)
            yield Row(name, figure, interval, len(threats), len(harmless))


def _calibration(scored: Scored, rounds: int) -> Iterator[Row]:
    """Of Wikipedia talk in natural shares: ordinary comments and as many threats as there would be among them."""
    threats = scored.where(lambda e: e.source in JIGSAW_THREATS and e.threat)
    talk = scored.where(lambda e: e.source == TALK)
    if not len(threats) or not len(talk):
        return
    labels = np.array([example.threat for example in scored.examples])
    scores = scored.scores
    few = threats[:: max(1, int(len(threats) / max(1.0, 0.003 * len(talk))))]
    yield Row(
        "Wikipedia talk, natural shares",
        "ECE",
        bootstrap(lambda some: calibration_error(labels[some], scores[some]), [few, talk], rounds),
        len(few),
        len(talk),
    )


def _ranking(
    name: str, scored: Scored, threats: Indices, harmless: Indices, rounds: int, *, precision: bool = True
) -> Iterator[Row]:
    if not len(threats) or not len(harmless):
        return
    scores = scored.scores
    labels = np.zeros(len(scores), dtype=bool)
    labels[threats] = True
    figures: Mapping[str, Callable[[NDArray[np.bool_], NDArray[np.float64]], float]] = {"AUROC": auroc} | (
        {"average precision": average_precision} if precision else {}
    )
    for figure, function in figures.items():

        def value(some: Indices, function: Callable[..., float] = function) -> float:
            return function(labels[some], scores[some])

        yield Row(name, figure, bootstrap(value, [threats, harmless], rounds), len(threats), len(harmless))


def _false_positives(name: str, scored: Scored, threats: Indices, harmless: Indices, recall: float, rounds: int) -> Row:
    scores = scored.scores
    inside = np.zeros(len(scores), dtype=bool)
    inside[threats] = True

    def value(some: Indices) -> float:
        return false_positive_rate(scores[some[~inside[some]]], scores[some[inside[some]]], recall)

    figure = f"false positives at {100 * recall:.0f} % recall"
    return Row(name, figure, bootstrap(value, [threats, harmless], rounds), len(threats), len(harmless))

