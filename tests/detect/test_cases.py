"""What ought to be flagged and what not, in each language: the tables in ``cases/``.

A learnt detector is not right about every sentence. What a table must reach is a floor under which something is broken; how good
a language is stands in docs/languages.md, measured on other sentences.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.detector import Cascade
from tsbot.detect.finding import DETECTED, PHYSICAL, Coverage, Finding
from tsbot.detect.language_pack import load_packs

CASES = Path(__file__).parent / "cases"
LANGUAGES = sorted(path.stem for path in CASES.glob("??.txt"))
RIGHT = 0.85
"""Share of the threats, and of the harmless sentences, that must be judged as expected."""


def cases(language: str) -> list[tuple[str, str]]:
    """What is expected (a kind, or ``ok``), and the sentence."""
    found = []
    for line in (CASES / f"{language}.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            expected, sentence = (side.strip() for side in line.split("|", 1))
            found.append((expected.removeprefix("threat").strip(), sentence))
    return found


def is_right(expected: str, finding: Finding) -> bool:
    """Whether a sentence is judged as expected; which of the kinds of harm is told does not matter here."""
    if expected == "ok":
        return not finding.flagged
    return bool(PHYSICAL & set(finding.flagged)) if expected in PHYSICAL else expected in finding.flagged


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences(detector: Cascade, language: str) -> None:
    known = cases(language)
    judged = detector.judge([sentence for _, sentence in known])
    for harmless in (True, False):
        mine = [(want, text, found) for (want, text), found in zip(known, judged, strict=True) if (want == "ok") == harmless]
        wrong = [(want, text) for want, text, found in mine if not is_right(want, found)]
        assert len(wrong) <= (1 - RIGHT) * len(mine) + 2, wrong
        for _, text, found in mine:
            assert all(0 <= span.start < span.end <= len(text) for span in found.evidence)
    told = [found for (want, _), found in zip(known, judged, strict=True) if want != "ok"]
    assert sum(found.language == language for found in told) >= 0.8 * len(told)
    assert sum(found.coverage is Coverage.UNSCORED for found in told) <= 0.1 * len(told)


def test_every_language_with_a_pack_has_enough_cases() -> None:
    for pack in load_packs():
        mine = [expected for expected, _ in cases(pack.file.language)]
        assert sum(expected != "ok" for expected in mine) >= 6, pack.file.language
        assert mine.count("ok") >= 12, pack.file.language


def test_cases_name_kinds_that_a_detector_gives() -> None:
    assert {expected for language in LANGUAGES for expected, _ in cases(language)} <= {str(kind) for kind in DETECTED} | {"ok"}
