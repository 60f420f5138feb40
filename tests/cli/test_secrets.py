"""Secrets in what commands read, and in errors that nobody foresaw: none is printed."""

from __future__ import annotations

from typing import Any

import pytest

from tsbot.cli import flags as flags_module
from tsbot.cli.common import EXIT_FAULT

SECRET = "the canary sings at seven in Sample Street"


def test_a_command_that_fails_unforeseen_names_class_and_place_only(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(flags_module, "list_flags", fail)
    result = office.run("flags", "list")
    assert result.code == EXIT_FAULT
    assert "ValueError at tsbot/cli/flags.py:" in result.err
    assert "canary" not in result.out + result.err


def test_a_stream_of_secrets_leaves_nothing_in_what_a_patrol_prints(patrolled_secrets: Any) -> None:
    result, data = patrolled_secrets
    assert result.code == 0
    assert "canary" not in result.out + result.err
    for path in data.rglob("*"):
        if path.is_file() and path.suffix != ".eml":
            assert b"canary sings" not in path.read_bytes(), path.name
    letters = list(data.rglob("*.eml"))
    assert letters
    assert any("anary" in path.read_text(encoding="utf-8") for path in letters), "in the letter it may stand"


@pytest.fixture
def patrolled_secrets(office: Any, make: Any) -> Any:
    """A patrol over events with secrets in all their fields, broken ones too, and what it printed."""
    threat = f"{make.threat}, {SECRET}"
    lines = [
        make.change(1, comment=threat, user="Canary One", title="Talk:Canary"),
        make.change(2, comment=SECRET, wiki=f"{SECRET}wiki"),
        make.change(3, comment=SECRET, meta={"domain": SECRET}, server_url=f"https://{SECRET}/"),
        make.change(4, comment=SECRET, revision={"old": SECRET, "new": SECRET}),
        make.change(5, type=SECRET),
        make.change(6, meta={"id": SECRET, "stream": SECRET}),
        make.change(7, timestamp=SECRET),
        b'{"meta": {"id": "' + SECRET.encode() + b'"}, "comment": "' + SECRET.encode(),
        SECRET.encode(),
        make.change(8, comment=threat + "\ud800", user="Canary Two"),
    ]
    office.configure('[[report.recipients.default]]\nto = "desk@example.org"\nexcerpt = true\n')
    result = office.patrol("--stream", office.record(*lines), "--summary", "-")
    return result, office.data
