"""What counts as showing a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.hide.matter import Matter, words

CASES = [
    [part.strip().replace("\\n", "\n").replace("\\u200b", "\u200b").replace("\\u00ad", "\u00ad") for part in line.split("|")]
    for line in (Path(__file__).parent / "matter.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(("wanted", "text", "expected"), CASES, ids=[f"{case[0]} in {case[1]}" for case in CASES])
def test_what_shows_it(wanted: str, text: str, expected: str) -> None:
    assert Matter.of_text(wanted).shows(text) is (expected == "yes")


def test_each_line_counts_by_itself() -> None:
    matter = Matter.of_text("I know where you live\n\nI will come tomorrow\n")
    assert [piece.source for piece in matter.pieces] == ["I know where you live", "I will come tomorrow"]
    assert matter.shows("The first is gone, and I will come tomorrow stayed.")


def test_of_a_flag_the_sentences_with_evidence_count() -> None:
    excerpt = "The mill is old. I will come and hurt you. It has two floors."
    start = excerpt.index("hurt")
    matter = Matter.of_excerpt(excerpt, [(start, start + 8)])
    assert [piece.source for piece in matter.pieces] == ["I will come and hurt you."]
    assert not matter.shows("The mill is old. It has two floors.")
    everything = Matter.of_excerpt(excerpt)
    assert everything.shows("It has two floors.")
    # Where nobody knows which sentence is meant, those that stood there before are not.
    assert not everything.beyond("The mill is old. It has two floors.").shows("It has two floors.")
    assert everything.beyond(excerpt) == everything


def test_a_signature_is_not_looked_for() -> None:
    matter = Matter.of_excerpt("I will hurt you -- Grey Pebble (talk) 12:34, 5 May 2026 (UTC)", (), "Grey Pebble")
    assert [piece.source for piece in matter.pieces] == ["I will hurt you --"]
    assert not matter.shows("Fine. -- Grey Pebble (talk) 12:34, 5 May 2026 (UTC)")


def test_short_words_count_only_where_there_are_no_longer_ones() -> None:
    assert [piece.source for piece in Matter.of_text("no\nI will hurt you").pieces] == ["I will hurt you"]
    assert Matter.of_text("no").shows("no")
    assert Matter.of_text("--\n").empty


def test_the_form_in_wikitext_is_learnt_from_the_edit() -> None:
    new = "Calm.\n\nI will come to [[Example school|your school]] tomorrow and hurt you."
    plain = Matter.of_excerpt("I will come to your school tomorrow and hurt you.")
    assert not plain.shows(new)
    learnt = plain.in_wikitext("Calm.", new, max_chars=10_000)
    assert learnt.shows(new)
    assert learnt.shows("I will come to your school tomorrow and hurt you.")
    assert not learnt.shows("I will come to [[Example school|your school]] tomorrow.")


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ('Created page with "I will come to your office…"', True),
        ("content was: 'I will come to your", True),
        ("I will come to your office tomorrow and hurt you", True),
        ("I will come", False),  # too little to tell
        ("I will come to your party", False),
        ("", False),
        (None, False),
    ],
)
def test_summaries_quote_and_cut(summary: str | None, expected: bool) -> None:
    assert Matter.of_text("I will come to your office tomorrow and hurt you").shows_cut(summary) is expected


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_found_where_it_stands(before: str, wanted: str, after: str) -> None:
    matter = Matter.of_name(wanted)
    if not matter.empty:
        assert matter.shows(f"{before} {wanted} {after}")
        assert matter.shows_cut(wanted)


@given(st.text())
def test_the_normal_form_is_its_own(text: str) -> None:
    form = words(text)
    assert words(form) == form
    assert form.strip() == " ".join(form.split())
