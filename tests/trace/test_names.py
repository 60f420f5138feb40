"""Names that look alike, numbered names, and names that have nothing in common: cases in names.txt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.trace.skeleton import shape, skeleton, spellings, stem

LINES = Path(__file__).with_name("names.txt").read_text(encoding="utf-8").splitlines()
CASES = [[part.strip() for part in line.split("|")] for line in LINES if line[0] != "#"]


@pytest.mark.parametrize(("name", "other", "how"), CASES)
def test_names(name: str, other: str, how: str) -> None:
    alike, numbered = skeleton(name) == skeleton(other), stem(name)[0] == stem(other)[0]
    assert {"skeleton": alike, "stem": numbered, "apart": not alike and not numbered}[how]


@given(st.text(max_size=60))
def test_any_name_has_a_skeleton_that_is_its_own(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(skeleton(skeleton(name)))
    assert shape(name) == shape(name)
    assert len(stem(name)) == 2


def test_spellings_of_one_name_meet() -> None:
    assert spellings("Ann Miller") & spellings("amiller")
    assert spellings("AnnMiller") & spellings("ann miller")
    assert spellings("Ann Mary Miller") & spellings("ammiller")
    assert not spellings("Ann Miller") & spellings("Bob Fisher")
