"""MariaDB of Debian on loopback."""

from __future__ import annotations

import getpass

from tsbot.demo.engines.server import DatabaseServer, program, run
from tsbot.demo.ports import LOOPBACK

DEFAULT = "mysql"
"""A database that every server has."""


class MariaDB(DatabaseServer):
    """A server with the user ``tsbot``, who needs no password on loopback."""

    program = "mariadbd"

    def url(self, database: str = "") -> str:
        """SQLAlchemy URL of a database."""
        return f"mariadb+pymysql://tsbot@{LOOPBACK}:{self.port}/{database or DEFAULT}"

    def prepare(self) -> None:
        """Make the system tables, and our user at the first start."""
        install = [program("mariadb-install-db"), "--no-defaults", f"--datadir={self.folder / 'data'}"]
        run([*install, f"--user={getpass.getuser()}", "--auth-root-authentication-method=normal", "--skip-test-db"], self.environment())
        (self.folder / "user.sql").write_text(
            f"create user if not exists tsbot@'{LOOPBACK}';\ngrant all on *.* to tsbot@'{LOOPBACK}';\n"
        )

    def command(self) -> list[str]:
        """Without any settings of the system."""
        options = {
            "datadir": self.folder / "data",
            "socket": self.folder / "socket",
            "pid-file": self.folder / "pid",
            "port": self.port,
            "bind-address": LOOPBACK,
            "user": getpass.getuser(),
            "init-file": self.folder / "user.sql",
            "innodb-buffer-pool-size": "64M",
            "max-allowed-packet": "64M",
        }
        server = program("mariadbd", "usr/sbin")
        return [server, "--no-defaults", *(f"--{name}={value}" for name, value in options.items()), "--skip-name-resolve"]
