"""Messages that are no letters: pages, and word that a case is closed."""

from __future__ import annotations

import pytest

from tsbot.i18n.catalogue import shipped
from tsbot.report.letter import Manner
from tsbot.report.notice import MOST_REPORTS, OUTCOMES, closed_text, page_text
from tsbot.settings import ReportSettings

CASE, FLAG = "0c5e1a2b-0000-4000-8000-000000000001", "4d8b5f7e-0000-5000-8000-000000000001"
DESK = ReportSettings(reporter_contact="desk@example.org")


def test_a_page_says_what_to_do_and_nothing_else() -> None:
    assert page_text(CASE, FLAG, "en") == (
        f"A case waits for a person.\n\nCase: {CASE}\nFlag: {FLAG}\n\nTo see it: tsbot flags show {FLAG}\n"
    )


def test_a_page_about_reports_names_them_and_the_reason() -> None:
    text = page_text(CASE, FLAG, "en", reason="unacknowledged", reports=["r1", "r2"])
    assert text == (
        f"A report was not acknowledged by those who got it.\n\nCase: {CASE}\nFlag: {FLAG}\nReport: r1\nReport: r2\n\n"
        "To see it: tsbot reports show r1\nAll that wait: tsbot reports list\n"
    )


def test_of_very_many_reports_a_page_says_how_many() -> None:
    text = page_text(CASE, FLAG, "ru", reason="dead", reports=[f"r{number}" for number in range(MOST_REPORTS + 2)])
    assert "Сообщение: r19\nи ещё 2 сообщения\n" in text
    assert "r20" not in text


@pytest.mark.parametrize("reason", ["unreleased", "undelivered", "dead", "unacknowledged"])
def test_every_reason_has_words(reason: str) -> None:
    assert page_text(CASE, FLAG, "de", reason=reason, reports=["r"]).splitlines()[0].startswith("Eine Meldung ")


def test_a_page_of_an_exercise_says_so_first() -> None:
    assert page_text(CASE, FLAG, "de", Manner(exercise=True)).startswith("ÜBUNG (EXERCISE): ")


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("hidden", "Outcome: what was written has been hidden"),
        ("page_deleted", "Outcome: the page has been deleted"),
        ("no_action", "Outcome: no action was taken; that does not mean that the report was wrong"),
        ("some_other_word", "Outcome: decided by a person"),
    ],
)
def test_those_who_had_a_report_hear_how_it_ended(outcome: str, line: str) -> None:
    text = closed_text(CASE, outcome, "en", DESK).splitlines()
    assert text[0] == "The case that was reported to you is closed."
    assert line in text
    assert f"Case: {CASE}" in text
    assert "Reporter contact: desk@example.org" in text


def test_without_an_outcome_none_is_made_up() -> None:
    assert "Outcome" not in closed_text(CASE, "", "en", ReportSettings())
    assert "Reporter contact: none was configured" in closed_text(CASE, "", "en", ReportSettings())


def test_every_outcome_has_words() -> None:
    assert {key.removeprefix("outcome-") for key in shipped().keys if key.startswith("outcome-")} == OUTCOMES | {"other"}
