"""What must be flagged and what must not, in each language: the tables in ``cases/``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.detector import Cascade
from tsbot.detect.finding import DETECTED, Coverage
from tsbot.detect.language_pack import load_packs

CASES = Path(__file__).parent / "cases"


def cases() -> list[tuple[str, str, str]]:
    """Language, what is expected (a kind, or ``ok``), sentence."""
    found = []
    for path in sorted(CASES.glob("??.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                expected, sentence = (side.strip() for side in line.split("|", 1))
                found.append((path.stem, expected.removeprefix("threat").strip(), sentence))
    return found


@pytest.mark.parametrize(("language", "expected", "sentence"), cases())
def test_sentence(detector: Cascade, language: str, expected: str, sentence: str) -> None:
    (finding,) = detector.judge([sentence])
    if expected == "ok":
        assert finding.flagged == (), dict(finding.kinds)
    else:
        assert expected in finding.flagged, dict(finding.kinds)
        assert finding.language == language
        assert finding.coverage is not Coverage.UNSCORED
        assert any(span.label == expected for span in finding.evidence)


def test_every_language_with_a_pack_has_enough_cases() -> None:
    for pack in load_packs():
        mine = [expected for language, expected, _ in cases() if language == pack.file.language]
        assert sum(expected != "ok" for expected in mine) >= 6, pack.file.language
        assert mine.count("ok") >= 12, pack.file.language


def test_cases_name_kinds_that_a_detector_gives() -> None:
    assert {expected for _, expected, _ in cases()} <= {str(kind) for kind in DETECTED} | {"ok"}
