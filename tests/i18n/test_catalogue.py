"""The message files: those of the package, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tsbot.errors import MessageError
from tsbot.i18n.catalogue import SHIPPED, load, load_fallbacks, own_name, plural_forms, right_to_left, shipped
from tsbot.i18n.message import Choice, Parts

FILES = sorted(SHIPPED.glob("*.json"))
LANGUAGES = sorted(shipped().languages)
ASKED = {"en", "de", "fr", "es", "pt", "ru", "ja", "zh-hans", "ar"}
EVERYDAY = {"yes", "no", "help-other", "comma-separator", "sentence-separator"}
"""Messages that may well be the same in two languages."""


def test_the_languages_that_there_must_be() -> None:
    assert set(LANGUAGES) >= ASKED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_as_translatewiki_writes_it(path: Path) -> None:
    """Tabs, sorted like English, authors first: a file that was exported again differs only where it was changed."""
    text = path.read_text(encoding="utf-8")
    content = json.loads(text)
    assert text == json.dumps(content, ensure_ascii=False, indent="\t") + "\n"
    assert next(iter(content)) == "@metadata"
    assert content["@metadata"]["authors"]
    keys = list(content)[1:]
    assert keys == [key for key in json.loads((SHIPPED / "en.json").read_text(encoding="utf-8")) if key in set(keys)]


def test_every_message_is_explained_to_translators() -> None:
    explained = shipped().explained
    assert set(explained) == shipped().keys
    for key, text in explained.items():
        numbers = {str(number) for number in range(1, shipped()._wanted[key] + 1)}
        assert set(re.findall(r"^\* \$(\d) - ", text, re.MULTILINE)) == numbers or not numbers, key


def test_explanations_name_messages_that_there_are() -> None:
    named = {key for text in shipped().explained.values() for key in re.findall(r"\{\{msg\|([^}]+)\}\}", text)}
    assert named <= shipped().keys


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_of_the_package_is_complete(code: str) -> None:
    assert shipped().missing(code) == ()


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
def test_a_translation_is_one(code: str) -> None:
    """No sentence was left in English."""
    english, other = shipped().languages["en"].messages, shipped().languages[code].messages
    same = {key for key in other if other[key] == english[key]} - EVERYDAY
    long = {key for key in same if sum(len(part) for part in english[key] if isinstance(part, str)) > 12}
    assert long == set()


@pytest.mark.parametrize("code", LANGUAGES)
def test_plural_forms_are_as_many_as_the_language_has_or_fewer(code: str) -> None:
    most = len(plural_forms(code))
    for key, parts in shipped().languages[code].messages.items():
        for choice in choices(parts):
            assert 1 <= len(choice.forms) <= max(most, 1), key
    for minutes in (1, 2, 3, 5, 11, 21, 59):
        assert str(minutes) in shipped().say(code, "waited-minutes", [str(minutes)], [minutes]) or minutes < 3


def choices(parts: Parts) -> list[Choice]:
    return [part for part in parts if isinstance(part, Choice)]


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_exercise_is_known_as_one_in_every_language(code: str) -> None:
    for values, key in (([], "exercise"), (["report 1"], "subject-exercise")):
        assert "EXERCISE" in shipped().say(code, key, values)


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("de", "ja"),
        ("de-at", "ja"),
        ("gsw", "ja"),
        ("pt-br", "sim"),
        ("zh", "是"),
        ("zh-cn", "是"),
        ("zh-hant", "是"),
        ("arz", "نعم"),
        ("fi", "yes"),
    ],
)
def test_what_is_read_where_a_language_has_no_file(code: str, read: str) -> None:
    assert shipped().say(code, "yes") == read


def test_traditional_chinese_comes_before_simplified_where_it_is_read() -> None:
    assert shipped().chain("zh-tw")[:3] == ("zh-tw", "zh-hant", "zh-hans")
    assert shipped().say("zh-tw", "user-page", ["x"]) == "使用者頁面：x"


@pytest.mark.parametrize(("code", "known"), [("de", True), ("pt-br", True), ("zh-hk", True), ("qqx", True), ("fi", False), ("", False)])
def test_a_language_is_known_if_its_readers_get_more_than_english(code: str, known: bool) -> None:
    assert shipped().knows(code) is known


def test_qqx_shows_which_message_stands_where() -> None:
    assert shipped().say("qqx", "help-other", ["a", "b"]) == "(help-other: a, b)"
    assert shipped().say("qqx", "yes") == "(yes)"


def test_directions_and_names() -> None:
    assert [code for code in LANGUAGES if right_to_left(code)] == ["ar"]
    assert right_to_left("fa")
    assert not right_to_left("no-such-language")
    assert own_name("de") == "Deutsch"
    assert own_name("x-none") == "x-none"


@pytest.mark.parametrize(
    ("key", "values", "complaint"),
    [("no-such-message", [], "no message no-such-message"), ("case", [], "takes 1 values, not 0"), ("yes", ["x"], "takes 0 values, not 1")],
)
def test_a_message_that_cannot_be_said(key: str, values: list[str], complaint: str) -> None:
    with pytest.raises(MessageError, match=complaint):
        shipped().say("de", key, values)


WRONG = {
    "no JSON": ("de.json", "{", r"de\.json: no valid JSON"),
    "no object": ("de.json", "[]", r"de\.json: an object"),
    "twice": ("de.json", '{"yes": "ja", "yes": "jo"}', r"de\.json: yes is there twice"),
    "no text": ("de.json", '{"yes": 1}', r"de\.json: yes is no text"),
    "authors": ("de.json", '{"@metadata": {"authors": "me"}}', r"de\.json: @metadata: authors"),
    "empty": ("de.json", '{"yes": " "}', r"de\.json: yes: it is empty"),
    "unknown key": ("de.json", '{"yeah": "ja"}', r"de\.json: yeah: en\.json has no such message"),
    "unknown explanation": ("qqq.json", '{"yeah": "Yes."}', r"qqq\.json: yeah"),
    "missing parameter": ("de.json", '{"case": "Fall"}', r"de\.json: case: \$1 is missing"),
    "other parameter": ("de.json", '{"case": "Fall $1 $2"}', r"de\.json: case: \$2 is not in English"),
    "gap": ("en.json", '{"new": "$2"}', r"en\.json: new: parameters are numbered"),
    "braces": ("de.json", '{"case": "{{PLURAL:$1|Fall"}', r"de\.json: case: \{\{PLURAL:\}\} is not closed"),
    "two lines": ("de.json", '{"yes": "ja\\nBlocked: yes"}', r"de\.json: yes: it holds U\+000A"),
    "direction": ("ar.json", '{"yes": "\\u202eja"}', r"ar\.json: yes: it holds U\+202E"),
    "half a character": ("de.json", '{"yes": "\\ud800"}', r"de\.json: yes: it holds U\+D800"),
    "depth": ("de.json", '{"yes": ' + "[" * 100_000, r"de\.json: no valid JSON"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, what: str) -> None:
    name, content, complaint = WRONG[what]
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(MessageError, match=complaint):
        load(tmp_path)


def test_files_of_the_settings_replace_messages_and_add_languages(tmp_path: Path) -> None:
    (tmp_path / "de.json").write_text('{"yes": "jawohl"}', encoding="utf-8")
    (tmp_path / "fi.json").write_text('{"yes": "kyllä"}', encoding="utf-8")
    (tmp_path / "en.json").write_text('{"greeting": "Hello $1"}', encoding="utf-8")
    catalogue = load(tmp_path)
    assert [catalogue.say("de", key) for key in ("yes", "no")] == ["jawohl", "nein"]
    assert [catalogue.say("fi", key) for key in ("yes", "no")] == ["kyllä", "no"]
    assert catalogue.say("de", "greeting", ["you"]) == "Hello you"
    assert catalogue.knows("fi")
    assert shipped().say("de", "yes") == "ja"


@pytest.mark.parametrize("content", ["zh = 'zh-hans'", "zh = [1]", "zh ="])
def test_a_mistake_in_the_fallbacks_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "fallbacks.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(MessageError, match=r"fallbacks\.toml"):
        load_fallbacks(file)
