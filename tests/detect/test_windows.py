"""Which stretches of a text are read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tsbot.detect.windows import MOST, WHOLE, width, windows_around
from tsbot.text.normalise import normalise

SENTENCE = "The mill stands by the river and nobody was hurt. "


def test_a_short_text_is_read_as_a_whole() -> None:
    text = SENTENCE * 3
    (window,) = windows_around(normalise([text]), 0, text, [])
    assert (window.start, window.end) == (0, len(text))


def test_of_a_long_one_what_stands_around_its_worst_sentences() -> None:
    text = SENTENCE * 30 + "Here it is! " + SENTENCE * 30
    batch = normalise([text])
    (window,) = windows_around(batch, 0, text, [30])
    read = text[window.start : window.end]
    assert "Here it is!" in read
    assert WHOLE - len(SENTENCE) <= width(read) <= WHOLE
    assert batch.sentence(window.first).split()[0] == "the"


def test_no_more_than_a_few_and_none_twice() -> None:
    text = SENTENCE * 200
    windows = windows_around(normalise([text]), 0, text, [5, 6, 60, 100, 150, 190])
    assert len(windows) == MOST
    assert len({window.start for window in windows}) == MOST


def test_ideographs_are_more_to_read() -> None:
    assert width("水車は川のそばにある") > 2 * len("水車は川のそばにある")
    text = "水" * 3000
    (window,) = windows_around(normalise([text]), 0, text, [0])
    assert width(text[window.start : window.end]) <= WHOLE


@given(st.text(alphabet=st.sampled_from("ab .\n水!?é\u0301\ud800"), max_size=1500), st.lists(st.integers(0, 40), max_size=4))
def test_windows_are_within_the_text(text: str, peaks: list[int]) -> None:
    batch = normalise([text])
    some = [peak for peak in peaks if peak < len(batch.owners)]
    for window in windows_around(batch, 0, text, some):
        assert 0 <= window.start <= window.end <= len(text)
        assert width(text[window.start : window.end]) <= WHOLE
        assert 0 <= window.first <= window.last <= len(batch.owners)
