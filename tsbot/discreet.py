"""Errors that nobody foresaw, without what they carry: class and place only, never the message, never a traceback, no core dump.

A ``ValueError`` quotes the value, a ``UnicodeDecodeError`` the bytes: what is judged here must not reach a terminal or a journal that way.
"""

from __future__ import annotations

import resource
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

HOME = Path(__file__).parent
REMEDY = "This is a fault of tsbot. Report class and place; nothing of what was read is in them."


def place(error: BaseException) -> str:
    """Where an error arose: the innermost line of this package, as ``tsbot/report/deliver.py:120``; of other code if it is not in it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(HOME)]
    if not frames:
        return "unknown place"
    frame = (ours or frames)[-1]
    path = Path(frame.filename)
    return f"{path.relative_to(HOME.parent) if ours else path.name}:{frame.lineno}"


def words(error: BaseException) -> str:
    """Class and place of an error."""
    return f"{type(error).__name__} at {place(error)}"


@contextmanager
def guarded() -> Iterator[None]:
    """Keep unforeseen errors, of any thread, and the memory of a crash from getting out, as long as the block lasts."""
    _no_core_dumps()
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    sys.excepthook, threading.excepthook, sys.unraisablehook = _main, _thread, _unraisable
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before


def _no_core_dumps() -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _main(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    sys.stderr.write(f"tsbot: {words(error)}. {REMEDY}\n")


def _thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None and not isinstance(arguments.exc_value, SystemExit):
        structlog.get_logger().error("fault.thread", error=type(arguments.exc_value).__name__, source=place(arguments.exc_value))


def _unraisable(unraisable: Any) -> None:
    if unraisable.exc_value is not None:
        structlog.get_logger().error("fault.unraisable", error=type(unraisable.exc_value).__name__, source=place(unraisable.exc_value))
