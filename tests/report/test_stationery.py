"""What letters are written on: a value that is missing is refused, and so is what a folder of own letters gets wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tsbot.errors import LetterError, SettingsError
from tsbot.report.help import SHIPPED as HELP
from tsbot.report.help import load_help
from tsbot.report.letter import Letter, Links, Manner, Release, render
from tsbot.report.rehearse import check_letters, rehearse, specimen
from tsbot.report.stationery import ENDING, TEMPLATES, Stationery, check, open_stationery, shipped_stationery
from tsbot.settings import PageSettings, Recipient, ReportSettings, Settings

SHIPPED = shipped_stationery()
LETTERS = [name for name in SHIPPED.templates() if name not in ("closed", "page")]
NOTICES: dict[str, dict[str, Any]] = {
    "closed": {"case_id": "c", "outcome": None, "reporter_contact": "desk@example.org", "manner": Manner(), "reminder": None},
    "page": {
        "case_id": "c", "flag_id": "f", "command": "tsbot reports show r", "manner": Manner(), "reminder": None,
        "reason": "dead", "reports": ("r",), "more": 2, "all_waiting": "tsbot reports list",
    },
}  # fmt: skip
OPTIONAL = {"template", "report_id", "flag_ids", "subject", "about", "language"}
"""Fields of a letter that no template needs to say."""


def values(template: str) -> dict[str, Any]:
    """What a template is given, in a form that parts can be taken out of."""
    letter = specimen(template, "en")
    fields = {name: getattr(letter, name) for name in (*letter.__struct_fields__, "broken_links")}
    fields["links"] = SimpleNamespace(**msgspec.structs.asdict(letter.links))
    reminder = {"sent": "2026-01-31 12:34:56 UTC", "waited": "one hour", "second_address": True, "first_address": "a@example.org"}
    return {
        "letter": SimpleNamespace(**fields),
        "release": SimpleNamespace(by_person=False, automatic=False),
        "manner": SimpleNamespace(exercise=True, links_only=False, acknowledgement="7k2m-4qxp"),
        "reminder": reminder,
        "results": ("passed_on", "no_action"),
        "help_lines": SHIPPED.help.everywhere,
    }


def source(template: str) -> str:
    """A template with what it includes."""
    text = (TEMPLATES / f"{template}{ENDING}").read_text(encoding="utf-8")
    for name in ("_top", "_head", "_facts", "_end"):
        if f'include "{name}{ENDING}"' in text:
            text += source(name)
    return text


def mentioned(template: str, owner: str, names: Any) -> list[str]:
    text = source(template)
    return [name for name in names if f"{owner}.{name}" in text]


def missing() -> list[tuple[str, str, str]]:
    """Every template with every value that it mentions: owner and name."""
    found = []
    for template in LETTERS:
        fields = [*Letter.__struct_fields__, "broken_links"]
        found += [(template, "letter", name) for name in mentioned(template, "letter", fields)]
        found += [(template, "links", name) for name in mentioned(template, "letter.links", Links.__struct_fields__)]
        found += [(template, "release", name) for name in ("by_person", "automatic")]
        found += [(template, "manner", name) for name in mentioned(template, "manner", ("exercise", "links_only", "acknowledgement"))]
        found += [(template, "reminder", name) for name in ("sent", "waited", "second_address", "first_address")]
        found += [(template, "", name) for name in values(template) if name != "help_lines" or template == "self_harm"]
    return found


@pytest.mark.parametrize(("template", "owner", "name"), missing())
def test_a_letter_with_a_missing_value_is_refused(template: str, owner: str, name: str) -> None:
    given = values(template)
    if owner == "":
        del given[name]
    elif owner == "reminder":
        del given["reminder"][name]
    else:
        holder = given["letter"].links if owner == "links" else given[owner]
        delattr(holder, name)
    # Links are read one after the other until there is one; each must be there where it is asked for.
    if owner == "links" and name in ("log", "page"):
        given["letter"].links.permanent = ""
        if name == "page":
            given["letter"].links.log = ""
    with pytest.raises(LetterError, match=f"The template {template} cannot be filled"):
        SHIPPED.fill(template, "en", **given)


@pytest.mark.parametrize("template", LETTERS)
def test_with_all_values_the_same_letter_is_written(template: str) -> None:
    assert SHIPPED.fill(template, "en", **values(template))


def test_every_field_of_a_letter_is_said_by_some_template() -> None:
    said = {name for template in LETTERS for name in mentioned(template, "letter", Letter.__struct_fields__)}
    assert set(Letter.__struct_fields__) - said == OPTIONAL


@pytest.mark.parametrize(("template", "name"), [(template, name) for template, given in NOTICES.items() for name in given])
def test_a_notice_with_a_missing_value_is_refused(template: str, name: str) -> None:
    with pytest.raises(LetterError, match="cannot be filled"):
        SHIPPED.fill(template, "en", **{other: value for other, value in NOTICES[template].items() if other != name})


@pytest.mark.parametrize("field", ["case_id", "wiki", "edited", "written"])
@pytest.mark.parametrize("template", LETTERS)
def test_an_empty_value_is_a_missing_one(template: str, field: str) -> None:
    letter = msgspec.structs.replace(specimen(template, "en"), **{field: ""})
    with pytest.raises(LetterError, match="is empty"):
        render(letter, Release(by_person=False))


# -- a folder of own letters ------------------------------------------------------------------------------------------


def own(tmp_path: Path, **files: str) -> Path:
    """A folder of own letters: ``legal_j2`` is the template, ``i18n_de_json`` the messages in German."""
    (tmp_path / "i18n").mkdir()
    for name, content in files.items():
        *folder, stem, ending = name.split("_")
        path = tmp_path.joinpath(*folder, f"{stem}.{'txt.j2' if ending == 'j2' else ending}")
        path.write_text(content, encoding="utf-8")
    return tmp_path


def settings(folder: Path, **report: Any) -> Settings:
    return Settings(data_dir=str(folder.parent), report=ReportSettings(templates=folder.name, **report))


def text(stationery: Stationery, template: str = "legal", language: str = "en") -> str:
    return render(specimen(template, language), Release(by_person=True), stationery=stationery)


def test_own_templates_and_messages_stand_in_the_place_of_the_packages(tmp_path: Path) -> None:
    folder = own(
        tmp_path,
        legal_j2='{{ say("case", letter.case_id) }}\n{{ say("greeting", letter.reporter_name or "us") }}\n{% include "_end.txt.j2" %}',
        i18n_en_json='{"greeting": "Kind regards, $1", "what-was-checked": "Checked so far"}',
        i18n_de_json='{"greeting": "Mit freundlichen Grüßen, $1"}',
        help_toml='everywhere = [{name = "A help line", url = "https://help.example.org"}]',
    )
    stationery = check_letters(settings(folder, languages={"legal": "de"}))
    assert text(stationery).startswith("Case: 0c5e1a2b-0000-4000-8000-000000000001\nKind regards, Patrol desk\nChecked so far\n")
    assert "Mit freundlichen Grüßen, Patrol desk\nWas geprüft wurde\n" in text(stationery, language="de")
    assert "Whether this is meant" in text(stationery, "emergency")
    assert "\nA help line: https://help.example.org\n" in text(stationery, "self_harm")
    assert "Kind regards" not in text(SHIPPED)


def test_letters_are_read_anew_without_a_folder() -> None:
    assert check_letters(Settings()).catalogue is SHIPPED.catalogue


NO_WORDS = 'everywhere = [{message = "no-such", url = "https://help.example.org"}]'
TWO = 'everywhere = [{name = "A", message = "help-meta", url = "https://help.example.org"}]'
WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a value that there is none of": ({"legal_j2": "{{ letter.adress }}"}, r"legal in en: .*UndefinedError"),
    "a value that may be empty": ({"legal_j2": '{{ say("page", letter.title) }}'}, "legal in en: .*a value of page is empty"),
    "a template that does not end": ({"legal_j2": "{% if letter.user %}"}, r"legal\.txt\.j2: line 1: Unexpected end"),
    "a message that there is none of": ({"legal_j2": '\n{{ say("goodbye") }}'}, r"legal\.txt\.j2: line 2: there is no message goodbye"),
    "too few values": ({"legal_j2": '{{ say("case") }}'}, "The message case takes 1 values, not 0"),
    "something else included": ({"legal_j2": '{% include "other.txt.j2" %}'}, r"legal\.txt\.j2: includes other\.txt\.j2"),
    "nothing put out": ({"legal_j2": "{{ reminder }}"}, "a value that is not there"),
    "a program": ({"legal_j2": "{{ letter.__class__.__mro__ }}"}, "legal in en: .*SecurityError"),
    "a division": ({"legal_j2": "{{ 1 // 0 }}"}, "legal in en: .*ZeroDivisionError"),
    "an empty letter": ({"legal_j2": "{# nothing #}"}, "legal in en: .*says nothing"),
    "a wrong message": ({"i18n_de_json": '{"case": "Fall"}'}, r"de\.json: case: \$1 is missing"),
    "a wrong place of help": ({"help_toml": 'everywhere = [{name = "A", url = "http://help.example.org"}]'}, "entry 1: .* no https"),
    "a place with two names": ({"help_toml": TWO}, "not both"),
    "a place without words": ({"help_toml": NO_WORDS}, "no message no-such"),
    "no table": ({"help_toml": "everywhere ="}, r"help\.toml"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_mistake_in_an_own_letter_shows_at_start(tmp_path: Path, what: str) -> None:
    files, complaint = WRONG[what]
    with pytest.raises(SettingsError, match=complaint):
        check_letters(settings(own(tmp_path, **files)))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"report\.templates: .* is no folder"):
        check_letters(settings(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (Settings(report=ReportSettings(languages={"legal": "fi"})), "report.languages.legal: there are no letters in 'fi'"),
        (Settings(report=ReportSettings(languages={"dewiki:admins": "de"})), "report.languages.dewiki:admins: there is no such role"),
        (Settings(report=ReportSettings(recipients={"legal": (Recipient(to="a@example.org", language="klingon"),)})), "klingon"),
        (Settings(page=PageSettings(language="../en")), "page.language"),
    ],
)
def test_a_language_without_letters_is_refused(given: Settings, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        check_letters(given)


def test_languages_that_others_stand_for_are_not_refused() -> None:
    check_letters(Settings(report=ReportSettings(languages={"default": "pt-br", "zhwiki:oversighters": "zh-tw"})))


def test_the_package_itself_stands_the_test() -> None:
    check(SHIPPED)
    rehearse(SHIPPED, ["en", "ar"])
    assert open_stationery().templates() == SHIPPED.templates()


def test_help_in_the_language_of_the_person_comes_first(tmp_path: Path) -> None:
    table = tmp_path / "help.toml"
    more = '\n[languages]\nde = [{ name = "Ein Hilfetelefon", url = "https://hilfe.example.org" }]\n'
    table.write_text(HELP.read_text(encoding="utf-8") + more, encoding="utf-8")
    found = load_help(table)
    assert [entry.name for entry in found.for_language("de-at")] == ["Ein Hilfetelefon", "", ""]
    assert found.for_language("fr") == found.everywhere
    assert found.for_language("") == found.everywhere
