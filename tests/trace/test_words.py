"""What evidence says: every sentence in every language, and strangers' words never out of hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tsbot.i18n.voice import Phrase, Voice
from tsbot.trace.activity import Account
from tsbot.trace.gallery import Gallery
from tsbot.trace.imitation import Signs
from tsbot.trace.score import Measured
from tsbot.trace.words import PLACES, PROOF, Told, both, english, in_language, most, said, shipped_words

CATALOGUE = shipped_words()
KEYS = sorted(key for key in CATALOGUE.keys if key.startswith("trace-said-"))
LANGUAGES = sorted(code for code, one in CATALOGUE.languages.items() if PROOF in one.messages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_of_evidence_has_all_its_sentences(language: str) -> None:
    assert [key for key in KEYS if key not in CATALOGUE.languages[language].messages] == []
    assert [key for key in KEYS if key not in CATALOGUE.explained] == []


def phrases(told: Told) -> Iterator[Phrase]:
    if isinstance(told, Phrase):
        yield told
        for value in told.values:
            for part in value if isinstance(value, tuple) else (value,):
                if not isinstance(part, int):
                    yield from phrases(part)


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_evidence_of_the_story_can_be_said(village: tuple[Account, ...], language: str) -> None:
    some = [one for one in village if one.name.startswith(("Plain", "Weir", "Quiet"))] + list(village[:12])
    for evidence in Measured(Gallery(some)).evidence:
        for other in range(1, len(some)):
            told = evidence.words(0, other)
            assert all(one.key in CATALOGUE.keys for one in phrases(told))
            assert in_language(told, Voice(CATALOGUE, language), str) or not told


def test_german_is_spoken_with_the_forms_of_its_numbers() -> None:
    told = said("pages", 1, (said("page", "enwiki", "Mill", 2),))
    assert english(told) == "one page in common, the rarest: enwiki: Mill (2 accounts)"
    assert in_language(told, Voice(CATALOGUE, "de"), str) == "eine gemeinsame Seite, die seltensten: enwiki: Mill (2 Konten)"


def test_several_things_stand_on_one_line() -> None:
    assert (
        english(both([said("undone", 2), said("addressed", 1)])) == "one undid the other 2 times; one wrote on the other's talk page once"
    )
    assert both([]) == ""


def test_shares_of_categories() -> None:
    assert english(most((75, "article talk pages"))) == "75 % article talk pages"
    assert english(most((100, "*.py"))) == "100 % *.py"
    assert english(most(None)) == "nothing"
    assert all(f"trace-said-{key}" in CATALOGUE.keys for key in PLACES.values())


def test_strangers_words_are_made_harmless_before_the_language_isolates_them() -> None:
    told = said("summary", "a\u202eb", 3)
    assert "\u202e" in english(told)  # whoever shows English does so too
    assert in_language(told, Voice(CATALOGUE, "de"), lambda text: text.replace("\u202e", "?")) == "die Zusammenfassung „a?b“ (3 Konten)"
    arabic = in_language(said("summary", "مرحبا", 3), Voice(CATALOGUE, "de"), str)
    assert "\u2068مرحبا\u2069" in arabic


def test_an_imitation_says_why() -> None:
    signs = Signs({"hours": -3.0, "week": 0.1, "steps": -2.0, "summaries": 0.0, "typing": -0.1}, 1.2, "look-alike")
    assert english(signs.told) == (
        "what cannot easily be copied speaks for two: other hours, another pace, what was new to both was at the same one first, "
        "a name in letters that look alike"
    )
    assert Signs({"hours": -3.0}, 9.0, "other").imitation is False
