"""What a language has, and how well it is judged: the check of one pack and one file of sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np

from tsbot.detect.detector import Detector
from tsbot.detect.figures import auroc
from tsbot.detect.finding import PHYSICAL, Finding, Kind
from tsbot.detect.language_pack import Pack, load_pack
from tsbot.detect.lexicon import Lexicon
from tsbot.detect.sentences import Sentence, read_sentences
from tsbot.text.normalise import normalise

IN_DEPTH = frozenset(("en", "ar", "de", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "tr", "uk", "zh"))
MINIMUM = {True: (60, 120), False: (30, 60)}
"""Fewest threats and harmless sentences: of a language in depth, of the others."""
REVIEWED = "# reviewed:"
"""A line of a file of sentences that names who has read it besides its author."""


@dataclass(frozen=True, slots=True)
class LanguageCheck:
    """One language."""

    language: str
    name: str
    patterns: int
    threats: int
    harmless: int
    kinds: dict[str, int]
    sorts: dict[str, int]
    checked: int
    """Sentences that the model has not learnt from."""
    auroc: float
    """Of threats of harm against harmless sentences, among those."""
    found: float
    """Share of threats of harm flagged, among those."""
    false: float
    """Share of harmless sentences flagged as harm, among those."""
    unused: tuple[str, ...]
    """Patterns that no sentence has."""
    reviewed: str
    """Who has read pack and sentences besides their author; ``nobody``."""
    troubles: tuple[str, ...]
    """What is wrong; empty if all is well."""


def languages() -> list[str]:
    """Languages with a pack or sentences."""
    rooms = resources.files("tsbot.detect")
    return sorted(
        {path.name.partition(".")[0] for path in rooms.joinpath("packs").iterdir() if path.name.endswith(".toml")}
        | {path.name.partition(".")[0] for path in rooms.joinpath("sentences").iterdir() if path.name.endswith(".txt")}
    )


def check_language(language: str, detector: Detector, rooms: Traversable | None = None) -> LanguageCheck:
    """Check a language. Raises ``PackError`` for a pack or file of sentences that cannot be read."""
    rooms = rooms or resources.files("tsbot.detect")
    pack = load_pack(rooms.joinpath("packs").joinpath(f"{language}.toml"))
    path = rooms.joinpath("sentences").joinpath(f"{language}.txt")
    sentences = read_sentences(path) if path.is_file() else []
    findings = detector.judge([sentence.text for sentence in sentences], [language] * len(sentences))
    kept = [(sentence, finding) for sentence, finding in zip(sentences, findings, strict=True) if sentence.check]
    threats = [finding for sentence, finding in kept if sentence.kind in PHYSICAL]
    harmless = [finding for sentence, finding in kept if sentence.kind is Kind.NONE and sentence.sort != "name"]
    scores = np.array([finding.threat for finding in (*threats, *harmless)])
    labels = np.array([True] * len(threats) + [False] * len(harmless))
    all_threats = sum(sentence.kind is not Kind.NONE for sentence in sentences)
    return LanguageCheck(
        language=language,
        name=pack.file.name,
        patterns=len(pack.constructions),
        threats=all_threats,
        harmless=len(sentences) - all_threats,
        kinds=dict(Counter(str(sentence.kind) for sentence in sentences if sentence.kind is not Kind.NONE).most_common()),
        sorts=dict(Counter(sentence.sort for sentence in sentences if sentence.sort).most_common()),
        checked=len(kept),
        auroc=auroc(labels, scores),
        found=_share(threats),
        false=_share(harmless),
        unused=_unused(pack, sentences),
        reviewed=_reviewed(path),
        troubles=tuple(_troubles(language, all_threats, len(sentences) - all_threats)),
    )


def _share(findings: Sequence[Finding]) -> float:
    """Share of findings with a flag of harm."""
    return float(np.mean([bool(PHYSICAL & set(finding.flagged)) for finding in findings])) if findings else float("nan")


def _unused(pack: Pack, sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """Patterns that stand in none of the sentences, spelled as parts."""
    lexicon = Lexicon((pack,))
    batch = normalise([sentence.text for sentence in sentences])
    seen: set[int] = set()
    for index, possible in lexicon.candidates(batch, frozenset(Kind)).items():
        raw = sentences[int(batch.owners[index])].text
        seen.update(id(match.construction) for match in lexicon.match(batch.sentence(index), raw, possible))
    return tuple(" ".join(part.slot for part in one.parts) for one in pack.constructions if id(one) not in seen)


def _reviewed(path: Traversable) -> str:
    if not path.is_file():
        return "nobody"
    lines = path.read_text(encoding="utf-8").split("\n")
    names = [line.removeprefix(REVIEWED).strip() for line in lines if line.startswith(REVIEWED)]
    return ", ".join(names) or "nobody"


def _troubles(language: str, threats: int, harmless: int) -> list[str]:
    wanted = MINIMUM[language in IN_DEPTH]
    return [
        f"{count} {name}, at least {least} are wanted"
        for name, count, least in (("threats", threats, wanted[0]), ("harmless sentences", harmless, wanted[1]))
        if count < least
    ]


def markdown(checks: Sequence[LanguageCheck]) -> str:
    """The coverage table of docs/languages.md."""
    lines = [
        "| language | patterns | threats | harmless | kept for checking | AUROC | threats flagged | harmless flagged | reviewed by |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.language} {one.name} | {one.patterns} | {one.threats} | {one.harmless} | {one.checked} | {one.auroc:.3f} "
        f"| {100 * one.found:.0f} % | {100 * one.false:.1f} % | {one.reviewed} |"
        for one in checks
    ]
    return "\n".join(lines) + "\n"

