"""Finding patterns: order, gaps, word boundaries, negation, idioms, cues."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.finding import DETECTED
from tsbot.detect.language_pack import load_pack
from tsbot.detect.lexicon import Lexicon
from tsbot.text.normalise import normalise

PACK = """
language = "xx"
name = "Example"
[small]
me = ["i", "we"]
you = ["you", "all of you"]
[lists]
harm = ["smite", "smit*"]
[[construction]]
kind = "violence"
stance = "intent"
strength = 0.9
patterns = ["<me> .. <harm> <you>", "^ begone $", "number is .. @phone"]
[cues]
negation = ["not"]
report = ["novel"]
idiom = ["smite button"]
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    (tmp_path / "xx.toml").write_text(PACK, encoding="utf-8")
    return Lexicon([load_pack(tmp_path / "xx.toml")])


def found(lexicon: Lexicon, text: str) -> list[str]:
    """Patterns in a text, as they stand in its normal form."""
    batch = normalise([text])
    result = []
    for sentence, possible in lexicon.candidates(batch, frozenset(DETECTED)).items():
        form = batch.sentence(sentence)
        result += [form[match.start : match.end] for match in lexicon.match(form, text, possible)]
    return result


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("I will smite you.", ["i will smite you"]),
        ("We SMITE all of you", ["we smite all of you"]),
        ("I am smiting you", ["i am smiting you"]),
        ("you smite I", []),
        ("I smite. You laugh.", []),
        ("I, who am usually so very patient, smite you", []),
        ("I will not smite you", []),
        ("Not I smite you", []),
        ("I pressed the smite button you made", []),
        ("I unsmite you", []),
        ("I smite youth", []),
        ("Begone!", ["begone"]),
        ("Begone they said", []),
        ("his number is +44 20 7946 0018", ["number is 44 20 7946 0018"]),
        ("his number is 12", []),
    ],
)
def test_patterns(lexicon: Lexicon, text: str, patterns: list[str]) -> None:
    assert found(lexicon, text) == patterns


def test_words_of_others_are_marked(lexicon: Lexicon) -> None:
    batch = normalise(["In the novel I smite you"])
    ((sentence, possible),) = lexicon.candidates(batch, frozenset(DETECTED)).items()
    (match,) = lexicon.match(batch.sentence(sentence), "", possible)
    assert match.reported


def test_a_sentence_that_repeats_itself_ends(lexicon: Lexicon) -> None:
    assert found(lexicon, "i " * 20_000 + "smite") == []
