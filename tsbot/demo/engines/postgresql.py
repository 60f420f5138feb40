"""PostgreSQL of Debian on loopback."""

from __future__ import annotations

from pathlib import Path

from tsbot.demo.engines.server import DatabaseServer, program, run, unprivileged
from tsbot.demo.ports import LOOPBACK

BINARIES = ("usr/lib/postgresql/*/bin",)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "logging_collector": "off",
}

DEFAULT = "postgres"
"""A database that every server has."""


class PostgreSQL(DatabaseServer):
    """A cluster with the user ``tsbot``, who needs no password on loopback."""

    program = "postgres"

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self.folder / "data"

    def url(self, database: str = "") -> str:
        """SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://tsbot@{LOOPBACK}:{self.port}/{database or DEFAULT}"

    def prepare(self) -> None:
        """Make a cluster."""
        initdb = [program("initdb", *BINARIES), "-D", str(self.data), "-U", "tsbot", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        run([*unprivileged(self.folder), *initdb], self.environment())

    def command(self) -> list[str]:
        """As its own user where this is root's process."""
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # of one that was killed
        server = [program("postgres", *BINARIES), "-D", str(self.data), "-p", str(self.port), *settings]
        return [*unprivileged(self.folder), *server]
