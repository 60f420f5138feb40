"""Logging: one line a fact, ids and counts only.

Every field that is not on the list is dropped, and every value that does not look like an id, a number or a name of ours is withheld, so
that a text, a name or an address cannot get into a log by mistake.
"""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

import structlog

from tsbot.errors import TsbotError

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "attempt", "attempts", "by", "bytes", "case", "cause", "channel", "code", "consequence",
        "count", "cursor", "dead", "due", "edits", "error", "flag", "gap", "id", "kind", "messages", "pending", "purpose",
        "reason", "reconnects", "remedy", "report", "resumed", "retry_after", "rule", "seconds", "setting", "since", "source",
        "state", "status", "until", "version", "wait", "wiki", "wikis",
    }
)  # fmt: skip
"""Fields that may be logged; their values are ids, counts, times, names of rules, settings and wikis."""
WORDS = frozenset({"cause", "consequence", "reason", "remedy"})
"""Fields that may hold words of ours: constants of the program, or an error, of which the message is taken only if it is ours."""
TOKEN = re.compile(r"[!-~]{0,300}")
"""What other texts must look like: printable ASCII without a space."""
MOST_WORDS = 400
WITHHELD = "(withheld)"


class Writable(Protocol):
    """Where log lines go."""

    def write(self, text: str, /) -> int:
        """Take a line."""

    def flush(self) -> None:
        """Let it out."""

    def isatty(self) -> bool:
        """Whether a person watches."""


class _Lasting:
    """Goes on where a terminal or pipe went away: a lost log line must not end a thread that reads or sends."""

    def __init__(self, out: Writable) -> None:
        self._out = out

    def write(self, text: str, /) -> int:
        with suppress(OSError, ValueError):  # ValueError: the file is closed
            self._out.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._out.flush()


def only_allowed(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop fields that are not on the list."""
    dropped = [name for name in fields if name not in ALLOWED]
    for name in dropped:
        del fields[name]
    return fields


def only_plain(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Withhold values that could hold text."""
    for name, value in fields.items():
        fields[name] = _plain(value, words=name in WORDS)
    return fields


def _plain(value: Any, *, words: bool) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, BaseException):
        # Messages of ours carry no content (tsbot/errors.py); those of others quote what they stumbled over.
        return " ".join(str(value).split())[:MOST_WORDS] if isinstance(value, TsbotError) else type(value).__name__
    if isinstance(value, str) and ((words and value.isprintable() and len(value) <= MOST_WORDS) or TOKEN.fullmatch(value)):
        return value
    return WITHHELD


def configure(stream: Writable | None = None) -> None:
    """Log to ``stream`` (standard error by default): readable on a terminal, JSON lines elsewhere."""
    out = stream or sys.stderr
    last: Any = structlog.dev.ConsoleRenderer(colors=True) if out.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            only_allowed,
            only_plain,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lasting(out))),  # it only writes and flushes
        cache_logger_on_first_use=False,
    )
