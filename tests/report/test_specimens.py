"""Every letter in every language, as it is read: ``letters/LANGUAGE/LETTER.txt``.

Where the wording was changed on purpose, ``tsbot languages --specimens tests/report/letters`` writes them anew; then read what git
shows to have changed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tsbot.detect.finding import Kind
from tsbot.i18n.catalogue import right_to_left
from tsbot.report.letter import Manner
from tsbot.report.rehearse import MANNERS, specimen_text, specimens
from tsbot.report.routing import letter_name
from tsbot.report.stationery import shipped_stationery

LETTERS = Path(__file__).with_name("letters")
STATIONERY = shipped_stationery()
LANGUAGES = sorted(STATIONERY.catalogue.languages)
NAMES = [name for name, _ in specimens("en", STATIONERY)]
KINDS = [kind for kind in Kind if kind is not Kind.NONE]


def read(code: str, name: str) -> str:
    return (LETTERS / code / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("code", LANGUAGES)
def test_letters_are_as_they_were_read(code: str) -> None:
    made = dict(specimens(code, STATIONERY))
    assert sorted(made) == sorted(path.name for path in (LETTERS / code).iterdir())
    for name, text in made.items():
        assert text == read(code, name), f"{code}/{name}"


def test_no_language_is_left_over() -> None:
    assert sorted(path.name for path in LETTERS.iterdir()) == LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_facts_are_the_same_in_all_languages(code: str, name: str) -> None:
    """Addresses, times and numbers stand in each, in the same order."""

    def facts(text: str) -> list[str]:
        return re.findall(r"https?://\S+|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|[a-z]+@[a-z.]+[a-z]", text)

    assert facts(read(code, name)) == facts(read("en", name))


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_to_fill_in(code: str, name: str) -> None:
    text = read(code, name)
    assert not re.search(r"\{\{|\}\}|\{%|\$\d|\bNone\b|Undefined|Phrase\(", text)
    assert "\n\n\n" not in text
    assert not re.search(r"[:：]\s*$", text, re.MULTILINE)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if right_to_left(code)])
@pytest.mark.parametrize("name", NAMES)
def test_in_a_right_to_left_letter_every_name_number_and_link_is_isolated(code: str, name: str) -> None:
    outside = re.sub("\u2068[^\u2068\u2069]*\u2069", "", read(code, name))
    assert set(re.findall(r"[A-Za-z][\w.:/@-]*", outside)) <= {"EXERCISE", "suppress", "Result:"}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_letter_of_its_own_wording(kind: Kind) -> None:
    advice = {
        "emergency": "is for you to judge",
        "self_harm": "may need help",
        "minors": "do not pass this address on",
        "doxing": "may be private information about a person",
        "attack_name": "a global lock may be needed",
        "legal": "not as an emergency",
        "harassment": "do not tell the reported user who reported it",
    }
    name = letter_name(kind)
    text = read("en", f"{name}.txt")
    assert [other for other, words in advice.items() if words in text and not (other == "legal" and name == "harassment")] == [name]


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_exercise_says_so_first(code: str) -> None:
    for template in STATIONERY.templates():
        text = specimen_text(template, code, MANNERS["exercise"], STATIONERY)
        assert "EXERCISE" in text.splitlines()[0]
        assert "EXERCISE" not in specimen_text(template, code, Manner(), STATIONERY)


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("template", STATIONERY.templates())
def test_links_only_means_links_and_the_category(code: str, template: str) -> None:
    text = specimen_text(template, code, MANNERS["links_only"], STATIONERY)
    for private in ("User:", "Contributions", "CentralAuth", "town hall", "Town_hall", "Example\n", "target@example.org", "action=history"):
        assert private not in text
    if template not in ("closed", "page"):
        assert "oldid=100" in text


def test_a_letter_about_self_harm_says_where_help_is_and_asks_for_discretion() -> None:
    for code in LANGUAGES:
        assert "https://meta.wikimedia.org/wiki/Mental_health_resources" in read(code, "self_harm.txt")
    text = read("en", "self_harm.txt")
    for words in ("in private", "in a language that they read", "not speak of it in public", "with discretion", "asks for no block"):
        assert words in text


def test_a_page_and_a_closing_hold_ids_only() -> None:
    for code in LANGUAGES:
        for name in ("page.txt", "closed.txt"):
            assert not re.search(r"https?:|Example|examplewiki|threats-|>", read(code, name))
