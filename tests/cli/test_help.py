"""Help: every command says what it does, gives an example that works, and explains each option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tsbot.cli.app import app

ROOT = typer.main.get_command(app)
EXAMPLE = re.compile(r"^Examples?: (tsbot .+)$", re.MULTILINE)


def commands(group: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it; groups are walked into."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = list(commands())
IDS = [" ".join(path) for path, _ in ALL]


def test_there_are_commands() -> None:
    assert {path[0] for path, _ in ALL} >= {"patrol", "detect", "flag", "flags", "reports", "dead", "doctor", "demo", "settings"}


@pytest.mark.parametrize(("path", "command"), ALL, ids=IDS)
def test_help_has_an_example_that_parses(path: tuple[str, ...], command: Any, reach: Any) -> None:
    assert len(command.help.split("\n")[0]) > 15
    examples = EXAMPLE.findall(command.help)
    assert examples, f"tsbot {' '.join(path)}: no line `Example: tsbot ...`"
    for example in examples:
        assert reach(example) == path


@pytest.mark.parametrize(("path", "command"), ALL, ids=IDS)
def test_every_option_and_argument_is_explained(path: tuple[str, ...], command: Any) -> None:
    silent = [parameter.name for parameter in command.params if not (getattr(parameter, "help", None) or "").strip()]
    assert silent == []


@pytest.mark.parametrize("path", [path for path, _ in ALL] + sorted({path[:1] for path, _ in ALL}), ids=" ".join)
def test_help_is_shown_on_request(office: Any, path: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = office.run(*path, option)
        assert (result.code, "Usage: tsbot" in result.out) == (0, True)


def test_groups_are_explained() -> None:
    assert [name for name, command in ROOT.commands.items() if not (command.help or "").strip()] == []
