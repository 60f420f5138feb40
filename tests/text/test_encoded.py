"""What is hidden in a simple code is found, and ordinary codes are left alone."""

from __future__ import annotations

import base64
import codecs
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsbot.text.encoded import MOST, decoded

HIDDEN = "I will find you tomorrow and hurt you"


@pytest.mark.parametrize(
    "code",
    [
        codecs.encode(HIDDEN, "rot13"),
        base64.b64encode(HIDDEN.encode()).decode(),
        base64.urlsafe_b64encode("Ich werde dich morgen finden, über die Straße".encode()).decode(),
        HIDDEN.encode().hex(),
        HIDDEN.encode().hex(" "),
        urllib.parse.quote("Я найду тебя завтра"),
    ],
)
def test_hidden_words_come_out(code: str) -> None:
    raw = f"Hello. {code}" if code[0] != "V" else code
    (found,) = decoded(raw)
    assert "hurt you" in found.text or "morgen" in found.text or "завтра" in found.text
    assert 0 <= found.start < found.end <= len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "Thanks for the note, I will look at the article and find you a source.",
        "File:Panorama_of_the_old_town_hall_2019_(cropped).jpg",
        "sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709 of the empty file",
        "https://example.org/wiki/Special:Diff/1234567890?oldid=abcdefghijklmnop",
        "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft",
        "https://de.wikipedia.org/wiki/Stra%C3%9Fe",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "The Gur languages and the Naq dialect",
        "",
    ],
)
def test_ordinary_text_is_left_alone(raw: str) -> None:
    assert decoded(raw) == []


def test_a_page_of_codes_costs_no_more_than_some() -> None:
    code = base64.b64encode(HIDDEN.encode()).decode()
    assert len(decoded(f"{code} " * 5000)) == MOST


@given(st.text(alphabet=st.sampled_from("abz ABZ019+/=%-_é\ud800"), max_size=400))
def test_spans_are_in_the_text(raw: str) -> None:
    for found in decoded(raw):
        assert 0 <= found.start < found.end <= len(raw)
        assert len(found.origins) == len(found.text) + 1
        assert list(found.origins) == sorted(found.origins)
