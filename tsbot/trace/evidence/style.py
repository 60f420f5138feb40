"""Writing style: how somebody writes, whatever about. Character n-grams, frequent words, typing habits.

Measures cosines of character 3- to 5-grams (as typed, and folded), of relative frequencies of the words that everybody uses (Burrows's
Delta in its cosine form, Smith and Aldridge 2011), and of typing habits (case, punctuation, lengths). All are compared with what the two
have with everybody else (cohort normalisation), without which a common style counts as a link. Beside them the Bayes factor of one
vocabulary. N-grams that one account alone has say nothing about two, and do not count for lengths either.
Fails on: few words (the number shrinks towards nothing), one topic, another language, deliberate imitation.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from tsbot.trace.evidence.phrases import fold
from tsbot.trace.gallery import Gallery
from tsbot.trace.sparse import Floats, Vectors
from tsbot.trace.words import Told, said

MOST_FREQUENT = 150
_SHRINK = 6
"""Texts at which a habit is believed by half."""
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^[A-Z]", r"^[a-z]", r"\.$", r"[!?]$", r"[a-z0-9]$", r"\.\.+", r"!!+", r"!", r"\?", r",", r";", r":", r"\(", r"[\"“”]",
        r"'", r"’", r"[–—]", r" - ", r"/", r"&", r"\+", r"#", r"\d", r"https?:", r"\b[A-Z]{2,}\b", r"^[A-Z][a-z]+(?: [A-Z][a-z]+)+",
        r"  ", r"\bi\b", r"\bI\b", r"[a-z]\.[A-Za-z]", r" ,", r",[^ ]",
        r"^\w+ed\b", r"^\w+ing\b",
        r"^(?:[Aa]dd|[Ff]ix|[Rr]emove|[Uu]pdate|[Mm]ake|[Uu]se|[Cc]hange)\b", r"\bn't\b|n’t", r"[^\x00-\x7f]", r"^\[", r"`", r"_", r"^\w+:",
    )
)  # fmt: skip


class Style:
    """Style of summaries and added text."""

    kind = "style"
    features = ("typed", "folded", "frequent", "habits", "words")
    normalised = frozenset(("typed", "folded", "frequent", "habits"))

    def __init__(self, gallery: Gallery) -> None:
        texts = [[text for one in edits for text in (one.reading.words, one.edit.added[:3000]) if text] for edits in gallery.read]
        self._counts = np.array([len(some) for some in texts])
        self._typed = Vectors([_grams(some) for some in texts])
        folded = [[fold(text) for text in some] for some in texts]
        self._folded = Vectors([_grams(some) for some in folded])
        self._words = Vectors([Counter(word for text in some for word in set(text.split())) for some in folded])
        self._frequent = _unit(_frequent(folded))
        self._raw = _habits(texts)
        self._habits = _unit(_standard(self._raw, self._counts))

    def compare(self, rows: Sequence[int]) -> Floats:
        """Four cosines, and the log Bayes factor of one vocabulary; not a number where one of the two has written nothing."""
        some = list(rows)
        numbers = np.stack(
            [
                self._typed.cosine(rows, least=2),
                self._folded.cosine(rows, least=2),
                self._frequent[some] @ self._frequent.T,
                self._habits[some] @ self._habits.T,
                self._words.factors(some, 1000.0, 100.0),
            ]
        )
        silent = (self._counts[some][:, None] == 0) | (self._counts[None, :] == 0)
        return np.where(silent, np.nan, numbers)

    def words(self, first: int, second: int) -> Told:
        """How much was compared."""
        counts = int(self._counts[first]), int(self._counts[second])
        return said("texts", *counts) if min(counts) else ""


def _grams(texts: Sequence[str]) -> Counter[Hashable]:
    counter: Counter[Hashable] = Counter()
    for text in texts:
        padded = f" {text[:600]} "
        for size in (3, 4, 5):
            counter.update(padded[start : start + size] for start in range(len(padded) - size + 1))
    return counter


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.sqrt((rows**2).sum(axis=1, keepdims=True)), 1e-9)
    return unit


def _frequent(texts: Sequence[Sequence[str]]) -> Floats:
    """Standardised relative frequencies of the words that most accounts use."""
    counters = [Counter(word for text in some for word in text.split()) for some in texts]
    users: Counter[str] = Counter()
    for counter in counters:
        users.update(counter.keys())
    words = sorted(users, key=lambda word: (-users[word], word))[:MOST_FREQUENT]
    totals = np.array([counter.total() for counter in counters], dtype=float)
    counts = np.array([[counter[word] for word in words] for counter in counters], dtype=float).reshape(len(counters), len(words))
    return _standard(counts / np.maximum(totals, 1.0)[:, None], totals / 5)


def _habits(texts: Sequence[Sequence[str]]) -> Floats:
    rows = np.zeros((len(texts), len(_PATTERNS) + 5))
    for row, some in enumerate(texts):
        if not some:
            continue
        for column, pattern in enumerate(_PATTERNS):
            rows[row, column] = sum(bool(pattern.search(text)) for text in some) / len(some)
        letters = sum(map(len, some))
        lengths = np.log([len(text) for text in some])
        capitals = sum(char.isupper() for text in some for char in text)
        marks = sum(char in string.punctuation for text in some for char in text)
        rows[row, len(_PATTERNS) :] = (
            lengths.mean(), lengths.std(), capitals / letters, marks / letters, np.log([len(text.split()) + 1 for text in some]).mean(),
        )  # fmt: skip
    return rows


def _standard(rows: Floats, amounts: Floats) -> Floats:
    """Distances from the mean of all in standard deviations; accounts with nothing are at the mean, those with little near it."""
    present = amounts > 0
    if not present.any():
        return np.zeros_like(rows)
    mean, deviation = rows[present].mean(axis=0), rows[present].std(axis=0)
    standard: Floats = np.where(present[:, None], (rows - mean) / np.maximum(deviation, 1e-6), 0.0)
    return np.clip(standard, -4, 4)
