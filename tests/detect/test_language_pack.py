"""Language packs are checked when they are loaded, and errors name file and entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsbot.detect.finding import Kind, Stance
from tsbot.detect.language_pack import LONG_GAP, SHORT_GAP, Part, common_words, load_pack, load_packs
from tsbot.errors import PackError

PACK = """
language = "xx"
name = "Example"
common = ["foo"]
[small]
me = ["ego"]
[lists]
harm = ["nocebo"]
[[construction]]
kind = "violence"
stance = "intent"
strength = 0.9
patterns = ["<me> .. <harm> te", "^ cave ... @phone"]
"""


def pack(folder: Path, text: str = PACK, name: str = "xx.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_pattern_is_taken_apart(tmp_path: Path) -> None:
    first, second = load_pack(pack(tmp_path)).constructions
    assert first.parts == (Part("list:me", 0), Part("list:harm", SHORT_GAP), Part("text:te", 0))
    assert (first.kind, first.stance, first.strength, first.anchor) == (Kind.VIOLENCE, Stance.INTENT, 0.9, 1)
    assert second.parts == (Part("text:cave", 0), Part("@phone", LONG_GAP))
    assert (second.at_start, second.at_end, second.anchor) == (True, False, 0)


def test_gaps_count_characters_where_there_are_no_spaces(tmp_path: Path) -> None:
    first, _ = load_pack(pack(tmp_path, PACK.replace('name = "Example"', 'name = "Example"\nwords = false'))).constructions
    assert first.parts[1].gap == 2 * SHORT_GAP


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "Example"', 'name = "Example"\nauthor = "me"', "unknown field `author`"),
        ('kind = "violence"', 'kind = "rudeness"', "construction"),
        ('kind = "violence"', 'kind = "harassment"', "construction 1"),
        ("strength = 0.9", "strength = 1.5", "strength"),
        ("<harm> te", "<hurt> te", "no list 'hurt'"),
        ("<me> .. <harm> te", ".. <harm> te", "gap"),
        ("<me> .. <harm> te", "<harm> te ..", "gap"),
        ("<me> .. <harm> te", "<me> te", "no telling part"),
        ("<me> .. <harm> te", "<me <harm>", "neither a word nor a list"),
        ("@phone", "@planet", "no built-in part '@planet'"),
        ('me = ["ego"]', 'me = ["ego"]\nharm = ["noceo"]', "'harm' stands in [small] and in [lists]"),
        ('me = ["ego"]', 'me = "ego"', "Expected `array`"),
        ('language = "xx"', 'language = "yy"', "must be called yy.toml"),
        ("[small]", "[small", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(PackError) as caught:
        load_pack(pack(tmp_path, PACK.replace(old, new)))
    assert "xx.toml" in str(caught.value)
    assert told in str(caught.value)


def test_a_pack_must_be_utf_8(tmp_path: Path) -> None:
    path = pack(tmp_path)
    path.write_bytes(b"name = \xff")
    with pytest.raises(PackError, match=r"xx\.toml: cannot be read as UTF-8"):
        load_pack(path)


def test_a_folder_without_packs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="No language packs"):
        load_packs(tmp_path)


def test_the_table_of_other_languages_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"languages\.toml"):
        common_words((), pack(tmp_path, "[scored.xx]\ncommon = []\n", "languages.toml"))


def test_the_packs_that_come_with_tsbot() -> None:
    packs = {pack.file.language: pack for pack in load_packs()}
    assert set(packs) >= {"en", "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "uk", "ar", "ja", "zh", "tr", "hi"}
    for language, one in packs.items():
        kinds = {construction.kind for construction in one.constructions}
        assert kinds >= {Kind.VIOLENCE, Kind.MASS_VIOLENCE, Kind.SEXUAL_VIOLENCE, Kind.SELF_HARM, Kind.DOXING, Kind.LEGAL}, language
    assert set(common_words(tuple(packs.values()))) > set(packs)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('me = ["ego"]', 'me = ["ego", "**"]', r"xx\.toml, line 6: the phrase '\*\*' of 'me' would be found everywhere"),
        ('me = ["ego"]', "me = [" + '"a",' * 3001 + "]", r"the list 'me' has 3,001 phrases"),
        ('"<me> .. <harm> te"', '"' + "<me> .. " * 20 + '<harm>"', r"line 13, construction 1.* has 21 parts"),
        ('"<me> .. <harm> te"', ",".join(f'"nocebo {n:04}"' for n in range(3001)), "has 3,002 patterns"),
        ('name = "Example"', 'name = "' + "x" * 1_000_001 + '"', "a pack has at most 1,000,000"),
    ],
)
def test_a_pack_that_would_be_slow_is_refused_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(PackError, match=told):
        load_pack(pack(tmp_path, PACK.replace(old, new)))


def test_signs_of_regular_expressions_are_letters_like_others(tmp_path: Path) -> None:
    first, _ = load_pack(pack(tmp_path, PACK.replace("<me> .. <harm> te", "(a+)+$"))).constructions
    assert first.parts == (Part("text:(a+)+$", 0),)
