"""What gets into a log, and what cannot."""

from __future__ import annotations

import ast
import io
import json
from pathlib import Path

import pytest
import structlog

import tsbot
from tsbot.log import ALLOWED, configure

SOURCES = sorted(Path(tsbot.__file__).parent.rglob("*.py"))
METHODS = {"debug", "info", "warning", "error", "critical", "exception"}


@pytest.fixture(autouse=True)
def _unconfigured():  # type: ignore[no-untyped-def]
    yield
    structlog.reset_defaults()


def logged_fields() -> set[tuple[str, str]]:
    """Every field name that a call of a logger in the package names, with the file."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
                owner = ast.unparse(node.func.value)
                if owner in {"log", "logger", "self._log", "structlog.get_logger()"}:
                    found |= {(path.name, keyword.arg) for keyword in node.keywords if keyword.arg}
    return found


def test_every_field_that_is_logged_is_on_the_list() -> None:
    fields = logged_fields()
    assert len(fields) > 5
    assert [(file, name) for file, name in fields if name not in ALLOWED] == []


def test_a_field_that_is_not_on_the_list_does_not_get_out() -> None:
    out = io.StringIO()
    configure(out)
    structlog.get_logger().warning("flag.stored", flag="0f3a", text="canary-7391", user="Canary", title="Canary")
    line = json.loads(out.getvalue())
    assert line["flag"] == "0f3a"
    assert "anary" not in out.getvalue()


def test_a_log_that_cannot_be_written_any_more_stops_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    closed = io.StringIO()
    configure(closed)
    closed.close()
    structlog.get_logger().info("stream.disconnected", messages=1)
    configure(Gone())
    structlog.get_logger().info("stream.disconnected", messages=1)
