"""Secrets fed through every call of a logger and every way in which a command can fail: none comes out."""

from __future__ import annotations

import ast
import io
import itertools
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

import tsbot
from tsbot import discreet
from tsbot.errors import StoreError, TsbotError
from tsbot.log import ALLOWED, WITHHELD, WORDS, configure

PACKAGE = Path(tsbot.__file__).parent
ROOT = PACKAGE.parent
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "bots").glob("*.py"), *(ROOT / "scripts").glob("*.py")])
METHODS = {"debug", "info", "warning", "error", "critical", "exception", "fatal", "msg", "log"}
SECRET = "the canary sings at seven in Sample Street"
GETTER = "structlog.get_logger()"
REVIEWED = {
    "self._error": "words of tsbot.stream.sse: constants, status codes and names of classes",
    "reason": "deliver._reason: messages of delivery errors, which hold codes, and names of classes",
    "row.last_error": "what the outbox remembers of an error: classes and codes",
    "decision.trouble": "tsbot.report.pgp: constant words about a key",
    "trouble": "the same",
    "remedy": "constants of ours",
    "REROUTED": "a constant",
    "outcome.reason": "words of tsbot.report.receive and replies, all constants",
    "step.reason": "tsbot.report.escalation.Reason",
}
"""Expressions in word fields that are neither constants nor errors, each with why it can hold no text."""


NUMBERS = itertools.count()


class Secret(Exception):  # noqa: N818 - it stands for anything
    """Whatever a variable may hold: a text, a name, an object with such attributes. Everything that is made of it tells the secret."""

    def __str__(self) -> str:
        return SECRET

    __repr__ = __str__

    def __format__(self, _spec: str) -> str:
        return SECRET

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return "0c5e1a2b" if name == "id" else Secret()

    def __call__(self, *_args: object, **_named: object) -> Any:
        return Secret()

    def __getitem__(self, key: object) -> Any:
        return Secret()

    def __len__(self) -> int:
        return 3

    def __round__(self, _digits: int = 0) -> int:
        return 1

    def __add__(self, other: object) -> Any:
        return Secret()

    def __sub__(self, other: object) -> Any:
        return Secret()

    def keys(self) -> list[str]:
        return [f"text{next(NUMBERS)}"]  # a call may unpack several


