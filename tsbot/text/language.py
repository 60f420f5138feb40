"""Which language a text is in: by its script, by its little words, and only then by a statistical identifier.

Most texts are told by script or by function words, for a whole batch at once. What is left goes to an identifier that is
handed in (:func:`langid_fallback` makes one with ``py3langid``, which needs 80 MB and is loaded at its first use).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tsbot.text.normalise import SPACE, Batch, normalise
from tsbot.text.words import word_hashes

UNKNOWN = "und"
Fallback = Callable[[str], str]

_SCRIPTS: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    ("latin", ()),
    ("cyrillic", ((0x400, 0x530), (0x1C80, 0x1C90))),
    ("arabic", ((0x600, 0x700), (0x750, 0x780), (0x8A0, 0x900))),
    ("devanagari", ((0x900, 0x980),)),
    ("han", ((0x3400, 0xA000), (0x20000, 0x20000))),
    ("kana", ((0x3040, 0x3100),)),
    ("ko", ((0x1100, 0x1200), (0xAC00, 0xD7B0))),
    ("he", ((0x590, 0x600),)),
    ("el", ((0x370, 0x400),)),
    ("th", ((0xE00, 0xE80),)),
    ("hy", ((0x530, 0x590),)),
    ("ka", ((0x10A0, 0x1100),)),
    ("bengali", ((0x980, 0xA00),)),
    ("pa", ((0xA00, 0xA80),)),
    ("gu", ((0xA80, 0xB00),)),
    ("or", ((0xB00, 0xB80),)),
    ("ta", ((0xB80, 0xC00),)),
    ("te", ((0xC00, 0xC80),)),
    ("kn", ((0xC80, 0xD00),)),
    ("ml", ((0xD00, 0xD80),)),
    ("si", ((0xD80, 0xE00),)),
    ("lo", ((0xE80, 0xF00),)),
    ("bo", ((0xF00, 0x1000),)),
    ("my", ((0x1000, 0x10A0),)),
    ("am", ((0x1200, 0x1380),)),
    ("km", ((0x1780, 0x1800),)),
)
_NAMES = [name for name, _ in _SCRIPTS]
_TELLING = {"ы": "ru", "э": "ru", "і": "uk", "є": "uk", "پ": "fa", "چ": "fa", "گ": "fa", "ژ": "fa", "ے": "ur", "ٹ": "ur", "ڈ": "ur"}
"""Letters (of the normal form) that one language of a script has and its neighbours here have not; half a vote each."""
_WEIGHT = {"latin": 1, "han": 6, "kana": 6, "ko": 4}
"""How much a letter says: markup and file names are Latin everywhere, and an ideograph is worth a word. Others: 2."""
_ENOUGH = 12
"""Letters below which no identifier is asked: it would guess."""


class LanguageGuesser:
    """Tells languages by script and by little words. ``common``: frequent words of each language."""

    def __init__(self, common: Mapping[str, Sequence[str]], fallback: Fallback | None = None) -> None:
        self._languages = sorted(common)
        self._fallback = fallback
        table: dict[int, set[int]] = {}
        scripts: dict[str, str] = {}
        for number, language in enumerate(self._languages):
            batch = normalise(list(common[language]) or ["-"])
            for value in word_hashes(batch.codes)[0].tolist():
                table.setdefault(value, set()).add(number)
            scripts[language] = _main_script(batch)
        self._hashes = np.array(sorted(table), dtype=np.uint32)
        self._votes = np.zeros((len(table), len(self._languages)), dtype=np.float32)
        for row, value in enumerate(self._hashes.tolist()):
            for number in table[value]:
                self._votes[row, number] = 1 / len(table[value])
        self._of_script = {name: [n for n, lang in enumerate(self._languages) if scripts[lang] == name] for name in _NAMES}
        self._letters = {ord(char): self._languages.index(code) for char, code in _TELLING.items() if code in self._languages}
        self._weights = np.array([_WEIGHT.get(name, 2) for name in _NAMES])
        self._script_table = np.zeros(0x20000 >> 4, dtype=np.uint8)
        for number, (_, ranges) in enumerate(_SCRIPTS):
            for start, end in ranges:
                self._script_table[start >> 4 : end >> 4] = number

    def guess(self, batch: Batch, texts: Sequence[str]) -> list[str]:
        """ISO 639 code of each text of a batch; ``und`` where it cannot be told."""
        if not texts:
            return []
        owners = np.repeat(batch.owners, np.diff(batch.sentences))
        first, last = int(batch.sentences[0]), int(batch.sentences[-1])
        codes = batch.codes[first:last]
        script = self._script_table[np.minimum(codes >> 4, len(self._script_table) - 1)]
        letters = (codes != SPACE) & ((codes < 48) | (codes > 57))
        counts = np.bincount(owners[letters] * len(_NAMES) + script[letters], minlength=len(texts) * len(_NAMES)).reshape(len(texts), -1)
        votes = self._count_votes(codes, owners, len(texts))
        for char, number in self._letters.items():
            there = owners[codes == char]
            if len(there):
                votes[:, number] += (0.5 * np.bincount(there, minlength=len(texts))).astype(np.float32)
        tops, totals = (counts * self._weights).argmax(axis=1).tolist(), counts.sum(axis=1).tolist()
        kana = counts[:, _NAMES.index("kana")].tolist()
        guesses = []
        for index, (top, total) in enumerate(zip(tops, totals, strict=True)):
            name = _NAMES[top]
            if total == 0:
                guesses.append(UNKNOWN)
            elif name in ("han", "kana"):
                guesses.append("ja" if kana[index] * 20 > total else "zh")
            elif len(name) == 2:
                guesses.append(name)
            else:
                guesses.append(self._by_words(votes[index], self._of_script[name], texts[index], total))
        return guesses

    def _count_votes(self, codes: NDArray[np.uint32], owners: NDArray[np.int64], count: int) -> NDArray[np.float32]:
        votes = np.zeros((count, len(self._languages)), dtype=np.float32)
        hashes, heads = word_hashes(codes)
        if len(hashes) and len(self._hashes):
            rows = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            known = self._hashes[rows] == hashes
            np.add.at(votes, owners[heads[known]], self._votes[rows[known]])
        return votes

    def _by_words(self, votes: NDArray[np.float32], possible: Sequence[int], text: str, letters: int) -> str:
        """The language with clearly the most little words, or what the fallback says."""
        ranked = sorted(((float(votes[number]), number) for number in possible), reverse=True)
        if ranked:
            best, number = ranked[0]
            second = ranked[1][0] if len(ranked) > 1 else 0.0
            if best >= 1.5 * second + 0.9 or (best > second and letters < _ENOUGH):
                return self._languages[number]
        if self._fallback is not None and letters >= _ENOUGH:
            return self._fallback(text)
        return self._languages[ranked[0][1]] if ranked and ranked[0][0] > ranked[-1][0] else UNKNOWN


def _main_script(batch: Batch) -> str:
    """The script of most letters."""
    codes = batch.codes[batch.codes != SPACE]
    if not len(codes):
        return "latin"
    best, most = "latin", 0
    for name, ranges in _SCRIPTS[1:]:
        count = sum(int(((codes >= start) & (codes < end)).sum()) for start, end in ranges)
        if count > most:
            best, most = name, count
    return best if most * 2 > len(codes) else "latin"


def langid_fallback(longest: int = 400) -> Fallback:
    """An identifier by ``py3langid``, loaded when it is first asked; it sees the first ``longest`` characters."""
    loaded: list[Callable[[str], tuple[str, float]]] = []

    def identify(text: str) -> str:
        if not loaded:
            import py3langid  # noqa: PLC0415 - 80 MB that most runs on one language never need

            loaded.append(py3langid.classify)
        return str(loaded[0](text[:longest].encode("utf-8", "replace").decode("utf-8"))[0])

    return identify
