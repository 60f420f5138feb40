"""How strangers' words stand in a line of another direction."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.i18n.catalogue import shipped
from tsbot.i18n.voice import END, ISOLATE, Phrase, Voice
from tsbot.report.wording import named

ENGLISH, ARABIC = Voice(shipped(), "en"), Voice(shipped(), "ar")
NAME = "مثال"


def test_in_arabic_every_value_is_isolated() -> None:
    assert ARABIC.say("wiki", "examplewiki") == f"الويكي: {ISOLATE}examplewiki{END}"
    assert ARABIC.say("case", NAME) == f"القضية: {ISOLATE}{NAME}{END}"


def test_an_address_does_not_touch_the_mark_that_ends_it() -> None:
    """Mail programs take every letter up to the next space for a part of an address."""
    assert ARABIC.say("diff", "https://example.org/x") == f"الفرق: {ISOLATE}https://example.org/x {END}"


def test_in_english_only_what_runs_the_other_way_is_isolated() -> None:
    assert ENGLISH.say("wiki", "examplewiki") == "Wiki: examplewiki"
    assert ENGLISH.say("reported-user", f"{NAME} 1") == f"Reported user: {ISOLATE}{NAME} 1{END}"


def test_numbers_and_phrases_are_words_of_the_language() -> None:
    assert ARABIC.say("edits", 3).endswith(": 3")
    assert ARABIC.say("blocked", Phrase("yes")) == "ممنوع: نعم"
    assert ARABIC.say("names", (Phrase("named-time"), Phrase("named-place"))) == "يبدو أنه يذكر: وقتًا، مكانًا."


def test_phrases_are_told_in_any_language_and_old_sentences_as_they_are() -> None:
    said = (Phrase("conditional"), "An old sentence.")
    assert ENGLISH.sentences(said) == "It is put as a condition. An old sentence."
    assert Voice(shipped(), "ja").sentences(said) == "条件付きで書かれています。An old sentence."


LISTED = Phrase("names", ((Phrase("named-time"), Phrase("named-place")),))


@pytest.mark.parametrize("phrase", [Phrase("yes"), Phrase("case", ("x",)), Phrase("edits", (3,)), LISTED])
def test_phrases_survive_being_stored(phrase: Phrase) -> None:
    assert msgspec.json.decode(msgspec.json.encode(phrase), type=Phrase) == phrase


@settings(deadline=None)
@given(st.text(st.characters(codec=None), max_size=40), st.sampled_from([ENGLISH, ARABIC]))
def test_isolates_come_in_pairs_whatever_the_name(name: str, voice: Voice) -> None:
    line = voice.say("reported-user", named(name))
    depth = 0
    for char in line:
        depth += (char == ISOLATE) - (char == END)
        assert depth in (0, 1)
    assert depth == 0
