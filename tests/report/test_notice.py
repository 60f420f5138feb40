"""Messages that are no letters: pages, and word that a case is closed."""

from __future__ import annotations

import pytest

from tsbot.i18n.catalogue import shipped
from tsbot.report.letter import Manner
from tsbot.report.notice import OUTCOMES, closed_text, page_text
from tsbot.settings import ReportSettings

CASE, FLAG = "0c5e1a2b-0000-4000-8000-000000000001", "4d8b5f7e-0000-5000-8000-000000000001"
DESK = ReportSettings(reporter_contact="desk@example.org")


def test_a_page_says_what_to_do_and_nothing_else() -> None:
    assert page_text(CASE, FLAG, "en") == (
        f"A case waits for a person.\n\nCase: {CASE}\nFlag: {FLAG}\n\nTo see it: tsbot flags show {FLAG}\n"
    )


def test_a_page_of_an_exercise_says_so_first() -> None:
    assert page_text(CASE, FLAG, "de", Manner(exercise=True)).startswith("ÜBUNG (EXERCISE): ")


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("hidden", "Outcome: what was written has been hidden"),
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
