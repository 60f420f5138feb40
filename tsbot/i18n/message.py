"""One message: taken apart when it is loaded, put together when it is said.

The notation is MediaWiki's, as far as plain text needs it: ``$1`` for what is put in, ``{{PLURAL:$1|one hour|$1 hours}}`` with the forms
of the language in CLDR's order (the last one stands for those that are left out) or with a number of its own (``0=none``), and
``{{GENDER:$1|he|she|they}}``, of which the neutral form is taken: letters know nobody's gender.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tsbot.errors import MessageError

PLURAL, GENDER = "PLURAL", "GENDER"
_TOKEN = re.compile(r"\$(?P<number>[1-9])|\{\{(?P<name>[^{}|:]*):\s*\$(?P<about>[1-9])\s*\||(?P<bar>\|)|(?P<end>\}\})|(?P<brace>[{}])")
_EXACT = re.compile(r"\s*(\d+)\s*=")
DEEPEST = 3
"""Choices within choices; more cannot be read by people either."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$1``: what is put in."""

    number: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``{{PLURAL:…}}`` or ``{{GENDER:…}}``."""

    name: str
    about: int
    """Number of the parameter that decides."""
    forms: tuple[Parts, ...]
    exact: tuple[tuple[int, Parts], ...] = ()
    """Forms for one number only."""


Parts = tuple[str | Parameter | Choice, ...]
PluralForm = Callable[[int], int]
"""Which of a language's plural forms (0 is the first in CLDR's order) a number takes."""


def parse(text: str) -> Parts:
    """Take a message apart. Raises ``MessageError`` that says what is wrong, without naming the message."""
    parts, position = _parse(text, 0, 0)
    if position != len(text):  # pragma: no cover -- outside of a choice everything is taken
        raise MessageError(f"cannot be read from character {position} on")
    return parts


def parameters(parts: Parts) -> frozenset[int]:
    """The numbers of the parameters that a message has."""
    found: set[int] = set()
    for part in parts:
        if isinstance(part, Parameter):
            found.add(part.number)
        elif isinstance(part, Choice):
            found.add(part.about)
            found.update(*(parameters(form) for form in (*part.forms, *(form for _, form in part.exact))))
    return frozenset(found)


def put_together(parts: Parts, values: Sequence[str], numbers: Sequence[int | None], plural: PluralForm) -> str:
    """The message with its values. ``numbers`` holds those of the values that can be counted.

    What is put in is put in as it is: nothing in it is read as notation. Raises ``MessageError`` for a missing value.
    """
    said = []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, Parameter):
            if part.number > len(values):
                raise MessageError(f"${part.number} is missing")
            said.append(values[part.number - 1])
        else:
            said.append(put_together(_chosen(part, numbers, plural), values, numbers, plural))
    return "".join(said)


def _chosen(choice: Choice, numbers: Sequence[int | None], plural: PluralForm) -> Parts:
    if choice.name == GENDER:
        return choice.forms[2 if len(choice.forms) > 2 else 0]
    number = numbers[choice.about - 1] if choice.about <= len(numbers) else None
    if number is None:
        raise MessageError(f"${choice.about} is no number")
    exact = dict(choice.exact)
    return exact[number] if number in exact else choice.forms[min(plural(number), len(choice.forms) - 1)]


def _parse(text: str, position: int, depth: int) -> tuple[Parts, int]:
    """Parts up to the end of the text, or inside a choice up to the next ``|`` or ``}}``; and where that is."""
    parts: list[str | Parameter | Choice] = []
    while position < len(text):
        match = _TOKEN.search(text, position)
        start = match.start() if match else len(text)
        if start > position:
            parts.append(text[position:start])
        if match is None:
            return tuple(parts), len(text)
        position = match.end()
        if match["number"]:
            parts.append(Parameter(int(match["number"])))
        elif match["name"] is not None:
            choice, position = _choice(text, position, match["name"].strip(), int(match["about"]), depth + 1)
            parts.append(choice)
        elif depth and not match["brace"]:
            return tuple(parts), start
        elif match["bar"]:
            parts.append("|")
        else:
            raise MessageError(f"a brace at character {start + 1} is not closed, or begins nothing that is known")
    return tuple(parts), position


def _choice(text: str, position: int, name: str, about: int, depth: int) -> tuple[Choice, int]:
    if name.upper() not in (PLURAL, GENDER):
        raise MessageError(f"{{{{{name}:}}}} is not known; PLURAL and GENDER are")
    if depth > DEEPEST:
        raise MessageError(f"choices are nested more than {DEEPEST} deep")
    forms: list[Parts] = []
    exact: list[tuple[int, Parts]] = []
    while True:
        fixed = _EXACT.match(text, position) if name.upper() == PLURAL else None
        form, position = _parse(text, fixed.end() if fixed else position, depth)
        if fixed:
            exact.append((int(fixed[1]), form))
        else:
            forms.append(form)
        if text.startswith("}}", position):
            break
        if position >= len(text):
            raise MessageError(f"{{{{{name}:}}}} is not closed")
        position += 1
    if not forms:
        raise MessageError(f"{{{{{name}:}}}} has no form for the other numbers")
    return Choice(name.upper(), about, tuple(forms), tuple(exact)), position + 2
