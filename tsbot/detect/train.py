"""Training of the n-gram model, and the table of what it is worth.

The model is a logistic regression on hashed n-grams of windows of text. A lengthy comment may hold one bad sentence, so the
window that stands for a text is chosen anew in each of a few rounds: the one that the model of the round before likes best
(multiple-instance learning as in Andrews et al., "Support Vector Machines for Multiple-Instance Learning", 2003). Then the
margins are calibrated on parts that the model has not seen, to the rate of threats in ordinary talk.

Needs the extra ``train`` (scikit-learn, SciPy).
"""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tsbot.detect.datasets import PARTS, Example
from tsbot.detect.finding import DETECTED, PHYSICAL, Kind
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.margins import Windows, best_windows, margins, windows_of
from tsbot.detect.ngrams import GROUPS, blocks, scale
from tsbot.detect.weights import FORMAT, Manifest, Scale
from tsbot.text.normalise import normalise

BITS = 18
ROUNDS = 3
STRENGTH = 10.0
"""Inverse of the regularisation."""
POSITIVE = 3.0
"""How much more a threat counts than a harmless text; there are few."""
NATURAL_RATE = 0.003
"""Share of comments with a threat in Wikipedia talk (Jigsaw's sample of 159,571 comments has 478)."""
NATURAL_SHARE = {"jigsaw/toxic": 0.4}
"""The training data hold more abuse than talk does; for calibration it weighs as much as there is."""
FALSE_RATE = 0.002
"""Share of ordinary talk comments that may be flagged; the threshold is set for it."""
SURE_THRESHOLD = 0.5
LEAST_THRESHOLD = 0.025
"""Below this, harmless abuse of other places than wikis is flagged too often."""
Floats = NDArray[np.float64]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts as numbers: per group a matrix (sentences x buckets), and the windows of the texts."""

    matrices: tuple[sp.csr_matrix, ...]
    numbers: NDArray[np.int64]
    windows: Windows
    texts: int
    whole: NDArray[np.int64]
    """For each text the index of the window that is all of it; -1 without words."""


def read_corpus(texts: Sequence[str], bits: int) -> Corpus:
    """Describe texts by n-grams, with the function that the detector uses."""
    parts: list[list[sp.csr_matrix]] = [[] for _ in range(GROUPS)]
    owners: list[NDArray[np.int64]] = []
    for start in range(0, len(texts), 500):
        batch = normalise(texts[start : start + 500])
        owners.append(batch.owners + start)
        count = len(batch.owners)
        rows: list[list[NDArray[np.int64]]] = [[] for _ in range(GROUPS)]
        columns: list[list[NDArray[np.uint32]]] = [[] for _ in range(GROUPS)]
        for block in blocks(batch, bits):
            row = np.repeat(np.arange(count), np.diff(np.append(block.starts, len(block.buckets))))
            real = block.buckets < (1 << bits)
            rows[block.group].append(row[real])
            columns[block.group].append(block.buckets[real])
        for group in range(GROUPS):
            row = np.concatenate([np.empty(0, dtype=np.int64), *rows[group]])
            column = np.concatenate([np.empty(0, dtype=np.uint32), *columns[group]]).astype(np.int32)
            parts[group].append(sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=(count, 1 << bits)))
    matrices = tuple(sp.vstack(part).tocsr() for part in parts)
    windows = windows_of(np.concatenate(owners))
    whole = np.full(len(texts), -1, dtype=np.int64)
    whole[windows.owner] = np.arange(len(windows.owner))  # whole texts come last, so they stay
    numbers = np.stack([np.asarray(matrix.sum(axis=1)).ravel().astype(np.int64) for matrix in matrices], axis=1)
    return Corpus(matrices, numbers, windows, len(texts), whole)


def window_matrix(corpus: Corpus, chosen: NDArray[np.int64]) -> sp.csr_matrix:
    """Rows of the training matrix: each group of each window scaled as the detector does."""
    first, last = corpus.windows.first[chosen], corpus.windows.last[chosen]
    lengths = last - first
    rows = np.repeat(np.arange(len(chosen)), lengths)
    columns = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(first, lengths)
    joint = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(chosen), corpus.matrices[0].shape[0]))
    result: sp.csr_matrix | None = None
    for group, matrix in enumerate(corpus.matrices):
        factors = scale((joint @ corpus.numbers[:, group]).astype(np.float64), group)
        part = sp.diags(factors.astype(np.float32)) @ (joint @ matrix)
        result = part if result is None else result + part
    return result.tocsr().astype(np.float32)  # type: ignore[union-attr]  # GROUPS is not 0


def corpus_margins(corpus: Corpus, weights: NDArray[np.float32], intercept: float) -> Floats:
    """Margin of every window, computed as the detector does."""
    totals = np.stack([np.asarray(matrix @ weights, dtype=np.float64) for matrix in corpus.matrices], axis=1)
    return margins(corpus.windows, totals, corpus.numbers, intercept)


def fit(rows: sp.csr_matrix, labels: NDArray[np.bool_], weights: Floats, seed: int) -> tuple[NDArray[np.float32], float]:
    """Weights (rounded as they are stored) and intercept of a logistic regression."""
    model = LogisticRegression(C=STRENGTH, solver="lbfgs", max_iter=80, tol=1e-4, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is part of the regularisation
        model.fit(rows, labels, sample_weight=weights)
    return model.coef_[0].astype(np.float16).astype(np.float32), float(model.intercept_[0])


def fit_windows(
    corpus: Corpus, used: NDArray[np.bool_], labels: NDArray[np.bool_], weights: Floats, seed: int
) -> tuple[NDArray[np.float32], float]:
    """Fit on whole texts, then for some rounds on the window of each text that looks worst."""
    texts = np.flatnonzero(used & (corpus.whole >= 0))
    chosen = corpus.whole[texts]
    learnt, intercept = fit(window_matrix(corpus, chosen), labels[texts], weights[texts], seed)
    for _ in range(ROUNDS):
        _, best = best_windows(corpus.windows, corpus_margins(corpus, learnt, intercept), corpus.texts)
        learnt, intercept = fit(window_matrix(corpus, best[texts]), labels[texts], weights[texts], seed)
    return learnt, intercept


def pattern_strengths(lexicon: Lexicon, texts: Sequence[str]) -> Floats:
    """Strongest pattern of physical harm in each text (0: none)."""
    strengths = np.zeros(len(texts))
    for start in range(0, len(texts), 500):
        some = texts[start : start + 500]
        batch = normalise(some)
        for sentence, possible in lexicon.candidates(batch, PHYSICAL).items():
            owner = int(batch.owners[sentence])
            for match in lexicon.match(batch.sentence(sentence), some[owner], possible):
                strength = match.construction.strength * (0.35 if match.reported else 1.0)
                strengths[start + owner] = max(strengths[start + owner], strength)
    return strengths


@dataclass(frozen=True, slots=True)
class Trained:
    """A model before it is written."""

    manifest: Manifest
    weights: NDArray[np.float32]


def train_model(examples: Sequence[Example], lexicon: Lexicon, seed: int, say: Report, bits: int = BITS) -> Trained:
    """Train on all parts but part 0. The same examples and seed give the same model on the same machine."""
    texts = [example.text for example in examples]
    labels = np.array([example.threat for example in examples])
    weights = np.array([example.weight * (POSITIVE if example.threat else 1.0) for example in examples])
    parts = np.array([example.part for example in examples])
    say(f"describing {len(texts)} texts")
    corpus = read_corpus(texts, bits)
    unseen = np.full(len(texts), -np.inf)
    for part in range(1, PARTS):
        say(f"cross-validation, part {part} of {PARTS - 1}")
        learnt, intercept = fit_windows(corpus, (parts != 0) & (parts != part), labels, weights, seed)
        best, _ = best_windows(corpus.windows, corpus_margins(corpus, learnt, intercept), corpus.texts)
        unseen[parts == part] = best[parts == part]
    say("the model itself")
    learnt, intercept = fit_windows(corpus, parts != 0, labels, weights, seed)
    say("calibration")
    strengths = pattern_strengths(lexicon, texts)
    calibration, threshold = _calibrate(examples, unseen, strengths, np.isfinite(unseen) & (parts != 0))
    say("kinds")
    heads, rows, intercepts = _fit_heads(examples, corpus, learnt, intercept, parts != 0, seed)
    digest = hashlib.sha256(np.stack([learnt, *rows]).tobytes()).hexdigest()[:8]
    manifest = Manifest(
        format=FORMAT,
        version=f"ngrams-1-{digest}",
        bits=bits,
        heads=("threat", *heads),
        intercepts=(intercept, *intercepts),
        sha256="",
        languages=tuple(sorted({example.language for example in examples})),
        calibration=calibration,
        thresholds={kind: threshold if kind in PHYSICAL else SURE_THRESHOLD for kind in DETECTED},
        plausibility=Scale(coefficients={}, intercept=0.0, cuts=(0.0,)),
        seed=seed,
        trained_on=dict(sorted(Counter(example.source for example in examples if example.part != 0).items())),
    )
    return Trained(manifest, np.stack([learnt, *rows]))


def _calibrate(examples: Sequence[Example], unseen: Floats, strengths: Floats, used: NDArray[np.bool_]) -> tuple[dict[str, float], float]:
    """Logistic calibration on margins of unseen texts, moved to the natural rate, and the threshold for ordinary talk."""
    labels = np.array([example.threat for example in examples])
    trust = np.array([example.weight * NATURAL_SHARE.get(example.source, 1.0) for example in examples])
    ordinary = np.array([example.source == "talk" for example in examples])
    if len(set(labels[used].tolist())) < 2:
        return {"margin": 1.0, "pack": 0.0, "intercept": 0.0}, SURE_THRESHOLD
    # Only comments of wikis say what is natural on wikis.
    wikis = ("talk", "jigsaw", "annotated/jigsaw", "annotated/openai")
    english = used & np.array([example.source.startswith(wikis) for example in examples])
    english = english if labels[english].any() else used
    numbers = np.stack([unseen[english], strengths[english]], axis=1)
    model = LogisticRegression(C=1e3, max_iter=1000).fit(numbers, labels[english], sample_weight=trust[english])
    rate = float(np.average(labels[english], weights=trust[english]))
    shift = np.log(NATURAL_RATE / (1 - NATURAL_RATE)) - np.log(rate / (1 - rate))
    slope, pack = (float(value) for value in model.coef_[0])
    intercept = float(model.intercept_[0] + shift)
    logits = slope * unseen + pack * strengths + intercept
    some = logits[used & ordinary]
    threshold = SURE_THRESHOLD
    if len(some) >= 1000:
        threshold = float(np.clip(1 / (1 + np.exp(-np.quantile(some, 1 - FALSE_RATE))), LEAST_THRESHOLD, SURE_THRESHOLD))
    return {"margin": slope, "pack": pack, "intercept": intercept}, round(threshold, 4)


def _fit_heads(
    examples: Sequence[Example], corpus: Corpus, learnt: NDArray[np.float32], intercept: float, used: NDArray[np.bool_], seed: int
) -> tuple[list[str], list[NDArray[np.float32]], list[float]]:
    """One head per kind that has at least ten texts: this kind against the other threats."""
    kinds = np.array([str(example.kind) if example.kind else "" for example in examples])
    known = np.flatnonzero(used & (kinds != "") & (corpus.whole >= 0))
    _, best = best_windows(corpus.windows, corpus_margins(corpus, learnt, intercept), corpus.texts)
    heads, rows, intercepts = [], [], []
    for kind in (Kind.MASS_VIOLENCE, Kind.SEXUAL_VIOLENCE, Kind.SELF_HARM):
        labels = kinds[known] == str(kind)
        if labels.sum() < 10:
            continue
        row, start = fit(window_matrix(corpus, best[known]), labels, np.where(labels, 2.0, 1.0), seed)
        heads.append(str(kind))
        rows.append(row)
        intercepts.append(start)
    return heads, rows, intercepts
