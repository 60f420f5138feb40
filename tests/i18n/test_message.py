"""The notation of messages."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsbot.errors import MessageError
from tsbot.i18n.catalogue import Language, plural_forms
from tsbot.i18n.message import parameters, parse, put_together


class Case(NamedTuple):
    message: str
    language: str
    values: list[str]
    expected: str


def cases() -> list[Case]:
    """The blocks of ``messages.txt``."""
    found = []
    for block in Path(__file__).with_name("messages.txt").read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("# ") and line]
        if lines and not lines[0].startswith("#"):
            message, given_values, expected = lines
            language, _, values = given_values.partition(":")
            found.append(Case(message, language, [value.strip() for value in values.split(" | ")] if values.strip() else [], expected))
    return found


def say(message: str, language: str, values: list[str]) -> str:
    numbers = [int(value[1:]) if value.startswith("#") else None for value in values]
    plain = [value.removeprefix("#") for value in values]
    speaker = Language(language, {}, (), plural_forms(language))
    return put_together(parse(message), plain, numbers, speaker.plural)


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.language}: {case.message}")
def test_a_message_is_said(case: Case) -> None:
    if case.expected.startswith("! "):
        with pytest.raises(MessageError, match=case.expected[2:].replace("$", r"\$")):
            say(case.message, case.language, case.values)
    else:
        assert say(case.message, case.language, case.values) == case.expected


def test_there_are_cases() -> None:
    assert len(cases()) > 25


def test_parameters_are_found_wherever_they_stand() -> None:
    assert parameters(parse("$3 {{PLURAL:$1|a|b $2}} {{PLURAL:$4|0=none $5|some}}")) == {1, 2, 3, 4, 5}


@settings(deadline=None)
@given(st.text(alphabet="ab $12{}|:=PLURAGEND"))
def test_whatever_a_file_holds_is_a_message_or_a_clear_error(text: str) -> None:
    try:
        parts = parse(text)
    except MessageError as error:
        assert str(error)
        return
    values = ["v"] * 9
    assert isinstance(put_together(parts, values, [1] * 9, lambda _: 0), str)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_what_is_put_in_comes_out_as_it_is(value: str) -> None:
    assert put_together(parse("<$1>"), [value], [None], lambda _: 0) == f"<{value}>"
