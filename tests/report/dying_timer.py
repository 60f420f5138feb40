"""A deliverer whose timers are due and that kills itself with SIGKILL at a named point; run by test_timers.py in a process of its own.

Arguments: data folder, time in seconds since the epoch, point.
"""

from __future__ import annotations

import os
import random
import signal
import sys

from sqlalchemy import Connection, event

from tsbot.report.channels import open_channels
from tsbot.report.deliver import Deliverer
from tsbot.report.message import OutboundMessage
from tsbot.settings import OnCallPerson, OnCallSettings, Recipient, ReportSettings, Settings
from tsbot.store import audit
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def settings_of(folder: str) -> Settings:
    return Settings(
        data_dir=folder,
        oncall=OnCallSettings(people=(OnCallPerson(name="duty", mail="duty@example.org"),)),
        report=ReportSettings(
            reporter_contact="reporter@example.org",
            recipients={"default": (Recipient(to="desk@example.org", second="second@example.org"),)},
        ),
    )


class Dying:
    """A channel around another that dies before or after the first message."""

    def __init__(self, inner: object, point: str) -> None:
        self.inner = inner
        self.point = point

    def send(self, message: OutboundMessage) -> None:
        if self.point == "before sending":
            die()
        self.inner.send(message)  # type: ignore[attr-defined]
        if self.point == "after sending":
            die()


def main(folder: str, now: str, point: str) -> None:
    database = Database(connect(f"sqlite:///{folder}/tsbot.sqlite"), MasterKey(b"0" * 32))
    if point == "before the commit":

        @event.listens_for(database.engine, "commit")
        def _on_commit(connection: Connection) -> None:
            if audit.head(connection).number > int(sys.argv[4]):
                die()

    settings = settings_of(folder)
    channels = {name: Dying(inner, point) for name, inner in open_channels(settings).items()}
    Deliverer(database, settings, channels, account_status=None, clock=lambda: float(now), rng=random.Random(1)).run_once()


if __name__ == "__main__":
    main(*sys.argv[1:4])
