"""Words that many people use: what is not among them may tell who somebody is.

The list is that of the detector's tokenizer, which has the commonest words of many languages as pieces of their own; given names are
taken out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sentencepiece import SentencePieceProcessor

from tsbot.detect.model import PIECES
from tsbot.detect.private.cues import given_names

MODEL = Path(__file__).parent.parent / "detect" / "models" / PIECES
START = "\u2581"
"""With what the tokenizer marks the beginning of a word."""
OPENERS = 6_000
ENDINGS = 3
"""Letters by which a word may be longer than a common one: most endings of inflection."""
SHORTEST_STEM = 4


@dataclass(frozen=True)
class Vocabulary:
    """Common words in small letters, and given names."""

    words: frozenset[str]
    names: frozenset[str]
    openers: frozenset[str] = frozenset()
    """Words so common that one with a capital at the beginning of a sentence is hardly a name."""

    ranks: Mapping[str, int] = field(default_factory=dict)
    """Place of each common word, the commonest first."""

    def rank(self, word: str) -> int:
        """How many words are commoner; a large number for a word that is not common."""
        return self.ranks.get(word.casefold(), len(self.ranks))

    def common(self, word: str) -> bool:
        """Whether many people use a word, or one that it is a form of."""
        low = word.casefold()
        if low in self.names:
            return False
        if low in self.words:
            return True
        stems = (low[:-cut] for cut in range(1, ENDINGS + 1))
        return any(len(stem) >= SHORTEST_STEM and stem in self.words and stem not in self.names for stem in stems)


@cache
def shipped_vocabulary() -> Vocabulary:
    """That of the package."""
    model = SentencePieceProcessor(model_file=str(MODEL))
    # The commonest come first.
    pieces = sorted(range(model.get_piece_size()), key=model.get_score, reverse=True)
    words = (str(model.id_to_piece(number)) for number in pieces)
    # What only stands there with a capital is a name more often than not.
    common = [word[len(START) :] for word in words if word.startswith(START) and word[len(START) :] and word == word.casefold()]
    ranks = {word: place for place, word in reversed(list(enumerate(common)))}
    return Vocabulary(frozenset(common), frozenset(map(str.casefold, given_names())), frozenset(common[:OPENERS]), ranks)
