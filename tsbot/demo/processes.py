"""Server processes that end with this program, however it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tsbot.errors import DemoError

# Reads its standard input until this program is gone, by whatever cause (kill -9 included), then ends the groups.
_GUARD = 'cat >/dev/null; for group in "$@"; do kill -s KILL -- "-$group" 2>/dev/null; done; exit 0'


class ProcessGroup:
    """Servers that run beside this program, each in a process group of its own (``php -S`` forks workers).

    They end with :meth:`stop`, or, when this program dies without calling it, by a small guard process that waits for
    that. Their group ids are kept in ``folder/pids`` while they run, so that :func:`stop_stale` finds them even if the
    guard was killed too. Not thread-safe.
    """

    def __init__(self, folder: Path) -> None:
        self._pid_file = folder / "pids"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a server; its output goes to ``log``."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        self._pid_file.write_text("".join(f"{p.pid}\n" for p in self._processes))
        self._renew_guard()
        return process

    @property
    def pids(self) -> list[int]:
        """Process ids of the servers, in the order in which they were started."""
        return [process.pid for process in self._processes]

    def any_ended(self) -> bool:
        """Whether a server is gone by itself."""
        return any(process.poll() is not None for process in self._processes)

    def kill(self) -> None:
        """End all servers with kill -9, without asking."""
        for process in self._processes:
            _signal_group(process.pid, signal.SIGKILL)
        self.stop()

    def stop(self, patience: float = 3.0) -> None:
        """End all servers: first asked, after ``patience`` seconds killed. May be called twice."""
        for process in self._processes:
            _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _signal_group(process.pid, signal.SIGKILL)  # the workers, and a server that did not listen
            process.wait()
        self._processes.clear()
        self._drop_guard()
        self._pid_file.unlink(missing_ok=True)

    def __enter__(self) -> ProcessGroup:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _renew_guard(self) -> None:
        old = self._guard
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", *(str(process.pid) for process in self._processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _dismiss(old)

    def _drop_guard(self) -> None:
        _dismiss(self._guard)
        self._guard = None


def stop_stale(folder: Path, marker: str) -> int:
    """End what an earlier run left in ``folder/pids``; return how many groups that were.

    A number is believed only if the process's command line contains ``marker``: process ids are used again.
    """
    pid_file = folder / "pids"
    if not pid_file.exists():
        return 0
    groups = [int(line) for line in pid_file.read_text().split() if line.isdigit()]
    ours = [group for group in groups if marker in _command_line(group)]
    for group in ours:
        _signal_group(group, signal.SIGKILL)
    deadline = time.monotonic() + 3.0
    while any(marker in _command_line(group) for group in ours):
        if time.monotonic() > deadline:
            raise DemoError(f"servers of an earlier run do not end: process groups {', '.join(map(str, ours))}")
        time.sleep(0.02)
    pid_file.unlink()
    return len(ours)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _dismiss(guard: subprocess.Popen[bytes] | None) -> None:
    """End a guard without letting it act."""
    if guard is None:
        return
    _signal_group(guard.pid, signal.SIGKILL)
    guard.wait()
    if guard.stdin is not None:
        guard.stdin.close()
