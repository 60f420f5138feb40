"""Where events come from, as the pipeline sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time for which events may be missing from the stream."""

    since: float
    """Seconds since the epoch."""
    until: float
    reason: str
    """Short name, for instance ``cursor_expired`` or ``silence``."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive messages of a source and the place after them."""

    messages: Sequence[bytes] = ()
    """The JSON of each message as it was read; possibly malformed, never dropped."""
    cursor: str | None = None
    """Where to go on after these messages; None leaves the stored cursor as it is."""
    gaps: tuple[Gap, ...] = ()
    ended: bool = False
    """Nothing will follow (end of a recorded file)."""


class Source(Protocol):
    """A resumable source of messages. Not thread-safe; owns its connection and threads."""

    name: str
    """Identifies the source for its cursor; stable across restarts."""

    def start(self, cursor: str | None) -> None:
        """Begin after ``cursor`` (what a ``Batch`` carried), or at the source's natural beginning."""

    def read(self, limit: int, wait: float) -> Batch:
        """Return up to ``limit`` messages, waiting up to ``wait`` seconds for the batch to fill.

        An empty batch means that nothing came. Trouble with the connection is not raised but shown in :meth:`status`,
        and the source keeps trying.
        """

    def status(self) -> SourceStatus:
        """How the source is doing, for the view and for `doctor`."""

    def close(self) -> None:
        """Let go of connections, files and threads."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A snapshot of a source."""

    connected: bool
    queued: int = 0
    reconnects: int = 0
    last_error: str = ""
    """Why the last connection failed or ended, in words without content; empty if it never did."""
    last_byte_age: float | None = None
    """Seconds since anything arrived, heartbeats included; None before the first byte or for files."""
