"""Texts without whoever they tell of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.detect.measure_personal import Marked
from tsbot.research.deidentify import deidentify
from tsbot.research.measure import measure


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("He follows me from page to page.", [], ["He follows me from page to page."]),
        ("I met Rosa Luxemburgo in Springfield.", ["Rosa", "Luxemburgo", "Springfield"], ["I met"]),
        ("User:Vandal 9 and @Quidam did it.", ["Vandal", "9", "Quidam"], []),
        ("See https://en.wikipedia.org/?diff=5 or [[Talk:Somewhere]].", ["wikipedia", "5", "Somewhere"], ["See"]),
        ("Write to rosa@example.org or call +49 30 901820.", ["rosa", "901820"], ["or call"]),
        ("I am 43 years old.", ["43"], ["years old"]),
        ("It was at the xylothequarium.", ["xylothequarium"], ["It was at the"]),
        ("Mr. Smith and his son", ["Mr", "Smith"], ["and his son"]),
    ],
)
def test_what_could_tell_who_it_is_goes_and_common_words_stay(text: str, gone: list[str], kept: list[str]) -> None:
    said = deidentify(text).text
    assert [word for word in gone if word in said] == []
    assert [words for words in kept if words not in said] == []


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("Hello,\nWhere: the xylothequarium mesto club\nPlease come.", ["mesto", "club"], ["Where:", "come."]),
        ("address:\n5 Nowhere lane in slovenia\nthank you", ["lane"], ["address:", "thank you"]),
        ("Rosa Luxemburgo\nsewer cleaner\nPhone: 0151 5557001", ["sewer", "cleaner"], []),
        ("quidam, fox and ignotus\ncalled me a name.", ["fox", "and"], ["called me a name."]),
        ("He knows Ignotus T. Quidam well.", ["T."], ["He knows", "well."]),
        ("Is it so? Park and Quidam were there.", ["Park"], ["were there"]),
        ("It was in barra de Ignotus.", ["barra", "de"], ["It was in"]),
        ("I work as a teacher here.", ["teacher"], ["I work as a", "here."]),
        ("The Technical writer said so.", ["writer"], ["said so."]),
        ("The administrator and an editor did nothing.", [], ["The administrator and an editor did nothing."]),
        ("I live in slovenia, not in new zealand.", ["slovenia", "zealand"], ["I live in", ", not in"]),
        ("Someone wrote\non my talk page\nthat I should go", [], ["on my talk page\nthat I should go"]),
        ("Er kommt aus Ägypten", ["Ägypten"], []),
        ("una página de discusión aquí", [], ["una página de"]),
    ],
)
def test_what_belongs_to_a_name_goes_with_it_and_sentences_stay(text: str, gone: list[str], kept: list[str]) -> None:
    said = deidentify(text).text
    assert [word for word in gone if word in said] == []
    assert [words for words in kept if words not in said] == []


def test_the_same_is_replaced_by_the_same_within_a_text() -> None:
    said = deidentify("I saw Quidam, then Ignotus. It was Quidam again.").text
    assert said == "I saw [name-1], then [name-2]. It was [name-1] again."


def test_names_that_are_known_go_however_they_are_written() -> None:
    assert "page" not in deidentify("it was Some_page who wrote, some PAGE!", names=["Some page"]).text


def test_words_of_many_reports_stay() -> None:
    assert deidentify("the xylothequarium", frequent=frozenset({"xylothequarium"})).text == "the xylothequarium"


@given(st.text(max_size=200))
def test_any_text_is_taken_and_offsets_are_right(text: str) -> None:
    done = deidentify(text)
    assert all(0 <= start < end <= len(text) for start, end in done.gone)
    assert sum(done.counts.values()) == len(done.gone)
    assert not any(char.isdigit() for char in "".join(part for part in done.text.split("[") if "]" not in part))


def test_a_span_counts_as_gone_only_if_all_of_it_is() -> None:
    marked = Marked("I know Quidam and the cleaner here.", ((7, 13, "PERSON"), (22, 29, "TITLE")))
    table = measure([marked])
    assert (table["PERSON"].spans, table["PERSON"].gone) == (1, 1)
    assert (table["TITLE"].spans, table["TITLE"].gone, dict(table["TITLE"].remained)) == (1, 0, {"cleaner": 1})
