"""The encoder reads windows, and its spans point at what they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.detect.encoder import BLOCK, FACETS, LONGEST, QUESTIONS, Encoder, unpack
from tsbot.detect.model import load_model


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_model().encoder


def test_packed_numbers_are_four_bits_with_a_scale() -> None:
    scale = np.array([0.5], dtype="<f2").view(np.uint8)
    packed = np.concatenate((scale, np.arange(16, dtype=np.uint8) * 17))[None]
    numbers = unpack(packed)
    assert numbers.shape == (1, BLOCK)
    assert numbers[0, :16].tolist() == [(n - 8) * 0.5 for n in range(16)]
    assert numbers[0, 16:].tolist() == [(n - 8) * 0.5 for n in range(16)]


def test_a_window_has_a_margin_for_each_question(encoder: Encoder) -> None:
    reading = encoder.read("I will come to your office tomorrow with a stick and hurt you")
    assert reading.answers.shape == (len(QUESTIONS),)
    assert reading.facets.shape == (len(reading.spans), len(FACETS))
    assert reading.margin("threat") > 0 > reading.margin("self_harm")
    assert reading.margin("when") > 0


def test_a_glance_is_the_beginning_of_a_reading(encoder: Encoder) -> None:
    """What the first layers make of a window is what the others go on with; and it tells much already."""
    threat, other = (encoder.glance(text) for text in ("I will come to your office and hurt you", "The river was rebuilt in 1950"))
    assert threat.margin > other.margin
    assert np.array_equal(encoder.read_on(threat).answers, encoder.read("I will come to your office and hurt you").answers)


def test_all_languages_are_read_by_the_same_encoder(encoder: Encoder) -> None:
    """Sentences in languages that have no file of sentences of their own."""
    threats = ["Ek gaan jou môre doodmaak", "Nitakuua kesho wewe", "მე შენ მოგკლავ"]
    others = ["Ek gaan môre die artikel lees", "Nitasoma makala kesho", "მე სტატიას წავიკითხავ"]
    for threat, other in zip(threats, others, strict=True):
        assert encoder.read(threat).margin("threat") > encoder.read(other).margin("threat")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_spans_are_in_the_text_and_in_order(encoder: Encoder, text: str) -> None:
    reading = encoder.read(text)
    assert len(reading.spans) <= LONGEST - 2
    assert all(0 <= start <= end <= len(text) for start, end in reading.spans)
    assert [start for start, _ in reading.spans] == sorted(start for start, _ in reading.spans)


def test_reading_twice_says_the_same(encoder: Encoder) -> None:
    first, second = (encoder.read("Nobody was hurt. 水車は川のそばにある") for _ in range(2))
    assert np.array_equal(first.answers, second.answers)
