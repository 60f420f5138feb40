"""A patrol beside the demo's wikis: its settings, its process, and what it has found so far."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tsbot.cases.browse import FlagLine, list_flags
from tsbot.cases.filing import read_flag
from tsbot.cases.flag import Flag
from tsbot.demo.sink import MailSink
from tsbot.demo.world import World
from tsbot.errors import DemoError, StoreError
from tsbot.settings import Settings, load
from tsbot.store import ledger
from tsbot.store.database import Database
from tsbot.store.opening import open_store
from tsbot.store.outbox import Report, listing

T = TypeVar("T")
RELEASED = ("violence", "mass_violence", "sexual_violence", "self_harm", "doxing", "attack_name", "legal", "minors")
PAGER = "on-call@example.org"
IN_TIME = 10.0
"""Seconds from an edit to its flag and to its mail at the sink."""


DESKS = {
    "violence": "emergency",
    "mass_violence": "emergency",
    "sexual_violence": "emergency",
    "self_harm": "emergency",
    "doxing": "oversight",
    "attack_name": "oversight",
    "legal": "legal",
    "minors": "legal-reports",
}
"""Who gets what in the demo; the addresses end at the demo's mail server."""
REPORT = ('channel = "smtp"', 'reporter_name = "tsbot demo"', 'reporter_contact = "operator@example.org"')
AUTOMATIC = (
    "[report]",
    *REPORT,
    *(f"[report.release.{kind}]" for kind in RELEASED),
    *(f'[[report.recipients.{kind}]]\nto = "{desk}@example.org"' for kind, desk in DESKS.items()),
    "[page]",
    f'mail = ["{PAGER}"]',
)
"""Reports are released by themselves."""
WITHOUT_INDEX = ("[trace]", "index = false", *AUTOMATIC)
"""The activity index has everybody's public edits in clear (docs/privacy.md); a check looks for names that must not be so elsewhere."""


