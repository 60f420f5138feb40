"""Languages are told by script and little words; a statistical identifier is asked only when those are silent."""

from __future__ import annotations

import pytest

from tsbot.text.language import UNKNOWN, LanguageGuesser, langid_fallback
from tsbot.text.normalise import normalise

COMMON = {
    "en": ("the", "and", "is", "of", "you"),
    "de": ("der", "und", "ist", "du", "nicht"),
    "ru": ("и", "не", "что", "ы"),
    "uk": ("і", "не", "що", "є"),
}


def guess(text: str, guesser: LanguageGuesser | None = None) -> str:
    guesser = guesser or LanguageGuesser(COMMON)
    return guesser.guess(normalise([text]), [text])[0]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("the cat and the dog", "en"),
        ("der Hund und die Katze", "de"),
        ("кот и пес, что не спит", "ru"),
        ("кіт і пес, що не спить", "uk"),
        ("これはペンです", "ja"),
        ("这是一支笔", "zh"),
        ("안녕하세요", "ko"),
        ("שלום עולם", "he"),
        ("καλημέρα", "el"),
        ("สวัสดี", "th"),
        ("", UNKNOWN),
        ("12345 !!!", UNKNOWN),
        ("\U0001f52a", UNKNOWN),
        ("zzz qqq", UNKNOWN),
    ],
)
def test_guess(text: str, language: str) -> None:
    assert guess(text) == language


def test_texts_of_a_batch_are_told_apart() -> None:
    texts = ["the cat and the dog", "", "der Hund und die Katze"]
    assert LanguageGuesser(COMMON).guess(normalise(texts), texts) == ["en", UNKNOWN, "de"]


def test_the_fallback_is_asked_only_when_needed() -> None:
    asked: list[str] = []

    def identify(text: str) -> str:
        asked.append(text)
        return "cy"

    guesser = LanguageGuesser(COMMON, identify)
    assert guess("the cat and the dog", guesser) == "en"
    assert guess("zzz", guesser) == UNKNOWN
    assert asked == []
    assert guess("mae hen wlad fy nhadau", guesser) == "cy"
    assert asked == ["mae hen wlad fy nhadau"]


def test_the_statistical_identifier() -> None:
    identify = langid_fallback()
    assert identify("Tämä on suomenkielinen lause, jossa on monta sanaa.") == "fi"
    assert identify("\ud800 lone surrogates are no trouble for the identifier")
