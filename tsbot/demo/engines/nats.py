"""nats-server of Debian on loopback, with JetStream."""

from __future__ import annotations

import shutil
import socket

from tsbot.demo.engines.server import Server, program
from tsbot.demo.ports import LOOPBACK


class Nats(Server):
    """A server that keeps its streams in its folder."""

    program = "nats-server"

    @property
    def address(self) -> str:
        """For ``bus.servers``."""
        return f"nats://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Nothing is needed."""

    def command(self) -> list[str]:
        """Without a settings file."""
        options = ["--addr", LOOPBACK, "--port", str(self.port), "--jetstream", "--store_dir", str(self.folder / "jetstream")]
        return [program("nats-server", "usr/sbin"), *options]

    def answers(self) -> bool:
        """Whether it greets."""
        try:
            with socket.create_connection((LOOPBACK, self.port), 1.0) as connection:
                connection.settimeout(1.0)
                return connection.recv(4) == b"INFO"
        except OSError:
            return False

    def forget(self) -> None:
        """Kill -9, and lose all that was kept: the disk is gone."""
        self.kill()
        shutil.rmtree(self.folder / "jetstream", ignore_errors=True)
