"""Personal data in raw text: what is found, what is left alone, and whose it is.

Cases stand in ``cases_personal.txt``; add a line there for a format of your country.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.private import Exposure, Label, PersonalSpan, exposure, find_personal, is_public_contact
from tsbot.detect.private.cues import Cues, lower_case
from tsbot.detect.private.spans import without_overlaps

_MARK = re.compile(r"\[(" + "|".join(Label) + r"):((?:[^\[\]]|\[at\])*)\]")


class Case(NamedTuple):
    """A line of ``cases_personal.txt``."""

    language: str
    text: str
    marks: list[PersonalSpan]


def cases() -> list[Case]:
    found = []
    for line in Path(__file__).with_name("cases_personal.txt").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        language, sentence = line.split(" | ", 1)
        text, last, marks = "", 0, []
        for mark in _MARK.finditer(sentence):
            text += sentence[last : mark.start()]
            marks.append(PersonalSpan(len(text), len(text) + len(mark[2]), Label(mark[1])))
            text, last = text + mark[2], mark.end()
        found.append(Case(language, text + sentence[last:], marks))
    return found


def shared(one: PersonalSpan, other: PersonalSpan) -> int:
    """Characters that two spans of one label share."""
    return max(0, min(one.end, other.end) - max(one.start, other.start)) if one.label is other.label else 0


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.text[:40])
def test_what_is_marked_is_found_and_nothing_else(case: Case) -> None:
    found = find_personal(case.text, case.language)
    for mark in case.marks:
        assert any(2 * shared(mark, span) >= mark.end - mark.start for span in found), found
    for span in found:
        assert any(2 * shared(mark, span) >= span.end - span.start for mark in case.marks), case.text[span.start : span.end]


def test_the_cases_are_of_many_countries() -> None:
    languages = {case.language for case in cases() if case.marks}
    assert len(languages) >= 25
    assert sum(not case.marks for case in cases()) >= 100


@pytest.mark.parametrize(
    ("text", "label", "whose"),
    [
        ("His home number is 020 7946 0018", Label.PHONE, Exposure.PRIVATE),
        ("Seine Nummer: 030 901820, ruft ihn an", Label.PHONE, Exposure.PRIVATE),
        ("Его телефон 8 (912) 345-67-89", Label.PHONE, Exposure.PRIVATE),
        ("彼女の携帯は090-1234-5678", Label.PHONE, Exposure.PRIVATE),
        ("his real name is Thomas Example", Label.NAME, Exposure.PRIVATE),
        ("Thomas Example works at the bakery", Label.NAME, Exposure.PRIVATE),
        ("He lives at 14 Rose Lane, Leeds LS1 4AP", Label.ADDRESS, Exposure.PRIVATE),
        ("his real IP is 203.0.113.77", Label.IP, Exposure.PRIVATE),
        ("| phone = +44 20 7946 0018", Label.PHONE, Exposure.PUBLIC),
        ("{{Infobox station|telephone=+49 30 901820}}", Label.PHONE, Exposure.PUBLIC),
        ("The museum: phone +44 20 7946 0018", Label.PHONE, Exposure.PUBLIC),
        ("his complaint went to the press office, tel. 020 7946 0018", Label.PHONE, Exposure.PUBLIC),
        ("Call 0800 123 4567", Label.PHONE, Exposure.PUBLIC),
        ("Write to info@example.org", Label.EMAIL, Exposure.PUBLIC),
        ("mail stewards@wikimedia.org", Label.EMAIL, Exposure.PUBLIC),
        ("mail jan.kowalska@example.org", Label.EMAIL, Exposure.UNKNOWN),
        ("I spoke with Thomas Example about his edit", Label.NAME, Exposure.UNKNOWN),
        ("his edits came from 203.0.113.77", Label.IP, Exposure.UNKNOWN),
    ],
)
def test_whose_it_is(text: str, label: Label, whose: Exposure) -> None:
    (span,) = [span for span in find_personal(text) if span.label is label]
    assert span.exposure is whose
    assert exposure(text, span) is whose
    assert is_public_contact(text, span) is (whose is Exposure.PUBLIC)


def test_a_parameter_on_a_talk_page_is_no_infobox() -> None:
    text = "| his phone = 020 7946 0018"
    assert [span.exposure for span in find_personal(text, namespace=0)] == [Exposure.PUBLIC]
    assert [span.exposure for span in find_personal(text, namespace=3)] == [Exposure.PRIVATE]


def test_an_address_of_many_lines_is_one() -> None:
    text = "Send it to:\n12 Elm Street\nFlat 3\nLeeds\nUnited Kingdom LS1 4AP\n\nThanks"
    (span,) = find_personal(text)
    assert text[span.start : span.end] == "12 Elm Street\nFlat 3\nLeeds\nUnited Kingdom LS1 4AP"


def test_numbers_in_links_are_none() -> None:
    assert find_personal("see https://example.org/?tel=020-7946-0018 there") == []


def test_what_comes_first_wins() -> None:
    phone, name = PersonalSpan(5, 9, Label.PHONE), PersonalSpan(0, 6, Label.NAME)
    assert without_overlaps([phone, name, PersonalSpan(0, 5, Label.NAME), PersonalSpan(9, 9, Label.NAME)]) == [
        PersonalSpan(0, 5, Label.NAME),
        phone,
    ]


def test_a_star_leaves_a_word_open_and_other_words_stand_whole() -> None:
    words = Cues({"a": ("tel*", "*straße", "号")}).read("telefon tele hotel hauptstraße 3号室")
    assert words.of("a") == [(0, 3), (8, 11), (24, 30), (32, 33)]


@given(st.text(max_size=200))
def test_offsets_survive_lower_case(text: str) -> None:
    assert len(lower_case(text)) == len(text)


_PIECES = st.sampled_from(
    (
        *("1", "12", "030 901820", "+49", "@", "a@b.c", "Elm Street", "St.", "ul. ", "Apt. 4", "rue de la ", "my name is ", "Mr. "),
        *("John Smith", "\n", "lives at ", "card ", "4111 1111 1111 1111", "IBAN", "DE89 3704 0044 0532 0130 00", "(", "[at]", "::"),
        *("1.2.3.4", "市", "路12号", " ", ", ", "İ", "\ud800", "٣", "北京", "born on ", "2001-01-01", "https://vk.com/a", "| a = "),
        *("passport ", "X1234567L", "ZIP ", "the corner of ", "🙂"),
    )
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=30).map("".join), st.sampled_from(["und", "en", "de", "ja", "xx"]))
def test_spans_are_in_range_in_order_and_apart(text: str, language: str) -> None:
    end = 0
    for span in find_personal(text, language):
        assert end <= span.start < span.end <= len(text)
        end = span.end


_HOSTILE = (
    *("1", "1 ", "@", "a@", "[", "(1", "1 Elm street ", "Apt. 1 ", "John ", "card 1234 ", "市1", "a:", "|a=", "\n1", "corner of A "),
)


@pytest.mark.parametrize("piece", _HOSTILE)
def test_hostile_text_comes_to_an_end(piece: str) -> None:
    """Two hundred thousand characters: whatever is quadratic in them would not end before the run is given up."""
    text = (piece * 200_000)[:200_000]
    assert all(0 <= span.start < span.end <= len(text) for span in find_personal(text))
