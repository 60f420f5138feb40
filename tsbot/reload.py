"""Reading data files anew in a process that runs: asked for by SIGHUP (``systemctl reload``), done beside its work.

What has changed on the disk is read and tried out together; if anything is wrong, it is said and all stays as it was. Which versions are
in use stands in a file of the data folder while the process lives, so that the doctor can compare them with what lies on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import structlog

from tsbot.cases import approvals, closing, context, handling, lifecycle, priority, retention
from tsbot.datafiles import DataFile, renew
from tsbot.detect.detector import shipped_model, shipped_rules
from tsbot.detect.private import cues
from tsbot.errors import SettingsError
from tsbot.hide import policy
from tsbot.i18n import catalogue
from tsbot.parts import Stop, check_tables
from tsbot.report import deadlines, replies, routing, stationery
from tsbot.settings import Settings
from tsbot.trace import reading, weights
from tsbot.trace import words as evidence

Files = Sequence[DataFile[Any, Any]]

DETECTOR: Files = (shipped_rules, shipped_model, cues.number_cues, cues.name_cues, cues.given_names)
TABLES: Files = (
    approvals.shipped_rules,
    lifecycle.shipped_transitions,
    closing.shipped_closing,
    handling.shipped_handling,
    priority.shipped_table,
    context.shipped_places,
    retention.shipped_retention,
    retention.own_retention,
    policy.shipped_policies,
    policy.shipped_reasons,
    routing.shipped,
    deadlines.shipped,
    deadlines.own_deadlines,
    replies.shipped,
    reading.shipped_patterns,
    weights.shipped_weights,
)
LETTERS: Files = (catalogue.shipped, stationery.stationery_of, evidence.shipped_words)
DELIVERY: Files = (*LETTERS, *TABLES)
"""What is read by whatever writes and delivers letters, and by a listener, which purges and makes plans."""
PATROL: Files = (*DELIVERY, *DETECTOR)
"""What a patrol and a worker read."""
FOLDER = "in-use"
"""In the data folder: one file for each process that lives."""
EVERY = 0.5
"""Seconds between looks whether somebody asked."""


def of_reception() -> Files:
    """What a reception reads besides what a patrol does. Raises ``ModuleNotFoundError`` where it is not installed."""
    from tsbot.reception import mailing, situations, words  # noqa: PLC0415 - an extra
    from tsbot.referral import directory  # noqa: PLC0415

    return (words.shipped_words, situations.shipped_situations, directory.shipped_directory, mailing.own_directory)


def of_console() -> Files:
    """What a console reads besides what delivery does. Raises ``ModuleNotFoundError`` where it is not installed."""
    from tsbot.console import words  # noqa: PLC0415 - an extra

    return (words.shipped_words, *of_reception())


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a process works with."""

    role: str
    pid: int
    since: float
    """When it was last read."""
    versions: dict[str, str]
    """Digests of the files, by name."""
    refused: tuple[str, ...] = ()
    """Why newer files are not in use; empty if none were refused."""


class Reloader:
    """Reads data files anew for one process. Safe to ask from any thread."""

    def __init__(self, settings: Settings, role: str, files: Files, clock: Callable[[], float] = time.time) -> None:
        self.role, self.files = role, files
        self._settings = settings
        self._clock = clock
        self._alone = threading.Lock()
        self._file: int | None = None
        self._written: tuple[dict[str, str], dict[str, str]] | None = None

    def prepare(self) -> None:
        """Read what was not read yet, so that what is wrong shows now, and later changes are not taken up unasked. Raises ``TsbotError``.

        Packs and model are read by whatever judges, when it is opened.
        """
        for file in self.files:
            if not file.takes_arguments and file not in (shipped_rules, shipped_model):
                file()

    def reload(self) -> bool:
        """Read anew what has changed; whether what lies on the disk is in use now. Raises nothing."""
        log = structlog.get_logger()
        with self._alone:
            done = renew(self.files, lambda: check_tables(self._settings))
            self.write()
        for trouble in done.troubles:
            log.error("data.refused", reason=trouble, consequence="what was in use stays in use; mend the file and reload again")
        for name, version in sorted(done.changed.items()):
            log.info("data.reloaded", source=name, version=version)
        if not done.troubles and not done.changed:
            log.info("data.unchanged")
        return not done.troubles

    def in_use(self) -> InUse:
        """What the process works with."""
        return InUse(
            role=self.role, pid=os.getpid(), since=self._clock(), versions=versions(self.files), refused=tuple(refused(self.files).values())
        )

    @contextmanager
    def written_down(self) -> Iterator[None]:
        """Keep a file of what is in use, locked for as long as the process lives. Raises ``SettingsError`` where it cannot be made."""
        folder = self._settings.data_path / FOLDER
        path = folder / f"{self.role}-{os.getpid()}.json"
        try:
            self._settings.data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.mkdir(exist_ok=True, mode=0o700)
            self._file = _locked(path)
        except OSError as error:
            raise SettingsError(f"The data folder cannot be written to: {error.strerror}.") from error
        try:
            self.write()
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = self._written = None

    def write(self) -> None:
        """Write down what is in use, if that has changed; on a full disk, as soon as there is room. Raises nothing."""
        now = (versions(self.files), refused(self.files))
        if self._file is None or now == self._written:
            return
        with contextlib.suppress(OSError):
            content = msgspec.json.encode(self.in_use())
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, content, 0)
            self._written = now


@contextmanager
def reloading(settings: Settings, role: str, files: Files, stop: Stop) -> Iterator[Reloader]:
    """Read data files anew whenever ``stop`` is asked for it (SIGHUP), in a thread of its own.

    Raises ``TsbotError`` for files that are wrong now.
    """
    reloader = Reloader(settings, role, files)
    reloader.prepare()
    ended = threading.Event()

    def wait() -> None:
        while not ended.wait(EVERY):
            if stop.reload_asked():
                reloader.reload()
            else:
                reloader.write()  # what is read when it is first needed

    with ExitStack() as stack:
        stack.enter_context(reloader.written_down())
        thread = threading.Thread(target=wait, name="reload", daemon=True)
        thread.start()
        stack.callback(thread.join, 10.0)
        stack.callback(ended.set)
        yield reloader


def versions(files: Files = PATROL) -> dict[str, str]:
    """The versions in use, by name."""
    return {file.name: file.version for file in files if file.version}


def refused(files: Files = PATROL) -> dict[str, str]:
    """Why newer files are not in use, by name."""
    return {file.name: file.trouble for file in files if file.trouble}


def living(settings: Settings) -> list[InUse]:
    """What processes work with that use this data folder now; files of dead ones are removed."""
    found = []
    for path in sorted((settings.data_path / FOLDER).glob("*.json")):
        if (one := _read(path)) is not None:
            found.append(one)
    return found


def _locked(path: Path) -> int:
    """A file that is open, locked, and there: whoever looks for dead processes may take a new one away before it is locked."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _read(path: Path) -> InUse | None:
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its process lives
        try:
            return msgspec.json.decode(os.pread(handle, 1 << 20, 0), type=InUse)
        except msgspec.MsgspecError:  # it is being written just now
            return None
    else:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(handle)


def differing(one: InUse, files: Files = PATROL) -> list[str]:
    """Names of data files that are others on the disk than a process works with, as far as this process can tell."""
    now: Mapping[str, str] = {file.name: file.on_disk() for file in files if not file.takes_arguments}
    return sorted(name for name, version in one.versions.items() if name in now and now[name] != version)
