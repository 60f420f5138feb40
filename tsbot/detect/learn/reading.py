"""What the stages of the detector say of examples: the windows that are read of them, and the margins that come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tsbot.detect.finding import PHYSICAL
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.ngrams import scale, sums
from tsbot.detect.windows import windows_around, worst_first
from tsbot.text.normalise import Batch, normalise

AT_ONCE = 500
REPORTED = 0.3
Floats = NDArray[np.float64]


def windows_of_texts(texts: Sequence[str], weights: NDArray[np.float32], most: int) -> list[list[str]]:
    """Up to ``most`` windows of each text, around the sentences that the n-grams like best, the best one first."""
    found: list[list[str]] = []
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        batch = normalise(some)
        values = sentence_margins(batch, weights)
        bounds = np.searchsorted(batch.owners, np.arange(len(some) + 1)).tolist()
        for index, text in enumerate(some):
            first, last = bounds[index], bounds[index + 1]
            windows = windows_around(batch, index, text, worst_first(values[first:last], first)[:most])
            found.append([text[window.start : window.end] for window in windows])
    return found


def sentence_margins(batch: Batch, weights: NDArray[np.float32]) -> Floats:
    """Margin of each sentence by the n-grams, but for the intercept."""
    totals, numbers = sums(batch, weights)
    columns = [totals[:, group] * scale(numbers[:, group].astype(np.float64), group) for group in range(totals.shape[1])]
    margins: Floats = np.sum(columns, axis=0)
    return margins


def pattern_strengths(lexicon: Lexicon, texts: Sequence[str]) -> Floats:
    """Strongest pattern of physical harm in each text (0: none)."""
    strengths = np.zeros(len(texts))
    for start in range(0, len(texts), AT_ONCE):
        some = texts[start : start + AT_ONCE]
        batch = normalise(some)
        for sentence, possible in lexicon.candidates(batch, PHYSICAL).items():
            owner = int(batch.owners[sentence])
            for match in lexicon.match(batch.sentence(sentence), some[owner], possible):
                strength = match.construction.strength * (REPORTED if match.reported else 1.0)
                strengths[start + owner] = max(strengths[start + owner], strength)
    return strengths
