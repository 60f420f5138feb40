"""What stands around a stretch of wikitext: the stretch is the part between ‹ and ›."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.text.surroundings import WINDOW, Surroundings, quoted, surroundings


def marked(text: str) -> tuple[str, int, int]:
    """The text without its marks, and where they stood."""
    before, rest = text.split("‹")
    inside, after = rest.split("›")
    return before + inside + after, len(before), len(before) + len(inside)


@pytest.mark.parametrize(
    ("wikitext", "expected"),
    [
        ("‹alone›", Surroundings()),
        ("== Plot ==\n‹text›", Surroundings(("Plot",))),
        ("= A =\n== B ==\n=== C ===\n== D ==\n‹text›\n== E ==", Surroundings(("A", "D"))),
        ("a == b\n‹text›", Surroundings()),
        ("{{Quote|‹text›|Somebody}}", Surroundings((), ("Quote",))),
        ("{{ Infobox \n| quote = {{cquote|‹text›}} }}", Surroundings((), ("Infobox", "cquote"))),
        ("{{Quote|other}} ‹text› {{Quote|other}}", Surroundings()),
        ("{{Quote|{{inner}} ‹text›}}", Surroundings((), ("Quote",))),
        ("{{never closed ‹text›", Surroundings()),
        ("‹text› never opened}}", Surroundings()),
        ("<poem>\n‹text›\n</poem>", Surroundings((), (), ("poem",))),
        ("<blockquote cite='x'>a <q>‹text›</q></blockquote>", Surroundings((), (), ("blockquote", "q"))),
        ("<poem/>‹text›</poem>", Surroundings()),
        ("<poem>‹text›", Surroundings()),
        ("<poetry>‹text›</poetry>", Surroundings()),
        ("{{Quote|<q>‹text›</q>}}", Surroundings((), ("Quote",), ("q",))),
        ("{{Quote|" + "x" * WINDOW + "‹text›}}", Surroundings()),
    ],
)
def test_what_encloses_a_stretch(wikitext: str, expected: Surroundings) -> None:
    assert surroundings(*marked(wikitext)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('he said "‹some words›" and left', True),
        ('he said "this" and ‹some words› and "that"', False),
        ("„‹some words›“, sagte er", True),
        ("« ‹some words› », dit-il", True),
        ("»‹some words›«, sagte er", True),
        ("「‹some words›」と言った", True),
        ("“closed” ‹some words› “opened”", False),
        ('‹"some words"›', True),
        ('a "line\n‹some words›" ends', False),
        ("‹some words›", False),
        ("it's ‹some words› isn't it", False),
    ],
)
def test_quotation_marks(text: str, expected: bool) -> None:
    assert quoted(*marked(text)) is expected


@given(st.text(alphabet='{}<>/="“” \npoemq|ab', max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_any_text_has_surroundings(text: str, first: int, second: int) -> None:
    start, end = sorted((min(first, len(text)), min(second, len(text))))
    found = surroundings(text, start, end)
    assert all(name in text for name in (*found.headings, *found.templates))
    assert quoted(text, start, end) in (True, False)


@pytest.mark.parametrize("unit", ["{{", "<q>", "}}", "=", "== a ==\n", '"', "<poem ", "“", "\n=", "{{a|", "== a"])
def test_hostile_markup_costs_little(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.process_time()
    surroundings(text, len(text) // 2, len(text) // 2 + 10)
    quoted(text, len(text) // 2, len(text) // 2 + 10)
    assert time.process_time() - started < 2
