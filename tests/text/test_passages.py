"""What of an edit is judged, and as which passages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.text.passage import Field, Passage
from tsbot.text.passages import added_passages


def texts(old: str | None, new: str, **limits: int) -> list[str]:
    return [passage.text for passage in added_passages(old, new, **{"max_chars": 200_000, **limits}).passages]


def test_a_reply_is_one_passage_that_points_into_the_page():
    old = "== Topic ==\nThe first say. [[User:A|A]]\n"
    new = old + ":I '''will''' come [[tomorrow|soon]]. [[User:B|B]]\n"

    added = added_passages(old, new, max_chars=1000)

    (passage,) = added.passages
    assert (passage.field, passage.text, added.cut) == (Field.TEXT, "I will come soon. B", 0)
    start = passage.text.index("will")
    first, last = passage.source_span(start, start + len("will come"))
    assert new[first:last] == "will''' come"


def test_without_an_earlier_text_all_is_added():
    assert texts(None, "All of it.") == ["All of it."]
    assert texts("", "All of it.") == ["All of it."]


def test_nothing_added_is_no_passage():
    assert texts("Some text. More.", "Some text.") == []
    assert texts(None, "") == []
    assert texts(None, " \n ") == []
    assert texts(None, "----\n") == []


def test_additions_to_one_paragraph_are_one_passage():
    middle = "This stays as it is and is long enough that it is not given too."
    old = f"One is here. {middle} Two is there."
    new = f"One was here. {middle} Two was there."

    assert texts(old, new) == ["One was here.\nTwo was there."]


def test_additions_to_two_paragraphs_are_two_passages():
    assert texts("one\n\ntwo\n\nthree", "one more\n\ntwo\n\nthree more") == ["one more", "three more"]


def test_a_long_addition_is_cut_between_paragraphs():
    paragraph = "A sentence of some words. " * 10
    page = "\n\n".join([paragraph.strip()] * 10)

    passages = added_passages(None, page, max_chars=200_000, passage_chars=1000).passages

    assert len(passages) == 4
    assert all(len(passage.text) <= 1000 for passage in passages)
    assert all(passage.text.startswith("A sentence") and passage.text.endswith("words.") for passage in passages)
    assert sum(passage.text.count("sentence") for passage in passages) == 100


def test_one_word_longer_than_a_passage_is_cut_anywhere():
    assert [len(text) for text in texts(None, "x" * 2500, passage_chars=1000)] == [1000, 1000, 500]


def test_what_is_beyond_the_cap_is_counted():
    added = added_passages(None, "word " * 100, max_chars=200)

    assert sum(len(passage.text) for passage in added.passages) <= 200
    assert added.cut == len("word " * 100) - 1 - 200  # white space at the end is no text


def test_a_page_of_ten_megabytes_is_read_up_to_the_cap():
    page = "A line with [[a link]] and '''more'''.\n" * 256_000

    added = added_passages(None, page, max_chars=200_000)

    assert sum(len(passage.text) for passage in added.passages) > 100_000
    assert added.cut == len(page) - 1 - 200_000


@pytest.mark.parametrize("opening", ["{{a|", "<b a=\"", "[[a|", "{{a|[[b|<b>''", "<b ''>{{a", "{|\n", "[http://a ", "<ref>"])
def test_hostile_markup_in_paragraphs_small_enough_to_be_parsed(opening):
    """Each paragraph alone would be parsed; the edit's allowance bounds them together."""
    paragraph = opening * (600 // len(opening)) + "and I will come"
    page = "\n\n".join([paragraph] * 200)

    assert sum(text.count("and I will come") for text in texts(None, page)) == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("combining marks only", "\u0301\u0302\u0303" * 50),
        ("right to left with overrides", "\u202eسوف آتي\u202c \u05e9\u05dc\u05d5\u05dd"),
        ("unpaired surrogates", "\ud83d before \udd2a"),
        ("NULs", "a\0b {{c\0|d}}"),
        ("emoji", "🔪🙂"),
    ],
)
def test_unusual_characters_are_kept_as_they_are(name, text):
    for old in (None, "", "x", text[:1]):
        got = "".join(texts(old, text))
        assert [c for c in text if c.isalpha() or ord(c) > 0x2FF][-1] in got


lines = st.sampled_from(
    ["we go. ", "I will come [[soon]]. ", "{{tl|a text}} ", "''x'' ", "&amp; ", "\n", "\n\n", ":", "<!-- y -->", "你好。", "\ud800"]
)
pages = st.lists(lines, max_size=30).map("".join) | st.text(st.characters(exclude_categories=()), max_size=80)


def assert_points_home(passage: Passage, source: str) -> None:
    assert passage.text.strip()
    for index, character in enumerate(passage.text):
        start, end = passage.source_span(index, index + 1)
        assert 0 <= start < end <= len(source)
        assert character.isspace() or source[start] in (character, "&")


@settings(max_examples=300)
@given(pages | st.none(), pages, st.integers(0, 200), st.integers(1, 100))
def test_each_character_of_a_passage_stands_in_the_page(old, new, max_chars, passage_chars):
    added = added_passages(old, new, max_chars=max_chars, passage_chars=passage_chars)

    assert added.cut >= 0
    for passage in added.passages:
        assert_points_home(passage, new)
        assert passage.field is Field.TEXT
        assert passage.source_span(0, 0)[0] <= len(new)
        first, last = passage.source_span(0, len(passage.text))
        assert 0 <= first <= last <= len(new)


@given(pages)
def test_passages_of_a_page_compared_with_itself_do_not_exist(page):
    assert texts(page, page) == []
