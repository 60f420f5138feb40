"""Disguises, as a table: words in disguise are found in one of the two normal forms, and what only looks disguised stays as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tsbot.text.normalise import normalise, unmask

CASES = Path(__file__).parent / "cases"
FAILURES = "known failures"
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})")


def lines(name: str, *, known_failures: bool) -> list[str]:
    """Lines of a table, escapes read, that stand under the heading of known failures, or those that do not."""
    found, heading = [], ""
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("= ") and line.endswith(" ="):
            heading = line.strip("= ")
        elif line and not line.startswith("# ") and (heading == FAILURES) == known_failures:
            found.append(_ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), line))
    return found


def forms(raw: str) -> list[str]:
    """Both normal forms, or the first where there is no second, with one space around every word."""
    batches = [normalise([raw]), unmask([raw])[1]]
    return [f" {' '.join(batch.text.split())} " for batch in batches if batch.text.strip()]


def is_found(case: str) -> bool:
    disguised, plain = case.rsplit(" | ", 1)
    (wanted, *_) = forms(plain)
    return any(wanted in form for form in forms(disguised))


def stays(case: str) -> bool:
    """Whether a harmless text has no second form; and where its text has one for other reasons, it is in there as it is."""
    (form, *_) = forms(case)
    return not unmask([case])[0] and form in forms(f"s1lly: {case}")[-1]


def test_the_tables_are_large_and_hold_nothing_twice() -> None:
    disguises = lines("disguises.txt", known_failures=False) + lines("disguises.txt", known_failures=True)
    harmless = lines("harmless.txt", known_failures=False) + lines("harmless.txt", known_failures=True)
    assert len(set(disguises)) == len(disguises) >= 120
    assert len(set(harmless)) == len(harmless) >= 60


@pytest.mark.parametrize("case", lines("disguises.txt", known_failures=False), ids=ascii)
def test_what_a_disguise_hides_is_found(case: str) -> None:
    assert is_found(case), forms(case.rsplit(" | ", 1)[0])


@pytest.mark.parametrize("case", lines("harmless.txt", known_failures=False), ids=ascii)
def test_what_only_looks_disguised_stays(case: str) -> None:
    assert stays(case), forms(case)


@pytest.mark.parametrize("case", lines("disguises.txt", known_failures=True), ids=ascii)
def test_a_known_failure_that_works_is_moved_up(case: str) -> None:
    assert not is_found(case), "this disguise is found now: move its line up"


@pytest.mark.parametrize("case", lines("harmless.txt", known_failures=True), ids=ascii)
def test_a_harmless_text_that_stays_is_moved_up(case: str) -> None:
    assert not stays(case), "this text stays as it is now: move its line up"