class Names(dict[str, Any]):
    """Every name stands for a secret, but for those of the language and of the logger."""

    def __missing__(self, name: str) -> Any:
        return getattr(__import__("builtins"), name, None) or Secret()


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls of loggers: of ``structlog.get_logger()``, and of names that it is assigned to."""
    owners = {GETTER}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == GETTER:
            owners |= {ast.unparse(target) for target in node.targets}
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in METHODS and ast.unparse(called.value) in owners:
            assert isinstance(node, ast.Call)
            yield node


CALLS = [
    pytest.param(call, id=f"{path.relative_to(ROOT)}:{call.lineno}")
    for path in SOURCES
    for call in calls(ast.parse(path.read_text(encoding="utf-8")))
]


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_no_other_way_of_logging_is_used() -> None:
    used = {path.name for path in SOURCES if "import logging" in path.read_text(encoding="utf-8")}
    assert used <= {"session.py", "_framework.py", "serve.py"}, "structlog only: its fields are on a list; these silence others"
    assert len(CALLS) > 25


@pytest.mark.parametrize("call", CALLS)
def test_a_secret_in_every_variable_does_not_come_out(call: ast.Call) -> None:
    out = io.StringIO()
    configure(out)
    assert isinstance(call.func, ast.Attribute)
    node = ast.Call(ast.Attribute(ast.parse(GETTER, mode="eval").body, call.func.attr, ast.Load()), call.args, call.keywords)
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "call", "eval")
    eval(code, Names(structlog=structlog))
    line = json.loads(out.getvalue())
    assert "canary" not in out.getvalue()
    assert set(line) <= ALLOWED
    assert line["event"] not in ("", WITHHELD)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_names_its_event_and_its_fields_and_words_are_constants_or_errors(call: ast.Call) -> None:
    assert [type(argument) for argument in call.args] == [ast.Constant]
    for keyword in call.keywords:
        assert keyword.arg is None or keyword.arg in ALLOWED
        if keyword.arg in WORDS:
            value = keyword.value
            constant = isinstance(value, ast.Constant)
            name = isinstance(value, ast.Name) and value.id in ("error", "refusal")
            ids = isinstance(value, ast.JoinedStr) and all(
                isinstance(part, ast.Constant) or ast.unparse(part.value).endswith(("id", ".id", ".fingerprint"))  # type: ignore[attr-defined]
                for part in value.values
            )
            classes = ast.unparse(value) in ("type(error).__name__", *REVIEWED)
            assert constant or name or ids or classes, ast.unparse(call)


PRIVATE = {"text", "excerpt", "comment", "title", "user", "body", "content", "summary", "message", "passage", "letter", "name_of", "note"}
"""Names of variables and attributes that hold what messages of ours must not carry."""


def test_messages_of_our_errors_are_made_of_ids_and_codes() -> None:
    """Those that can come up while texts are handled; what a person typed, or a file of theirs holds, they may read again."""
    allowed = {"InputError", "SettingsError", "PackError", "ModelError", "DemoError", "DetectError"}
    ours = {one.__name__ for one in _below(TsbotError)} - allowed
    wrong = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ours:
                for part in ast.walk(node):
                    if isinstance(part, ast.FormattedValue) and _names(part.value) & PRIVATE:
                        wrong.append(f"{path.name}:{node.lineno}: {ast.unparse(part)}")
    assert wrong == []
    assert len(ours) > 10


def _names(value: ast.expr) -> set[str]:
    """What an expression says: the last name of a chain; of a call that does not only count, all that goes into it."""
    if isinstance(value, ast.Attribute):
        return {value.attr}
    if isinstance(value, ast.Call) and ast.unparse(value.func) in ("len", "type"):
        return set()
    named = [inner for inner in ast.walk(value) if isinstance(inner, ast.Name | ast.Attribute)]
    return {inner.id if isinstance(inner, ast.Name) else inner.attr for inner in named}


def _below(kind: type[TsbotError]) -> set[type[TsbotError]]:
    return {kind}.union(*(_below(one) for one in kind.__subclasses__()))


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("id", "0c5e1a2b-0000-4000-8000-000000000001", "0c5e1a2b-0000-4000-8000-000000000001"),
        ("wiki", "enwiki", "enwiki"),
        ("count", 3, 3),
        ("wait", 1.5, 1.5),
        ("until", None, None),
        ("resumed", True, True),
        ("reason", "the server ended the connection", "the server ended the connection"),
        ("reason", ValueError(SECRET), "ValueError"),
        ("reason", StoreError("The disk is full."), "The disk is full."),
        ("reason", "two\nlines", WITHHELD),
        ("reason", "x" * 500, WITHHELD),
        ("id", SECRET, WITHHELD),
        ("wiki", "Beispiel\u00fc", WITHHELD),
        ("error", ["a", SECRET], WITHHELD),
        ("error", {"text": SECRET}, WITHHELD),
        ("by", b"bytes", WITHHELD),
    ],
)
def test_what_does_not_look_like_an_id_is_withheld(field: str, value: object, shown: object) -> None:
    out = io.StringIO()
    configure(out)
    structlog.get_logger().info("test.said", **{field: value})
    assert json.loads(out.getvalue())[field] == shown
    assert "canary" not in out.getvalue()


def test_a_traceback_cannot_be_asked_for() -> None:
    out = io.StringIO()
    configure(out)
    try:
        raise ValueError(SECRET)
    except ValueError:
        structlog.get_logger().exception("test.failed", error="ValueError")
        structlog.get_logger().error("test.failed", exc_info=True, stack_info=True)
    assert "canary" not in out.getvalue()
    assert "Traceback" not in out.getvalue()


def test_hooks_are_put_back_and_no_core_is_dumped() -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    with discreet.guarded():
        assert sys.excepthook is not before[0]
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


FATE = f"""
import sys, threading
from tsbot import discreet
from tsbot.log import configure

class Loud:
    def __del__(self):
        fail()

def fail():
    raise ValueError({SECRET!r})

configure()
with discreet.guarded():
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    loud = Loud()
    del loud
    try:
        fail()
    except ValueError:
        sys.excepthook(*sys.exc_info())
"""
"""A program in which errors come up where nobody catches them."""


def test_neither_threads_nor_finalisers_nor_the_main_thread_tell(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", FATE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert "canary" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for told in ("fault.thread", "fault.unraisable", "ValueError at "):
        assert told in done.stderr