def write_settings(
    world: World,
    name: str = "tsbot",
    report: Sequence[str] = WITHOUT_INDEX,
    data: str = "data",
    *,
    database: str = "",
    sink: MailSink | None = None,
) -> Path:
    """Write a ``NAME.toml`` for the demo: everything on this machine. ``report`` are the lines that say how reports leave."""
    lines = [
        "# The demo's settings. Reports go to the demo's own mail server.",
        f"data_dir = {_quoted(data)}",
        *([f"database = {_quoted(database)}"] if database else []),
        "[stream]",
        f"url = {_quoted(world.twin.url)}",
        "batch_wait = 0.2",
        "[wiki]",
        'families = ["tsbotdemo"]',
        'account = "TsBot"',
        'client = "approved-bot"',
        'contact = "operator@example.org"',
        "batch_window = 0.5",
        "[mail]",
        'host = "127.0.0.1"',
        f"port = {(sink or world.sink).port}",
        'security = "none"',
        *report,
    ]
    path = world.folder.absolute() / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Patrolled:
    """A patrol process on the demo's wikis, and its database."""

    who = "the patrol"
    in_time = IN_TIME

    def __init__(
        self,
        world: World,
        name: str = "tsbot",
        report: Sequence[str] = WITHOUT_INDEX,
        *,
        database: str = "",
        sink: MailSink | None = None,
    ) -> None:
        """``name`` tells its settings, data and log from those of others; ``report`` are lines of its settings.

        Without ``database`` it has one in its folder; its letters go to ``sink``, or to the world's.
        """
        self.world = world
        data, prefix = ("data", "") if name == "tsbot" else (f"data-{name}", f"{name}-")
        # The wikis begin anew, so flags of an earlier run are about revisions that are no more.
        shutil.rmtree(world.folder / data, ignore_errors=True)
        self.log = world.folder.absolute() / f"{prefix}patrol.log"
        self.summary = world.folder.absolute() / f"{prefix}summary.json"
        for left in (self.log, self.summary):
            left.unlink(missing_ok=True)
        self.sink = sink or world.sink
        """Where its letters end."""
        self.config = write_settings(world, name, report, data, database=database, sink=sink)
        self.settings: Settings = load(self.config, {})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._unseen: int | None = None
        """Events that the twin had sent before the patrol first connected."""

    def commands(self) -> dict[str, list[str]]:
        """The processes, each with its arguments of the command line."""
        return {"patrol": ["patrol", "--quiet", "--summary", str(self.summary)]}

    def start(self) -> None:
        """Start the patrol, and wait until it reads the stream. Raises ``DemoError``."""
        before = self.world.twin.accepted
        if self._unseen is None:
            self._unseen = len(self.world.twin.log.entries)
        for name in self.commands():
            self._launch(name)
        self.wait(lambda: self.world.twin.accepted > before, 30.0, f"{self.who} did not connect to the stream")

    def _launch(self, name: str) -> None:
        command = [sys.executable, "-m", "tsbot", *self.commands()[name], "--config", str(self.config)]
        environment = os.environ | {"PYWIKIBOT_DIR": str(self.world.family.pywikibot_dir)}
        with self.log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.world.folder
            )

    @property
    def pid(self) -> int:
        """Process id of the running patrol. Raises ``DemoError`` if there is none."""
        for process in self._processes.values():
            return process.pid
        raise DemoError("No patrol is running.")

    def stop(self) -> int:
        """Ask the patrol to end, and wait for it; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kill the patrol with SIGKILL."""
        return self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> int:
        """The exit code; of several processes the first that is not 0."""
        for process in self._processes.values():
            process.send_signal(how)
        codes = [self._ended(process) for process in self._processes.values()]
        self._processes = {}
        return next((code for code in codes if code), 0)

    def _ended(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(timeout=40)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise DemoError(f"{self.who.capitalize()} did not end; see {self.log}.") from error

    def _died(self) -> int | None:
        """The exit code of a process that ended by itself."""
        return next((process.returncode for process in self._processes.values() if process.poll() is not None), None)

    def wait(self, until: Callable[[], T], patience: float, complaint: str) -> T:
        """Wait for something to become true. Raises ``DemoError`` after ``patience`` seconds, or if the patrol has died."""
        deadline = time.monotonic() + patience
        while True:
            found = until()
            if found:
                return found
            if (code := self._died()) is not None:
                raise DemoError(f"{self.who.capitalize()} ended with {code}; see {self.log}.")
            if time.monotonic() > deadline:
                raise DemoError(f"After {patience:.0f} s {complaint}; see {self.log}.")
            time.sleep(0.1)

    def totals(self) -> ledger.Totals:
        """The accounting now."""
        with closing(self.open()) as store, store.read() as connection:
            return ledger.totals(connection)

    def flags(self) -> list[FlagLine]:
        """All flags, without texts."""
        with closing(self.open()) as store, store.read() as connection:
            return list_flags(connection, limit=1000)

    def flag(self, identity: str) -> Flag | None:
        """One flag with its text."""
        with closing(self.open()) as store, store.read() as connection:
            return read_flag(connection, store.key, identity)

    def reports(self) -> list[Report]:
        """All reports."""
        with closing(self.open()) as store, store.read() as connection:
            return listing(connection)

    def written_summary(self) -> dict[str, Any]:
        """What the patrol wrote when it ended."""
        result: dict[str, Any] = json.loads(self.summary.read_text(encoding="utf-8"))
        return result

    def idle(self) -> bool:
        """Whether all events of the twin so far were received and judged, and no report waits."""
        try:
            totals = self.totals()
            waiting = [report for report in self.reports() if report.state in ("new", "queued")]
        except StoreError:
            return False
        sent = len(self.world.twin.log.entries) - (self._unseen or 0)
        return totals.received >= sent and not totals.pending and not waiting

    def open(self) -> Database:
        """Its database; to be closed."""
        return open_store(self.settings)

    def stored(self) -> bytes:
        """All that it has written but letters: its database and its log."""
        files = sorted(self.settings.data_path.glob("tsbot.sqlite*"))
        return b"".join(path.read_bytes() for path in [*files, self.log])


def _quoted(text: str) -> str:
    return json.dumps(text)
