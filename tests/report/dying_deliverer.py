"""A deliverer that kills itself with SIGKILL at a named point; run by test_kill.py in a process of its own.

Arguments: data folder, port of a mail server (0: the spool), point; as JSON, other settings, among them ``channel`` and ``to``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

import msgspec

from tsbot.detect.finding import Kind
from tsbot.report.channels import Channel, open_channels
from tsbot.report.deliver import Deliverer
from tsbot.report.message import OutboundMessage, Receipt
from tsbot.settings import (
    MailSettings,
    Recipient,
    ReleaseRule,
    ReportSettings,
    Settings,
    SuiteCrmSettings,
    WebhookSettings,
    ZammadSettings,
)
from tsbot.store.crypto import MasterKey
from tsbot.store.database import Database, connect
from tsbot.wiki.types import AccountStatus

SECTIONS = {"suitecrm": SuiteCrmSettings, "zammad": ZammadSettings, "webhooks": dict[str, WebhookSettings]}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """A channel around another; dies before, or after ``patience`` messages were taken."""

    def __init__(self, inner: Channel, point: str) -> None:
        self.inner = inner
        self.point = point
        self.patience = 2 if point == "after second" else 1

    def send(self, message: OutboundMessage) -> Receipt | None:
        if self.point == "before sending":
            die()
        receipt = self.inner.send(message)
        self.patience -= 1
        if self.patience == 0:
            die()
        return receipt


def main(folder: str, port: str, point: str, more: str = "{}") -> None:
    servers = json.loads(more)
    channel, to = servers.pop("channel", "smtp" if int(port) else "spool"), servers.pop("to", "desk@example.org")
    settings = Settings(
        data_dir=folder,
        **{name: msgspec.convert(value, SECTIONS[name]) for name, value in servers.items()},
        mail=MailSettings(host="127.0.0.1", port=int(port) or 1, security="none", timeout=5),
        report=ReportSettings(
            reporter_contact="reporter@example.org",
            recipients={"default": (Recipient(to=to, channel=channel),)},
            release={kind.value: ReleaseRule() for kind in Kind},
        ),
    )
    database = Database(connect(f"sqlite:///{folder}/tsbot.sqlite"), MasterKey(b"0" * 32))

    def account_status(*_: str) -> AccountStatus:
        if point == "while writing":
            die()
        return AccountStatus()

    def rename(self: Path, target: Path) -> Path:
        if point == "before rename":
            die()
        return self.replace(target)

    Path.rename = rename  # type: ignore[assignment, method-assign]
    channels = {name: Dying(inner, point) for name, inner in open_channels(settings).items()}
    Deliverer(database, settings, channels, account_status=account_status, clock=lambda: 1_790_000_000.0, rng=random.Random(1)).run_once()


if __name__ == "__main__":
    main(*sys.argv[1:])
