"""Imitation: who wants to be taken for another copies what everybody can see, and keeps the habits that nobody sees at a glance.

Three things can be behind two accounts that are alike: one person, two strangers, and somebody who imitates somebody. What can be copied
(name, pages, phrases, summaries) is the same under the first and the third, however much of it there is, so it has no voice here; it only
says whether there is a likeness that needs an explanation. What tells the two apart:

* *habits*: hours and weekdays, how fast one step follows another, what sort of summaries, and how one types where the words are one's own
  (texts that share a stretch with the other's are left out). Each is a Bayes factor of one habit against two (tsbot.trace.categories); an
  account's uses count as a few at most, so that ten times as many edits of the same habit change nothing.
* *order*: of what came up while both were there, who had it first? With one person now the one, now the other account; a copy follows
  its original. What was there before the second account began says nothing: successors use it, too.
* *the name*: who has several accounts numbers them or takes another name; who frames somebody copies letters.

The sum is a log-odds of imitation against one person. Source: the weights are those of a regression of true pairs of accounts against made
imitations, rounded (benchmarks/trace_imitation.py). Fails on: who copies hours, pace and typing as well, and from the first
day; a person whose habits change.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import JaroWinkler

from tsbot.i18n.voice import Phrase
from tsbot.trace.categories import bounded, prior
from tsbot.trace.evidence.phrases import fingerprints, fold
from tsbot.trace.gallery import TITLES, Gallery, ReadEdit
from tsbot.trace.gamma import log_gamma
from tsbot.trace.naming import kind_of
from tsbot.trace.skeleton import folded, look_alike, skeleton, stem
from tsbot.trace.sparse import Floats
from tsbot.trace.words import said

_MOST = {"hours": 15.0, "week": 10.0, "steps": 20.0, "summaries": 15.0, "typing": 10.0}
"""Uses of a habit that count at most."""
_STRENGTH = {"hours": 12.0, "week": 6.0, "steps": 8.0, "summaries": 4.0, "typing": 4.0}
"""Weight of what everybody does, in uses."""
_ALIKE, _UNLIKE = 2.0, 4.0
"""One habit says so much at most: being alike less than not being so, since hours, too, can be copied by whoever takes pains."""
WEIGHTS = {"hours": 0.35, "week": 1.0, "steps": 0.3, "summaries": 0.1, "typing": 0.05}
"""By a logistic regression of true pairs against made imitations, rounded. Words are copied in part, so they say least."""
NAMES = {"look-alike": -0.3, "similar": -2.3, "other": -5.0}
"""Log-odds of imitation before anything else is looked at, by how the names are alike: few persons imitate themselves."""
_TOLD = 0.7
"""What says less is not told."""
_SIMILAR = 0.9
_COPIED_SHARE = 0.97
"""How often an imitator comes second."""
_EVEN = 4.0
"""How sure it is that one person's accounts come first by turns, in uses."""
_PAUSES = (10.0, 60.0, 600.0, 3600.0, 86400.0)
_SPREAD = ((0, 0.5), (1, 0.2), (-1, 0.2), (2, 0.05), (-2, 0.05))


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for imitation (above 0) and for one person (below 0), natural logarithms."""

    habits: dict[str, float]
    """Bayes factors of one habit: below 0 for two."""
    order: float = 0.0
    """How much more probable it is that a copy follows its original."""
    name: str = "other"
    """``look-alike``, ``similar`` or ``other``."""

    @property
    def log_odds(self) -> float:
        """Of imitation against one person."""
        habits = sum(WEIGHTS[kind] * max(-_UNLIKE, min(_ALIKE, value)) for kind, value in self.habits.items())
        return NAMES[self.name] - habits + self.order

    @property
    def imitation(self) -> bool:
        """Whether imitation is the better explanation of two accounts that are alike. Names that are not alike frame nobody."""
        return self.name != "other" and self.log_odds > 0

    @property
    def told(self) -> Phrase:
        """What speaks for imitation."""
        parts = [f"unlike-{kind}" for kind, value in self.habits.items() if value <= -_TOLD]
        parts += ["follows"] if self.order >= _TOLD else []
        parts += ["look-alike"] if self.name == "look-alike" else []
        return said("imitation", tuple(said(part) for part in parts))


class Imitations:
    """Signs of imitation between accounts of a gallery. What is compared is made when it is first needed: few pairs are alike."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def imitated(self, first: int, second: int) -> Signs | None:
        """The signs where one of two accounts, if they are alike, seems to imitate the other; cheap where their names are not alike."""
        if not self._gallery.names_shown:
            return None
        names = (self._gallery.accounts[first].name, self._gallery.accounts[second].name)
        signs = self.signs(first, second) if likeness(*names) != "other" else None
        return signs if signs is not None and signs.imitation else None

    def signs(self, first: int, second: int) -> Signs:
        """Of two accounts, in either order."""
        read = self._gallery.read
        one, other = read[first], read[second]
        mine, theirs = own(one, other), own(other, one)
        table = self._tables
        habits = {kind: _factor(table[kind][[first, second]], self._priors[kind], _MOST[kind]) for kind in ("hours", "week", "steps")}
        habits["summaries"] = _factor(np.stack([_sorts(mine), _sorts(theirs)]), self._priors["summaries"], _MOST["summaries"])
        texts = _texts(mine), _texts(theirs)
        habits["typing"] = sum(
            _factor(np.stack([_counts(part, some) for some in texts]), prior_of, _MOST["typing"])
            for part, prior_of in zip(_TYPING, self._typing, strict=True)
        )
        names = (self._gallery.accounts[first].name, self._gallery.accounts[second].name)
        return Signs(habits, order(one, other), likeness(*names) if self._gallery.names_shown else "other")

    @cached_property
    def _tables(self) -> dict[str, Floats]:
        read = self._gallery.read
        hours = np.stack([np.bincount([int(hour % 24) for hour in _sittings(edits)], minlength=24) for edits in read])
        return {
            "hours": np.sum([weight * np.roll(hours, shift, axis=1) for shift, weight in _SPREAD], axis=0),
            # 1970-01-01 was a Thursday.
            "week": np.stack([np.bincount([int((hour // 24 + 3) % 7 >= 5) for hour in _sittings(edits)], minlength=2) for edits in read]),
            "steps": np.stack([_steps(edits) for edits in read]),
            "summaries": np.stack([_sorts(edits) for edits in read]),
        }

    @cached_property
    def _priors(self) -> dict[str, Floats]:
        return {kind: prior(table, _STRENGTH[kind]) for kind, table in self._tables.items()}

    @cached_property
    def _typing(self) -> list[Floats]:
        texts = [_texts(edits) for edits in self._gallery.read]
        return [prior(np.stack([_counts(part, some) for some in texts]), _STRENGTH["typing"]) for part in _TYPING]


def likeness(first: str, second: str) -> str:
    """How two names are alike: ``look-alike`` (the same letters to a reader in a hurry, others in truth), ``similar``, ``other``."""
    if kind_of(first) != "account" or kind_of(second) != "account":
        return "other"
    if look_alike(first, second):
        return "look-alike"
    one, other = folded(first).replace(" ", ""), folded(second).replace(" ", "")
    numbered = stem(first)[0] == stem(second)[0]
    similar = JaroWinkler.similarity(skeleton(first), skeleton(second)) >= _SIMILAR
    within = min(len(one), len(other)) >= 5 and (one in other or other in one)
    return "similar" if numbered or similar or within else "other"


def order(first: Sequence[ReadEdit], second: Sequence[ReadEdit]) -> float:
    """How much more probable it is that a copy follows its original than that one person's accounts take turns; either may be the original.

    Looked at is what came up when both accounts had begun; 0 where nothing did.
    """
    mine, theirs = _firsts(first), _firsts(second)
    if not mine or not theirs:
        return 0.0
    begun = max(first[0].time, second[0].time)
    new = [key for key in mine.keys() & theirs.keys() if min(mine[key], theirs[key]) >= begun and mine[key] != theirs[key]]
    if not new:
        return 0.0
    earlier = sum(mine[key] < theirs[key] for key in new)
    return max(_follows(earlier, len(new)), _follows(len(new) - earlier, len(new))) - math.log(2)


def _follows(earlier: int, all_of_them: int) -> float:
    """One direction: a binomial against a beta-binomial, which knows that turns come in runs."""
    later, half = all_of_them - earlier, _EVEN / 2
    turns = math.lgamma(half + earlier) + math.lgamma(half + later) - math.lgamma(_EVEN + all_of_them)
    turns += math.lgamma(_EVEN) - 2 * math.lgamma(half)
    return earlier * math.log(_COPIED_SHARE) + later * math.log(1 - _COPIED_SHARE) - turns


def _firsts(edits: Sequence[ReadEdit]) -> dict[Hashable, float]:
    """When an account first had each page, summary, heading and target."""
    found: dict[Hashable, float] = {}
    for one in edits:
        for key in _keys(one):
            found.setdefault(key, one.time)
    return found


def _keys(one: ReadEdit) -> Iterable[Hashable]:
    yield from (("page", page) for page in one.subjects)
    yield from (("target", target) for target in one.reading.targets)
    words = fold(one.reading.words)
    if len(words) > 2:
        yield ("summary", words)
    if one.reading.section:
        yield ("section", one.reading.section.lower())


def own(edits: Sequence[ReadEdit], others: Sequence[ReadEdit]) -> list[ReadEdit]:
    """The edits whose words an account did not have from the other: a stretch of text belongs to whoever had it first."""
    first: dict[int, float] = {}
    for one in others:
        for mark in _marks_of(one.reading.words):
            first.setdefault(mark, one.time)
    return [one for one in edits if not any(first.get(mark, one.time) < one.time for mark in _marks_of(one.reading.words))]


@lru_cache(maxsize=TITLES)
def _marks_of(words: str) -> tuple[int, ...]:
    """What tells a text again, in whole or in part."""
    return (*fingerprints(words), zlib.crc32(fold(words).encode())) if words else ()


def _sittings(edits: Sequence[ReadEdit]) -> list[int]:
    """Hours since 1970 in which there was an edit: those of one sitting are one observation."""
    return sorted({int(one.time // 3600) for one in edits})


def _steps(edits: Sequence[ReadEdit]) -> Floats:
    """How many steps to the same page, and to another, after which pause."""
    counts = np.zeros(2 * (len(_PAUSES) + 1))
    for before, after in pairwise(edits):
        pause = int(np.searchsorted(_PAUSES, after.time - before.time))
        counts[2 * pause + (before.subjects == after.subjects)] += 1
    return counts


_SORTS = ("empty", "section", "words", "words under a heading", "automatic")


def _texts(edits: Sequence[ReadEdit]) -> list[str]:
    """What somebody wrote into summaries, each once: who says the same ten times types it in one way."""
    return list(dict.fromkeys(one.reading.words for one in edits if one.reading.words))


def _sorts(edits: Sequence[ReadEdit]) -> Floats:
    return np.bincount([_sort(one) for one in edits], minlength=len(_SORTS)).astype(float)


def _sort(one: ReadEdit) -> int:
    reading = one.reading
    if reading.habit == "words":
        return 3 if reading.section else 2
    return {"empty": 0, "section": 1}.get(reading.habit, 4)


def _start(text: str) -> int:
    return 0 if text[0].isupper() else 1 if text[0].islower() else 2


def _end(text: str) -> int:
    return 0 if text[-1] == "." else 1 if text[-1] in "!?" else 2 if text[-1].isalnum() else 3


def _length(text: str) -> int:
    words = len(text.split())
    return 0 if words < 3 else 1 if words < 6 else 2 if words < 11 else 3


def _marks(text: str) -> int:
    return (
        0
        if "!!" in text or "??" in text
        else 1
        if any(mark in text for mark in ",;:")
        else 2
        if any(mark in text for mark in "\"'()")
        else 3
    )


_TYPING = ((_start, 3), (_end, 4), (_length, 4), (_marks, 4))
"""How a text is typed, in parts: what tells, how many sorts there are."""


def _counts(part: tuple[Callable[[str], int], int], texts: Sequence[str]) -> Floats:
    tell, sorts = part
    return np.bincount([tell(text) for text in texts], minlength=sorts).astype(float)


def _factor(counts: Floats, alpha: Floats, most: float) -> float:
    """Log Bayes factor of one habit for two accounts: counts of shape (2, categories)."""
    both = bounded(counts.astype(float), most)
    total = alpha.sum()

    def evidence(some: Floats) -> float:
        return float((log_gamma(alpha + some) - log_gamma(alpha)).sum() - log_gamma(total + some.sum()) + log_gamma(total))

    return evidence(both.sum(axis=0)) - evidence(both[0]) - evidence(both[1])
