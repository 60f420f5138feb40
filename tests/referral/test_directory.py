"""The directory of help: what its files may hold, and what a person is shown."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tsbot.detect.finding import Kind
from tsbot.errors import DirectoryError
from tsbot.referral.check import check
from tsbot.referral.directory import FOR, load_directory, read_page, shipped_directory
from tsbot.referral.entry import Offer

TODAY = datetime.date(2026, 11, 29)
PLACE = """
[[help]]
offers = ["{offer}"]
{contact}
source = "https://example.org/source"
checked = {checked}
confirmed = {confirmed}
"""


def place(offer: str = "crisis", contact: str = 'phone = "123"', checked: str = "2026-11-01", confirmed: str = "true") -> str:
    return PLACE.format(offer=offer, contact=contact, checked=checked, confirmed=confirmed)


AROUND = place("directory", 'url = "https://example.org"')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an international list only."""
    (tmp_path / "everywhere.toml").write_text(AROUND)
    return tmp_path


def test_the_package_covers_forty_countries_and_everywhere_else() -> None:
    directory = shipped_directory()
    assert len(directory.countries) >= 40
    assert any(Offer.DIRECTORY in one.offers for one in directory.pages["everywhere"].help)


@pytest.mark.parametrize("kind", [None, *FOR])
@pytest.mark.parametrize("country", ["", "EG", "DE", "ZZ"])
def test_nothing_unconfirmed_is_shown_alone(country: str, kind: Kind | None) -> None:
    found = shipped_directory().refer(language="ar", country=country, kind=kind, today=TODAY)
    assert any(Offer.DIRECTORY in one.help.offers for one in found.everywhere)
    assert all(one.doubtful for one in found.near)  # none of them is confirmed yet, and each says so


def test_who_writes_arabic_from_egypt_finds_help_in_egypt_and_in_arabic() -> None:
    found = shipped_directory().refer(language="ar", country="EG", today=TODAY)
    assert found.emergency == ("123",)
    assert {"16328", "https://smex.org/helpdesk/"} <= {one.help.phone or one.help.url for one in found.near}


def test_a_language_of_one_country_tells_the_country_and_that_of_many_does_not() -> None:
    directory = shipped_directory()
    assert directory.country_of("ja") == "JP"
    assert directory.country_of("es") == ""
    assert directory.country_of("es", "uy") == "UY"
    assert directory.country_of("en", "XX") == ""


def test_what_fits_the_harm_comes_first(folder: Path) -> None:
    places = [place("crisis", 'phone = "1"'), place("digital", 'phone = "2"'), place("legal", 'phone = "3"')]
    page = 'country = "FR"\nlanguages = ["fr"]\n' + "".join(places)
    (folder / "fr.toml").write_text(page)
    directory = load_directory(folder)

    def near(kind: Kind) -> list[str]:
        return [one.help.phone for one in directory.refer(language="fr", country="FR", kind=kind, today=TODAY).near]

    assert near(Kind.DOXING) == ["2", "3", "1"]
    assert near(Kind.SELF_HARM) == ["1"]
    assert near(Kind.LEGAL) == ["3", "1"]


def test_places_that_speak_the_persons_language_come_before_others(folder: Path) -> None:
    other = place("crisis", 'phone = "1"\nlanguages = ["en"]')
    (folder / "fr.toml").write_text('country = "FR"\nlanguages = ["fr"]\n' + other + place("crisis", 'phone = "2"'))
    found = load_directory(folder).refer(language="fr", today=TODAY)
    assert [one.help.phone for one in found.near] == ["2", "1"]


def test_an_entry_grows_stale_after_a_year_and_is_marked(folder: Path) -> None:
    old = place(checked="2025-11-28")
    (folder / "fr.toml").write_text('country = "FR"\nlanguages = ["fr"]\n' + old + place(contact='phone = "9"', checked="2025-11-29"))
    directory = load_directory(folder)
    assert [one.doubtful for one in directory.refer(language="fr", today=TODAY).near] == [True, False]
    found = check(directory, TODAY)
    assert found.stale == ("fr: crisis",)
    assert found.unconfirmed == ()


def test_emergency_numbers_are_compared_with_a_second_source(folder: Path) -> None:
    numbers = '[emergency]\nnumbers = ["112", "999"]\nsource = "https://example.org"\nchecked = 2026-11-01\nconfirmed = true\n'
    (folder / "de.toml").write_text('country = "DE"\nlanguages = ["de"]\n' + numbers)
    assert check(load_directory(folder), TODAY).contested == ("de: 999",)


def test_files_of_a_second_folder_take_the_place_of_those_of_the_first(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "everywhere.toml").write_text(place("directory", 'url = "https://own.example.org"'))
    assert load_directory(folder, own).pages["everywhere"].help[0].url == "https://own.example.org"


WRONG = {
    "no_list": ('country = "FR"\nlanguages = ["fr"]\n' + place(), "fr.toml", ""),
    "country": ('country = "QQ"\nlanguages = ["fr"]\n' + place(), "qq.toml", "no QQ"),
    "both": ('country = "FR"\nlanguage = "fr"\nlanguages = ["fr"]\n' + place(), "fr.toml", "not both"),
    "file_name": ('country = "FR"\nlanguages = ["fr"]\n' + place(), "france.toml", "its name is fr.toml"),
    "language": ('country = "FR"\nlanguages = ["french"]\n' + place(), "fr.toml", "no language"),
    "no_languages": ('country = "FR"\n' + place(), "fr.toml", "name those of the country"),
    "no_contact": ('country = "FR"\nlanguages = ["fr"]\n' + place(contact=""), "fr.toml", "entry 1: it has neither"),
    "phone": ('country = "FR"\nlanguages = ["fr"]\n' + place(contact='phone = "call me"'), "fr.toml", "is no number"),
    "http": ('country = "FR"\nlanguages = ["fr"]\n' + place(contact='url = "http://example.org"'), "fr.toml", "no https"),
    "script": ('country = "FR"\nlanguages = ["fr"]\n' + place(contact='url = "javascript:alert(1)"'), "fr.toml", "no https"),
    "offer": ('country = "FR"\nlanguages = ["fr"]\n' + place("magic"), "fr.toml", "fr.toml"),
    "unknown": ('country = "FR"\nlanguages = ["fr"]\nowner = "me"\n' + place(), "fr.toml", "owner"),
    "empty": ('country = "FR"\nlanguages = ["fr"]\n', "fr.toml", "holds nothing"),
    "broken": ("country = ", "fr.toml", "fr.toml"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_and_named(name: str, tmp_path: Path) -> None:
    content, file, words = WRONG[name]
    (tmp_path / file).write_text(content)
    if name == "no_list":
        with pytest.raises(DirectoryError, match="international"):
            load_directory(tmp_path)
        return
    with pytest.raises(DirectoryError, match=words) as raised:
        read_page(tmp_path / file)
    assert file in str(raised.value)
