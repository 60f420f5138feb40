"""One server that can be killed and started again on what it left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from tsbot.demo.ports import free_ports
from tsbot.demo.processes import ProcessGroup
from tsbot.errors import DemoError

PATIENCE = 60.0
"""Seconds within which a server must answer."""
INSTALL = "sudo sh tsbot/demo/debian/install.sh --tests"
NOBODY = "nobody"
"""Who runs a server that refuses to run as root."""


class Server(ABC):
    """A server with its files in a folder of its own, on a free port of loopback.

    ``with`` prepares, starts and stops it. :meth:`kill` is kill -9; :meth:`start` then starts it again on the same files and port.
    """

    program: str
    """What is run, for messages."""

    def __init__(self) -> None:
        # Not below a folder of pytest's: a server that runs as another user must reach it.
        self._temporary = tempfile.TemporaryDirectory(prefix="tsbot-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)
        self.port = free_ports(1)[0]
        self._group = ProcessGroup(self.folder)

    @abstractmethod
    def prepare(self) -> None:
        """Make its files, once."""

    @abstractmethod
    def command(self) -> list[str]:
        """How it is started."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be used now."""

    def environment(self) -> Mapping[str, str]:
        """What it is told by the environment."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def start(self, *, wait: bool = True) -> None:
        """Start it; with ``wait``, until it answers. Raises ``DemoError``."""
        self._group.start(self.command(), environment=self.environment(), log=self.folder / "server.log")
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it answers. Raises ``DemoError``."""
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            if time.monotonic() > deadline or self._group.any_ended():
                log = (self.folder / "server.log").read_text(errors="replace")[-1000:]
                raise DemoError(f"{self.program} does not start: {log}")
            time.sleep(0.1)

    @property
    def pids(self) -> list[int]:
        """Of its processes, children not included."""
        return self._group.pids

    def kill(self) -> None:
        """Kill -9, children included."""
        self._group.kill()

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        self._group.stop(patience=10.0)

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End it and remove its files."""
        self.stop()
        self._temporary.cleanup()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class DatabaseServer(Server):
    """A server of databases."""

    @abstractmethod
    def url(self, database: str = "") -> str:
        """SQLAlchemy URL of a database; without a name, of one that is always there."""

    def answers(self) -> bool:
        """Whether our user can connect."""
        try:
            self._execute("select 1")
        except DBAPIError:
            return False
        return True

    def create(self, database: str) -> str:
        """Make an empty database, whose name is one of ours; its URL."""
        self._execute(f"create database {database}")
        return self.url(database)

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url(), isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(statement)
        finally:
            engine.dispose()


def program(name: str, *places: str, install: str = INSTALL) -> str:
    """Path of a program of a Debian package. Raises ``DemoError`` where it is missing."""
    found = shutil.which(name) or next((str(path) for place in places for path in sorted(Path("/").glob(f"{place}/{name}"))[::-1]), None)
    if found is None:
        raise DemoError(f"{name} is not installed. Run: {install}")
    return found


def unprivileged(folder: Path) -> list[str]:
    """What to put before a command that refuses to run as root: another user, who is given the folder."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam(NOBODY)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def run(command: list[str], environment: Mapping[str, str]) -> None:
    """Run a command that prepares something. Raises ``DemoError``."""
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout)[-1000:]}")
