"""Training of the n-gram model, the second stage of the detector.

The model is a logistic regression on hashed n-grams of windows of text. A lengthy comment may hold one bad sentence, so the
window that stands for a text is chosen anew in each of a few rounds: the one that the model of the round before likes best
(multiple-instance learning as in Andrews et al., "Support Vector Machines for Multiple-Instance Learning", 2003).

Needs the extra ``train`` (scikit-learn, SciPy).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tsbot.detect.learn.datasets import Example, hash_of
from tsbot.detect.margins import Windows, best_windows, margins, windows_of
from tsbot.detect.ngrams import GROUPS, blocks, scale
from tsbot.text.normalise import normalise

BITS = 19
ROUNDS = 3
STRENGTH = 10.0
"""Inverse of the regularisation."""
POSITIVE = 3.0
"""How much more a threat counts than a harmless text; there are few."""
FOLDS = 3
"""Parts of the cross-validation that says which texts look like threats to who has not seen them."""
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


@dataclass(frozen=True, slots=True)
class Fitted:
    """The n-gram model, and what it says of texts that it has not learnt from."""

    weights: NDArray[np.float32]
    intercept: float
    unseen: Floats
    """Margin of each example by a model that has not seen it; minus infinity for a text without words."""


def fit_ngrams(examples: Sequence[Example], seed: int, say: Report, bits: int = BITS, folds: int = FOLDS) -> Fitted:
    """Train on all that is not held out. The same examples and seed give the same model on the same machine.

    With no ``folds``, only held-out texts are unseen: margins of the others are minus infinity.
    """
    texts = [example.text for example in examples]
    labels = np.array([example.threat for example in examples])
    weights = np.array([example.weight * (POSITIVE if example.threat else 1.0) for example in examples])
    held_out = np.array([example.held_out for example in examples])
    parts = np.array([1 + int(hash_of(text)[8:16], 16) % max(folds, 1) for text in texts])
    say(f"n-grams, describing {len(texts)} texts")
    corpus = read_corpus(texts, bits)
    unseen = np.full(len(texts), -np.inf)
    for part in range(1, folds + 1):
        say(f"n-grams, cross-validation, part {part} of {folds}")
        learnt, intercept = fit_windows(corpus, ~held_out & (parts != part), labels, weights, seed)
        best, _ = best_windows(corpus.windows, corpus_margins(corpus, learnt, intercept), corpus.texts)
        mine = (parts == part) & ~held_out
        unseen[mine] = best[mine]
    say("n-grams, the model itself")
    learnt, intercept = fit_windows(corpus, ~held_out, labels, weights, seed)
    best, _ = best_windows(corpus.windows, corpus_margins(corpus, learnt, intercept), corpus.texts)
    unseen[held_out] = best[held_out]
    return Fitted(learnt, intercept, unseen)
